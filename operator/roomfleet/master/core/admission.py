"""Letting joins in: seats, expiry, positions and the estimated time to wait."""

from __future__ import annotations

import math

from roomfleet.master.core import places
from roomfleet.master.core.effects import Admitted, InLine
from roomfleet.master.core.line import Join, JoinState, Line
from roomfleet.master.core.state import Alarm, Link, Room, Stage, World

RETRY_LEAST_SECONDS = 5
RETRY_MOST_SECONDS = 120
RETRY_UNKNOWN_SECONDS = 30
"""Retry-After where nothing was measured."""


def admit(world: World, room: Room) -> None:
    """Give free seats to those first in line, and to players who have one in this room already."""
    line, place = room.line, room.place
    if line is None or place is None or place.stage is not Stage.RUNNING:
        return
    if place.node.link is not Link.UP:
        return
    for join in list(line.holders.values()):
        if room.players + room.resumable > 0:
            line.keep_seat(join, world.now + world.settings.ticket_seconds)
            _let_in(world, room, join)
    while line.joins and _has_seat(world, room, line):
        join = line.joins[0]
        line.reserve(join, world.now + world.settings.ticket_seconds)
        if line.expected and join.arrived < world.started:
            line.expected -= 1
        places.recount(world, room)
        _let_in(world, room, join)


def free_seats(room: Room) -> int:
    """Seats that nobody sits on and none is reserved."""
    seats = room.line.seats if room.line is not None else 0
    return max(0, room.spec.capacity - room.players - room.resumable - seats)


def tell_positions(world: World, room: Room) -> None:
    """Everybody in line whose place changed hears the new one."""
    if room.line is None:
        return
    for position, join in room.line.untold():
        seconds = eta(world, room, position)
        if join.told == position and join.told_eta == seconds:
            continue
        join.told, join.told_eta = position, seconds
        world.answer(join, InLine(room.key.name, position, seconds, join.arrived))


def eta(world: World, room: Room, position: int) -> float | None:
    """Seconds until the join at that position may be let in, from what was measured; None: unknown."""
    until_up = _until_up(world, room)
    if until_up is None:
        return None
    ahead = position - free_seats(room)
    if ahead <= 0:
        return until_up
    each = room.line.departures.seconds if room.line is not None else None
    return None if each is None else until_up + ahead * each


def retry_after(world: World, room: Room) -> int:
    """Whole seconds after which asking again makes sense."""
    estimate = eta(world, room, room.waiting + 1)
    if estimate is None:
        return RETRY_UNKNOWN_SECONDS
    return min(RETRY_MOST_SECONDS, max(RETRY_LEAST_SECONDS, math.ceil(estimate)))


def _let_in(world: World, room: Room, join: Join) -> None:
    place = room.place
    if place is None:
        return
    join.state = JoinState.ADMITTED
    join.boot = place.boot
    world.timers.set(Alarm("join", join.id), None)
    world.answer(join, Admitted(room.key.name, place.boot, place.node.url, join.expires))


def _has_seat(world: World, room: Room, line: Line) -> bool:
    free = free_seats(room)
    if line.expected and world.now >= line.expected_until:
        line.expected = 0
    if line.expected and line.joins[0].arrived >= world.started:
        free -= line.expected
    if free <= 0 or room.place is None:
        return False
    if places.node_is_full(room.place.node):
        room.place.node.crowded[room.key] = None
        return False
    return True


def _until_up(world: World, room: Room) -> float | None:
    place = room.place
    if place is not None and place.stage is Stage.RUNNING:
        return 0.0
    fleet = world.fleets.get(room.key._replace(name=room.spec.fleet))
    if fleet is None or fleet.room_start.seconds is None:
        return None
    start = fleet.room_start.seconds
    if place is None:
        if not room.queued_for:
            return start
        return None if fleet.node_start.seconds is None else start + fleet.node_start.seconds
    return max(0.0, start - (world.now - place.since)) if place.stage is Stage.STARTING else start
