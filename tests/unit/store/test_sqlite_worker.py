"""The SQLite worker gathers calls, and tells apart what surely failed and what may have happened."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from roomfleet.store import OutcomeUnknown, StoreUnavailable
from roomfleet.store.sqlite_worker import Worker


class Connection(sqlite3.Connection):
    """Counts transactions; fails a COMMIT when told to."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.commits = 0
        self.fail_with: int | None = None

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            if self.fail_with is not None:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = self.fail_with
                raise error
            self.commits += 1
        return super().execute(sql, *args)


def run(test: Callable[[Worker, Connection], Awaitable[None]]) -> None:
    async def main() -> None:
        connection = sqlite3.connect(
            ":memory:", factory=Connection, isolation_level=None, check_same_thread=False
        )
        connection.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
        worker = Worker(connection, "test")
        try:
            await test(worker, connection)
        finally:
            await worker.close()

    asyncio.run(main())


def insert(x: object) -> Callable[[sqlite3.Connection], None]:
    def work(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO t VALUES (?)", (x,))

    return work


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM t").fetchone()[0])


def test_what_waits_goes_into_one_transaction() -> None:
    async def test(worker: Worker, connection: Connection) -> None:
        started, go = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def block(db: sqlite3.Connection) -> None:
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result()

        blocking = asyncio.create_task(worker.read(block))
        await started.wait()
        calls = [asyncio.create_task(worker.write(insert(n))) for n in range(100)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(blocking, *calls)
        assert connection.commits == 2
        assert await worker.read(count) == 100

    run(test)


def test_a_bad_call_harms_no_other() -> None:
    async def test(worker: Worker, connection: Connection) -> None:
        calls = [worker.write(insert(n if n != 5 else 4)) for n in range(10)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [n for n, result in enumerate(results) if isinstance(result, StoreUnavailable)] == [5]
        assert await worker.read(count) == 9

    run(test)


@pytest.mark.parametrize(
    ("code", "error"), [(sqlite3.SQLITE_IOERR, OutcomeUnknown), (sqlite3.SQLITE_BUSY, StoreUnavailable)]
)
def test_a_failed_commit_is_in_doubt_unless_it_was_only_locked(code: int, error: type[Exception]) -> None:
    async def test(worker: Worker, connection: Connection) -> None:
        connection.fail_with = code
        results = await asyncio.gather(*(worker.write(insert(n)) for n in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [error] * 3
        connection.fail_with = None
        assert await worker.read(count) == 0

    run(test)


def test_a_defect_reaches_its_caller_and_the_thread_goes_on() -> None:
    def defect(db: sqlite3.Connection) -> None:
        raise KeyError("defect")

    async def test(worker: Worker, connection: Connection) -> None:
        results = await asyncio.gather(
            worker.write(insert(1)), worker.write(defect), worker.write(insert(2)), return_exceptions=True
        )
        assert isinstance(results[1], KeyError)
        assert await worker.read(count) == 2

    run(test)


def test_a_cancelled_call_is_done_all_the_same() -> None:
    async def test(worker: Worker, connection: Connection) -> None:
        call = asyncio.create_task(worker.write(insert(1)))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await worker.read(count) == 1

    run(test)


def test_closing_finishes_what_was_asked_for() -> None:
    async def test(worker: Worker, connection: Connection) -> None:
        calls = [asyncio.create_task(worker.write(insert(n))) for n in range(50)]
        await asyncio.sleep(0)
        await worker.close()
        assert all(call.done() or not call.cancelled() for call in calls)
        await asyncio.gather(*calls)
        assert connection.commits > 0
        with pytest.raises(StoreUnavailable, match="closed"):
            await worker.read(count)

    run(test)
