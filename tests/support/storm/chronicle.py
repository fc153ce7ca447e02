"""What happened in a storm, in order, with the seconds since it began."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Broken(AssertionError):
    """A promise was broken: what, and by whom it was noticed."""


class Chronicle:
    """Grows as things happen."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._wall = time.time()
        self.lines: list[str] = []
        self._under_way = 0
        self._quiet_since = 0.0
        self.broken: list[Broken] = []
        self.counts: Counter[str] = Counter()

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def at(self, wall: float) -> float:
        """That time of day as seconds since it began."""
        return wall - self._wall

    def say(self, who: str, what: str) -> None:
        """Write it down."""
        self.lines.append(f"{self.now:8.3f}  {who:<10} {what}")

    @property
    def quiet_since(self) -> float:
        """Since when no fault is under way: what is to heal within a bound counts from then."""
        return self.now if self._under_way else self._quiet_since

    @contextmanager
    def fault(self, kind: str, what: str) -> Iterator[None]:
        """A fault, for as long as the block takes."""
        self.counts[kind] += 1
        self.say("fault", what)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._quiet_since = self.now

    def is_broken(self, what: str) -> None:
        """A promise does not hold; the storm ends at the next look."""
        self.say("BROKEN", what)
        self.broken.append(Broken(f"{self.now:.3f} s: {what}"))

    def check(self) -> None:
        """Raises the first Broken."""
        if self.broken:
            raise self.broken[0]
