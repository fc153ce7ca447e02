"""Motion along timed paths, for any path; the very numbers are in test_golden."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roomfleet.wire.motion import Path, arrives_at, position_at, timed_path

# Thousandths of a unit: a way shorter than the clock can tell has no time between its ends.
coordinates = st.integers(-10_000_000, 10_000_000).map(lambda thousandths: thousandths / 1000)
points = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6)
times = st.floats(0, 1e6)
speeds = st.floats(0.5, 500)


@given(points, speeds, times, st.floats(0, 1e5))
def test_before_its_start_and_after_its_end_a_path_stands_still(
    through: list[tuple[float, float]], speed: float, start: float, more: float
) -> None:
    path = timed_path(through, speed, start)
    assert position_at(path, start - more) == tuple(path[0][:2])
    assert position_at(path, arrives_at(path) + more) == tuple(path[-1][:2])


@given(points, speeds, times)
def test_a_timed_path_goes_through_all_its_points_at_its_speed(
    through: list[tuple[float, float]], speed: float, start: float
) -> None:
    path = timed_path(through, speed, start)
    corners = [through[0]]
    for point in through[1:]:
        if math.dist(point, corners[-1]) > 0:
            corners.append(point)
    length = sum(math.dist(a, b) for a, b in itertools.pairwise(through))
    assert arrives_at(path) - start == pytest.approx(length / speed, rel=1e-6, abs=1e-6)
    assert {tuple(point[:2]) for point in path} <= set(through)
    assert len(path) <= len(corners)


@given(points, speeds, times, st.floats(0, 1), st.floats(0, 1))
def test_nobody_is_ever_faster_than_their_speed(
    through: list[tuple[float, float]], speed: float, start: float, one: float, other: float
) -> None:
    path = timed_path(through, speed, start)
    span = arrives_at(path) - start
    early, late = sorted((start + one * span, start + other * span))
    assume(late > early)
    moved = math.dist(position_at(path, early), position_at(path, late))
    assert moved <= speed * (late - early) * (1 + 1e-6) + 1e-3


def test_two_points_at_one_time_are_a_jump() -> None:
    path: Path = [[0, 0, 1], [10, 0, 2], [50, 50, 2], [60, 50, 3]]
    assert position_at(path, 1.5) == (5, 0)
    assert position_at(path, 2) == (50, 50)
    assert position_at(path, 2.5) == (55, 50)


def test_one_point_is_standing_there() -> None:
    assert position_at([[3, 4, 5]], 0) == position_at([[3, 4, 5]], 1e9) == (3, 4)


@pytest.mark.parametrize("speed", [0, -1])
def test_without_speed_one_stays(speed: float) -> None:
    assert timed_path([(1, 2), (3, 4)], speed, 5) == [[1, 2, 5]]
