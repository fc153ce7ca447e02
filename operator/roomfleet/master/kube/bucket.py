"""A token bucket: so many at once, so many a second. Pure; the time comes from outside."""

from __future__ import annotations


class Bucket:
    """At most `burst` at once and `rate` a second on average."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def wait(self, now: float) -> float:
        """How long (s) until there is one to take; 0: now."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._left >= 1 else (1 - self._left) / self._rate

    def take(self, now: float) -> float:
        """Take one. Gives 0, or how long (s) to wait before asking again; then nothing was taken."""
        wait = self.wait(now)
        if not wait:
            self._left -= 1
        return wait
