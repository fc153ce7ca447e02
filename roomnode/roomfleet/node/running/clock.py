"""Room time: the time in which vectors and timers count (INTERFACES, Scripts).

It never passes the ceiling that the last commit stored: a takeover starts at that ceiling, so room time
never runs backwards across nodes. Where no commit raises the ceiling, room time stands still there.
"""

from __future__ import annotations

from collections.abc import Callable

CEILING_SECONDS = 10.0
"""How far beyond the present a commit lets room time go."""

RENEW_SECONDS = 4.0
"""An active room commits when less than this is left."""


class RoomClock:
    """Seconds of room time, driven by a steady clock (s)."""

    __slots__ = ("_base", "_ceiling", "_last", "_steady")

    def __init__(self, steady: Callable[[], float], start: float, ceiling: float) -> None:
        self._steady = steady
        self._base = start - steady()
        self._ceiling = max(ceiling, start)
        self._last = start

    def now(self) -> float:
        # The last one again, rather than one that rounding made smaller.
        self._last = max(self._last, min(self._steady() + self._base, self._ceiling))
        return self._last

    @property
    def ceiling(self) -> float:
        return self._ceiling

    @property
    def stands(self) -> bool:
        """Whether it has reached the ceiling and waits for a commit."""
        return self._steady() + self._base >= self._ceiling

    @property
    def wants_renewal(self) -> bool:
        return self._steady() + self._base >= self._ceiling - RENEW_SECONDS

    def next_ceiling(self) -> float:
        """The ceiling to store with a commit that is composed now."""
        return self.now() + CEILING_SECONDS

    def raise_ceiling(self, ceiling: float) -> None:
        """A commit stored this ceiling. A clock that stood goes on from where it stood."""
        steady = self._steady()
        self._base = min(self._base, self._ceiling - steady)
        self._ceiling = max(self._ceiling, ceiling)

    def steady_at(self, room_time: float) -> float:
        """When room time will be that, on the steady clock, if it does not stand."""
        return room_time - self._base
