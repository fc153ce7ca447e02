"""What raised while the core was at work: told, counted, and kept from costing anybody else anything.

A key that raised is held back by the room queue and tried again. An event or an alarm is not repeated: what
it was about is looked at as it now is, and whoever asked hears that it went wrong.
"""

from __future__ import annotations

import logging

from roomfleet.master.core.effects import Announce, AnswerJoin, Refused
from roomfleet.master.core.events import (
    Event,
    InstanceRequested,
    JoinPolled,
    JoinRequested,
    NodeReported,
    Nudged,
    PlayerBrought,
    PlayerFound,
    Recorded,
    RoomApplied,
    RoomDeleted,
    SeatRequested,
)
from roomfleet.master.core.instancing import template_status
from roomfleet.master.core.joining.joins import seat_id
from roomfleet.master.core.joining.line import Join
from roomfleet.master.core.model import Key
from roomfleet.master.core.placing import fleet
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.running import status
from roomfleet.master.core.state import Room
from roomfleet.master.core.world import Alarm, Work, World
from roomfleet.wire.joining import Problem, Refusal

log = logging.getLogger(__name__)

ALARM_SECONDS = 5.0
"""An alarm whose handling raised rings again after that."""


def of_work(world: World, work: Work, error: Exception) -> None:
    """A key of the room queue could not be reconciled; its object says so."""
    world.counted.failures[work.kind] += 1
    retry_at = world.queue.failed(world.now)
    fault = f"{type(error).__name__}: {error}"
    text = f"reconciling failed, tried again in {retry_at - world.now:.1f} s: {fault}"
    if work.kind == "fleet":
        fleet.publish_fault(world, world.fleets[work.key], text)
    elif work.kind == "template":
        template_status.publish_fault(world, world.template(work.key), text)
    elif (room := world.rooms.get(work.key)) is not None:
        room.fault = fault
        world.do(Announce(room.key, "InternalError", text, warning=True))
        status.publish_fault(world, room, text)
        status.tally(room, status.phase_of(room))
        join, world.letting_in = world.letting_in, None
        if join is not None:
            _refuse(world, join, error)


def cleared(world: World, room: Room) -> None:
    """Reconciling went well after it had raised."""
    room.fault = ""
    world.look_at(room, Lane.HOUSEKEEPING)


def of_event(world: World, event: Event, error: Exception) -> None:
    """An event could not be taken in."""
    world.counted.failures["event"] += 1
    room = world.rooms.get(key) if (key := _room_of(event)) is not None else None
    if room is not None:
        text = f"taking in {type(event).__name__} failed: {type(error).__name__}: {error}"
        world.do(Announce(room.key, "InternalError", text, warning=True))
        world.look_at(room, Lane.HOUSEKEEPING)
    if isinstance(event, JoinRequested | JoinPolled | PlayerFound | PlayerBrought):
        join = world.joins.get(event.id)
        if join is not None:
            _refuse(world, join, error)
        elif isinstance(event, JoinRequested):
            world.do(AnswerJoin(event.id, event.game, event.player, Refused(_problem(error))))
    elif isinstance(event, SeatRequested | InstanceRequested):
        join = world.joins.get(seat_id(event.boot, event.id))
        if join is not None:
            _refuse(world, join, error)


def of_alarm(world: World, alarm: Alarm, error: Exception) -> None:
    """What was due could not be done."""
    world.counted.failures["alarm"] += 1
    join = world.joins.get(alarm.key) if isinstance(alarm.key, str) else None
    if join is not None:
        _refuse(world, join, error)
    elif not isinstance(alarm.key, str):
        world.timers.set(alarm, world.now + ALARM_SECONDS)


def _refuse(world: World, join: Join, error: Exception) -> None:
    """End the join, whatever state it is in."""
    problem = _problem(error)
    try:
        world.forget(join)
    except Exception:
        log.exception("the join %s could not be taken out of its line", join.id)
    world.answer(join, Refused(problem))


def _problem(error: Exception) -> Problem:
    detail = f"the master could not handle this join ({type(error).__name__}); its log says why: try again"
    return Problem.of(Refusal.INTERNAL_ERROR, detail)


def _room_of(event: Event) -> Key | None:
    match event:
        case RoomApplied(key=key) | RoomDeleted(key=key) | Nudged(key=key):
            return key
        case Recorded(record=record):
            return record.key
        case NodeReported(node=node, report=report):
            return Key(node.game, report.room)
    return None
