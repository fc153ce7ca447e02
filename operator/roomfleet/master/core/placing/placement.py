"""Which node of a fleet a room goes to: the fullest or the emptiest that has space, in O(log nodes)."""

from __future__ import annotations

import heapq

from roomfleet.master.core.model import Strategy


class NodeIndex:
    """The nodes of one fleet that take rooms, by how many they have. Equally full ones: lowest slot first."""

    def __init__(self, strategy: Strategy) -> None:
        self._sign = 1 if strategy is Strategy.DISTRIBUTED else -1
        self._strategy = strategy
        self._rank: dict[str, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, str]] = []

    @property
    def strategy(self) -> Strategy:
        return self._strategy

    def put(self, name: str, slot: int, rooms: int | None) -> None:
        """The node has `rooms` rooms and space for more; None: it takes no rooms now."""
        if rooms is None:
            self._rank.pop(name, None)
            return
        rank = (self._sign * rooms, slot)
        if self._rank.get(name) == rank:
            return
        self._rank[name] = rank
        heapq.heappush(self._heap, (*rank, name))
        if len(self._heap) > 2 * len(self._rank) + 64:
            self._heap = [(*known, node) for node, known in self._rank.items()]
            heapq.heapify(self._heap)

    def pick(self) -> str | None:
        """The node that the next room goes to; None when none has space."""
        while self._heap:
            load, slot, name = self._heap[0]
            if self._rank.get(name) == (load, slot):
                return name
            heapq.heappop(self._heap)
        return None

    def best(self, count: int) -> list[str]:
        """The nodes that come first, so many at most; `count` is a constant: O(log nodes) all the same."""
        found: list[str] = []
        taken: list[tuple[int, int, str]] = []
        while len(found) < count and self.pick() is not None:
            entry = heapq.heappop(self._heap)
            taken.append(entry)
            if entry[2] not in found:
                found.append(entry[2])
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return found

    def has_space(self, name: str) -> bool:
        return name in self._rank
