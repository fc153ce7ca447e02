"""What a simulated node does in the store beside running rooms: travellers, and what a master asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import MarkedRoom, RoomPhase
from roomfleet.wire.spec import OnDelete

if TYPE_CHECKING:
    from support.simulation.nodes import SimNode

ERASE_SECONDS = 20.0


class Errands:
    """Those of one process."""

    def __init__(self, node: SimNode) -> None:
        self._node = node
        self._simulation = node.simulation
        self._game, self._boot = node.key.game, node.boot
        self._store = node.simulation.store

    def find(self, effect: fx.FindPlayer) -> None:
        if self._store.up and self._simulation.luck(f"find {self._boot}") > 0.05:
            held = self._store.actors.get((self._game, effect.player))
            self._node.link.send(ev.PlayerFound(effect.id, held, effect.player))

    def bring(self, effect: fx.BringPlayer) -> None:
        """Send the actor there, if it is here; say where it is."""
        store = self._store
        if not store.up or self._simulation.luck(f"bring {self._boot}") < 0.05:
            return
        who, copy = (self._game, effect.player), self._node.copies.get(effect.origin)
        here = (
            copy is not None
            and copy.phase is RoomPhase.RUNNING
            and self._node.rooms.saves(effect.origin, copy)
        )
        if store.actors.get(who) == effect.origin:
            if copy is None or not here:
                return
            store.leave(Key(self._game, effect.origin), effect.player)
            store.actors[who] = effect.room
            copy.players.pop(effect.player, None)
            copy.resumable.pop(effect.player, None)
            self._node.rooms.report(effect.origin, copy)
        self._node.link.send(ev.PlayerBrought(effect.id, store.actors.get(who)))

    def tell_marked(self) -> None:
        """Answer which rooms are marked, and who is on the way to which; finish what is left anywhere."""
        if self._store.up:
            rooms = [
                MarkedRoom(room=key.name, uid=found.uid, epoch=found.epoch)
                for key, found in self._store.rooms.items()
                if found.marked and key.game == self._game
            ]
            awaited = tuple(self._store.awaited(self._game))
            self._node.link.send(ev.MarkedFound(self._node.key, self._boot, tuple(rooms), awaited))
            for key, found in self._store.rooms.items():
                if found.journal and key.game == self._game and key.name not in self._node.copies:
                    self._store.apply(key)
                    self._nudge_awaited()

    def look_for_arrivals(self) -> None:
        """Take in whoever is on the way to a room of this node; a copy that is not the room's owner any more
        finds that out when it saves them."""
        store = self._store
        if not store.up or not store.transits:
            return
        awaited = store.awaited(self._game)
        for name, copy in list(self._node.copies.items()):
            if copy.phase is not RoomPhase.RUNNING or name not in awaited:
                continue
            room = Key(self._game, name)
            if self._node.rooms.saves(name, copy):
                store.arrive(room)
            else:
                self._node.rooms.end(name, copy, RoomPhase.FENCED, found_epoch=store.found(room))

    def sweep(self, effect: fx.SweepRooms) -> None:
        """Finish what lost owners had committed, unless it comes to nothing."""
        if not self._store.up:
            self._node.later(2.0, lambda: self.sweep(effect))
        elif self._simulation.luck(f"lost {self._boot}") > 0.3:
            for name in effect.rooms:
                self._store.apply(Key(self._game, name))
            self._nudge_awaited()

    def send_back(self, effect: fx.SendBack) -> None:
        """Whoever is on the way to that room goes back."""
        if self._store.up and self._simulation.luck(f"back {self._boot}") > 0.05:
            for target in self._store.send_back(Key(self._game, effect.room), effect.entry):
                self._node.link.send(ev.Nudged(Key(self._game, target), wake=False))

    def _nudge_awaited(self) -> None:
        for target in self._store.awaited(self._game):
            self._node.link.send(ev.Nudged(Key(self._game, target), wake=False))

    def depart(self, name: str, actor: str, target: str, *, wake: bool) -> None:
        """An actor of a room here goes to another room: committed at once, brought to it a moment later."""
        room = Key(self._game, name)
        self._store.commit(room, actor, target)
        if self._simulation.luck(f"depart {self._boot}") < 0.03:
            self._node.kill()  # at the worst moment

        def apply() -> None:
            if not self._store.up:
                self._node.later(1.0, apply)
                return
            self._store.apply(room)
            self._node.link.send(ev.Nudged(Key(self._game, target), wake))

        longest = 8.0 if actor.startswith("n") else 0.2
        self._node.later(self._simulation.delay(f"apply {self._boot}", longest), apply)

    def mark(self, effect: fx.MarkRoom) -> None:
        found = self._store.rooms.get(Key(self._game, effect.room))
        if found is not None and found.uid == effect.uid and self._store.up:
            found.marked = effect.on_delete is OnDelete.DELETE

    def erase(self, effect: fx.EraseRooms) -> None:
        """It finishes what is left in all journals first, which now and then takes long."""
        slow = self._simulation.luck(f"sweep {self._boot}") < 0.3
        self._node.later(
            self._simulation.delay(f"sweep {self._boot}", ERASE_SECONDS if slow else 0.2),
            lambda: self._erase(effect),
        )

    def _erase(self, effect: fx.EraseRooms) -> None:
        if self._store.up:
            for one in effect.rooms:
                room = Key(self._game, one.room)
                may = self._store.may_erase(room, one.uid, one.epoch)
                if may:
                    self._simulation.stored.erased(room, one)
                    self._store.erase(room, effect.entry)
                if may is not None and self._simulation.luck(f"erase {self._boot}") > 0.05:
                    self._node.link.send(ev.RoomsErased(self._node.key, self._boot, (one,)))
