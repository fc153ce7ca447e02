"""Room time never passes what a commit allowed, and never runs backwards."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.node.running.clock import CEILING_SECONDS, RoomClock


class Steady:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_room_time_goes_on_from_its_start() -> None:
    steady = Steady()
    clock = RoomClock(steady, start=7.0, ceiling=17.0)
    assert clock.now() == 7.0
    steady.time += 2.5
    assert clock.now() == 9.5


def test_room_time_stands_at_the_ceiling_until_a_commit_raises_it() -> None:
    steady = Steady()
    clock = RoomClock(steady, start=0.0, ceiling=10.0)
    steady.time += 60
    assert clock.now() == 10.0
    assert clock.stands
    clock.raise_ceiling(clock.next_ceiling())
    assert clock.now() == 10.0
    steady.time += 1
    assert clock.now() == 11.0
    assert not clock.stands


def test_the_steady_time_of_a_room_time_is_when_it_will_be() -> None:
    steady = Steady()
    clock = RoomClock(steady, start=5.0, ceiling=15.0)
    assert clock.steady_at(8.0) == 103.0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=40))
def test_room_time_never_falls_and_never_passes_the_ceiling(steps: list[tuple[float, bool]]) -> None:
    steady = Steady()
    clock = RoomClock(steady, start=0.0, ceiling=CEILING_SECONDS)
    last = 0.0
    for passed, commits in steps:
        steady.time += passed
        assert last <= clock.now() <= clock.ceiling
        last = clock.now()
        if commits:
            clock.raise_ceiling(clock.next_ceiling())
            assert 0 <= clock.now() - last < 1e-9
