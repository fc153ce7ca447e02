"""Who was in a room's line before the master's start, and who of them has come back.

The room's status says how many there were: at least half of them, since the count is written at once when it
has doubled. A token says how many were ahead. So it is known how many may still come who were there before
the first in line now; for a while that many seats are left free for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

STALENESS = 2
"""The line was at most so many times as long as its recorded count."""


@dataclass(slots=True)
class Returning:
    """Counts players."""

    most: int = 0
    """At most so many were in line."""
    back: dict[str, float] = field(default_factory=dict)
    """Who came back, with their arrivals."""

    def recorded(self, count: int) -> None:
        """What the room's status said."""
        self.most = max(self.most, STALENESS * count)

    def came_back(self, players: Sequence[str], arrived: float, ahead: int) -> None:
        """Players with a token that says that so many were ahead of them."""
        for player in players:
            self.back[player] = arrived
        self.most = max(self.most, ahead + len(players))

    def missing(self) -> int:
        """How many may still come back."""
        return max(0, self.most - len(self.back))

    def missing_before(self, arrived: float, ahead: int) -> int:
        """How many may still come back of those that a token says were ahead of one who arrived then."""
        return max(0, ahead - sum(other < arrived for other in self.back.values()))
