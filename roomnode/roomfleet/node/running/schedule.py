"""One heap of deadlines for the whole node: no timer per room or actor (DESIGN 6).

A room with nothing to do has no entry, so it costs nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Hashable


class Schedule:
    """Calls each key's function once at its deadline, on the loop's own clock (s)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Hashable]] = []
        self._due: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: Hashable, deadline: float, call: Callable[[], None]) -> None:
        """Call once at `deadline`, instead of whatever was set for the key before."""
        known = self._due.get(key)
        self._due[key] = (deadline, call)
        if known is None or known[0] != deadline:
            if len(self._heap) > 4 * len(self._due) + 64:
                self._heap = [entry for entry in self._heap if not self._stale(entry)]
                heapq.heapify(self._heap)
            heapq.heappush(self._heap, (deadline, next(self._order), key))
            self._arm()

    def clear(self, key: Hashable) -> None:
        """Nothing is due for the key any more."""
        self._due.pop(key, None)

    def _arm(self) -> None:
        while self._heap and self._stale(self._heap[0]):
            heapq.heappop(self._heap)
        first = self._heap[0][0] if self._heap else float("inf")
        if first == self._armed_for:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._armed_for = first
        if self._heap:
            self._handle = self._loop.call_at(first, self._run)

    def _stale(self, entry: tuple[float, int, Hashable]) -> bool:
        known = self._due.get(entry[2])
        return known is None or known[0] != entry[0]

    def _run(self) -> None:
        self._handle = None
        self._armed_for = float("inf")
        now = self._loop.time()
        calls: list[Callable[[], None]] = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if not self._stale(entry):
                calls.append(self._due.pop(entry[2])[1])
        for call in calls:
            # Each by its own callback: one that raises does not take the others along.
            self._loop.call_soon(call)
        self._arm()
