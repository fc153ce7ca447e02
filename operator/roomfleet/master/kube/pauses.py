"""Pauses that double while trouble follows trouble. Pure; the time comes from outside."""

from __future__ import annotations


class Pauses:
    """From `first` up to `most`; all went well for `steady` after a pause: from `first` again. Seconds."""

    def __init__(self, first: float, most: float, steady: float) -> None:
        self._first, self._most, self._steady = first, most, steady
        self._count = 0
        self._over = float("-inf")

    def next(self, now: float, asked: float = 0.0) -> float:
        """There is trouble: how long to wait. `asked`: what the server asks for, heeded up to `most`."""
        if now - self._over >= self._steady:
            self._count = 0
        pause = min(self._most, max(asked, self._first * 2.0 ** min(self._count, 30)))
        self._count += 1
        self._over = now + pause
        return pause
