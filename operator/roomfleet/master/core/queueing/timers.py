"""When to look at a subject again, without being told. One due time for each subject."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


@dataclass(slots=True, eq=False)
class _Timer(Generic[S]):
    subject: S
    due: float | None
    """None: not at all. The timer stays until its place in the heap has come."""
    armed: float = 0.0
    """Where it stands in the heap: at its due time, or earlier."""
    number: int = 0
    """Of its entry in the heap; earlier ones do not count."""


class Timers(Generic[S]):
    """Due times. Moving one to later, which happens at each sign of life, costs no heap operation."""

    def __init__(self) -> None:
        self._timers: dict[S, _Timer[S]] = {}
        self._heap: list[tuple[float, int, _Timer[S]]] = []
        self._number = 0
        self._waiting = 0
        """How many have a due time."""

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[S]:
        """Those that have a due time."""
        return (subject for subject, timer in self._timers.items() if timer.due is not None)

    def __contains__(self, subject: S) -> bool:
        timer = self._timers.get(subject)
        return timer is not None and timer.due is not None

    def set(self, subject: S, due: float | None) -> None:
        """Have the subject come out of `pop` at `due`; None: not at all."""
        timer = self._timers.get(subject)
        if timer is None:
            if due is not None:
                timer = self._timers[subject] = _Timer(subject, due)
                self._waiting += 1
                self._arm(timer, due)
            return
        self._waiting += (due is not None) - (timer.due is not None)
        timer.due = due
        if due is not None and due < timer.armed:
            self._arm(timer, due)

    def next_due(self) -> float | None:
        """The earliest due time."""
        self._settle()
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> S | None:
        """One subject that is due, which has no due time any more; None when there is none."""
        if not self._heap or self._heap[0][0] > now:
            return None  # what does not count any more stands there early, never late
        self._settle()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, timer = heapq.heappop(self._heap)
        del self._timers[timer.subject]
        self._waiting -= 1
        return timer.subject

    def _arm(self, timer: _Timer[S], due: float) -> None:
        self._number += 1
        timer.armed, timer.number = due, self._number
        heapq.heappush(self._heap, (due, self._number, timer))

    def _settle(self) -> None:
        """Have the head of the heap be one that counts."""
        while self._heap:
            armed, number, timer = self._heap[0]
            if timer.number == number and timer.due == armed:
                return
            heapq.heappop(self._heap)
            if timer.number != number:
                continue
            if timer.due is not None:
                self._arm(timer, timer.due)
            else:
                del self._timers[timer.subject]
