"""The store in one SQLite file: for laptops and the embedded fleet. Several processes may use it at once.

WAL with ``synchronous=FULL``: an answered write is on the disk. Every write is one ``BEGIN IMMEDIATE``
transaction or part of one (`roomfleet.store.sqlite_worker`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import msgspec

from roomfleet.store.errors import DamagedDocument
from roomfleet.store.operations import Replaced, ids_in_parts
from roomfleet.store.records import (
    ActorRecord,
    Batch,
    Op,
    Owner,
    Presence,
    RoomDoc,
    RoomSpec,
    Transit,
    decode,
    decode_ops,
    encode,
    game_of,
)
from roomfleet.store.sqlite_schema import connect
from roomfleet.store.sqlite_worker import Worker

_ROOM = "id, epoch, seq, ops, state, ceiling, saved_at, node, url, boot, uid, map, on_delete"
_ACTOR = "id, v, room, body, presence, transit, token"
_IDS_IN_QUERY = 500

_REPLACE = """
UPDATE actors SET v = :v, room = :room, presence = :presence, transit_to = :transit_to, transit = :transit,
    token = :token, body = :body WHERE id = :id AND v < :v
"""
_CREATE = """
INSERT INTO actors (id, v, room, presence, transit_to, transit, token, body)
VALUES (:id, :v, :room, :presence, :transit_to, :transit, :token, :body)
ON CONFLICT (id) DO UPDATE SET v = excluded.v, room = excluded.room, presence = excluded.presence,
    transit_to = excluded.transit_to, transit = excluded.transit, token = excluded.token, body = excluded.body
WHERE actors.v < excluded.v
"""
_COMMIT = """
UPDATE rooms SET seq = :new_seq, ops = :ops, has_ops = :has_ops,
    state = coalesce(:state, state),
    ceiling = iif(:room, :ceiling, ceiling),
    saved_at = iif(:room, :saved_at, saved_at),
    node = coalesce(:node, node), url = coalesce(:url, url), boot = coalesce(:boot, boot)
WHERE id = :id AND epoch = :epoch AND seq = :seq
"""
_TRANSIT = msgspec.json.Decoder(Transit)


class SqliteStore:
    """A `roomfleet.store.operations.Store` on a file; made by `open_store`. Raises CannotOpen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._worker = Worker(connect(path), str(path))

    @property
    def place(self) -> str:
        return str(self.path)

    async def insert_room(self, room: str) -> None:
        await self._worker.write(
            lambda db: db.execute("INSERT OR IGNORE INTO rooms (id) VALUES (?)", (room,))
        )

    async def take_room(self, room: str, epoch: int, owner: Owner, spec: RoomSpec | None) -> RoomDoc | None:
        sets = "epoch = ?, node = ?, url = ?, boot = ?"
        values: list[Any] = [epoch, owner.node, owner.url, owner.boot]
        where = "id = ? AND epoch < ?"
        conditions: list[Any] = [room, epoch]
        if spec is not None:
            sets += ", uid = ?, map = ?, on_delete = ?"
            values += [spec.uid, spec.map, spec.on_delete]
            where += " AND (saved_at IS NULL OR map = ?)"
            conditions.append(spec.map)
        statement = f"UPDATE rooms SET {sets} WHERE {where} RETURNING {_ROOM}"

        def work(db: sqlite3.Connection) -> RoomDoc | None:
            rows = db.execute(statement, values + conditions).fetchall()
            return _room(rows[0]) if rows else None

        return await self._worker.write(work)

    async def commit_room(self, room: str, epoch: int, seq: int, batch: Batch) -> bool:
        save = batch.room
        owner = save.owner if save is not None else None
        values = {
            "id": room,
            "epoch": epoch,
            "seq": seq,
            "new_seq": batch.seq,
            "ops": encode(batch.ops),
            "has_ops": 1 if batch.ops else 0,
            "room": 1 if save is not None else 0,
            "state": bytes(save.state) if save is not None and save.state is not None else None,
            "ceiling": save.ceiling if save is not None else None,
            "saved_at": save.saved_at if save is not None else None,
            "node": owner.node if owner is not None else None,
            "url": owner.url if owner is not None else None,
            "boot": owner.boot if owner is not None else None,
        }
        return await self._worker.write(lambda db: db.execute(_COMMIT, values).rowcount == 1)

    async def get_room(self, room: str) -> RoomDoc | None:
        def work(db: sqlite3.Connection) -> RoomDoc | None:
            row = db.execute(f"SELECT {_ROOM} FROM rooms WHERE id = ?", (room,)).fetchone()
            return _room(row) if row else None

        return await self._worker.read(work)

    async def replace_actors(self, ops: Sequence[Op], *, insert: bool) -> list[Replaced]:
        todo = [(_CREATE if insert and op.create else _REPLACE, _values(op)) for op in ops]

        def work(db: sqlite3.Connection) -> list[Replaced]:
            for statement, values in todo:
                db.execute(statement, values)
            return [Replaced.DONE] * len(
                todo
            )  # insertion and comparison are one step here: never a duplicate

        return await self._worker.write(work)

    async def get_actor(self, actor: str) -> ActorRecord | None:
        found = await self._actors("id = ?", (actor,))
        return found[0] if found else None

    async def actors_in(self, room: str, *, away: bool) -> list[ActorRecord]:
        presences = (Presence.PRESENT.value, Presence.AWAY.value if away else Presence.PRESENT.value)
        return await self._actors("room = ? AND presence IN (?, ?) ORDER BY id", (room, *presences))

    async def actors_arriving(self, rooms: Set[str]) -> list[ActorRecord]:
        found: list[ActorRecord] = []
        targets: Iterable[str] = rooms
        if len(rooms) > _IDS_IN_QUERY:
            # Few rooms have anybody on the way, and those are in an index of their own.
            targets = [room for room in await self._targets() if room in rooms]
        for part in ids_in_parts(targets, _IDS_IN_QUERY):
            found += await self._actors(
                f"transit_to IN ({_marks(part)}) AND presence <> ? ORDER BY id",
                (*part, Presence.DELETED.value),
            )
        return found

    async def _targets(self) -> list[str]:
        """Rooms that somebody is on the way to."""

        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute("SELECT DISTINCT transit_to FROM actors WHERE transit_to IS NOT NULL")
            return [room for (room,) in rows]

        return await self._worker.read(work)

    async def rooms_awaited(self, game: str) -> list[str]:
        return sorted(room for room in await self._targets() if game_of(room) == game)

    async def room_epochs(self, rooms: Sequence[str]) -> dict[str, int]:
        epochs: dict[str, int] = {}
        for part in ids_in_parts(rooms, _IDS_IN_QUERY):
            epochs |= await self._epochs(part)
        return epochs

    async def rooms_with_ops(self, game: str) -> list[str]:
        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute("SELECT id FROM rooms WHERE has_ops = 1 ORDER BY id").fetchall()
            return [room for (room,) in rows if game_of(room) == game]

        return await self._worker.read(work)

    async def rooms_to_delete(self, game: str) -> list[tuple[str, str, int]]:
        def work(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
            where = "on_delete = 'Delete' AND saved_at IS NOT NULL"
            rows = db.execute(f"SELECT id, uid, epoch FROM rooms WHERE {where} ORDER BY id").fetchall()
            return [(room, uid, epoch) for room, uid, epoch in rows if game_of(room) == game]

        return await self._worker.read(work)

    async def mark_room(self, room: str, uid: str, on_delete: str) -> bool:
        statement = "UPDATE rooms SET on_delete = ? WHERE id = ? AND uid = ?"
        return await self._worker.write(
            lambda db: db.execute(statement, (on_delete, room, uid)).rowcount == 1
        )

    async def installation_id(self, new: str) -> str:
        def work(db: sqlite3.Connection) -> str:
            db.execute("INSERT OR IGNORE INTO installation (one, id) VALUES (1, ?)", (new,))
            return str(db.execute("SELECT id FROM installation").fetchone()[0])

        return await self._worker.write(work)

    async def adopt_installation(self, old: str, new: str) -> None:
        await self._worker.write(
            lambda db: db.execute("UPDATE installation SET id = ? WHERE id = ?", (new, old)).rowcount
        )

    async def close(self) -> None:
        await self._worker.close()

    async def _actors(self, condition: str, values: tuple[str, ...]) -> list[ActorRecord]:
        statement = f"SELECT {_ACTOR} FROM actors WHERE {condition}"
        return await self._worker.read(lambda db: [_actor(row) for row in db.execute(statement, values)])

    async def _epochs(self, rooms: list[str]) -> dict[str, int]:
        statement = f"SELECT id, epoch FROM rooms WHERE id IN ({_marks(rooms)})"
        return await self._worker.read(lambda db: dict(db.execute(statement, rooms).fetchall()))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _values(op: Op) -> dict[str, Any]:
    return {
        "id": op.id,
        "v": op.v,
        "room": op.room,
        "presence": op.presence.value,
        "transit_to": op.transit.to if op.transit is not None else None,
        "transit": encode(op.transit) if op.transit is not None else None,
        "token": op.token,
        "body": bytes(op.body),
    }


def _room(row: tuple[Any, ...]) -> RoomDoc:
    room, epoch, seq, ops, state, ceiling, saved_at, node, url, boot, uid, map_, on_delete = row
    try:
        return RoomDoc(
            id=room,
            epoch=epoch,
            seq=seq,
            ops=decode_ops(ops),
            state=decode(state),
            ceiling=ceiling,
            saved_at=saved_at,
            owner=Owner(node, url, boot),
            spec=RoomSpec(uid, map_, on_delete),
        )
    except msgspec.MsgspecError as error:
        raise DamagedDocument(f"of room {room}", str(error)) from error


def _actor(row: tuple[Any, ...]) -> ActorRecord:
    actor, v, room, body, presence, transit, token = row
    try:
        there = _TRANSIT.decode(transit) if transit is not None else None
        return ActorRecord(actor, v, room, decode(body), Presence(presence), there, token)
    except (msgspec.MsgspecError, ValueError) as error:
        raise DamagedDocument(f"of actor {actor}", str(error)) from error
