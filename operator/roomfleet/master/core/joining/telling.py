"""Who in a line hears their place, and when.

Those near its head hear of each change at once. Those far behind hear of theirs at most once a second, a
hundred at a time, so that a long line whose head moves costs neither a message for each of them each time nor
a stall. Everybody hears their place again now and then: that renews the token that keeps it.
"""

from __future__ import annotations

NEAR = 20
"""Places from the head whose changes are told at once."""
FAR_SECONDS = 1.0
"""Between two rounds through those behind."""
CHUNK = 100
"""Joins of one step of a round."""
CHUNK_SECONDS = 0.1
RENEW_SECONDS = 20.0
"""Nobody in line waits longer than about that for a word."""


class Telling:
    """Which indexes of one line are to be looked at. Not everybody who is looked at has something to hear."""

    __slots__ = ("_chunk_at", "_cursor", "_far", "_near", "_renew_at", "_round_at")

    def __init__(self) -> None:
        self._near: int | None = None
        """The lowest near index that changed and was not looked at."""
        self._far: int | None = None
        """Where the next round is to begin."""
        self._cursor: int | None = None
        """How far the round that is under way has come."""
        self._round_at = 0.0
        self._chunk_at = 0.0
        self._renew_at: float | None = None

    def changed(self, index: int) -> None:
        """From that index on places or times to wait are others."""
        if index < NEAR:
            self._near = index if self._near is None else min(index, self._near)
        far = max(index, NEAR)
        self._far = far if self._far is None else min(far, self._far)

    def take(self, now: float, length: int) -> list[range]:
        """The indexes to look at now."""
        due = []
        if self._near is not None:
            due.append(range(self._near, min(NEAR, length)))
            self._near = None
        if self._renew_at is None:
            self._renew_at = now + RENEW_SECONDS
        elif now >= self._renew_at:
            self._far, self._renew_at = 0, now + RENEW_SECONDS
        if self._cursor is None and self._far is not None and now >= self._round_at:
            self._cursor, self._far = self._far, None
            self._round_at = now + FAR_SECONDS
        if self._cursor is not None and now >= self._chunk_at:
            end = self._cursor + CHUNK
            due.append(range(self._cursor, min(end, length)))
            self._cursor = end if end < length else None
            self._chunk_at = now + CHUNK_SECONDS
        return due

    def next_due(self, length: int) -> float | None:
        """When to look again if nothing changes; None: not at all."""
        if length == 0:
            return None
        times = [] if self._renew_at is None else [self._renew_at]
        if self._cursor is not None:
            times.append(self._chunk_at)
        elif self._far is not None and self._far < length:
            times.append(max(self._round_at, self._chunk_at))
        return min(times, default=None)
