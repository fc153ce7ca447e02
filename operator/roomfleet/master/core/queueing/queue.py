"""The room queue: which keys are to be reconciled, in what order, and when to try a failed one again.

One worker takes keys one at a time. A key that waits is not added again; a key that is being worked on
goes round once more when something changes meanwhile. Joins and repair come before housekeeping by 4:1, and
by turns where housekeeping has aged, so nothing starves. Within each lane the games take turns: however many
keys a game has, another game's key waits for one of them. A key that failed is held back by exponential
backoff with jitter, on its own: the worker never sleeps.
(The shape is that of client-go's workqueue; the lanes and the turns of games are ours.)
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from roomfleet.master.core.queueing.turns import Turns, Waiting

WEIGHT = 4
"""Keys of the urgent lane for one of housekeeping, while both have some."""
AGEING_SECONDS = 5.0
"""While the housekeeping key whose turn it is has waited that long, the lanes take turns evenly."""
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MOST_SECONDS = 60.0

K = TypeVar("K", bound=Hashable)


class Lane(IntEnum):
    """How soon a key should be looked at."""

    URGENT = 0
    """Somebody waits: joins, repair."""
    HOUSEKEEPING = 1


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """For `/healthz` and metrics. Ages in seconds."""

    length: int
    """Keys that wait to be taken now; those held back by backoff are not counted."""
    held_back: int
    """Keys that failed and wait for their next try."""
    oldest_age: float
    """How long the oldest of them has waited, or one held back has been due; 0 when there is none."""
    last_reconcile_age: float
    """How long ago a key was last taken, counted from the start while none was."""


def backoff(attempts: int, rng: random.Random) -> float:
    """Seconds until try number `attempts` + 1: doubling, at most a minute, with up to half taken off."""
    whole = min(BACKOFF_MOST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(attempts - 1, 20))
    return whole * (1 - rng.random() / 2)


class RoomQueue(Generic[K]):
    """Keys to reconcile. Not thread-safe; time comes in with each call. Every method takes constant time
    (amortized; logarithmic in the number of keys that are held back), except `health`."""

    def __init__(self, rng: random.Random, now: float, game: Callable[[K], Hashable]) -> None:
        """`game`: whose key that is; games share the worker evenly."""
        self._rng = rng
        self._game = game
        self._waiting: dict[K, Waiting[K, Lane]] = {}
        """In the order in which they came to wait."""
        self._lanes: tuple[Turns[K, Lane], Turns[K, Lane]] = (Turns(), Turns())
        self._held: dict[K, float] = {}
        self._held_heap: list[tuple[float, int, K]] = []
        self._attempts: dict[K, int] = {}
        self._working: K | None = None
        self._dirty: Lane | None = None
        self._order = itertools.count()
        """Among keys that are due at the same time."""
        self._urgent_taken = 0
        """How many in a row, since a key of housekeeping was taken."""
        self._last_taken = now

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K, lane: Lane, now: float) -> None:
        """Have the key looked at. Held back keys stay held; a waiting one may only become more urgent."""
        if key == self._working:
            self._dirty = lane if self._dirty is None else min(lane, self._dirty)
            return
        if key in self._held:
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            if waiting.lane <= lane:
                return
            waiting.void = True
            now = waiting.since
        waiting = self._waiting[key] = Waiting(key, lane, now)
        self._lanes[lane].put(self._game(key), waiting)

    def take(self, now: float) -> K | None:
        """The next key, which is then worked on until `done` or `failed`; None when there is none."""
        if self._held:
            self._release_held(now)
        lane = self._next_lane(now) if self._waiting else None
        if lane is None:
            return None
        key = self._lanes[lane].pop()
        del self._waiting[key]
        self._urgent_taken = self._urgent_taken + 1 if lane is Lane.URGENT else 0
        self._working = key
        self._dirty = None
        self._last_taken = now
        return key

    def done(self, now: float) -> None:
        """The key that was taken is reconciled; it goes round again if it was added meanwhile."""
        key, dirty = self._finish()
        self._attempts.pop(key, None)
        if dirty is not None:
            self.add(key, dirty, now)

    def failed(self, now: float) -> float:
        """The key that was taken could not be reconciled. Returns when it will be tried again."""
        key, _ = self._finish()
        attempts = self._attempts.get(key, 0) + 1
        self._attempts[key] = attempts
        due = now + backoff(attempts, self._rng)
        self._held[key] = due
        heapq.heappush(self._held_heap, (due, next(self._order), key))
        return due

    def forget(self, key: K) -> None:
        """The key means nothing any more."""
        if (waiting := self._waiting.pop(key, None)) is not None:
            waiting.void = True
        self._held.pop(key, None)
        self._attempts.pop(key, None)
        if key == self._working:
            self._dirty = None

    def next_due(self, now: float) -> float | None:
        """When there is a key to take: now or earlier while any waits; None when there is none at all."""
        return now if self._waiting else self._first_held()

    def _first_held(self) -> float | None:
        while self._held_heap and self._held.get(self._held_heap[0][2]) != self._held_heap[0][0]:
            heapq.heappop(self._held_heap)
        return self._held_heap[0][0] if self._held_heap else None

    def health(self, now: float) -> QueueHealth:
        """Length and ages; looks for the oldest key, so it is for now and then."""
        ages = [now - oldest.since for oldest in itertools.islice(self._waiting.values(), 1)]
        held = self._first_held()
        if held is not None and held < now:
            ages.append(now - held)  # nobody has come to release it
        oldest = max(ages, default=0.0)
        return QueueHealth(len(self._waiting), len(self._held), oldest, now - self._last_taken)

    def _finish(self) -> tuple[K, Lane | None]:
        key, dirty = self._working, self._dirty
        if key is None:
            raise RuntimeError("no key of the room queue is being worked on: take one first")
        self._working = self._dirty = None
        return key, dirty

    def _release_held(self, now: float) -> None:
        while self._held_heap and self._held_heap[0][0] <= now:
            due, _, key = heapq.heappop(self._held_heap)
            if self._held.get(key) == due:
                del self._held[key]
                self.add(key, Lane.HOUSEKEEPING, now)

    def _next_lane(self, now: float) -> Lane | None:
        urgent, housekeeping = self._lanes[Lane.URGENT].head(), self._lanes[Lane.HOUSEKEEPING].head()
        if urgent is None or housekeeping is None:
            if urgent is not None:
                return Lane.URGENT
            return None if housekeeping is None else Lane.HOUSEKEEPING
        aged = now - housekeeping.since >= AGEING_SECONDS
        return Lane.HOUSEKEEPING if self._urgent_taken >= (1 if aged else WEIGHT) else Lane.URGENT
