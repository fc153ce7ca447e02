"""What a node has counted since its start, for metrics. Nothing is counted for each client and tick."""

from __future__ import annotations

from collections import Counter

from roomfleet.wire.histogram import Histogram
from roomfleet.wire.names import player_of

SAVE_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SAVE_CHANGES = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)
FROZEN_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)

SAVED, FAILED, FENCED, REFUSED = "saved", "failed", "fenced", "refused"
OUT, IN = "out", "in"


class Meters:
    """Outcomes and times. Counts only rise."""

    def __init__(self) -> None:
        self.saves: Counter[str] = Counter(dict.fromkeys((SAVED, FAILED, FENCED, REFUSED), 0))
        """Batches that went to the store: saved, failed (tried again), fenced (the room was lost), or refused
        for what they hold."""
        self.save_seconds = Histogram(SAVE_SECONDS)
        """Of those that were saved."""
        self.save_changes = Histogram(SAVE_CHANGES)
        """Actors in each of them."""
        self.fenced_rooms = 0
        """Rooms that another node took over."""
        self.lost_changes = 0
        """Actors whose last changes were lost by that: never acknowledged ones."""
        self.travels: Counter[tuple[str, str]] = Counter(
            dict.fromkeys([(way, who) for way in (OUT, IN) for who in ("player", "npc")], 0)
        )
        """Actors that went to another room or came from one, saved as such; by way and kind."""
        self.seats: Counter[str] = Counter(granted=0, refused=0)
        """Seats in other rooms that players of this node's rooms asked for."""
        self.frozen_seconds = Histogram(FROZEN_SECONDS)
        """How long rooms stood still that were moved here live."""
        self.ticks = 0
        """Ticks of all its rooms that were done."""
        self.missed_ticks = 0
        """Those that were skipped because the node was late."""
        self.slow_clients = 0
        """Clients that were put out because they took nothing."""

    def saved(self, seconds: float, changes: int) -> None:
        """A batch was committed."""
        self.saves[SAVED] += 1
        self.save_seconds.observe(seconds)
        self.save_changes.observe(changes)

    def lost(self, changes: int) -> None:
        """A room was taken over; so many of its actors had changes that were not saved."""
        self.fenced_rooms += 1
        self.lost_changes += changes

    def travelled(self, way: str, actor: str) -> None:
        """An actor went `OUT` or came `IN`."""
        self.travels[way, "npc" if player_of(actor) is None else "player"] += 1
