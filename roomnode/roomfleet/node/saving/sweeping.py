"""The node's part in the sweep of data whose Room is gone: it says what is marked, erases what it is told.

The master decides (it knows which objects there are); the store's uid and epoch have the last word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from roomfleet.store import (
    ActorRecord,
    Change,
    Fenced,
    Pause,
    Store,
    StoreError,
    Travel,
    doc_id,
    erase,
    name_of,
    sweep,
)
from roomfleet.wire.link import Erase, Erased, FromNode, Mark, Marked, MarkedRoom
from roomfleet.wire.names import player_of

log = logging.getLogger(__name__)

ROOMS_IN_MESSAGE = 5_000


class Sweeping:
    """Erases one room at a time."""

    def __init__(
        self, *, store: Store, game: str, node: str, send: Callable[[FromNode], bool], pause: Pause
    ) -> None:
        self._store = store
        self._game = game
        self._node = node
        self._send = send
        self._pause = pause
        self._erasing = asyncio.Lock()

    async def tell_marked(self) -> None:
        """Answer the master: rooms with data that go with their object."""
        try:
            found = await self._store.rooms_to_delete(self._game)
            awaited = [name_of(room) for room in await self._store.rooms_awaited(self._game)]
        except StoreError as error:
            log.info("cannot say which rooms are marked to be deleted: %s; the master will ask again", error)
            return
        rooms = [MarkedRoom(room=name_of(room), uid=uid, epoch=epoch) for room, uid, epoch in found]
        for first in range(0, max(len(rooms), len(awaited)), ROOMS_IN_MESSAGE):
            part = slice(first, first + ROOMS_IN_MESSAGE)
            self._send(Marked(rooms=rooms[part], awaited=awaited[part]))

    async def mark(self, message: Mark) -> None:
        """Note in the room's data that its object says otherwise now."""
        room = doc_id(self._game, message.room)
        try:
            await self._store.mark_room(room, message.uid, message.on_delete.value)
        except StoreError as error:
            log.warning(
                "cannot note that room %s has onDelete %s now: %s; its next start does",
                message.room,
                message.on_delete.value,
                error,
            )

    async def erase(self, message: Erase) -> None:
        """Erase the rooms. What fails is left to the next time that the master says it."""
        async with self._erasing:
            try:
                # Whoever was on the way to such a room when their own one ended is to be found there.
                for room in await self._store.rooms_with_ops(self._game):
                    await sweep(self._store, room, self._pause)
            except StoreError as error:
                log.info("erasing %d rooms waits: %s", len(message.rooms), error)
                return
            going = {one.room for one in message.rooms}
            for one in message.rooms:
                await self._erase(one, going, message.entry)

    async def _erase(self, one: MarkedRoom, going: set[str], entry: str) -> None:
        """One room. The master hears of it when nothing of it is left."""
        room = doc_id(self._game, one.room)
        try:
            origins = await self._origins(room, going)
            erased = await erase(
                self._store,
                room=room,
                uid=one.uid,
                epoch=one.epoch,
                node=self._node,
                leave=lambda actors, time: leaving(actors, time, origins, doc_id(self._game, entry)),
                pause=self._pause,
            )
        except Fenced as error:
            log.info(
                "room %s is not erased: it was to be up to epoch %d, and was claimed since (epoch %s)",
                one.room,
                one.epoch,
                error.found_epoch,
            )
        except StoreError as error:
            log.warning("room %s is not erased yet: %s; it is tried again later", one.room, error)
        else:
            if erased is not None:
                log.info(
                    "the data of room %s, which was deleted, are erased: %d actors; %d went elsewhere",
                    one.room,
                    erased.deleted,
                    erased.saved,
                )
            self._send(Erased(rooms=[one]))

    async def _origins(self, room: str, going: set[str]) -> frozenset[str]:
        """The rooms that actors on their way to this one came from, as far as these rooms still have data."""
        arriving = await self._store.actors_arriving({room})
        origins = {actor.transit.origin for actor in arriving if actor.transit is not None}
        there = set()
        for origin in origins:
            found = await self._store.get_room(origin)
            if found is not None and found.saved_at is not None and name_of(origin) not in going:
                there.add(origin)
        return frozenset(there)


def leaving(
    actors: Sequence[ActorRecord], time_ms: int, origins: frozenset[str], entry: str
) -> Iterator[list[Change]]:
    """For each player's actor: it and what is docked to it go back to where they came from, or to the entry.

    The player's is away there and is found by the next join; what is docked to it arrives by itself.
    """
    by_parent: dict[str, list[ActorRecord]] = {}
    for actor in actors:
        parent = actor.body.get("parent")
        if parent and player_of(name_of(actor.id)) is None:
            by_parent.setdefault(parent, []).append(actor)
    for actor in actors:
        if player_of(name_of(actor.id)) is None:
            continue
        transit = actor.transit
        to = transit.origin if transit is not None and transit.origin in origins else entry
        group: list[Change] = [
            Travel(actor.id, travelling(actor.body, time_ms, parent=None), to, asleep=True)
        ]
        docked: list[tuple[ActorRecord, str | None]] = [
            (child, None) for child in by_parent.pop(name_of(actor.id), [])
        ]
        while docked:
            child, parent = docked.pop()
            group.append(Travel(child.id, travelling(child.body, time_ms, parent=parent), to))
            docked += [(one, name_of(child.id)) for one in by_parent.pop(name_of(child.id), [])]
        yield group


def travelling(body: dict[str, Any], time_ms: int, *, parent: str | None) -> dict[str, Any]:
    """A saved body (`game.saving.saved`) as one of an actor that leaves the room, whose time is over."""
    timers = {
        name: {"clock": timer["clock"], "left": max(timer["due"] - time_ms / 1000, 0.0)}
        if timer["clock"] == "room" and "due" in timer
        else timer
        for name, timer in body.get("timers", {}).items()
    }
    return {**body, "path": [], "timers": timers, "parent": parent}
