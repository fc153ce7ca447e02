"""Room time as the client sees it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.client.clock import RoomClock


def test_before_the_first_pong_it_runs_from_what_welcome_said() -> None:
    clock = RoomClock(50, 1000)
    assert clock.room_now(1000) == 50
    assert clock.room_now(1002.5) == 52.5
    assert clock.round_trip is None


def test_pongs_correct_it_by_half_of_the_round_trip() -> None:
    clock = RoomClock(50, 1000)
    clock.pong(1000, 1000.2, 50.2)
    clock.room_now(1005)
    assert clock.room_now(1010) == pytest.approx(60.1)
    assert clock.round_trip == pytest.approx(0.2)


def test_slow_pongs_are_outliers() -> None:
    clock = RoomClock(0, 0)
    for second in range(1, 6):
        clock.pong(second - 0.01, second + 0.01, second)
    clock.pong(6, 6.9, 6.05)
    clock.room_now(6)
    assert clock.room_now(100) == pytest.approx(100, abs=0.001)


def test_a_pong_from_before_its_ping_is_ignored() -> None:
    clock = RoomClock(0, 0)
    clock.pong(5, 4, 100)
    assert clock.room_now(5) == 5


def test_it_comes_close_to_room_time_over_a_jittery_line() -> None:
    random = Random(7)
    clock = RoomClock(500 - 0.08, 0)
    for second in range(1, 60):
        there, back = (0.02 + random.expovariate(50) for _ in range(2))
        clock.pong(second, second + there + back, 500 + second + there)
        shown = clock.room_now(second + 0.5)
    assert shown == pytest.approx(500 + 59.5, abs=0.03)


def test_a_small_error_is_run_in_and_not_jumped_over() -> None:
    clock = RoomClock(0, 0)
    clock.pong(0, 0, 0)
    clock.heard(0.3, 0)
    assert clock.room_now(1) == pytest.approx(1.1)
    assert clock.room_now(2) == pytest.approx(2.2)
    assert clock.room_now(5) == pytest.approx(5.3)


def test_at_the_first_pong_it_hops_ahead_to_what_is_certain() -> None:
    clock = RoomClock(0, 0)  # welcome was long on its way
    assert clock.room_now(0.1) == pytest.approx(0.1)
    clock.pong(0, 0.1, 0.35)
    assert clock.room_now(0.1) == pytest.approx(0.35)
    assert clock.room_now(5) == pytest.approx(5.3)


def test_a_message_says_the_least_that_room_time_can_be() -> None:
    clock = RoomClock(0, 0)
    clock.heard(10, 1)
    assert clock.room_now(1) == pytest.approx(10)
    clock.heard(5, 2)
    assert clock.room_now(2) == pytest.approx(11)


def test_after_the_computer_slept_it_leaps_to_what_the_room_says() -> None:
    clock = RoomClock(0, 0)
    for second in range(1, 6):
        clock.pong(second, second, second)
    clock.pong(6, 6.01, 1000)
    assert clock.room_now(7) == pytest.approx(1001, abs=0.1)


inputs = st.lists(
    st.tuples(st.sampled_from(["pong", "heard"]), st.floats(0, 3), st.floats(0, 2), st.floats(-1e3, 1e3))
)


@given(inputs)
def test_what_is_shown_never_falls(happened: list[tuple[str, float, float, float]]) -> None:
    local = 100.0
    clock = RoomClock(0, local)
    shown = clock.room_now(local)
    for kind, elapsed, trip, room_now in happened:
        local += elapsed
        if kind == "pong":
            clock.pong(local - trip, local, room_now)
        else:
            clock.heard(room_now, local)
        latest = clock.room_now(local)
        assert latest >= shown - 1e-9
        shown = latest
