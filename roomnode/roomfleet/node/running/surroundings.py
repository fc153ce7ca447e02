"""What a room needs of the node that it is on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from roomfleet.game.loader import Game
from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.schedule import Schedule
from roomfleet.store import ActorRecord, Store
from roomfleet.wire.link import MovedRoom
from roomfleet.wire.session import Travel
from roomfleet.wire.settings import Settings

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom


class Surroundings(Protocol):
    """What a room needs of its node."""

    game: Game
    store: Store
    settings: Settings
    schedule: Schedule
    rng: random.Random
    resumes: dict[str, tuple[HostedRoom, str]]
    """Resume secrets of connected and resumable players: room and player."""
    missed_ticks: int
    """Ticks of all its rooms that were skipped because the node was late."""
    ticks: int
    """Those that were done."""
    meters: Meters
    name: str
    boot: str
    url: str

    def wall(self) -> float:
        """Seconds since 1970."""

    def travel(self, player: str, room: str, to: MovedRoom) -> Travel:
        """What sends the player on to the node that takes the room."""

    def changed(self, room: HostedRoom) -> None:
        """Report this room to the master soon."""

    def gone(self, room: HostedRoom) -> None:
        """The room is over on this node."""

    def want_seat(self, room: HostedRoom, request: int, player: str, target: str, key: str | None) -> None:
        """Get the player a seat in `target`, or in its instance for the key; answered by `seat_waiting`,
        `seat_granted` or `seat_refused`. Without a player: find out which room the instance is."""

    def unwant_seat(self, room: HostedRoom, request: int) -> None: ...

    def departed(self, target: str, records: Sequence[ActorRecord], *, wake: bool) -> None:
        """Actors left for another room, saved as such."""

    async def look_for_arrivals(self) -> None:
        """One round of arrivals, now."""
