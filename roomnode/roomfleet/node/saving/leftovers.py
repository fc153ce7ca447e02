"""What rooms had committed that ended without a clean stop: it is applied, and travellers among it arrive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from roomfleet.node.running.rooms import Rooms
from roomfleet.node.travelling.arriving import Arrivals
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.store import (
    OutcomeUnknown,
    Pause,
    RoomDoc,
    Store,
    StoreError,
    StoreUnavailable,
    doc_id,
    name_of,
    sweep,
)

log = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
"""Between two looks at lost rooms while the store does not answer."""


class Leftovers:
    """Brings the journals of rooms without a live owner to the actors (DESIGN 7)."""

    def __init__(
        self, store: Store, game: str, *, rooms: Rooms, arrivals: Arrivals, nudges: Nudges, pause: Pause
    ) -> None:
        self._store, self._game, self._rooms = store, game, rooms
        self._arrivals, self._nudges, self._pause = arrivals, nudges, pause

    async def sweep_all(self) -> None:
        """Look after every room that somebody was leaving when its owner was lost, and that may sleep long.

        Whoever was arrives by that, and does not wait until the room is wanted again. What else was committed
        there concerns nobody before.
        """
        try:
            rooms = await self._store.rooms_with_ops(self._game)
        except StoreError as error:
            log.warning("cannot look after rooms that ended abruptly: %s; it is tried again later", error)
            return
        for room in rooms:
            if not await self._look_after(name_of(room), travels_alone=True):
                return

    async def sweep(self, rooms: Sequence[str]) -> None:
        """Bring what a room's lost owner committed to the actors, and tell their targets of them: again until
        the store has answered."""
        left = list(rooms)
        while left:
            left = [name for name in left if not await self._look_after(name)]
            if left:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _look_after(self, name: str, *, travels_alone: bool = False) -> bool:
        """`travels_alone`: only where somebody was leaving. False: the store did not answer."""
        try:
            found = await self._store.get_room(doc_id(self._game, name))
            if found is None or not found.ops or self._rooms.runs([found.id]):
                return True
            if not travels_alone or any(op.transit is not None for op in found.ops):
                await self._finish(found)
        except (StoreUnavailable, OutcomeUnknown) as error:
            log.info("room %s, which was lost, is looked after later: %s", name, error)
            return False
        except StoreError as error:
            log.warning("cannot look after room %s, which was lost: %s", name, error)
        return True

    async def _finish(self, room: RoomDoc) -> None:
        """Raises StoreError."""
        await sweep(self._store, room.id, self._pause)
        for op in room.ops:
            if op.transit is None:
                continue
            actor = await self._store.get_actor(op.id)
            # Who has arrived since wakes nobody: the journal stays as it is while nobody runs the room.
            if actor is not None and actor.v == op.v and actor.transit is not None:
                self._nudges.say(name_of(op.room), wake=bool(op.transit.arrival.get("wake")))
        if self._rooms.runs(op.room for op in room.ops):
            await self._arrivals.look()
