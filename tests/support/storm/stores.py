"""The store of a storm, from outside: it goes away and comes back, and shows what it has."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
from pymongo import MongoClient

from roomfleet.store import open_store
from roomfleet.store.records import ActorRecord, Op
from support.nx import Nx
from support.running import eventually, is_stopped


class Store(Protocol):
    """What a storm does to it, and asks it. All of it blocks."""

    url: str
    """As nodes are told it."""

    def stop(self, pid: int) -> None:
        """SIGSTOP of a node. Raises ProcessLookupError or FileNotFoundError: it has ended."""

    def away(self, luck: float) -> Iterator[None]:
        """It answers nobody, in one way or another, between two steps."""

    def ids(self) -> tuple[list[str], list[str]]:
        """Of all rooms and all actors."""


class Sqlite:
    """A file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = f"sqlite:///{str(file).lstrip('/')}"

    def stop(self, pid: int) -> None:
        # Not while it writes: who stands still in the middle of that keeps all others from writing.
        with closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                _stop(pid)
            finally:
                db.execute("ROLLBACK")

    def away(self, luck: float) -> Iterator[None]:
        """Another program holds the file for itself."""
        with closing(self._open()) as db:

            def taken() -> bool:
                try:
                    db.execute("BEGIN EXCLUSIVE")
                except sqlite3.OperationalError:
                    return False
                return True

            eventually(taken, within=30, what="the lock on the store's file")
            yield

    def ids(self) -> tuple[list[str], list[str]]:
        with closing(self._open()) as db:
            rooms, actors = (
                [id for (id,) in db.execute(f"SELECT id FROM {table}")] for table in ("rooms", "actors")
            )
        return rooms, actors

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, timeout=20)


class Mongo:
    """A server that speaks MongoDB's protocol."""

    DATABASE = "fleet"

    def __init__(self, server: Nx) -> None:
        self._server = server
        self.url = server.url(self.DATABASE)

    def stop(self, pid: int) -> None:
        _stop(pid)

    def away(self, luck: float) -> Iterator[None]:
        """It is killed, or does not answer."""
        go, come_back = (
            (self._server.kill, self._server.start)
            if luck < 0.5
            else (self._server.pause, self._server.resume)
        )
        go()
        try:
            yield
        finally:
            come_back()

    def ids(self) -> tuple[list[str], list[str]]:
        client: MongoClient[dict[str, Any]]
        with MongoClient(self.url) as client:
            rooms, actors = (
                [str(document["_id"]) for document in client[self.DATABASE][name].find({}, {"_id": 1})]
                for name in ("rooms", "actors")
            )
        return rooms, actors


class Contents(msgspec.Struct, frozen=True):
    """What a store has, ids without their game's name."""

    actors: dict[str, ActorRecord | Op]
    """All that are not deleted, as the newest committed op, in a document or in a journal, has them."""
    owners: dict[str, tuple[int, str]]
    """Epoch and node of each room."""


def contents(store: Store) -> Contents:
    """Read all of it."""
    return asyncio.run(_contents(store))


async def _contents(store: Store) -> Contents:
    rooms, actors = store.ids()
    opened = open_store(store.url)
    try:
        documents = [room for id in rooms if (room := await opened.get_room(id)) is not None]
        records = [actor for id in actors if (actor := await opened.get_actor(id)) is not None]
    finally:
        await opened.close()
    newest: dict[str, ActorRecord | Op] = {}
    each: ActorRecord | Op
    for each in [*records, *(op for document in documents for op in document.ops)]:
        if each.id not in newest or newest[each.id].v < each.v:
            newest[each.id] = each
    return Contents(
        {_plain(id): actor for id, actor in newest.items() if actor.presence.value != "deleted"},
        {_plain(document.id): (document.epoch, document.owner.node) for document in documents},
    )


def body_of(actor: ActorRecord | Op) -> dict[str, Any]:
    """What the game keeps of it."""
    found: dict[str, Any] = msgspec.json.decode(actor.body) if isinstance(actor, Op) else actor.body
    return found


def state_of(actor: ActorRecord | Op) -> dict[str, Any]:
    """Its state, all tiers as one."""
    tiers = body_of(actor)["state"]
    return {field: value for tier in tiers.values() for field, value in tier.items()}


@contextmanager
def during(store: Store, luck: float) -> Iterator[Callable[[], None]]:
    """For the length of a block; the store is away from when what it gives was called."""
    steps = store.away(luck)
    try:
        yield lambda: next(steps)
    finally:
        next(steps, None)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: is_stopped(pid), what="it stops")


def _plain(name: str) -> str:
    return name.partition("/")[2]
