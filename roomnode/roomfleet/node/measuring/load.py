"""What the node has to do: how busy its event loop is, and how many ticks it is late for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from roomfleet.wire.link import Load

WINDOW_SECONDS = 10.0
"""Over so long both are taken. A node that has just started was not busy before."""


class _Sample(NamedTuple):
    at: float
    cpu: float
    ticks: int
    missed: int


class LoadMeter:
    """Differences of running counts over the last seconds."""

    def __init__(self, now: Callable[[], float], cpu: Callable[[], float]) -> None:
        """`now`: seconds; `cpu`: CPU seconds of the event loop's thread. Both only grow."""
        self._now, self._cpu = now, cpu
        self._samples: deque[_Sample] = deque([_Sample(now(), cpu(), 0, 0)])

    def measure(self, ticks: int, missed: int) -> Load:
        """The load now. `ticks` were done and `missed` were skipped since the node's start."""
        sample = _Sample(self._now(), self._cpu(), ticks, missed)
        self._samples.append(sample)
        while len(self._samples) > 2 and self._samples[1].at <= sample.at - WINDOW_SECONDS:
            self._samples.popleft()
        first = self._samples[0]
        seconds = max(WINDOW_SECONDS, sample.at - first.at)
        skipped = sample.missed - first.missed
        due = sample.ticks - first.ticks + skipped
        return Load(busy=(sample.cpu - first.cpu) / seconds, missed=skipped / due if due else 0.0)
