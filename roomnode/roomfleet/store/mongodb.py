"""The store in a MongoDB database: for fleets in a cluster, any number of processes at once.

Every write is acknowledged by a majority with its journal on the disk; reads come from the primary, at
majority, causally after whatever this store saw before (`roomfleet.store.mongodb_calls`). With a replica set
of three the loss of any one machine loses nothing. A server that stands alone is its own majority: then
acknowledged means on that one machine's disk.

Only operations on single documents are used: no transactions, change streams or server-side scripts. Rooms
are in the collection ``rooms``, actors in ``actors`` (`roomfleet.store.mongodb_documents`), and who owns all
of it, and its schema version, in ``roomfleet``.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from typing import Any

from pymongo import MongoClient, ReadPreference, ReplaceOne, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from roomfleet.store import mongodb_documents as documents
from roomfleet.store.errors import CannotOpen, SchemaTooNew
from roomfleet.store.mongodb_calls import Calls, Client, Sending
from roomfleet.store.mongodb_url import EXAMPLE, database_of, defaults_for, shown, without_secrets
from roomfleet.store.operations import Replaced, ids_in_parts
from roomfleet.store.records import ActorRecord, Batch, Json, Op, Owner, Presence, RoomDoc, RoomSpec, game_of

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
"""The newest schema known here, kept in the document ``schema``."""

_IDS_IN_QUERY = 1_000
_FIRST_ANSWER = 10_000
"""Documents in a query's first answer: a room's actors come in one, where they fit into 16 MB."""
_DUPLICATE = 11_000

Collection = AsyncCollection[dict[str, Any]]


class MongoStore:
    """A `roomfleet.store.operations.Store` on a database; made by `open_store`. Use by one event loop.

    Opening asks for the schema's version, blocking: a server that is away, which takes the URL's timeouts, is
    no error yet. The first call makes what the database needs; while the server is away every call raises
    StoreUnavailable within the timeouts of the URL, about 2 s by default. Raises CannotOpen for a URL that
    says nothing sensible, SchemaTooNew for a database of a newer version; of one that could not be asked the
    first call raises it.
    """

    def __init__(self, url: str) -> None:
        self.url = shown(url)
        """Where it is, without user, password and options."""
        name = database_of(url)
        try:
            with warnings.catch_warnings():
                # An option that pymongo does not understand it would ignore, with a warning.
                warnings.simplefilter("error", UserWarning)
                self._client = Client(
                    url,
                    retryWrites=False,
                    retryReads=False,
                    event_listeners=[Sending()],
                    **defaults_for(url),
                )
        except (PyMongoError, UserWarning, ValueError, TypeError) as error:
            # TypeError and ValueError: of options whose values make no sense.
            cure = f"use {EXAMPLE}"
            if isinstance(error, ConfigurationError) and "dnspython" in str(error):
                cure = "install dnspython, or use the form mongodb://host,host/database"
            said = without_secrets(str(error), url)
            raise CannotOpen(f"cannot use {self.url} as a store: {said}; {cure}") from None
        _check(_schema_now(url, name), self.url)
        timeout = self._client.write_concern.document.get("wtimeout")
        database = self._client.get_database(
            name,
            write_concern=WriteConcern("majority", j=True, wtimeout=timeout),
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._rooms: Collection = database["rooms"]
        self._actors: Collection = database["actors"]
        self._meta: Collection = database["roomfleet"]
        self._calls = Calls(self._client, self.url, self._prepare)

    @property
    def place(self) -> str:
        return self.url

    async def insert_room(self, room: str) -> None:
        await self._calls.write_again(lambda session: _insert(self._rooms, documents.new_room(room), session))

    async def take_room(self, room: str, epoch: int, owner: Owner, spec: RoomSpec | None) -> RoomDoc | None:
        where: Json = {"_id": room, "epoch": {"$lt": epoch}}
        fields = {"$set": documents.taken(epoch, owner, spec)}
        # One after the other, each atomic, and a miss wrote nothing. Not $or: nx-27017 takes it for the whole
        # condition.
        maps: list[Json] = [{}] if spec is None else [{"spec.map": spec.map}, {"savedAt": None}]
        for condition in maps:
            found = await self._take(where | condition, fields)
            if found is not None:
                return documents.read_room(found)
        return None

    async def _take(self, where: Json, fields: Json) -> Json | None:
        return await self._calls.write_once(
            lambda session: self._rooms.find_one_and_update(
                where, fields, return_document=ReturnDocument.AFTER, session=session
            )
        )

    async def commit_room(self, room: str, epoch: int, seq: int, batch: Batch) -> bool:
        where = {"_id": room, "epoch": epoch, "journal.seq": seq}
        fields = {"$set": documents.committed(batch)}
        result = await self._calls.write_once(
            lambda session: self._rooms.update_one(where, fields, session=session)
        )
        return result.matched_count == 1

    async def get_room(self, room: str) -> RoomDoc | None:
        found = await self._calls.read(lambda session: self._rooms.find_one({"_id": room}, session=session))
        return documents.read_room(found) if found is not None else None

    async def replace_actors(self, ops: Sequence[Op], *, insert: bool) -> list[Replaced]:
        if not ops:
            return []
        requests = [
            ReplaceOne(
                {"_id": op.id, "v": {"$lt": op.v}},
                documents.actor(op),
                upsert=True if insert and op.create else None,
            )
            for op in ops
        ]

        async def work(session: AsyncClientSession) -> list[Replaced]:
            results = [Replaced.DONE] * len(ops)
            try:
                await self._actors.bulk_write(requests, ordered=False, session=session)
            except BulkWriteError as error:
                errors = error.details["writeErrors"]
                if error.details.get("writeConcernErrors") or any(e["code"] != _DUPLICATE for e in errors):
                    raise
                for one in errors:
                    results[one["index"]] = Replaced.DUPLICATE
            return results

        return await self._calls.write_again(work)

    async def get_actor(self, actor: str) -> ActorRecord | None:
        found = await self._find(self._actors, {"_id": actor})
        return documents.read_actor(found[0]) if found else None

    async def actors_in(self, room: str, *, away: bool) -> list[ActorRecord]:
        presences = [Presence.PRESENT.value, *([Presence.AWAY.value] if away else [])]
        found = await self._find(self._actors, {"room": room, "presence": {"$in": presences}})
        return sorted(map(documents.read_actor, found), key=lambda actor: actor.id)

    async def actors_arriving(self, rooms: Set[str]) -> list[ActorRecord]:
        found: list[Json] = []
        targets: Iterable[str] = rooms
        if len(rooms) > _IDS_IN_QUERY:
            # Few rooms have anybody on the way, and those are in an index of their own.
            targets = [room for room in await self._targets() if room in rooms]
        for part in ids_in_parts(targets, _IDS_IN_QUERY):
            found += await self._find(
                self._actors, {"transit.to": {"$in": part}, "presence": {"$ne": Presence.DELETED.value}}
            )
        return sorted(map(documents.read_actor, found), key=lambda actor: actor.id)

    async def _targets(self) -> list[str]:
        """Rooms that somebody is on the way to."""
        named = {"transit.to": {"$gt": ""}}  # so that the sparse index serves
        return await self._calls.read(
            lambda session: self._actors.distinct("transit.to", named, session=session)
        )

    async def rooms_awaited(self, game: str) -> list[str]:
        return sorted(room for room in await self._targets() if game_of(room) == game)

    async def room_epochs(self, rooms: Sequence[str]) -> dict[str, int]:
        epochs: dict[str, int] = {}
        for part in ids_in_parts(rooms, _IDS_IN_QUERY):
            for found in await self._find(self._rooms, {"_id": {"$in": part}}, {"epoch": 1}):
                epochs[found["_id"]] = int(found["epoch"])
        return epochs

    async def rooms_with_ops(self, game: str) -> list[str]:
        found = await self._find(self._rooms, {"game": game, "journal.size": {"$gt": 0}}, {"_id": 1})
        return sorted(room["_id"] for room in found)

    async def rooms_to_delete(self, game: str) -> list[tuple[str, str, int]]:
        where = {"game": game, "spec.onDelete": "Delete", "savedAt": {"$ne": None}}
        found = await self._find(self._rooms, where, {"spec": 1, "epoch": 1})
        return sorted((room["_id"], room["spec"]["uid"], int(room["epoch"])) for room in found)

    async def mark_room(self, room: str, uid: str, on_delete: str) -> bool:
        where = {"_id": room, "spec.uid": uid}
        result = await self._calls.write_again(
            lambda session: self._rooms.update_one(
                where, {"$set": {"spec.onDelete": on_delete}}, session=session
            )
        )
        return result.matched_count == 1

    async def installation_id(self, new: str) -> str:
        return str(await self._calls.write_again(lambda session: self._kept("installation", new, session)))

    async def adopt_installation(self, old: str, new: str) -> None:
        where = {"_id": "installation", "value": old}
        await self._calls.write_again(
            lambda session: self._meta.update_one(where, {"$set": {"value": new}}, session=session)
        )

    async def close(self) -> None:
        await self._calls.close()

    async def _find(self, collection: Collection, where: Json, fields: Json | None = None) -> list[Json]:
        return await self._calls.read(
            lambda session: collection.find(
                where, fields, batch_size=_FIRST_ANSWER, session=session
            ).to_list()
        )

    async def _prepare(self, session: AsyncClientSession) -> None:
        """What the database needs before anything else."""
        _check(await self._kept("schema", SCHEMA_VERSION, session), self.url)
        for keys, sparse in (("room", False), ("transit.to", True)):
            try:
                await self._actors.create_index(keys, sparse=sparse, session=session)
            except OperationFailure as error:  # without it everything works, only slower
                log.warning("store %s: no index on %s, queries will be slow: %s", self.url, keys, error)

    async def _kept(self, name: str, value: object, session: AsyncClientSession) -> object:
        """The value kept under the name; this one, where there was none."""
        found = await self._meta.find_one({"_id": name}, session=session)
        if found is None:
            await _insert(self._meta, {"_id": name, "value": value}, session)
            found = await self._meta.find_one({"_id": name}, session=session)
        if found is None:
            raise CannotOpen(f"{self.url} lost its document {name}: who else writes to this database?")
        return found["value"]


def _check(found: object, place: str) -> None:
    """Raises SchemaTooNew for a version that is not known here."""
    if not isinstance(found, int) or found > SCHEMA_VERSION:
        raise SchemaTooNew(place, found if isinstance(found, int) else 0, SCHEMA_VERSION)


def _schema_now(url: str, database: str) -> object:
    """The database's schema version; the one known here where it has none or does not answer."""
    try:
        with MongoClient[dict[str, Any]](url, **defaults_for(url)) as client:
            found = client[database]["roomfleet"].find_one({"_id": "schema"})
    except PyMongoError as error:
        log.info("store %s: cannot ask for its schema yet: %s", shown(url), without_secrets(str(error), url))
        return SCHEMA_VERSION
    return SCHEMA_VERSION if found is None else found["value"]


async def _insert(collection: Collection, document: Json, session: AsyncClientSession) -> None:
    """Insert it, unless its id is there already."""
    with suppress(DuplicateKeyError):
        await collection.insert_one(document, session=session)
