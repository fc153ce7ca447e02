"""Motion by timed vectors: where something is along a path `[[x, y, t], …]` (DESIGN 10).

World units and seconds of room time. Between two points the motion is straight and even; before the
first and after the last it stands still. One point means: standing there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

Path = list[list[float]]
"""`[[x, y, t], …]`, at least one point, times never falling."""

Point = tuple[float, float]


def position_at(path: Sequence[Sequence[float]], now: float) -> Point:
    """Where the owner of the path is at `now`."""
    first = path[0]
    if now <= first[2]:
        return first[0], first[1]
    for before, after in itertools.pairwise(path):
        if now < after[2]:
            share = (now - before[2]) / (after[2] - before[2])
            return before[0] + (after[0] - before[0]) * share, before[1] + (after[1] - before[1]) * share
    last = path[-1]
    return last[0], last[1]


def timed_path(points: Sequence[Point], speed: float, now: float) -> Path:
    """The path through `points` at `speed` units a second, begun at `now`.

    A speed of 0 or less stands at the first point.
    """
    path: Path = [[points[0][0], points[0][1], now]]
    if speed <= 0:
        return path
    for before, after in itertools.pairwise(points):
        distance = math.hypot(after[0] - before[0], after[1] - before[1])
        if distance > 0:
            path.append([after[0], after[1], path[-1][2] + distance / speed])
    return path


def arrives_at(path: Sequence[Sequence[float]]) -> float:
    """The room time at which the path ends."""
    return path[-1][2]
