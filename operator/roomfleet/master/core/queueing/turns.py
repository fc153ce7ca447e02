"""A queue whose games take turns: however many keys one of them has, another's waits for one of those."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
L = TypeVar("L")


@dataclass(slots=True, eq=False)
class Waiting(Generic[K, L]):
    """A key that waits in a lane since then."""

    key: K
    lane: L
    since: float
    void: bool = False
    """It stands in another lane now, or is forgotten: not to be taken from here."""


class Turns(Generic[K, L]):
    """One lane: first come first served within a game, and the games by turns. Constant time, amortized."""

    __slots__ = ("_games", "_order")

    def __init__(self) -> None:
        self._games: dict[Hashable, deque[Waiting[K, L]]] = {}
        self._order: deque[Hashable] = deque()
        """Games that have something here, the one whose turn it is first."""

    def put(self, game: Hashable, waiting: Waiting[K, L]) -> None:
        """Behind what the game has here already."""
        entries = self._games.get(game)
        if entries is None:
            self._games[game] = deque((waiting,))
            self._order.append(game)
        else:
            entries.append(waiting)

    def head(self) -> Waiting[K, L] | None:
        """The key whose turn it is."""
        while self._order:
            entries = self._games[self._order[0]]
            while entries:
                if not entries[0].void:
                    return entries[0]
                entries.popleft()
            del self._games[self._order.popleft()]
        return None

    def pop(self) -> K:
        """Take the key that `head` has just shown; the next turn is another game's."""
        entries = self._games[self._order[0]]
        taken = entries.popleft()
        if entries:
            self._order.rotate(-1)
        else:
            del self._games[self._order.popleft()]
        return taken.key
