"""Room time over lines that delay, jitter, lose their balance and stall, by clocks that drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomfleet.client.clock import LEAP_SECONDS, RoomClock

FRAME = 1 / 60
PINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
EVERY = 20.0


@dataclass(frozen=True)
class Line:
    """The way to a node, and how this side's clock runs."""

    there: float
    """Seconds that a ping takes at least."""
    back: float
    jitter: float
    """Seconds more, at most, by chance."""
    stalls: float
    """Share of the messages that take a second more."""
    drift: float
    """Seconds that the local clock gains in a second."""
    seed: int


lines = st.builds(
    Line,
    there=st.floats(0, 0.3),
    back=st.floats(0, 0.3),
    jitter=st.floats(0, 0.1),
    stalls=st.floats(0, 0.2),
    drift=st.floats(-1e-4, 1e-4),
    seed=st.integers(0, 2**32),
)


@dataclass(frozen=True)
class Shown:
    truth: float
    shown: float
    local: float


def shown_over(line: Line, seconds: float, patches: float = 0.0) -> Iterator[Shown]:
    """What is shown at each frame. Room time is true time + 500; `patches` are told that many a second."""
    random = Random(line.seed)

    def local(true: float) -> float:
        return 1000 + true * (1 + line.drift)

    def delay(least: float) -> float:
        stalled = 1.0 if random.random() < line.stalls else 0.0
        return least + random.random() * line.jitter + stalled

    events: list[tuple[float, float | None, float]] = []
    """True time of arrival, true time of the ping, room time that is told."""
    pings = [*PINGS, *(EVERY * n for n in range(1, int(seconds / EVERY) + 1))]
    first = delay(line.back)
    for ping in pings:
        answered = first + ping + delay(line.there)
        events.append((answered + delay(line.back), first + ping, 500 + answered))
    for n in range(int(seconds * patches)):
        told = first + n / patches
        events.append((told + delay(line.back), None, 500 + told))
    events.sort(key=lambda event: event[0])
    clock = RoomClock(500, local(first))
    for frame in range(int((seconds - first) / FRAME)):
        true = first + frame * FRAME
        while events and events[0][0] <= true:
            arrived, ping_at, room_now = events.pop(0)
            if ping_at is None:
                clock.heard(room_now, local(arrived))
            else:
                clock.pong(local(ping_at), local(arrived), room_now)
        yield Shown(500 + true, clock.room_now(local(true)), local(true))


@given(lines, st.sampled_from([0.0, 5.0]))
def test_what_is_shown_runs_evenly_and_never_backwards(line: Line, patches: float) -> None:
    before: Shown | None = None
    for now in shown_over(line, 25, patches):
        if before is not None:
            elapsed = now.local - before.local
            ran = now.shown - before.shown
            assert ran >= 0.9 * elapsed - 1e-9 or before.shown > before.truth + LEAP_SECONDS / 2
            # This side's clock runs on at its own pace from the moment at which it was certain.
            most = now.truth + (0.1 + abs(line.drift)) * elapsed + 1e-9
            hopped_no_farther_than_is_certain = now.shown <= most
            assert ran <= 1.1 * elapsed + 1e-9 or hopped_no_farther_than_is_certain
            assert ran >= -1e-9
        before = now


@settings(max_examples=50)
@given(lines)
def test_on_a_line_without_stalls_the_error_is_that_of_its_imbalance(line: Line) -> None:
    line = Line(line.there, line.back, line.jitter, 0.0, line.drift, line.seed)
    most = abs(line.there - line.back) / 2 + line.jitter / 2 + (line.there + line.back) / 4 + 0.02
    last = list(shown_over(line, 60))[-1]
    assert last.shown == pytest.approx(last.truth, abs=most)


@settings(max_examples=30)
@given(lines, st.integers(0, 2**32))
def test_a_few_stalls_change_little(line: Line, seed: int) -> None:
    """A stalled pong is off by half a second; among others that are not it does not count."""
    steady = Line(0.02, 0.02, 0.005, 0.0, line.drift, seed)
    stalling = Line(0.02, 0.02, 0.005, 0.1, line.drift, seed)
    for each in (steady, stalling):
        frames = list(shown_over(each, 60, patches=5))
        assert frames[-1].shown == pytest.approx(frames[-1].truth, abs=0.25)


def test_an_even_line_with_stalls_is_followed_to_some_milliseconds() -> None:
    for seed in range(20):
        frames = list(shown_over(Line(0.02, 0.02, 0.002, 0.1, 5e-5, seed), 60, patches=5))
        assert frames[-1].shown == pytest.approx(frames[-1].truth, abs=0.012)


def test_where_room_time_stood_still_what_is_shown_waits_for_it() -> None:
    clock = RoomClock(100, 0)
    for second in range(1, 6):
        clock.pong(second, second + 0.02, 100 + second + 0.01)
        clock.room_now(second + 0.5)
    # The room's time stood at 106 for 4 s.
    shown = clock.room_now(10)
    assert shown == pytest.approx(110, abs=0.1)
    clock.pong(10, 10.02, 106.01)
    for frame in range(1, 300):
        later = clock.room_now(10.02 + frame / 60)
        assert later >= shown
        shown = later
    clock.room_now(20)
    assert clock.room_now(30) == pytest.approx(126, abs=0.05)


def test_a_pong_that_took_long_makes_nothing_leap() -> None:
    clock = RoomClock(0, 0)
    clock.pong(0, 4, 3.9)  # nearly all of it on the way there: room time is 3.9 and not 5.9
    assert clock.room_now(4) == pytest.approx(4.4, abs=0.001), "a tenth faster, and no more"


def test_the_clock_of_a_resumed_session_goes_on_from_what_was_shown() -> None:
    before = RoomClock(0, 0)
    before.pong(0, 0.2, 0.2)
    shown = before.room_now(10)
    after = RoomClock(9.9, 10)
    after.follow(before, 10)
    assert after.room_now(10) == shown
    assert after.room_now(10.1) == pytest.approx(shown + 0.09)
    assert after.room_now(20) == pytest.approx(19.9)


def test_the_clock_of_a_room_that_slept_begins_anew() -> None:
    before = RoomClock(0, 0)
    after = RoomClock(3, 100)
    after.follow(before, 100)
    assert after.room_now(100) == 3
    ahead = RoomClock(200, 100)
    ahead.follow(before, 100)
    assert ahead.room_now(100) == 200
