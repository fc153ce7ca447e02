"""Actors on their way to this node's rooms: looked for in the store on a nudge, and each second (DESIGN 7).

Who travels between two rooms of this node is there at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from roomfleet.node.running.rooms import Rooms
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.store import (
    ActorRecord,
    OutcomeUnknown,
    Pause,
    Store,
    StoreError,
    StoreUnavailable,
    arrivals,
    doc_id,
    name_of,
    sweep,
)
from roomfleet.wire.link import RoomPhase

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often the store is asked for arrivals without a nudge: one query for all rooms."""


class Arrivals:
    """Takes in whoever arrives."""

    def __init__(self, store: Store, game: str, rooms: Rooms, nudges: Nudges, pause: Pause) -> None:
        self._store, self._game, self._rooms = store, game, rooms
        self._nudges, self._pause = nudges, pause
        self._looking = asyncio.Lock()

    def departed(self, target: str, records: Sequence[ActorRecord], *, wake: bool) -> None:
        """Actors left for another room, saved as such: it takes them in if it is here, else is nudged."""
        here = self._rooms.get(target)
        if here is not None and here.session is not None and here.phase is RoomPhase.RUNNING:
            taken = [record for record in records if here.session.take(record)]
            if taken:
                here.arrived(taken)
            return
        self._nudges.say(target, wake=wake)

    async def poll(self) -> None:
        """Look for them for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._rooms:
                await self.look()

    async def look(self) -> None:
        """One round for all rooms. Trouble with the store is told by the savers."""
        async with self._looking:
            try:
                found = await arrivals(self._store, self._rooms.sessions())
                # A docked child may be seen before its parent: then its origin's journal has the rest.
                here = {record.id for _, record in found}
                orphans = [record for _, record in found if self._parent(record) not in (None, *here)]
                for origin in {each.transit.origin for each in orphans if each.transit is not None}:
                    await sweep(self._store, origin, self._pause)
                if orphans:
                    found += await arrivals(self._store, self._rooms.sessions())
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.info("cannot look for arrivals: %s", error)
                return
            except StoreError as error:
                log.error("cannot look for arrivals: %s", error)
                return
        by_room: dict[str, list[ActorRecord]] = {}
        for document, record in found:
            by_room.setdefault(name_of(document), []).append(record)
        for name, records in by_room.items():
            room = self._rooms.get(name)
            if room is not None:
                room.arrived(records)

    def _parent(self, record: ActorRecord) -> str | None:
        """The document id of the actor that this one is docked to."""
        parent = record.body.get("parent")
        return doc_id(self._game, parent) if parent else None
