"""One thread that does all of a store's work on its SQLite connection, and gathers what waits into one
transaction.

While one transaction is on its way to the disk, more work queues up; all of it goes into the next one. Each
call is answered only after the COMMIT that holds it. Where anything in a gathered transaction goes wrong it
is rolled back and each call done again in a transaction of its own, so that a bad one harms no other.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from roomfleet.store.errors import OutcomeUnknown, StoreError, StoreUnavailable

T = TypeVar("T")

MOST_AT_ONCE = 256
"""Calls in one transaction at most."""

Work = Callable[[sqlite3.Connection], Any]


class _Locked(StoreUnavailable):
    """The transaction did not begin, or was not let through: nothing happened."""


class _Call:
    """One piece of work and who waits for it."""

    __slots__ = ("error", "future", "loop", "result", "work", "writes")

    def __init__(self, work: Work, writes: bool, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.writes = writes
        self.future = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():
            return  # cancelled meanwhile
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Worker:
    """The thread. It ends with `close`, after what was asked for before."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._closed = False
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        # A daemon: a process that ends without closing must not hang on it.
        self._thread = threading.Thread(target=self._run, name=f"store {name}", daemon=True)
        self._thread.start()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work's result, from committed data. Raises StoreUnavailable."""
        return await self._ask(work, writes=False)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work's result, once it is on the disk. Raises StoreUnavailable or OutcomeUnknown."""
        return await self._ask(work, writes=True)

    async def close(self) -> None:
        """Finish what was asked for, close the connection, end the thread."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def _ask(self, work: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        if self._closed:
            raise StoreUnavailable(f"the store {self._name} was closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put(_Call(work, writes, future))
        return await future

    def _run(self) -> None:
        last = False
        while not last:
            calls: list[_Call] = []
            call = self._calls.get()
            while call is not None:
                calls.append(call)
                if len(calls) == MOST_AT_ONCE:
                    break
                try:
                    call = self._calls.get_nowait()
                except queue.Empty:
                    break
            last = call is None
            if calls:
                self._do(calls)
                _answer(calls)
            del calls, call
        self._connection.close()

    def _do(self, calls: list[_Call]) -> None:
        try:
            self._transaction(calls)
        except (sqlite3.Error, StoreError) as error:
            if len(calls) == 1:
                calls[0].error = self._named(error)
                return
            if isinstance(error, OutcomeUnknown | _Locked):
                # It may be on the disk, or another process holds the lock: doing it one by one would not
                # help.
                for call in calls:
                    call.error = self._named(error)
                return
            for call in calls:
                self._do([call])
        except BaseException as error:  # noqa: BLE001 - a defect must reach its caller, and must not end the thread
            if len(calls) == 1:
                calls[0].error = error
            else:
                for call in calls:
                    self._do([call])

    def _transaction(self, calls: list[_Call]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE" if any(call.writes for call in calls) else "BEGIN")
        except sqlite3.Error as error:
            raise _Locked(str(error)) from error
        try:
            for call in calls:
                call.result = call.work(connection)
        except BaseException:
            self._roll_back()
            raise
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _Locked(str(error)) from error
            raise OutcomeUnknown(f"{error} while committing") from error

    def _roll_back(self) -> None:
        # Some errors (a full disk) have rolled it back already.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _named(self, error: BaseException) -> BaseException:
        if isinstance(error, OutcomeUnknown):
            return OutcomeUnknown(f"store {self._name}: {error}")
        if isinstance(error, StoreError) and not isinstance(error, _Locked):
            return error
        return StoreUnavailable(f"store {self._name}: {error}; check the disk, and who else uses the file")


def _answer(calls: list[_Call]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Call]] = {}
    for call in calls:
        by_loop.setdefault(call.loop, []).append(call)
    for loop, theirs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer_all, theirs)


def _answer_all(calls: list[_Call]) -> None:
    for call in calls:
        call.answer()
