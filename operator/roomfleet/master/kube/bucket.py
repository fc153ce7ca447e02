"""A token bucket: so many at once, so many a second. Pure; the time comes from outside."""

from __future__ import annotations


class Bucket:
    """At most `burst` at once and `rate` a second on average."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> float:
        """Take one. Gives 0, or how long (s) to wait before asking again; then nothing was taken."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate
