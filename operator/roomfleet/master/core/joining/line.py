"""One room's line: who waits for it, first come first served, and whose seat is reserved.

A join is in line until its room runs with a free seat for each of its players. An admission reserves those
seats until the tickets expire or the node reports that they were used. A player who already sits in the room
needs no second seat.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from msgspec import structs

from roomfleet.master.core.events import LinePlace
from roomfleet.master.core.joining.returning import STALENESS, Returning
from roomfleet.master.core.joining.telling import Telling
from roomfleet.master.core.model import Key
from roomfleet.master.core.queueing.measure import Departures


class JoinState(StrEnum):
    """Where a join is on its way."""

    HELD = "held"
    """Came before the core knew all objects."""
    FINDING = "finding"
    """A node was asked where the players' actors are."""
    WAITING = "waiting"
    """In the line of `room`."""
    BRINGING = "bringing"
    """Has a seat in `room`; the actor is on its way there from `origin`."""
    ADMITTED = "admitted"
    """Answered for good; the seat is reserved until `expires`."""


@dataclass(frozen=True, slots=True)
class SeatOf:
    """The node that asked for a seat, and the id that it knows it by."""

    node: Key
    boot: str
    id: str


class Asked(NamedTuple):
    """What a join asks for."""

    room: str | None
    template: str | None
    key: str | None


@dataclass(slots=True, eq=False)
class Join:
    """A wish for a seat: a player's own join, a party's for all of its members, or a seat that a node asked
    for."""

    id: str
    game: str
    player: str
    asked: str | None
    arrived: float
    number: int
    came: float
    """When they came, whatever place they claim: they are in line since then once that is void."""
    requested: float
    polled: float
    session: int = 0
    """The number of the player's session: of two the higher one counts."""
    comes_back: bool = False
    """The session began before: the client lost its way in, its connection or its node."""
    others: tuple[str, ...] = ()
    """The other members of the party that `player` leads. Once admitted each has a join of its own."""
    place: LinePlace | None = None
    """The place that a line token claims; None once it was found void, or there is none."""
    state: JoinState = JoinState.HELD
    room: Key | None = None
    seat: SeatOf | None = None
    bring: bool = False
    """The player asks to be brought, wherever the actor is."""
    origin: Key | None = None
    """The room that the actor is to be brought from."""
    onward: Asked | None = None
    """What was asked for, while it is in line for the instance that the actor is to be brought from: that was
    deleted, and its data were kept."""
    asked_of: tuple[str, int] | None = None
    """The boot and epoch of `origin` that were last told to send the actor."""
    ask_again_at: float = 0.0
    sent_back: bool = False
    """Who was on the way to the deleted room that holds the actor was sent back for it."""
    detours: int = 0
    """How often the actor was found elsewhere than thought."""
    told: int = 0
    """The position that was told last; 0: none yet."""
    told_eta: float | None = None
    told_at: float = 0.0
    finding: tuple[str, ...] = ()
    """Players whose actors a node was asked for and has not told."""
    found: tuple[tuple[str, str], ...] = ()
    """Players whose actors there are, each with the room that holds it."""
    find_until: float = 0.0
    expires: float = 0.0
    boot: str = ""
    """The boot that the ticket is for."""
    template: str | None = None
    """The InstancedRoom that was asked for, and the key of the instance."""
    key: str | None = None
    lined: Key | None = None
    """The InstancedRoom in whose line it is, while there is no instance for its key."""
    takes_seat: bool = True
    """Whether its reservation is a seat beyond those that the node counts: not where the player sits already,
    and not where the ticket is for another boot."""
    followers: tuple[str, ...] = ()
    """Ids of the joins of a party's other members, once admitted."""

    @property
    def order(self) -> tuple[float, int]:
        return (self.arrived, self.number)

    @property
    def players(self) -> tuple[str, ...]:
        """Whom it is for, the leader first."""
        return (self.player, *self.others)

    @property
    def size(self) -> int:
        return 1 + len(self.others)


@dataclass(slots=True, eq=False)
class Line:
    """The line and the reserved seats of one room."""

    joins: list[Join] = field(default_factory=list)
    players: int = 0
    """Players in line: more than joins where parties wait."""
    reserved: dict[str, Join] = field(default_factory=dict)
    """Admitted joins whose ticket is neither used nor expired, oldest first."""
    seated: dict[str, None] = field(default_factory=dict)
    """Players who used a ticket and, as far as can be known, are still there."""
    holders: dict[str, Join] = field(default_factory=dict)
    """Those in line all of whose players sit in the room already."""
    departures: Departures = field(default_factory=Departures)
    seats: int = 0
    """Reserved seats, beyond those that the node counts already."""
    recorded: int = 0
    """The least that the room's object may say of how many are in line."""
    returning: Returning = field(default_factory=Returning)
    telling: Telling = field(default_factory=Telling)
    fresh: dict[str, Join] = field(default_factory=dict)
    """Those in line who have not been told their place, or not what it now is for."""

    def enter(self, join: Join) -> None:
        """Take a place by arrival. One who comes back with an earlier arrival gets the earlier place."""
        insort(self.joins, join, key=_order)
        self.players += join.size
        self.fresh[join.id] = join
        self.telling.changed(self.index(join))
        if all(player in self.seated for player in join.players):
            self.holders[join.id] = join

    def leave(self, join: Join) -> None:
        """Give up the place."""
        index = self.index(join)
        del self.joins[index]
        self.players -= join.size
        self.fresh.pop(join.id, None)
        self.telling.changed(index)
        self.holders.pop(join.id, None)

    def shrink(self, join: Join, player: str) -> None:
        """A member of the party that waits does so no more; the others keep the place."""
        join.others = without(join.others, player)
        self.players -= 1
        join.told = 0
        self.fresh[join.id] = join
        self.telling.changed(self.index(join))

    def claim(self, join: Join, names: Container[str], template: str = "") -> None:
        """What the place that the join claims is worth in this line: of a room that has those `names`, or of
        the InstancedRoom `template` for want of the room. How many were ahead in the other of these two lines
        counts for nothing.
        """
        place = join.place
        if place is None:
            return
        if place.room not in names:
            join.arrived, join.place = join.came, None
        elif place.template != template:
            join.place = structs.replace(place, ahead=0)

    def came_back(self, join: Join, started: float) -> None:
        """The join enters the line; if with a place of before the start, it is not waited for any more."""
        if join.place is not None and join.arrived < started:
            self.returning.came_back(join.players, join.arrived, join.place.ahead)

    def to_the_end(self, join: Join) -> None:
        """The place that the join was given back had been used up: it is in line since it came. Nobody waits
        for who had that place: its players still count as back."""
        self.leave(join)
        join.arrived, join.place = join.came, None
        self.enter(join)

    def forget_returning(self) -> None:
        """Who has not come back by now is not waited for."""
        if self.returning.most:
            self.returning = Returning()

    def outgrew_record(self, waiting: int, *, written_now: bool) -> bool:
        """Whether the object has to be written now that so many players wait: else it would say less than a
        restarted master takes for the least (`returning`).
        """
        grown = waiting > STALENESS * self.recorded
        self.recorded = waiting if grown or written_now else min(waiting, self.recorded)
        return grown

    def index(self, join: Join) -> int:
        """Its place in the list of those in line."""
        return bisect_left(self.joins, join.order, key=_order)

    def seats_for(self, join: Join) -> int:
        """How many seats its players need, beyond those that they have."""
        return sum(player not in self.seated for player in join.players)

    def reserve(self, join: Join, members: list[Join], expires: float) -> None:
        """The join leaves the line with a seat for each of `members`, itself among them, until `expires`.

        One who sits there keeps the seat; only once on the strength of that.
        """
        self.leave(join)
        for member in members:
            member.expires = expires
            member.takes_seat = member.player not in self.seated
            self.seated.pop(member.player, None)
            self.reserved[member.id] = member
            self.seats += member.takes_seat

    def use(self, id: str) -> Join | None:
        """The ticket was used up: its player is counted among the players from now on. The join whose
        reservation that was; None if there is none any more."""
        join = self.reserved.get(id) or self._reserved_seat(id)
        if join is not None:
            self.free(join)
        return join

    def free(self, join: Join) -> None:
        """The reservation is over."""
        del self.reserved[join.id]
        self.seats -= join.takes_seat

    def unseat(self) -> None:
        """Nobody sits in the room."""
        self.holders.clear()
        self.seated.clear()

    def void_tickets(self, boot: str) -> None:
        """Tickets are good for that boot alone: each of them takes a seat of its own, and no other does."""
        if not self.reserved:
            return
        for join in self.reserved.values():
            join.takes_seat = join.boot == boot
        self.seats = sum(join.takes_seat for join in self.reserved.values())

    def sit(self, player: str, waiting: Join | None = None) -> None:
        """The player sits in the room. `waiting`: their join that is in this line, if there is one."""
        self.seated.pop(player, None)
        self.seated[player] = None
        if waiting is not None and all(each in self.seated for each in waiting.players):
            self.holders[waiting.id] = waiting

    def stand(self, player: str) -> None:
        """The player sits in the room no more, as far as can be known: a join needs a seat for them."""
        self.seated.pop(player, None)
        for join in [join for join in self.holders.values() if player in join.players]:
            del self.holders[join.id]

    def forget_oldest(self, most: int) -> list[str]:
        """Keep at most so many seated players in mind; returns the others."""
        over = list(itertools.islice(self.seated, max(0, len(self.seated) - most)))
        for player in over:
            self.stand(player)
        return over

    def expire(self, now: float) -> list[Join]:
        """Reservations that ran out."""
        if not self.reserved:
            return []
        over = list(itertools.takewhile(lambda join: join.expires <= now, self.reserved.values()))
        for join in over:
            self.free(join)
        return over

    def next_expiry(self) -> float | None:
        for first in self.reserved.values():
            return first.expires
        return None

    def to_tell(self, now: float) -> Iterator[tuple[int, Join]]:
        """Joins whose place or time to wait may be another than they know, with the position."""
        fresh, self.fresh = self.fresh, {}
        for join in fresh.values():
            yield self.index(join) + 1, join
        for indexes in self.telling.take(now, len(self.joins)):
            for index in indexes:
                yield index + 1, self.joins[index]

    def next_told(self) -> float | None:
        """When somebody is to be told something again, if nothing changes."""
        return self.telling.next_due(len(self.joins))

    def players_ahead(self, position: int) -> int:
        """How many players are in line before that position."""
        if self.players == len(self.joins):
            return position - 1
        return sum(join.size for join in self.joins[: position - 1])

    def tell_all(self) -> None:
        """What everybody was told about the time to wait is out of date."""
        self.telling.changed(0)

    def _reserved_seat(self, id: str) -> Join | None:
        for join in self.reserved.values():
            if join.seat is not None and join.seat.id == id:
                return join
        return None


def without(players: tuple[str, ...], player: str) -> tuple[str, ...]:
    """The others of them."""
    return tuple(other for other in players if other != player)


def _order(join: Join) -> tuple[float, int]:
    return join.order
