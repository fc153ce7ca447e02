"""What one connection may ask of a node: so many messages a second, so many calls at a time."""

from __future__ import annotations

from contextlib import suppress


class Bucket:
    """A token bucket: starts full with `burst` tokens and gains `rate` a second."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take one token at `now` (s, never falling). False: there is none."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class OutstandingCalls:
    """Calls that wait for their answer: at most `limit`. The same id may wait more than once."""

    __slots__ = ("_waiting", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._waiting: list[int] = []

    def begin(self, call: int) -> bool:
        """A call came. False: too many are waiting; it does not count."""
        if len(self._waiting) >= self.limit:
            return False
        self._waiting.append(call)
        return True

    def end(self, call: int) -> None:
        """The call was answered. One that came over another connection is of no interest."""
        with suppress(ValueError):
            self._waiting.remove(call)
