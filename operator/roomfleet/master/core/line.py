"""One room's line: who waits for it, first come first served, and whose seat is reserved.

A join is in line until its room runs with a free seat. An admission reserves that seat until the ticket
expires or the node reports that it was used. A player who already sits in the room needs no second seat.
"""

from __future__ import annotations

import itertools
from bisect import insort
from dataclasses import dataclass, field
from enum import StrEnum

from roomfleet.master.core.measure import Departures
from roomfleet.master.core.model import Key


class JoinState(StrEnum):
    """Where a join is on its way."""

    HELD = "held"
    """Came before the core knew all objects."""
    FINDING = "finding"
    """A node was asked where the player's actor is."""
    WAITING = "waiting"
    """In the line of `room`."""
    ADMITTED = "admitted"
    """Answered for good; the seat is reserved until `expires`."""


@dataclass(frozen=True, slots=True)
class SeatOf:
    """The node that asked for a seat, and the id that it knows it by."""

    node: Key
    boot: str
    id: str


@dataclass(slots=True, eq=False)
class Join:
    """One player's wish for a seat: a player's own join, or a seat that a node asked for."""

    id: str
    game: str
    player: str
    asked: str | None
    arrived: float
    number: int
    requested: float
    polled: float
    state: JoinState = JoinState.HELD
    room: Key | None = None
    seat: SeatOf | None = None
    told: int = 0
    """The position that was told last; 0: none yet."""
    told_eta: float | None = None
    find_until: float = 0.0
    expires: float = 0.0
    boot: str = ""
    """The boot that the ticket is for."""
    takes_seat: bool = True
    """Whether its reservation is a seat beyond those that the node counts: not where the player sits already,
    and not where the ticket is for another boot."""

    @property
    def order(self) -> tuple[float, int]:
        return (self.arrived, self.number)


@dataclass(slots=True, eq=False)
class Line:
    """The line and the reserved seats of one room."""

    joins: list[Join] = field(default_factory=list)
    reserved: dict[str, Join] = field(default_factory=dict)
    """Admitted joins whose ticket is neither used nor expired, oldest first."""
    seated: dict[str, None] = field(default_factory=dict)
    """Players who used a ticket and, as far as can be known, are still there."""
    holders: dict[str, Join] = field(default_factory=dict)
    """Those in line who sit in the room already."""
    departures: Departures = field(default_factory=Departures)
    seats: int = 0
    """Reserved seats, beyond those that the node counts already."""
    expected: int = 0
    """How many were in line before the master's restart and have not come back yet."""
    expected_until: float = 0.0
    changed_from: int | None = None
    """The lowest index whose join may have to be told something new."""

    def enter(self, join: Join) -> None:
        """Take a place by arrival. One who comes back with an earlier arrival gets the earlier place."""
        insort(self.joins, join, key=_order)
        self._changed(self.joins.index(join))
        if join.player in self.seated:
            self.holders[join.id] = join

    def leave(self, join: Join) -> None:
        """Give up the place."""
        index = self.joins.index(join)
        del self.joins[index]
        self._changed(index)
        self.holders.pop(join.id, None)

    def reserve(self, join: Join, expires: float) -> None:
        """The join leaves the line with a seat until `expires`."""
        self.leave(join)
        join.expires = expires
        self.reserved[join.id] = join
        self.seats += join.takes_seat

    def keep_seat(self, join: Join, expires: float) -> None:
        """The join leaves the line for the seat that its player has; only once on the strength of that."""
        join.takes_seat = False
        self.reserve(join, expires)
        self.seated.pop(join.player, None)

    def use(self, id: str) -> Join | None:
        """The ticket was used up: its player is counted among the players from now on."""
        join = self.reserved.get(id) or self._reserved_seat(id)
        if join is not None:
            self.free(join)
            self.sit(join.player)
        return join

    def free(self, join: Join) -> None:
        """The reservation is over."""
        del self.reserved[join.id]
        self.seats -= join.takes_seat

    def unseat(self, boot: str) -> None:
        """Nobody sits in the room: each ticket for that boot takes a seat of its own."""
        self.holders.clear()
        self.seated.clear()
        for join in self.reserved.values():
            join.takes_seat = join.boot == boot
        self.seats = sum(join.takes_seat for join in self.reserved.values())

    def sit(self, player: str) -> None:
        self.seated.pop(player, None)
        self.seated[player] = None

    def forget_oldest(self, most: int) -> list[str]:
        """Keep at most so many seated players in mind; returns the others."""
        over = list(itertools.islice(self.seated, max(0, len(self.seated) - most)))
        for player in over:
            del self.seated[player]
        return over

    def expire(self, now: float) -> list[Join]:
        """Reservations that ran out."""
        over: list[Join] = []
        for join in self.reserved.values():
            if join.expires > now:
                break
            over.append(join)
        for join in over:
            self.free(join)
        return over

    def next_expiry(self) -> float | None:
        return next((join.expires for join in self.reserved.values()), None)

    def untold(self) -> list[tuple[int, Join]]:
        """Joins whose position or time to wait may have changed since the last call, with the position."""
        start, self.changed_from = self.changed_from, None
        return [] if start is None else list(enumerate(self.joins[start:], start + 1))

    def tell_all(self) -> None:
        """What everybody was told about the time to wait is out of date."""
        if self.joins:
            self.changed_from = 0

    def is_empty(self) -> bool:
        return not (self.joins or self.reserved or self.seated or self.expected)

    def _changed(self, index: int) -> None:
        self.changed_from = index if self.changed_from is None else min(index, self.changed_from)

    def _reserved_seat(self, id: str) -> Join | None:
        for join in self.reserved.values():
            if join.seat is not None and join.seat.id == id:
                return join
        return None


def _order(join: Join) -> tuple[float, int]:
    return join.order
