"""When to look at a subject again, without being told. One due time for each subject."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


class Timers(Generic[S]):
    """Due times. Moving one to later, which happens at each sign of life, costs no heap operation."""

    def __init__(self) -> None:
        self._due: dict[S, float] = {}
        self._armed: dict[S, float] = {}
        self._heap: list[tuple[float, int, S]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, subject: S) -> bool:
        return subject in self._due

    def set(self, subject: S, due: float | None) -> None:
        """Have the subject come out of `pop` at `due`; None: not at all."""
        if due is None:
            self._due.pop(subject, None)
            return
        self._due[subject] = due
        armed = self._armed.get(subject)
        if armed is None or armed > due:
            self._arm(subject, due)

    def next_due(self) -> float | None:
        """The earliest due time."""
        self._settle()
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> S | None:
        """One subject that is due, which has no due time any more; None when there is none."""
        self._settle()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, subject = heapq.heappop(self._heap)
        del self._armed[subject]
        del self._due[subject]
        return subject

    def _arm(self, subject: S, due: float) -> None:
        self._number += 1
        self._armed[subject] = due
        heapq.heappush(self._heap, (due, self._number, subject))

    def _settle(self) -> None:
        """Have the head of the heap be one that counts."""
        while self._heap:
            due, _, subject = self._heap[0]
            if self._armed.get(subject) != due:
                heapq.heappop(self._heap)
                continue
            wanted = self._due.get(subject)
            if wanted == due:
                return
            heapq.heappop(self._heap)
            del self._armed[subject]
            if wanted is not None:
                self._arm(subject, wanted)
