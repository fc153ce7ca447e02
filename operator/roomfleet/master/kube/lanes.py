"""What is to be written, in the order of who waits for it. Pure; the time comes from outside.

Each lane is first come first served. While a lane has something, the lanes behind it get one turn in five
together, among themselves by the same rule; behind a head that has waited for long, one in two. So what
somebody waits for goes first, however much there is of the rest, and nothing starves.
(The room queue's rule, DESIGN 5; but there an aged key goes before all younger ones, and here a burst of
thousands of records ages as a whole: a join's record must not stand behind it.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

WEIGHT = 4
"""Turns of a lane for one of those behind it."""
AGEING_SECONDS = 30.0
"""Behind a head that has waited that long the turns are even."""

K = TypeVar("K", bound=Hashable)


class Lane(IntEnum):
    """What kind of write; the first ones go first."""

    AWAITED = 0
    """A record of a room that somebody waits for."""
    RECORD = 1
    STATUS = 2
    """A phase or a condition changed."""
    COUNTS = 3


@dataclass(frozen=True, slots=True)
class _Waiting:
    lane: Lane
    number: int
    since: float


class Lanes(Generic[K]):
    """Keys, each in one lane. Not thread-safe."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[tuple[int, K]], ...] = tuple(deque() for _ in Lane)
        self._waiting: dict[K, _Waiting] = {}
        self._turns = [0] * len(Lane)
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K, lane: Lane, now: float) -> None:
        """Put the key into the lane. One that waits already may only come into a lane further in front."""
        waiting = self._waiting.get(key)
        if waiting is not None and waiting.lane <= lane:
            return
        self._number += 1
        self._waiting[key] = _Waiting(lane, self._number, now if waiting is None else waiting.since)
        self._lanes[lane].append((self._number, key))

    def remove(self, key: K) -> None:
        """The key means nothing any more."""
        self._waiting.pop(key, None)

    def has(self, lane: Lane) -> bool:
        return self._head(lane) is not None

    def take(self, now: float, last: Lane = Lane.COUNTS) -> K | None:
        """The next key out of the lanes up to `last`; None when those have none."""
        heads = [(lane, head) for lane in Lane if lane <= last and (head := self._head(lane)) is not None]
        for place, (lane, _) in enumerate(heads[:-1]):
            aged = any(now - head.since >= AGEING_SECONDS for _, head in heads[place + 1 :])
            if self._turns[lane] < (1 if aged else WEIGHT):
                self._turns[lane] += 1
                return self._pop(lane)
            self._turns[lane] = 0
        return self._pop(heads[-1][0]) if heads else None

    def _pop(self, lane: Lane) -> K:
        _, key = self._lanes[lane].popleft()
        del self._waiting[key]
        return key

    def _head(self, lane: Lane) -> _Waiting | None:
        entries = self._lanes[lane]
        while entries:
            number, key = entries[0]
            waiting = self._waiting.get(key)
            if waiting is not None and waiting.number == number:
                return waiting
            entries.popleft()
        return None
