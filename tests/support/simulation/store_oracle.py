"""The oracle for the store: one writer, journals that are carried out, and data that stay."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.wire.link import MarkedRoom
from support.simulation.oracle import Broken

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

LEFT_SECONDS = 60.0
"""What a lost owner committed is carried out so soon, of the time in which that is possible."""


class StoreOracle:
    """Raises `Broken`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._claims: dict[Key, dict[int, str]] = defaultdict(dict)
        self._owners: dict[Key, str] = {}
        """The boots that claimed rooms since the master's start, and that no node was told to sweep after."""
        self._left: dict[Key, float] = {}
        """For how long rooms have been left with a journal while it could be swept."""

    def master_died(self) -> None:
        """The next one cannot know who lost what."""
        self._owners.clear()

    # -- P1: one writer ------------------------------------------------------------------------------------

    def claimed(self, room: Key, epoch: int, boot: str) -> None:
        """The store took the claim."""
        self._owners[room] = boot
        before = self._claims[room].setdefault(epoch, boot)
        if before != boot and not self._simulation.restored:
            raise Broken("one claim an epoch", f"{room} epoch {epoch}: {before} and {boot}", str(room))

    def savers(self) -> None:
        """At most one copy of a room can save."""
        found: dict[Key, str] = {}
        for node in self._simulation.processes:
            for name, copy in node.copies.items():
                key = Key(node.key.game, name)
                if node.rooms.saves(name, copy) and not node.dead:
                    if key in found:
                        raise Broken("one writer", f"{key} on {found[key]} and {node.boot}", str(key))
                    found[key] = node.boot

    # -- P4: what is committed happens ---------------------------------------------------------------------

    def sweeps(self, effect: fx.SweepRooms) -> None:
        """A node is told to finish what is left in these rooms."""
        for name in effect.rooms:
            self._owners.pop(Key(effect.node.game, name), None)

    def left_overs(self, seconds: float) -> None:
        """What a lost owner has left is swept as soon as the core knows of the loss and has a node; where
        that comes to nothing, the next round finds it. `seconds` passed since the last look.
        """
        simulation, world, before = self._simulation, self._simulation.master.core._world, self._left
        self._left = {}
        for key, document in simulation.store.rooms.items():
            boot, room = document.holder, world.rooms.get(key)
            if not document.journal or simulation.booted(boot) is not None:
                continue
            able = simulation.store.up and simulation.api.up and world.synced and world.games[key.game].links
            self._left[key] = before.get(key, 0.0) + (seconds if able else 0.0)
            if self._left[key] > LEFT_SECONDS:
                text = f"{key} was left by {boot} with {document.journal} for {self._left[key]:.0f} s"
                raise Broken("what was committed is carried out", text, str(key))
            # A place without a boot: the core still waits for the word of the node that stands in the object.
            known = room is not None and (room.place is None or room.place.boot not in ("", boot))
            tampered = room is not None and room.uid in simulation.api.tampered
            if self._owners.get(key) == boot and able and known and not tampered:
                text = f"{key} was left by {boot} with {document.journal}, and no node was told"
                raise Broken("lost rooms are swept", text, str(key))

    # -- saved data ----------------------------------------------------------------------------------------

    def erases(self, effect: fx.EraseRooms) -> None:
        """Data go only when their object has been gone for long enough, and none above the epoch known."""
        simulation = self._simulation
        for one in effect.rooms:
            gone = simulation.api.deleted_at.get(one.uid)
            after = simulation.settings.delete_after_seconds
            room = Key(effect.node.game, one.room)
            known = simulation.master.core._world.rooms.get(room)
            there = max(simulation.store.found(room), known.highest if known is not None else 0)
            if one.epoch > there and not simulation.restored:
                raise Broken("data stay", f"{one} is to be erased up to there, it is at {there}", one.room)
            if known is not None and known.child is not None and known.uid == one.uid:
                continue  # an instance's data go first
            if gone is None or simulation.clock.now < gone + after:
                raise Broken(
                    "data stay", f"{one} is to be erased, its object was deleted at {gone}", one.room
                )

    def erased(self, room: Key, one: MarkedRoom) -> None:
        """Nobody claimed the room above the epoch that the order said: what was saved since stays."""
        last = max(self._claims[room], default=0)
        if last > one.epoch and not self._simulation.restored:
            raise Broken("data stay", f"{one} is erased, it was claimed with epoch {last} since", one.room)
