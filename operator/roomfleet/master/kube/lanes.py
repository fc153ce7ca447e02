"""What is to be written, in the order of who waits for it. Pure; the time comes from outside.

In each lane the games take turns, and within a game it is first come first served. While a lane has
something, the lanes behind it together get a turn now and then (`WEIGHTS`), among themselves by the same
rule; behind a head that has waited for long, one in two. So what somebody waits for goes first, however much
there is of the rest, and nothing starves.
(The room queue's rule, DESIGN 5, with more lanes, and later ageing: a burst of thousands of records ages as a
whole, and a join's record should not take turns with it.)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Generic, TypeVar

from roomfleet.master.core.queueing.turns import Turns, Waiting

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


WEIGHTS = {Lane.AWAITED: 4, Lane.RECORD: 19, Lane.STATUS: 4}
"""Turns of a lane for one of those behind it. A room that is recorded runs in a moment and wants another
write for that; where many are placed at once, those must not take turns with the records still to be made.
"""


class Lanes(Generic[K]):
    """Keys, each in one lane. Not thread-safe."""

    def __init__(self, game: Callable[[K], Hashable]) -> None:
        """`game`: whose key that is; games share each lane evenly."""
        self._game = game
        self._lanes: tuple[Turns[K, Lane], ...] = tuple(Turns() for _ in Lane)
        self._waiting: dict[K, Waiting[K, Lane]] = {}
        self._turns = [0] * len(Lane)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K, lane: Lane, now: float) -> None:
        """Put the key into the lane. One that waits already may only come into a lane further in front."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            if waiting.lane <= lane:
                return
            waiting.void = True
            now = waiting.since
        waiting = self._waiting[key] = Waiting(key, lane, now)
        self._lanes[lane].put(self._game(key), waiting)

    def remove(self, key: K) -> None:
        """The key means nothing any more."""
        if (waiting := self._waiting.pop(key, None)) is not None:
            waiting.void = True

    def has(self, lane: Lane) -> bool:
        return self._lanes[lane].head() is not None

    def take(self, now: float, last: Lane = Lane.COUNTS) -> K | None:
        """The next key out of the lanes up to `last`; None when those have none."""
        heads = [
            (lane, head) for lane in Lane if lane <= last and (head := self._lanes[lane].head()) is not None
        ]
        for place, (lane, _) in enumerate(heads[:-1]):
            aged = any(now - head.since >= AGEING_SECONDS for _, head in heads[place + 1 :])
            if self._turns[lane] < (1 if aged else WEIGHTS[lane]):
                self._turns[lane] += 1
                return self._pop(lane)
            self._turns[lane] = 0
        return self._pop(heads[-1][0]) if heads else None

    def _pop(self, lane: Lane) -> K:
        key = self._lanes[lane].pop()
        del self._waiting[key]
        return key
