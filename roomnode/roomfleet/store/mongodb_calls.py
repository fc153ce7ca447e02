"""Calls to MongoDB: one after the other in causal order, bounded, and with an outcome that is never guessed.

A write whose command was not handed to a connection surely did not happen; one whose answer got lost, or
that did not reach a majority in time, has an unknown outcome. pymongo's own retries are off: what may be
sent again is known here, and by the save protocol, better than there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from bson.timestamp import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from roomfleet.store.errors import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")

Client = AsyncMongoClient[dict[str, Any]]
Work = Callable[[AsyncClientSession], Awaitable[T]]

_WRITES = frozenset({"insert", "update", "findAndModify"})

_REFUSED = frozenset({2, 9, 13, 18, 20, 59, 72, 73, 115, 8000})
"""Codes of commands that were refused as such: values, rights, options. Nothing was written."""


class _Sent:
    """Whether the write's command was handed to a connection."""

    def __init__(self) -> None:
        self.yes = False


_sent: ContextVar[_Sent | None] = ContextVar("_sent", default=None)


class Sending(CommandListener):
    """Notes for the call under way that its command goes out. pymongo calls it in the task of the call."""

    def started(self, event: CommandStartedEvent) -> None:
        sent = _sent.get()
        if sent is not None and event.command_name in _WRITES:
            sent.yes = True

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Of no interest: the call raises."""


class Calls:
    """The calls of one store to its client.

    Each call gets a session of its own that is told the newest time which the server reported to any of
    them: whatever this store has seen or written, its later reads see, also from a new primary. A server
    that stands alone reports no such times; with only one server every read is after every write anyway.
    """

    def __init__(self, client: Client, name: str, prepare: Work[None]) -> None:
        """``prepare`` is done before the first call, again until it succeeds; it may be done twice."""
        self._client = client
        self._name = name
        self._prepare: Work[None] | None = prepare
        self._preparing = asyncio.Lock()
        self._closed = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._operation_time: Timestamp | None = None
        self._cluster_time: Any = None

    async def read(self, work: Work[T]) -> T:
        """The result of a read. Raises StoreUnavailable."""
        return await self._counted(self._again(work), writes=False)

    async def write_again(self, work: Work[T]) -> T:
        """The result of a write that may be done twice. Raises StoreUnavailable or OutcomeUnknown."""
        return await self._counted(self._again(work), writes=True)

    async def write_once(self, work: Work[T]) -> T:
        """The result of a write that is sent once at most. Raises StoreUnavailable or OutcomeUnknown."""
        return await self._counted(lambda: self._in_session(work), writes=True)

    async def close(self) -> None:
        """Wait for what is under way, then close the client."""
        self._closed = True
        while self._under_way:
            self._idle.clear()
            await self._idle.wait()
        await self._client.close()

    async def _prepared(self) -> None:
        if self._prepare is None:
            return
        async with self._preparing:
            if self._prepare is None:
                return
            try:
                await self._again(self._prepare)()
            except PyMongoError as error:
                raise self._named(error, False) from error
            self._prepare = None

    def _again(self, work: Work[T]) -> Callable[[], Awaitable[T]]:
        """Once more when a connection turned out to be dead: after a server's restart all of them are."""

        async def twice() -> T:
            try:
                return await self._in_session(work)
            except AutoReconnect as error:
                if isinstance(error, NetworkTimeout | ServerSelectionTimeoutError):
                    raise
                return await self._in_session(work)

        return twice

    async def _in_session(self, work: Work[T]) -> T:
        async with self._client.start_session(causal_consistency=True) as session:
            if self._operation_time is not None:
                session.advance_cluster_time(self._cluster_time)
                session.advance_operation_time(self._operation_time)
            try:
                return await work(session)
            finally:
                self._note(session)

    def _note(self, session: AsyncClientSession) -> None:
        time, cluster_time = session.operation_time, session.cluster_time
        if time is None or cluster_time is None:
            return
        if self._operation_time is None or time > self._operation_time:
            self._operation_time = time
        if self._cluster_time is None or cluster_time["clusterTime"] > self._cluster_time["clusterTime"]:
            self._cluster_time = cluster_time

    async def _counted(self, call: Callable[[], Awaitable[T]], *, writes: bool) -> T:
        if self._closed:
            raise StoreUnavailable(f"the store {self._name} was closed")
        sent = _Sent()
        token = _sent.set(sent)
        self._under_way += 1
        try:
            await self._prepared()
            sent.yes = False
            return await call()
        except PyMongoError as error:
            raise self._named(error, writes and sent.yes) from error
        finally:
            _sent.reset(token)
            self._under_way -= 1
            self._idle.set()

    def _named(self, error: PyMongoError, sent: bool) -> OutcomeUnknown | StoreUnavailable:
        said = f"store {self._name}: {_first_line(error)}"
        if sent and _may_have_happened(error):
            return OutcomeUnknown(f"{said}; whether it was written is not known")
        return StoreUnavailable(f"{said}; {_cure(error)}")


def _may_have_happened(error: PyMongoError) -> bool:
    if isinstance(error, WriteError):  # of this document: it was not written
        return False
    if isinstance(error, BulkWriteError):
        return True
    if isinstance(error, OperationFailure):
        return error.code not in _REFUSED
    return True


def _first_line(error: PyMongoError) -> str:
    if isinstance(error, BulkWriteError):
        errors = [*error.details.get("writeErrors", ()), *error.details.get("writeConcernErrors", ())]
        return str(errors[0].get("errmsg", error)) if errors else str(error)
    # Server selection adds the whole topology, which helps nobody.
    text = str(error).partition(", Timeout:")[0].partition(", full error:")[0]
    return text.splitlines()[0] if text else type(error).__name__


def _cure(error: PyMongoError) -> str:
    if isinstance(error, OperationFailure) and error.code in (13, 18, 8000):
        return "check the user, the password and authSource in its URL, and that the user may write there"
    if isinstance(error, OperationFailure | ConfigurationError):
        return "check the server's log and the options in its URL"
    return "check that MongoDB runs at this address and can be reached from here"
