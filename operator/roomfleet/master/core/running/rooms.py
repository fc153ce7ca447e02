"""Room objects: applied, deleted, recorded; and arrivals that are on their way to a room."""

from __future__ import annotations

from roomfleet.master.core.effects import SendNudge
from roomfleet.master.core.events import Nudged, Recorded, RecordOutcome, RoomApplied, RoomDeleted
from roomfleet.master.core.instancing import instances
from roomfleet.master.core.model import Key, Phase, WhenBored
from roomfleet.master.core.placing import moves, nodes, places
from roomfleet.master.core.queueing.queue import Lane, backoff
from roomfleet.master.core.running import leftovers, reports, sweep
from roomfleet.master.core.state import Link, Place, Room, Stage
from roomfleet.master.core.world import Work, World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.spec import Keep

FRESH_SECONDS = 1.0
"""A fresh object that does not come within that is not waited for."""


def applied(world: World, event: RoomApplied) -> None:
    """The object as it now is. Its status counts only where the core has none of its own."""
    room = world.rooms.get(event.key)
    if room is None:
        room = _new(world, event)
    elif room.uid != event.uid or room.gone:
        _replaced(world, room, event)
    sweep.object_known(world, event.key)
    old_on_delete = room.spec.on_delete
    room.version = event.version
    if room.generation != event.generation:
        world.queue.forget(Work("room", room.key))  # the new spec may be what mends it: no backoff
    room.generation = event.generation
    room.spec = event.spec
    room.problem = event.problem
    room.highest = max(room.highest, event.status.epoch)
    sweep.spec_changed(world, room, old_on_delete)
    if room.fleet.key.name != event.spec.fleet:
        places.stop_waiting(world, room, room.fleet)
        room.fleet = world.fleet(Key(room.key.game, event.spec.fleet))
    _set_entry(world, room, event.entry)
    instances.child_applied(world, room, event.instance)
    world.look_at(room, Lane.URGENT if room.waiting else Lane.HOUSEKEEPING)


def deleted(world: World, event: RoomDeleted) -> None:
    """The object is gone; that of an earlier uid is of no interest."""
    room = world.rooms.get(event.key)
    if room is None or room.uid != event.uid:
        return
    room.gone = True
    room.told_goodbye = False
    sweep.object_gone(world, room)
    instances.child_gone(world, room)
    _set_entry(world, room, False)
    world.look_at(room, Lane.URGENT)


def recorded(world: World, event: Recorded) -> None:
    """What became of the Record that is on its way."""
    room = world.rooms.get(event.record.key)
    if room is None or room.recording is None or room.recording.record != event.record:
        return
    record, room.recording = room.recording.record, None
    place = room.place
    if event.outcome is not RecordOutcome.CONFLICT:
        room.highest = max(room.highest, record.status.epoch)
    mine = place if place is not None and place.stage is Stage.RECORDING else None
    match event.outcome:
        case RecordOutcome.WRITTEN:
            room.version = event.version or room.version
            room.written = record.status
            room.recorded = max(room.recorded, record.status.epoch)
            moves.recorded(world, room, record.status.epoch)
            if mine is not None:
                places.move(world, room, Stage.STARTING)
        case RecordOutcome.CONFLICT:
            _back_off(world, room, FRESH_SECONDS)
            room.stale = record.version
            moves.not_recorded(room)
            _give_back(world, room, mine)
        case RecordOutcome.FAILED:
            room.written = None
            room.stale = None
            _back_off(world, room)
            _give_back(world, room, mine)
        case RecordOutcome.GONE:
            room.gone = True
            instances.child_gone(world, room)
            _set_entry(world, room, False)
    world.look_at(room, Lane.URGENT)


def nudged(world: World, event: Nudged) -> None:
    """An actor is on its way: the room's node is to look, a sleeping room wakes if that was asked."""
    room = world.rooms.get(event.key)
    if room is None and world.synced:
        leftovers.send_back(world, event.key)
    if room is None or room.gone:
        return
    place = room.place
    if place is not None and place.stage is Stage.RUNNING and place.node.is_up:
        world.do(SendNudge(place.node.key, place.boot, room.key.name))
    if (event.wake or _goes_when_bored(room)) and room.spec.keep is not Keep.NEVER:
        room.woken = True
        world.look_at(room, Lane.URGENT)


def _goes_when_bored(room: Room) -> bool:
    """Whether whoever comes while it is at rest would go with it: an arrival keeps such an instance."""
    spec = room.child.template.spec if room.child is not None else None
    return spec is not None and spec.when_bored is WhenBored.DELETE


def _new(world: World, event: RoomApplied) -> Room:
    status = event.status
    room = Room(
        key=event.key,
        uid=event.uid,
        generation=event.generation,
        version=event.version,
        spec=event.spec,
        fleet=world.fleet(Key(event.key.game, event.spec.fleet)),
        entry=False,
        problem=event.problem,
        written=status,
        highest=status.epoch,
        recorded=status.epoch,
        saved_at=status.saved_at,
        started_at=status.started_at,
    )
    world.rooms[event.key] = room
    world.game(event.key.game).rooms[event.key.name] = room
    if status.waiting and not world.synced:
        room.lined().returning.recorded(status.waiting)
    if status.node:
        _expect(world, room, status.node, status.phase)
    elif status.phase is Phase.QUEUED:
        room.awake = True
    return room


def _expect(world: World, room: Room, node_name: str, phase: Phase) -> None:
    """It was recorded on a node: that one says whether it runs there, or is lost."""
    room.awake = phase not in (Phase.STOPPING, Phase.ASLEEP, Phase.FAILED)
    node = nodes.expected(world, Key(room.key.game, node_name))
    place: Place = places.take(world, room, node, boot="", epoch=room.highest, stage=Stage.UNHEARD)
    if node.is_up and world.synced:
        nodes.hear_of(world, room, place)
    elif node.link is Link.LOST:
        reports.lose(world, room, f"{node_name} is lost")


def _replaced(world: World, room: Room, event: RoomApplied) -> None:
    """Made again under the same name; what the old one left on a node is stopped first."""
    if room.line is not None:
        detail = f"the room {room.key.name} was deleted and made again: join again"
        world.refuse_all(room.line.joins, Refusal.NO_SUCH_ROOM, detail)
    if room.recording is not None:
        room.highest = max(room.highest, room.recording.record.status.epoch)
        room.recording = None
    places.drop_move(world, room)
    instances.detach(world, room)
    room.uid = event.uid
    room.recorded = event.status.epoch
    room.gone = False
    room.awake = False
    room.failure = None
    room.written = event.status
    room.saved_at = event.status.saved_at
    room.woken = False


def _set_entry(world: World, room: Room, entry: bool) -> None:
    room.entry = entry
    entries = world.game(room.key.game).entries
    if entry:
        entries[room.key.name] = room
    else:
        entries.pop(room.key.name, None)


def _back_off(world: World, room: Room, least: float = 0.0) -> None:
    room.retries += 1
    room.retry_at = world.now + max(least, backoff(room.retries, world.rng))


def _give_back(world: World, room: Room, place: Place | None) -> None:
    if place is not None:
        places.leave(world, room)
