"""The order of writes: who waits goes first, and nothing starves."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.kube.lanes import AGEING_SECONDS, WEIGHTS, Lane, Lanes


def game_of(key: str) -> str:
    """Keys are of one game, or `game/key`."""
    return key.rpartition("/")[0]


def filled(**many: int) -> Lanes[str]:
    lanes: Lanes[str] = Lanes(game=game_of)
    for name, number in many.items():
        for n in range(number):
            lanes.add(f"{name}{n}", Lane[name], 0.0)
    return lanes


def taken(lanes: Lanes[str], number: int, now: float = 0.0, last: Lane = Lane.COUNTS) -> list[str]:
    keys = [lanes.take(now, last) for _ in range(number)]
    return [key.rstrip("0123456789") for key in keys if key is not None]


def test_a_lane_is_first_come_first_served() -> None:
    lanes = filled(RECORD=3)
    assert [lanes.take(0.0) for _ in range(4)] == ["RECORD0", "RECORD1", "RECORD2", None]


def test_a_record_that_somebody_waits_for_overtakes_thousands() -> None:
    lanes = filled(RECORD=5_000, STATUS=5_000)
    lanes.add("join", Lane.AWAITED, 60.0)
    assert "join" in [lanes.take(60.0) for _ in range(2)]


def test_in_each_lane_the_games_take_turns() -> None:
    lanes: Lanes[str] = Lanes(game=game_of)
    for lane in (Lane.AWAITED, Lane.COUNTS):
        for number in range(10_000):
            lanes.add(f"big/{lane.name}{number}", lane, 0.0)
        lanes.add(f"small/{lane.name}", lane, 0.0)
    order = [lanes.take(0.0) for _ in range(20_002)]
    awaited, counts = (
        [key for key in order if key is not None and lane.name in key] for lane in (Lane.AWAITED, Lane.COUNTS)
    )
    assert awaited[:3] == ["big/AWAITED0", "small/AWAITED", "big/AWAITED1"]
    assert counts[:3] == ["big/COUNTS0", "small/COUNTS", "big/COUNTS1"]


def test_lanes_behind_a_record_that_is_awaited_get_one_turn_in_five_together() -> None:
    found = taken(filled(AWAITED=1_000, STATUS=1_000, COUNTS=1_000), 250)
    assert (found.count("AWAITED"), found.count("STATUS"), found.count("COUNTS")) == (200, 40, 10)


def test_while_many_rooms_are_placed_their_phases_hardly_take_turns_with_the_records() -> None:
    found = taken(filled(RECORD=1_000, STATUS=1_000), 200)
    assert (found.count("RECORD"), found.count("STATUS")) == (190, 10)


def test_behind_an_aged_head_turns_are_even() -> None:
    found = taken(filled(RECORD=100, STATUS=100), 50, now=AGEING_SECONDS)
    assert found.count("STATUS") == 25


def test_a_lane_that_may_not_be_taken_from_is_left_alone() -> None:
    lanes = filled(RECORD=2, STATUS=2, COUNTS=2)
    assert taken(lanes, 10, last=Lane.RECORD) == ["RECORD"] * 2
    assert taken(lanes, 10, last=Lane.STATUS) == ["STATUS"] * 2
    assert lanes.has(Lane.COUNTS)
    assert len(lanes) == 2


def test_a_key_that_waits_only_moves_forward_and_comes_out_once() -> None:
    lanes: Lanes[str] = Lanes(game=game_of)
    lanes.add("a", Lane.COUNTS, 0.0)
    lanes.add("b", Lane.STATUS, 0.0)
    lanes.add("a", Lane.AWAITED, 1.0)
    lanes.add("a", Lane.COUNTS, 2.0)
    assert [lanes.take(3.0) for _ in range(3)] == ["a", "b", None]


def test_a_removed_key_does_not_come_out() -> None:
    lanes = filled(STATUS=2)
    lanes.remove("STATUS0")
    lanes.remove("unknown")
    assert [lanes.take(0.0) for _ in range(2)] == ["STATUS1", None]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(Lane)), max_size=200))
def test_every_key_comes_out_once_however_it_was_moved(adds: list[tuple[int, Lane]]) -> None:
    lanes: Lanes[int] = Lanes(game=lambda key: 0)
    for now, (key, lane) in enumerate(adds):
        lanes.add(key, lane, float(now))
    out = []
    while (key := lanes.take(float(len(adds)))) is not None:
        out.append(key)
    assert sorted(out) == sorted({key for key, _ in adds})
    assert not lanes


@given(st.lists(st.sampled_from(Lane), min_size=1, max_size=60), st.sampled_from(Lane))
def test_nothing_starves_however_much_comes_in_front(kinds: list[Lane], lane: Lane) -> None:
    lanes: Lanes[int] = Lanes(game=lambda key: 0)
    lanes.add(0, lane, 0.0)
    bound = math.prod(weight + 1 for weight in WEIGHTS.values())
    for number in range(1, bound + 1):
        lanes.add(number, kinds[number % len(kinds)], 0.0)
        lanes.add(bound + number, kinds[(number * 7) % len(kinds)], 0.0)
        if lanes.take(0.0) == 0:
            return
    raise AssertionError(f"a key of {lane!r} never came out")
