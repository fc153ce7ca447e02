"""Letting joins in: seats, expiry, positions and the estimated time to wait."""

from __future__ import annotations

import math

from roomfleet.master.core.effects import Admitted, InLine
from roomfleet.master.core.joining import bring
from roomfleet.master.core.joining.line import Join, JoinState, Line
from roomfleet.master.core.joining.telling import RENEW_SECONDS
from roomfleet.master.core.placing import places
from roomfleet.master.core.state import Link, Room, Stage
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.joining import Refusal

RETRY_LEAST_SECONDS = 5
RETRY_MOST_SECONDS = 120
RETRY_UNKNOWN_SECONDS = 30
"""Retry-After where nothing was measured."""


def admit(world: World, room: Room) -> None:
    """Give free seats to those first in line, and to players who have one in this room already."""
    line, place = room.line, room.place
    if line is None or not line.joins or place is None or place.stage is not Stage.RUNNING:
        return
    if place.node.link is not Link.UP:
        return
    for join in list(line.holders.values()):
        if room.players + room.resumable > 0:
            world.letting_in = join
            _let_in(world, room, line, join)
    while line.joins and _has_seats(world, room, line, line.joins[0]):
        world.letting_in = line.joins[0]
        _let_in(world, room, line, line.joins[0])
        places.recount(world, room)
    world.letting_in = None


def free_seats(room: Room) -> int:
    """Seats that nobody sits on and none is reserved."""
    seats = room.line.seats if room.line is not None else 0
    return max(0, room.spec.capacity - room.players - room.resumable - seats)


def most_at_once(world: World, room: Room) -> int:
    """The largest party that the room can ever take."""
    fleet = room.fleet.spec
    return room.spec.capacity if fleet is None else min(room.spec.capacity, fleet.players_per_node)


def refuse_too_large(world: World, room: Room, join: Join) -> None:
    """The party could never be let in."""
    most = most_at_once(world, room)
    detail = (
        f"a party of {join.size} does not fit into {room.key.name}, which takes {most} players at most:"
        " join in smaller parties"
    )
    world.refuse(join, Refusal.PARTY_TOO_LARGE, detail)


def tell_positions(world: World, room: Room) -> None:
    """Everybody in line whose place changed hears the new one, at once or soon."""
    line = room.line
    if line is None or not line.joins:
        return
    for position, join in line.to_tell(world.now):
        seconds = eta(world, room, position)
        same = join.told == position and _whole(join.told_eta) == _whole(seconds)
        if same and world.now < join.told_at + RENEW_SECONDS / 2:
            continue
        join.told, join.told_eta, join.told_at = position, seconds, world.now
        place = InLine(
            room.key.name,
            position,
            seconds,
            join.arrived,
            ahead=line.players_ahead(position),
            others=join.others,
            session=join.session,
        )
        world.answer(join, place)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def eta(world: World, room: Room, position: int) -> float | None:
    """Seconds until the join at that position may be let in, from what was measured; None: unknown."""
    until_up = _until_up(world, room)
    if until_up is None:
        return None
    line = room.line
    ahead = position - free_seats(room)
    if line is not None:
        ahead += line.players_ahead(position) - (position - 1)
    if ahead <= 0:
        return until_up
    each = line.departures.seconds if line is not None else None
    return None if each is None else until_up + ahead * each


def retry_after(world: World, room: Room) -> int:
    """Whole seconds after which asking again makes sense."""
    estimate = eta(world, room, room.waiting + 1)
    if estimate is None:
        return RETRY_UNKNOWN_SECONDS
    return min(RETRY_MOST_SECONDS, max(RETRY_LEAST_SECONDS, math.ceil(estimate)))


def _let_in(world: World, room: Room, line: Line, join: Join) -> None:
    """The join leaves the line with a ticket for each of its players, or to have its actor brought."""
    place = room.place
    if place is None:
        return
    if join.origin is not None:
        line.reserve(join, [join], world.now + world.settings.ticket_seconds)
        bring.begin(world, room, join, join.origin)
        return
    members = world.members(join)
    line.reserve(join, members, world.now + world.settings.ticket_seconds)
    for member in members:
        member.room = room.key
        member.state = JoinState.ADMITTED
        member.boot = place.boot
    others = tuple((member.id, member.player) for member in members[1:])
    join.others = ()
    world.timers.set(Alarm("join", join.id), None)
    world.place_used(join)
    world.answer(
        join, Admitted(room.key.name, place.boot, place.node.url, join.expires, others, session=join.session)
    )


def _has_seats(world: World, room: Room, line: Line, join: Join) -> bool:
    """Whether there is a seat for each of its players, and for those who are still to come back before it."""
    needed = line.seats_for(join)
    if free_seats(room) - world.missing_before(line, join) < needed or room.place is None:
        return False
    if not places.has_room_for(room.place.node, needed):
        room.place.node.crowded[room.key] = None
        return False
    return True


def _until_up(world: World, room: Room) -> float | None:
    place = room.place
    if place is not None and place.stage is Stage.RUNNING:
        return 0.0
    start = room.fleet.room_start.seconds
    if start is None:
        return None
    if place is None:
        if not room.queued_for:
            return start
        node_start = room.fleet.node_start.seconds
        return None if node_start is None else start + node_start
    return max(0.0, start - (world.now - place.since)) if place.stage is Stage.STARTING else start
