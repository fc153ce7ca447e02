"""The parts of the benchmarks that can be wrong without anybody noticing."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here = Path(__file__).resolve().parent
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.syspath_prepend(str(here / "arena"))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("rig", "arena"):
            del sys.modules[name]


class FakeSide:
    """Carries so many clients; windows in `bad` are bad whatever their size."""

    def __init__(self, carries: int, bad: tuple[int, ...] = ()) -> None:
        self.carries = carries
        self.bad = bad
        self.sizes: list[int] = []
        self.name = "fake"
        self.load = self

    def clients(self, count: int) -> dict[str, Any]:
        self.count = count
        return {"joins_per_s": 0}

    def idle(self, seconds: float) -> None:
        pass

    def measure(self, seconds: float) -> dict[str, Any]:
        good = self.count <= self.carries and len(self.sizes) not in self.bad
        self.sizes.append(self.count)
        figures = dict.fromkeys(
            ("bytes_per_patch", "server_cpu_pct", "rtt_p50_ms", "max_gap_ms", "snapshots", "load_cpu_pct"),
            1.0,
        )
        return {
            **figures,
            "clients": self.count,
            "patches_per_client_per_s": 20.0,
            "server_us_per_patch": 1.0,
            "server_rss_mb": 1.0,
            "rtt_p99_ms": 10.0 if good else 90.0,
            "unanswered": 0,
        }


def find(load: FakeSide, **search: Any) -> Any:
    from rig.capacity import Search, find_capacity, keeps_up

    settings = {"start": 2_000, "step": 500, "most": 6_000, "seconds": 1, **search}
    return find_capacity(load, Search(**settings), keeps_up)  # type: ignore[arg-type]


def test_clients_are_added_until_it_is_too_much_then_half_a_step_less():
    load = FakeSide(3_300)
    assert find(load).clients == 3_250
    assert load.sizes == [2_000, 2_500, 3_000, 3_500, 3_500, 3_250]


def test_one_bad_window_is_not_the_end():
    assert find(FakeSide(3_000, bad=(1,))).clients == 3_000


def test_the_search_goes_down_when_the_start_is_too_much():
    load = FakeSide(1_200)
    assert find(load).clients == 1_000
    assert load.sizes[-1] == 1_000


def test_sizes_before_the_start_do_not_end_the_search():
    load = FakeSide(2_600)
    assert find(load, before=(500, 1_000, 3_000)).clients == 2_500
    assert load.sizes[:3] == [500, 1_000, 2_000]


def test_a_search_that_reached_its_bound_says_so():
    found = find(FakeSide(10_000), most=3_000)
    assert (found.clients, found.bounded) == (3_000, True)


def test_a_course_stays_inside_and_keeps_its_speed():
    from arena.course import SIZE, SPEED, courses

    for course in courses(10):
        for step in range(2_000):
            before, after = course.at(step / 10), course.at((step + 1) / 10)
            assert all(0 <= place <= SIZE for place in after)
            assert math.dist(before, after) <= SPEED / 10 + 1e-9


def test_the_next_wall_is_on_the_course_and_on_a_wall():
    from arena.course import SIZE, SPEED, courses

    for course in courses(10):
        seconds = 0.0
        for _ in range(20):
            here, wall = course.at(seconds), course.next_wall(seconds)
            assert min(abs(place - edge) for place in wall for edge in (0, SIZE)) < 1e-6
            seconds += math.dist(here, wall) / SPEED + 1e-6
            assert math.dist(course.at(seconds), wall) < 1e-3


def patches(period: float, delays: list[float]) -> list[list[float]]:
    """An actor that runs to the right, a patch for each tick, each with its delay."""
    return [[tick * period + delay, 6.0 * tick, 100.0] for tick, delay in enumerate(delays)]


def test_a_client_that_draws_the_last_patch_is_half_a_tick_behind():
    from rig.drawn import drawn_errors
    from rig.errors import Errors

    errors = Errors()
    came = patches(0.05, [0.01] * 101)
    drawn_errors(came, [0.06 + look * 0.001 for look in range(4_900)], errors)
    found = errors.summary()
    assert found["error_mean"] == pytest.approx(3, abs=0.1)
    assert found["error_max"] == pytest.approx(6, abs=0.2)


def test_a_late_patch_counts_as_an_error_of_what_is_drawn():
    from rig.drawn import drawn_errors
    from rig.errors import Errors

    errors = Errors()
    delays = [0.0] * 101
    delays[50] = 0.04
    drawn_errors(patches(0.05, delays), [50 * 0.05 + 0.039], errors)
    assert errors.summary()["error_mean"] == pytest.approx(6 + 6 * 0.039 / 0.05, abs=0.1)


def test_ticks_that_came_in_one_patch_are_counted():
    from rig.drawn import drawn_errors
    from rig.errors import Errors

    came = patches(0.05, [0.0] * 101)
    del came[40:42]
    errors = Errors()
    drawn_errors(came, [90.5 * 0.05], errors)
    assert errors.summary()["error_mean"] == pytest.approx(3, abs=0.1)
