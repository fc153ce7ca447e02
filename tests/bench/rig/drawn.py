"""How wrong a client is that draws the last patch.

What it received tells the server's own motion: even between two ticks. When the ticks were is not told, so
they are taken to have been as late as they can have been: a tick's period apart, and none after its patch
came. That hides the way of the fastest patch, to the client's favour.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence

from rig.errors import Errors

STEP = 6.0
"""World units that an actor runs in a tick."""


def drawn_errors(came: Sequence[Sequence[float]], drawn: Sequence[float], errors: Errors) -> None:
    """Add those of one client: `came` has `[time, x, y, x, y, …]` for each patch, `drawn` when it was looked
    at."""
    if len(came) < 3:
        raise ValueError("too few patches came to tell anything")
    ticks = _ticks(came)
    period, first = _clock([row[0] for row in came], ticks)
    times = [row[0] for row in came]
    last = ticks[-1]
    for look in drawn:
        shown = bisect.bisect_right(times, look) - 1
        tick = (look - first) / period
        if shown < 0 or not 0 <= tick < last:
            continue
        after = bisect.bisect_right(ticks, tick)
        begin, end = came[after - 1], came[after]
        share = (tick - ticks[after - 1]) / (ticks[after] - ticks[after - 1])
        row = came[shown]
        for at in range(1, len(row), 2):
            x = begin[at] + (end[at] - begin[at]) * share
            y = begin[at + 1] + (end[at + 1] - begin[at + 1]) * share
            errors.add((row[at], row[at + 1]), (x, y))


def _ticks(came: Sequence[Sequence[float]]) -> list[int]:
    """The tick of each patch, counted from the first: by how far the actors ran since the one before."""
    ticks = [0]
    for before, row in itertools.pairwise(came):
        ran = sorted(
            math.hypot(row[at] - before[at], row[at + 1] - before[at + 1]) for at in range(1, len(row), 2)
        )
        ticks.append(ticks[-1] + max(1, round(ran[len(ran) // 2] / STEP)))
    return ticks


def _clock(times: Sequence[float], ticks: Sequence[int]) -> tuple[float, float]:
    """Period of the ticks and time of tick 0: the line through the arrivals, moved to the earliest."""
    mean_tick, mean_time = sum(ticks) / len(ticks), sum(times) / len(times)
    spread = sum((tick - mean_tick) ** 2 for tick in ticks)
    period = (
        sum((tick - mean_tick) * (time - mean_time) for tick, time in zip(ticks, times, strict=True)) / spread
    )
    return period, min(time - tick * period for tick, time in zip(ticks, times, strict=True))
