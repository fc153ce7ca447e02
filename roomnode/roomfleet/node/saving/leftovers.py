"""What rooms had committed that ended without a clean stop: it is applied, and travellers among it arrive."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from roomfleet.node.running.rooms import Rooms
from roomfleet.node.travelling.arriving import Arrivals
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.store import Pause, Store, StoreError, doc_id, name_of, sweep

log = logging.getLogger(__name__)


class Leftovers:
    """Brings the journals of rooms without a live owner to the actors (DESIGN 7)."""

    def __init__(
        self, store: Store, game: str, *, rooms: Rooms, arrivals: Arrivals, nudges: Nudges, pause: Pause
    ) -> None:
        self._store, self._game, self._rooms = store, game, rooms
        self._arrivals, self._nudges, self._pause = arrivals, nudges, pause

    async def sweep_all(self) -> None:
        """Look after every room that may have some, and may sleep for long.

        Whoever was leaving such a room arrives by that, and does not wait until the room is wanted again.
        """
        try:
            rooms = await self._store.rooms_with_ops(self._game)
        except StoreError as error:
            log.warning("cannot look after rooms that ended abruptly: %s", error)
        else:
            await self.sweep([name_of(room) for room in rooms])

    async def sweep(self, rooms: Sequence[str]) -> None:
        """Bring what a room's lost owner committed to the actors, and tell their targets of them."""
        for name in rooms:
            room = doc_id(self._game, name)
            try:
                found = await self._store.get_room(room)
                if found is None or not found.ops or self._rooms.runs([room]):
                    continue
                await sweep(self._store, room, self._pause)
            except StoreError as error:
                log.warning("cannot look after room %s, which was lost: %s", name, error)
                continue
            for op in found.ops:
                if op.transit is not None:
                    self._nudges.say(name_of(op.room), wake=bool(op.transit.arrival.get("wake")))
            if self._rooms.runs(op.room for op in found.ops):
                await self._arrivals.look()
