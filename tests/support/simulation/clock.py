"""The simulated clock: what happens when, and in which order."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Happening = Callable[[], None]


class Clock:
    """Happenings by time. Those of one channel come in the order in which they were put there."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._agenda: list[tuple[float, int, Happening]] = []
        self._number = 0
        self._channels: dict[str, float] = {}

    def later(self, delay: float, what: Happening, channel: str = "") -> None:
        """Have it happen in so many seconds, and on a channel after everything before it."""
        due = self.now + delay
        if channel:
            due = self._channels[channel] = max(due, self._channels.get(channel, 0.0))
        self._number += 1
        heapq.heappush(self._agenda, (due, self._number, what))

    def next(self) -> float | None:
        """When the next one is due."""
        return self._agenda[0][0] if self._agenda else None

    def happen(self) -> None:
        """Let the next one happen."""
        due, _, what = heapq.heappop(self._agenda)
        self.now = max(self.now, due)
        what()
