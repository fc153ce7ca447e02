"""One heap of deadlines: each key is called once, at its last deadline, and nothing else costs anything."""

from __future__ import annotations

import asyncio

import pytest

from roomfleet.node.running.schedule import Schedule


class FakeLoop:
    """Time that stands until it is moved; timers and callbacks run when it is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, object, asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when, call):  # type: ignore[no-untyped-def]
        handle = asyncio.TimerHandle(when, call, (), self)  # type: ignore[arg-type]
        self.timers.append((when, call, handle))
        return handle

    def call_soon(self, call):  # type: ignore[no-untyped-def]
        call()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def get_debug(self) -> bool:
        return False

    def move(self, to: float) -> None:
        self.now = to
        due = [t for t in self.timers if t[0] <= to and not t[2].cancelled()]
        self.timers = [t for t in self.timers if t[0] > to and not t[2].cancelled()]
        for _, call, _ in due:
            call()  # type: ignore[operator]

    @property
    def armed(self) -> int:
        return sum(not handle.cancelled() for _, _, handle in self.timers)


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


def test_each_is_called_once_at_its_deadline(loop: FakeLoop) -> None:
    schedule, called = Schedule(loop), []  # type: ignore[arg-type,var-annotated]
    schedule.set("b", 2.0, lambda: called.append("b"))
    schedule.set("a", 1.0, lambda: called.append("a"))
    loop.move(0.9)
    assert called == []
    loop.move(1.0)
    assert called == ["a"]
    loop.move(5.0)
    assert called == ["a", "b"]
    assert len(schedule) == 0


def test_a_later_deadline_replaces_the_earlier_one(loop: FakeLoop) -> None:
    schedule, called = Schedule(loop), []  # type: ignore[arg-type,var-annotated]
    schedule.set("a", 1.0, lambda: called.append(1))
    schedule.set("a", 3.0, lambda: called.append(3))
    loop.move(2.0)
    assert called == []
    loop.move(3.0)
    assert called == [3]


def test_an_earlier_deadline_replaces_the_later_one(loop: FakeLoop) -> None:
    schedule, called = Schedule(loop), []  # type: ignore[arg-type,var-annotated]
    schedule.set("a", 3.0, lambda: called.append(3))
    schedule.set("a", 1.0, lambda: called.append(1))
    loop.move(10.0)
    assert called == [1]


def test_what_was_cleared_is_not_called(loop: FakeLoop) -> None:
    schedule, called = Schedule(loop), []  # type: ignore[arg-type,var-annotated]
    schedule.set("a", 1.0, lambda: called.append(1))
    schedule.clear("a")
    loop.move(2.0)
    assert called == []


def test_a_thousand_keys_need_one_timer(loop: FakeLoop) -> None:
    schedule = Schedule(loop)  # type: ignore[arg-type]
    for number in range(1_000):
        schedule.set(number, 1.0 + number, lambda: None)
    assert loop.armed == 1


def test_nothing_due_means_no_timer(loop: FakeLoop) -> None:
    schedule = Schedule(loop)  # type: ignore[arg-type]
    schedule.set("a", 1.0, lambda: None)
    loop.move(1.0)
    assert loop.armed == 0


def test_one_that_sets_itself_again_is_called_again(loop: FakeLoop) -> None:
    schedule, called = Schedule(loop), []  # type: ignore[arg-type,var-annotated]

    def again() -> None:
        called.append(loop.now)
        schedule.set("a", loop.now + 1, again)

    schedule.set("a", 1.0, again)
    for second in range(1, 4):
        loop.move(float(second))
    assert called == [1.0, 2.0, 3.0]
