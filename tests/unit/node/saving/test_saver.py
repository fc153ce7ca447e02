"""The saver: what is acknowledged was committed, and trouble with the store loses nothing and is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind
from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.saving.batches import Departure
from roomfleet.node.saving.saver import Saver
from roomfleet.store import ActorRecord, Fenced, StoreError, StoreUnavailable, TooLarge, Transit
from roomfleet.store.protocol import Committed, Travel
from roomfleet.wire.settings import Settings
from support.hosted import soon


class Live:
    """A room with things to save."""

    def __init__(self) -> None:
        self.unsaved: list[AtomicGroup] = []
        self.saved_barriers: list[int] = []
        self.failed_barriers: list[tuple[int, str]] = []
        self.paused: str | None = None

    @property
    def dirty(self) -> bool:
        return bool(self.unsaved)

    def compose(self, now: float) -> list[AtomicGroup]:
        groups, self.unsaved = self.unsaved, []
        return groups

    def room_body(self) -> dict[str, Any]:
        return {"room": True}

    def saved(self, barrier: int, now: float) -> None:
        self.saved_barriers.append(barrier)

    def save_failed(self, barrier: int, reason: str, now: float) -> None:
        self.failed_barriers.append((barrier, reason))

    def pause_commands(self, reason: str | None) -> None:
        self.paused = reason

    def change(self, *actors: str, v: int = 1, kind: ChangeKind = ChangeKind.SAVE, **more: Any) -> None:
        changes = tuple(Change(kind, actor, {"v": v}, **more) for actor in actors)
        self.unsaved.append(AtomicGroup(changes, room=not actors))


class Session:
    """A session whose commits do what the test says."""

    room = "g/town"

    def __init__(self) -> None:
        self.fenced = False
        self.batches: list[list[Any]] = []
        self.attempts: list[list[str]] = []
        self.before: Callable[[list[Any]], Awaitable[None]] | None = None
        self.applying: asyncio.Event | None = None
        self.released = False

    async def commit(self, changes: list[Any], *, state: Any, ceiling_ms: int, saved_at_ms: int) -> Committed:
        self.attempts.append([change.id for change in changes])
        if self.before is not None:
            await self.before(changes)
        self.batches.append(changes)
        departed = tuple(
            ActorRecord(
                change.id, 2, change.to_room, change.body, transit=Transit(change.to_room, self.room, {})
            )
            for change in changes
            if isinstance(change, Travel)
        )
        return Committed(len(self.batches), departed)

    async def applied(self) -> None:
        if self.applying is not None:
            await self.applying.wait()

    async def release(self, **_: Any) -> None:
        self.released = True

    def saved(self) -> list[str]:
        return [change.id for batch in self.batches for change in batch]


class Told:
    """The room, which keeps what it is told."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def departed(self, departures: list[Departure]) -> None:
        self.bench.departed += departures

    def fence(self, found_epoch: int | None, lost: int) -> None:
        self.bench.fenced.append(found_epoch)

    def saves(self, ok: bool, why: str) -> None:
        self.bench.states.append(ok)

    def saved(self) -> None:
        pass

    def saving_broke(self, error: Exception) -> None:
        self.bench.broken.append(error)


class Bench:
    """A saver, and what it tells."""

    def __init__(self, **settings: Any) -> None:
        loop = asyncio.get_running_loop()
        self.live, self.session = Live(), Session()
        self.states: list[bool] = []
        self.fenced: list[int | None] = []
        self.broken: list[Exception] = []
        self.departed: list[Departure] = []
        self.schedule = Schedule(loop)
        self.meters = Meters()
        self.saver = Saver(
            game="g",
            session=self.session,  # type: ignore[arg-type]
            live=self.live,  # type: ignore[arg-type]
            clock=RoomClock(loop.time, 0.0, 0.0),
            settings=Settings(**settings),
            interval=0.02,
            schedule=self.schedule,
            wall=lambda: 1_700_000_000.0,
            room=Told(self),
            rng=random.Random(1),
            meters=self.meters,
        )


def on_a_loop(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(main())


def test_a_barrier_is_answered_when_what_came_before_it_is_committed_and_not_earlier() -> None:
    async def test() -> None:
        bench = Bench()
        gate = asyncio.Event()
        bench.session.before = lambda changes: gate.wait()  # type: ignore[assignment,return-value]
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.session.attempts)
        bench.live.change("b")
        bench.saver.barrier(2)
        assert bench.live.saved_barriers == []
        gate.set()
        await soon(lambda: bench.live.saved_barriers == [1, 2])
        assert bench.session.saved() == ["g/a", "g/b"]

    on_a_loop(test)


def test_what_changes_is_saved_within_the_interval_without_being_asked() -> None:
    async def test() -> None:
        bench = Bench()
        bench.live.change("a")
        bench.saver.poke()
        assert bench.session.attempts == []
        await soon(lambda: bench.session.saved() == ["g/a"])
        await soon(lambda: len(bench.schedule) == 0)

    on_a_loop(test)


def test_a_store_that_goes_away_loses_nothing_and_the_newest_state_is_saved() -> None:
    async def test() -> None:
        bench = Bench()
        away = True

        async def before(changes: list[Any]) -> None:
            if away:
                raise StoreUnavailable("gone")

        bench.session.before = before
        bench.live.change("a", v=1)
        bench.saver.barrier(1)
        await soon(lambda: bench.states == [False])
        bench.live.change("a", v=2)
        bench.saver.barrier(2)
        await soon(lambda: len(bench.session.attempts) > 1)
        assert bench.live.saved_barriers == []
        away = False
        await soon(lambda: bench.live.saved_barriers == [1, 2])
        assert [change.body for batch in bench.session.batches for change in batch] == [{"v": 2}]
        assert bench.states == [False, True]

    on_a_loop(test)


def test_a_store_that_only_hangs_is_noticed_too_and_commands_stop() -> None:
    async def test() -> None:
        bench = Bench(max_unsaved_seconds=0.05)
        gate = asyncio.Event()
        bench.session.before = lambda changes: gate.wait()  # type: ignore[assignment,return-value]
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.live.paused is not None)
        assert bench.states == [False]
        assert len(bench.session.attempts) == 1, "nothing has failed yet"
        gate.set()
        await soon(lambda: bench.live.saved_barriers == [1])
        assert bench.live.paused is None
        assert bench.states == [False, True]

    on_a_loop(test)


def test_a_room_whose_changes_cannot_be_applied_says_so_and_says_when_they_were() -> None:
    async def test() -> None:
        bench = Bench(max_unsaved_seconds=0.05)
        bench.session.applying = asyncio.Event()
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.live.saved_barriers == [1])
        bench.live.change("b")
        bench.saver.poke()
        await soon(lambda: bench.live.paused is not None)
        bench.session.applying.set()
        await soon(lambda: bench.live.paused is None and bench.states == [False, True])
        await soon(lambda: bench.session.saved() == ["g/a", "g/b"])

    on_a_loop(test)


def test_one_group_too_large_keeps_no_other_back_even_when_the_store_fails_in_between() -> None:
    async def test() -> None:
        bench = Bench()
        failures: list[StoreError] = []

        async def before(changes: list[Any]) -> None:
            if any(change.id == "g/big" for change in changes):
                raise TooLarge("g/town", 2, 1)
            if len(bench.session.attempts) == 4 and not failures:
                failures.append(StoreUnavailable("gone"))
                raise failures[0]

        bench.session.before = before
        for actor in ("a", "big", "b", "c"):
            bench.live.change(actor)
        bench.saver.barrier(1)
        await soon(lambda: bench.live.failed_barriers)
        assert sorted(bench.session.saved()) == ["g/a", "g/b", "g/c"]
        assert failures, "the store did fail in between"
        assert bench.live.failed_barriers[0][0] == 1
        assert bench.states[-1] is False
        # It is tried again with whatever changes next.
        bench.session.before = None
        bench.live.change("d")
        bench.saver.barrier(2)
        await soon(lambda: bench.live.saved_barriers == [2])
        assert sorted(bench.session.saved()) == ["g/a", "g/b", "g/big", "g/c", "g/d"]
        assert bench.states[-1] is True

    on_a_loop(test)


def test_travellers_are_told_of_once_they_have_left_for_good() -> None:
    async def test() -> None:
        bench = Bench()
        bench.session.applying = asyncio.Event()
        bench.live.change("p:ada", kind=ChangeKind.TRAVEL, to_room="meadow", seat=4)
        bench.saver.poke(urgent=True)
        await soon(lambda: bench.session.batches)
        assert bench.departed == []
        bench.session.applying.set()
        await soon(lambda: bench.departed)
        (departure,) = bench.departed
        assert (departure.change.seat, departure.record.room) == (4, "g/meadow")

    on_a_loop(test)


def test_a_fenced_saver_acknowledges_nothing_and_tells_once() -> None:
    async def test() -> None:
        bench = Bench()

        async def before(changes: list[Any]) -> None:
            bench.session.fenced = True
            raise Fenced("g/town", 7)

        bench.session.before = before
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.fenced == [7])
        bench.live.change("b")
        bench.saver.barrier(2)
        bench.saver.renew()
        await asyncio.sleep(0)
        assert len(bench.session.attempts) == 1
        assert bench.live.saved_barriers == []

    on_a_loop(test)


def test_what_no_store_does_closes_the_room_instead_of_being_tried_for_ever(expect_error_log: Any) -> None:
    expect_error_log("saving g/town broke")

    async def test() -> None:
        bench = Bench()

        async def before(changes: list[Any]) -> None:
            raise ZeroDivisionError

        bench.session.before = before
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.broken)
        assert isinstance(bench.broken[0], ZeroDivisionError)
        assert bench.live.saved_barriers == []

    on_a_loop(test)


def test_the_last_save_of_a_stop_waits_for_the_one_under_way_and_releases_the_room() -> None:
    async def test() -> None:
        bench = Bench()
        gate = asyncio.Event()
        bench.session.before = lambda changes: gate.wait()  # type: ignore[assignment,return-value]
        bench.live.change("a")
        bench.saver.barrier(1)
        await soon(lambda: bench.session.attempts)
        bench.live.change("b")
        ending = asyncio.ensure_future(bench.saver.finish(12.5))
        await asyncio.sleep(0)
        assert not bench.session.released
        gate.set()
        await ending
        assert bench.session.released
        assert bench.session.saved() == ["g/a", "g/b"]
        assert len(bench.schedule) == 0

    on_a_loop(test)
