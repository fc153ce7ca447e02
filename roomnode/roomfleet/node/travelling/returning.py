"""Sending travellers back whose target is gone: its Room was deleted while they were on the way (DESIGN 8).

They were never in that room: whoever makes it again finds its own people in it, and not these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

from roomfleet.store import (
    ActorRecord,
    Change,
    Fenced,
    Pause,
    Store,
    StoreError,
    Travel,
    doc_id,
    name_of,
    vacate,
)
from roomfleet.wire.names import player_of

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two rounds: an actor that goes to a missing room again and again costs no more than that."""


class Gone(Protocol):
    """Told that actors are on their way to a room."""

    def __call__(self, target: str, records: Sequence[ActorRecord], *, wake: bool) -> None: ...


class Returns:
    """Rooms that are gone and may have travellers, one at a time."""

    def __init__(
        self,
        *,
        store: Store,
        game: str,
        node: str,
        pause: Pause,
        gone: Gone,
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        """`spawn` runs a coroutine by the side."""
        self._store, self._game, self._node = store, game, node
        self._pause, self._gone, self._spawn = pause, gone, spawn
        self._wanted: dict[str, str] = {}
        self._under_way = ""
        self._done = asyncio.Condition()
        self._running = False

    def want(self, room: str, entry: str) -> None:
        """Send back whoever is on the way to that room; `entry` is for those whose origin is gone, too."""
        self._wanted[room] = entry
        if not self._running:
            self._running = True
            self._spawn(self._run(), "send back")

    async def settled(self, room: str) -> bool:
        """Returns when everybody was sent back from that room who was to be: whether anybody was."""
        if not self._is_due(room):
            return False
        async with self._done:
            await self._done.wait_for(lambda: not self._is_due(room))
        return True

    def _is_due(self, room: str) -> bool:
        return room in self._wanted or room == self._under_way

    async def _run(self) -> None:
        try:
            while self._wanted:
                for room in list(self._wanted):
                    self._under_way, entry = room, self._wanted.pop(room)
                    try:
                        await self._send_back(room, entry)
                    finally:
                        self._under_way = ""
                    async with self._done:
                        self._done.notify_all()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._running = False

    async def _send_back(self, name: str, entry: str) -> None:
        room = doc_id(self._game, name)
        try:
            if not await self._store.actors_arriving({room}):
                return
            found = await self._store.get_room(room)
            back = await vacate(
                self._store,
                room=room,
                epoch=found.epoch + 1 if found is not None else 1,
                node=self._node,
                leave=lambda actors, _: going_back(actors, room, doc_id(self._game, entry) if entry else ""),
                forget=False,
                pause=self._pause,
            )
        except Fenced as error:
            log.info("nobody is sent back from %s: it is run again (epoch %s)", name, error.found_epoch)
            return
        except StoreError as error:
            log.warning("who was on the way to %s, which is gone, stays there for now: %s", name, error)
            return
        log.info("%d actors on their way to %s, which is gone, were sent back", len(back), name)
        by_room: dict[str, list[ActorRecord]] = {}
        for record in back:
            by_room.setdefault(name_of(record.room), []).append(record)
        for target, records in by_room.items():
            self._gone(target, records, wake=False)


def going_back(actors: Sequence[ActorRecord], room: str, entry: str) -> Iterator[list[Change]]:
    """Whoever is in transit to the room goes back along it with all that is docked; who came back from
    elsewhere in this way before, or from an earlier room of that name, goes to the entry. Players' actors are
    away there, for their next join."""
    travelling = {name_of(actor.id): actor for actor in actors if actor.transit is not None}
    docked: dict[str, list[ActorRecord]] = {}
    for actor in travelling.values():
        docked.setdefault(actor.body.get("parent") or "", []).append(actor)
    for actor in travelling.values():
        transit = actor.transit
        if transit is None or actor.body.get("parent") in travelling:
            continue
        nowhere = transit.arrival.get("back") or transit.origin == room
        to = entry if nowhere else transit.origin
        group = [actor]
        for each in group:
            group += docked.get(name_of(each.id), [])
        if to not in ("", room):
            yield [_going(each, to, travelling) for each in group]


def _going(actor: ActorRecord, to: str, travelling: dict[str, ActorRecord]) -> Travel:
    """A player's actor is awake only with its player: nobody stays docked to it, nor it to anybody."""
    parent = actor.body.get("parent")
    if player_of(name_of(actor.id)) is not None:
        return Travel(actor.id, {**actor.body, "parent": None}, to, asleep=True)
    if parent is None or parent not in travelling or player_of(parent) is not None:
        parent = None
    return Travel(actor.id, {**actor.body, "parent": parent}, to, {"at": None, "back": True})
