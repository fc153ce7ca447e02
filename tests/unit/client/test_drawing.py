"""Where actors are drawn: never with a jump, and soon where they are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.client.drawing import FADE_SECONDS, Drawing
from roomfleet.client.view import position_of
from roomfleet.wire.motion import position_at, timed_path
from roomfleet.wire.patch import apply_ops

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "messages" / "motion.drawn.json"
SPEED = 100.0


def copy_with(path: list[list[float]]) -> dict[str, Any]:
    return {"actors": {"a": {"id": "a", "parent": None, "speed": SPEED, "path": path}}, "room": {"state": {}}}


def test_what_is_drawn_is_the_same_as_in_javascript() -> None:
    scene = json.loads(GOLDEN.read_text())
    drawing = Drawing()
    for frame in scene["frames"]:
        apply_ops(scene["copy"], frame["ops"])
        now = frame["now"]
        drawn = {each: drawing.position_of(scene["copy"], each, now) for each in ("ada", "cart", "post")}
        for actor_id, at in frame["drawn"].items():
            assert drawn[actor_id] == (None if at is None else pytest.approx(tuple(at))), frame["why"]


coordinates = st.floats(0, 1000)
courses = st.lists(
    st.tuples(
        st.floats(0.01, 1),  # after the course before
        st.one_of(st.none(), st.tuples(coordinates, coordinates)),  # None: it stops
        st.floats(0, 0.15),  # until the client hears of it
    ),
    max_size=12,
)


@given(courses=courses, steps=st.lists(st.floats(0.001, 0.05), min_size=1, max_size=20))
def test_over_any_courses_it_never_jumps_and_comes_to_the_truth(
    courses: list[tuple[float, tuple[float, float] | None, float]], steps: list[float]
) -> None:
    begin, heard = 10.0, 0.0
    path = [[500.0, 500.0, 0.0]]
    copy = copy_with(path)
    news: list[tuple[float, list[list[float]]]] = []
    for pause, goal, late in courses:
        begin += pause
        here = position_at(path, begin)
        path = timed_path([here] if goal is None else [here, goal], SPEED, begin)
        heard = max(heard, begin + late)
        news.append((heard, path))
    drawing, now, changed, most = Drawing(), 9.0, 9.0, 0.0
    before, before_at = drawing.position_of(copy, "a", now), now
    frame = 0
    while news or now < changed + 2 * FADE_SECONDS:
        now += steps[frame % len(steps)]
        frame += 1
        while news and news[0][0] <= now:
            copy, changed = copy_with(news.pop(0)[1]), now
        exact, at = position_of(copy, "a", now), drawing.position_of(copy, "a", now)
        assert exact is not None
        assert at is not None
        assert before is not None
        most = max(most, math.dist(at, exact))
        elapsed = now - before_at
        assert math.dist(at, before) <= (SPEED + most / FADE_SECONDS) * elapsed + 1e-6
        if now >= changed + FADE_SECONDS + 1e-9:
            assert at == exact
        before, before_at = at, now


@given(path=st.tuples(coordinates, coordinates), times=st.lists(st.floats(0, 100)))
def test_who_stands_is_drawn_exactly_there_whatever_snapshots_come(
    path: tuple[float, float], times: list[float]
) -> None:
    drawing = Drawing()
    for now in sorted(times):
        assert drawing.position_of(copy_with([[*path, 50.0]]), "a", now) == path


def test_who_was_not_drawn_for_a_while_is_where_it_is() -> None:
    drawing = Drawing()
    first, second = (
        timed_path([(0, 0), (500, 0)], SPEED, 0.0),
        timed_path([(500, 0), (500, 900)], SPEED, 500 / SPEED),
    )
    assert drawing.position_of(copy_with(first), "a", 1.0) == position_at(first, 1.0)
    later = 500 / SPEED + 3
    assert drawing.position_of(copy_with(second), "a", later) == position_at(second, later)


def test_what_went_is_forgotten() -> None:
    drawing = Drawing()
    for number in range(2000):
        actor = {"id": f"a{number}", "parent": None, "speed": 1, "path": [[0, 0, 0]]}
        drawing.position_of({"actors": {f"a{number}": actor}, "room": {"state": {}}}, f"a{number}", number)
    assert len(drawing._drawn) < 200
