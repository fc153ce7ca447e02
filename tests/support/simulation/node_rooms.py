"""The rooms on a simulated node: started, claimed, stopped, ended, and what is reported of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import DesiredRoom, MovedRoom, Report, RoomPhase
from roomfleet.wire.spec import OnDelete

if TYPE_CHECKING:
    from support.simulation.nodes import SimNode


@dataclass(slots=True)
class Copy:
    """A room on a node."""

    epoch: int
    uid: str
    capacity: int
    on_delete: OnDelete
    phase: RoomPhase = RoomPhase.STARTING
    players: dict[str, None] = field(default_factory=dict)
    resumable: dict[str, None] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    came: dict[str, None] = field(default_factory=dict)
    """Players who used them."""
    told: dict[str, float] = field(default_factory=dict)
    """Used tickets that the master was told of, and when."""
    introduced: bool = False
    """It was reported running, with who is seated in it."""
    busy: bool = True
    """It starts or stops at the moment."""

    @property
    def taken(self) -> int:
        return len(self.players) + len(self.resumable)


class NodeRooms:
    """All that one process runs, and is to run."""

    def __init__(self, node: SimNode) -> None:
        self._node = node
        self._simulation = node.simulation
        self._game, self._boot = node.key.game, node.boot
        self.copies: dict[str, Copy] = {}
        self._desired: dict[str, DesiredRoom] = {}
        self._moving: dict[str, MovedRoom] = {}
        self._prepared: set[str] = set()

    def desire(self, effect: fx.SendDesired) -> None:
        self._desired = {wanted.room: wanted for wanted in effect.rooms}
        self._moving = {moved.room: moved for moved in effect.moving}
        self._prepare([wanted.room for wanted in effect.prepare])
        for name in [*self.copies, *self._desired]:
            self._converge(name)

    def _prepare(self, rooms: list[str]) -> None:
        """Load what rooms need that will run here soon."""
        for name in rooms:
            if name not in self._prepared:
                problem = "the map is missing" if self._simulation.luck(f"prepare {name}") < 0.05 else ""
                said = ev.RoomPrepared(self._node.key, self._boot, name, problem)
                delay = self._simulation.delay(f"prepare {self._boot}", 1.0)
                self._node.later(delay, functools.partial(self._node.link.send, said))
        self._prepared = set(rooms)

    def _converge(self, name: str) -> None:
        """One room: start it, stop it, or leave it as it is."""
        wanted, copy = self._desired.get(name), self.copies.get(name)
        if self._node.draining or (copy is not None and copy.busy):
            return
        if copy is not None and (wanted is None or wanted.epoch != copy.epoch):
            self.stop(name, copy)
        elif copy is not None and wanted is not None:
            copy.capacity = wanted.spec.capacity
        elif wanted is not None:
            copy = Copy(wanted.epoch, wanted.uid, wanted.spec.capacity, wanted.spec.on_delete)
            self.copies[name] = copy
            self.report(name, copy)
            delay = self._simulation.delay(f"start {self._boot} {name}", 4.0)
            self._node.later(delay, lambda: self._claim(name, copy))

    def _claim(self, name: str, copy: Copy) -> None:
        if not self._simulation.store.up:
            self._node.later(1.0, lambda: self._claim(name, copy))
            return
        copy.busy = False
        room = Key(self._game, name)
        if self._simulation.breaks(room):
            self.end(name, copy, RoomPhase.FAILED, message="the script is broken")
            return
        found = self._simulation.store.claim(room, copy.epoch, self._boot, copy.uid, copy.on_delete)
        if found is not None:
            self.end(name, copy, RoomPhase.FENCED, found_epoch=found)
            return
        self._simulation.stored.claimed(room, copy.epoch, self._boot)
        copy.phase = RoomPhase.RUNNING
        for player in self._simulation.store.rooms[room].players:
            copy.resumable[player] = None
            self._simulation.players.expect(self._node, name, copy, player)
        self.report(name, copy)
        if self._node.draining:
            self.stop(name, copy)
        else:
            self._converge(name)

    def stop(self, name: str, copy: Copy) -> None:
        copy.busy, copy.phase = True, RoomPhase.STOPPING
        self.report(name, copy)
        delay = self._simulation.delay(f"stop {self._boot} {name}", 2.0)
        self._node.later(delay, lambda: self._stopped(name, copy))

    def _stopped(self, name: str, copy: Copy) -> None:
        if not self._simulation.store.up:
            self._node.later(1.0, lambda: self._stopped(name, copy))
            return
        if self.saves(name, copy):
            self._simulation.store.apply(Key(self._game, name))
        moved = self._moving.get(name)
        if moved is not None and moved.epoch == copy.epoch and not self._node.draining:
            self._simulation.players.led_over(self._game, name, copy, moved.boot)
            self.end(name, copy, RoomPhase.STOPPED, frozen_at=self._simulation.clock.now)
        else:
            self.end(name, copy, RoomPhase.STOPPED)

    def end(self, name: str, copy: Copy, phase: RoomPhase, **more: Any) -> None:
        """The room is gone from here. It is started again under a newer epoch, never under this one."""
        if self.copies.get(name) is not copy:
            return
        del self.copies[name]
        copy.phase = phase
        self._simulation.players.torn(self._game, [copy])
        self.report(name, copy, **more)
        wanted = self._desired.get(name)
        if wanted is not None and wanted.epoch == copy.epoch:
            del self._desired[name]
        elif wanted is not None:
            self._converge(name)

    def look_at_epochs(self) -> None:
        """Rooms that another node has claimed are closed: found by saving, or by asking."""
        store = self._simulation.store
        if not store.up:
            return
        for name, copy in list(self.copies.items()):
            asks = copy.players or not self._node.linked
            if copy.phase is RoomPhase.RUNNING and asks and not self.saves(name, copy):
                self.end(name, copy, RoomPhase.FENCED, found_epoch=store.found(Key(self._game, name)))

    def saves(self, name: str, copy: Copy) -> bool:
        return self._simulation.store.saves(Key(self._game, name), copy.epoch, self._boot)

    # -- reports -------------------------------------------------------------------------------------------

    def report_of(self, name: str, copy: Copy, *, again: bool = False, **more: Any) -> Report:
        """`again`: with what one that was away may have missed. The first one of a running room says again
        who sits in it: they did so on the node before.
        """
        running, now = copy.phase is RoomPhase.RUNNING, self._simulation.clock.now
        again = again or (running and not copy.introduced)
        copy.introduced = copy.introduced or running
        used = [*copy.told, *copy.used] if again else copy.used
        kept = now - 2 * self._simulation.settings.ticket_seconds
        copy.told = {id: at for id, at in copy.told.items() if at > kept} | dict.fromkeys(copy.used, now)
        copy.used = []
        came, copy.came = copy.came, {}
        return Report(
            room=name,
            epoch=copy.epoch,
            phase=copy.phase,
            players=len(copy.players),
            resumable=len(copy.resumable),
            used=used,
            seated=[player for player in (*copy.players, *copy.resumable) if again or player in came],
            saved=self._simulation.store.up,
            **more,
        )

    def report(self, name: str, copy: Copy, **more: Any) -> None:
        if self._node.link.up:
            self._node.link.send(
                ev.NodeReported(self._node.key, self._boot, self.report_of(name, copy, **more))
            )
