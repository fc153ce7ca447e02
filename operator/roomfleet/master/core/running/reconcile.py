"""One room: what should be against what is, one step after the other.

Each step brings one thing in order and says whether the later ones still have something to do. None waits:
a step decides, emits what is to be done, and an event brings the key back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from roomfleet.master.core.effects import Record, SendGoodbye
from roomfleet.master.core.instancing import ending, instances, template_status
from roomfleet.master.core.joining import admission, bring
from roomfleet.master.core.placing import moves, places
from roomfleet.master.core.placing.choosing import choose
from roomfleet.master.core.running import leftovers, status
from roomfleet.master.core.state import Place, Recording, Room, Stage
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.spec import Keep

SAY_AGAIN_SECONDS = 15.0
"""A Record that was not answered is given out again that often. It is never given up: whether it waits in a
queue or was written by a request whose answer is missing cannot be told from here, its adapter knows.
"""
UNSEEN_STOP_SECONDS = 3.0
"""A node that never mentioned a room which it is to stop has had that long to do so; then it never had it."""
REMIND_SECONDS = 10.0
"""A node that says nothing of a room which it is to start is told again after that."""
WAKE_SECONDS = 15.0
"""A room that was woken for an arrival is not bored before that."""

Step = Callable[[World, Room], bool]
"""Returns whether to go on with the next step."""


def reconcile(world: World, room: Room) -> None:
    """Bring the room nearer to what it should be."""
    for step in STEPS:
        if not step(world, room):
            break
    if world.rooms.get(room.key) is not room:
        return
    places.recount(world, room)
    template_status.count(world, room)
    admission.tell_positions(world, room)
    phase = status.phase_of(room)
    status.publish(world, room, phase)
    status.tally(room, phase)
    world.timers.set(Alarm("room", room.key), _next_due(world, room))


def sync_reservations(world: World, room: Room) -> bool:
    """Seats whose ticket has expired are free."""
    if room.line is not None:
        for join in room.line.expire(world.now):
            if not bring.keep(room, join):
                world.forget(join)
    return True


def sync_heard(world: World, room: Room) -> bool:
    """A room that was recorded on a node before the start waits until that has reported or is lost."""
    place = room.place
    return place is None or place.stage is not Stage.UNHEARD


def sync_deleted(world: World, room: Room) -> bool:
    """The object is gone: players hear why, the room is saved and stopped, then there is nothing left."""
    if not room.gone:
        return True
    if room.line is not None:
        world.refuse_all(room.line.joins, Refusal.NO_SUCH_ROOM, f"the room {room.key.name} was deleted")
    room.awake = False
    place = room.place
    if place is not None and place.stage in (Stage.STARTING, Stage.RUNNING, Stage.STOPPING):
        if not room.told_goodbye:
            room.told_goodbye = True
            world.do(SendGoodbye(place.node.key, place.boot, room.key.name))
        places.stop(world, room)
        _give_up_unseen(world, room, place)
        if room.place is not None:
            return False
    if room.place is not None:
        places.leave(world, room)
    if sync_recorded(world, room):
        _forget(world, room)
    return False


def sync_refused(world: World, room: Room) -> bool:
    """Closed, unsupported or failed: nobody is let in, and nobody waits for nothing."""
    if room.failure is not None and room.failure.generation != room.generation:
        room.failure = None
    refusal = refusal_of(room)
    if refusal is not None:
        room.awake = False
        if room.line is not None:
            world.refuse_all(room.line.joins, *refusal)
    elif room.line is not None and room.line.players > len(room.line.joins):
        most = admission.most_at_once(world, room)
        for join in [join for join in room.line.joins if join.size > most]:
            admission.refuse_too_large(world, room, join)
    return True


def sync_intent(world: World, room: Room) -> bool:
    """Whether the room should be on a node at all: wanted, or not bored yet."""
    if refusal_of(room) is not None:
        room.idle_since = None
        return True
    if busy(world, room):
        room.idle_since = None
        if room.child is not None:
            room.child.wanted_at = world.now
        if room.spec.keep is Keep.ALWAYS or room.waiting or room.woken or _is_needed(world, room):
            room.awake = True
        return True
    if not room.awake:
        room.idle_since = None
        return True
    if room.idle_since is None:
        room.idle_since = world.now
    if room.child is not None and room.child.unwanted:
        room.awake = False
    if world.now >= room.idle_since + room.spec.bored_after_seconds:
        room.awake = False
    return True


def sync_stopped(world: World, room: Room) -> bool:
    """On a node and not wanted there, or no longer as it is: saved and stopped."""
    place = room.place
    if place is None:
        return True
    if place.stage is Stage.STOPPING:
        _give_up_unseen(world, room, place)
        return room.place is None
    if room.awake and not places.needs_restart(room, place):
        return True
    if place.stage is Stage.RECORDING:
        places.leave(world, room)
        return True
    places.stop(world, room)
    return False


def sync_recorded(world: World, room: Room) -> bool:
    """A Record is on its way: the next decision waits for it."""
    recording = room.recording
    if recording is None:
        return True
    record = recording.record
    hurry = not record.awaited and room.awaited(world.now)
    if hurry or world.now >= recording.said + SAY_AGAIN_SECONDS:
        _record(world, room, replace(record, awaited=record.awaited or hurry))
    return False


def sync_moved(world: World, room: Room) -> bool:
    """On a node that has to be emptied: it goes to another one, step by step, and runs meanwhile."""
    place = room.place
    if place is not None and place.stage is Stage.RUNNING:
        moves.advance(world, room, place)
        return room.place is place and place.stage is Stage.RUNNING
    return True


def sync_ended(world: World, room: Room) -> bool:
    """An instance that is at rest for good is no more."""
    return ending.end(world, room, busy=busy(world, room))


def sync_placed(world: World, room: Room) -> bool:
    """Wanted and on no node: where it is being moved, else one is chosen and written ahead."""
    if room.place is not None:
        return True
    if not room.awake:
        places.stop_waiting(world, room, room.fleet)
        places.led_nowhere(world, room)
        room.queued_for = ""
        return False
    if moves.land(world, room):
        return True
    if room.held_back(world.now) or _is_still_elsewhere(world, room):
        places.stop_waiting(world, room, room.fleet)
        return False
    fleet = room.fleet
    node = choose(world, fleet, room)
    if node is None:
        fleet.waiting[room.key] = None
        room.queued_for = status.no_space(fleet)
        world.look_at_fleet(fleet)
        return False
    fleet.waiting.pop(room.key, None)
    room.queued_for = ""
    room.stale = None
    epoch = room.highest + 1
    places.take(world, room, node, boot=node.boot, epoch=epoch, stage=Stage.RECORDING)
    recorded = status.recorded(room, node.key.name, epoch)
    _record(world, room, Record(room.key, room.uid, room.version, recorded, room.awaited(world.now)))
    return False


def _is_still_elsewhere(world: World, room: Room) -> bool:
    """Whether a node has it that is about to save and stop it: started now, that would be lost."""
    stray = room.stray
    if stray is not None and (world.now >= stray.until or not stray.node.is_up):
        room.stray = None
    return room.stray is not None


def sync_told(world: World, room: Room) -> bool:
    """Recorded: the node knows what to run, with the spec as it is now."""
    place = room.place
    if place is None:
        return False
    places.desire(world, room)
    silent = room.key.name not in place.node.reports
    if place.stage is Stage.STARTING and silent and world.now >= place.since + REMIND_SECONDS:
        place.since = world.now
        world.tell(place.node)
    return place.stage is Stage.RUNNING


def sync_woken(world: World, room: Room) -> bool:
    """It runs: an arrival that it was woken for has some time to come in."""
    if room.woken:
        room.woken = False
        room.hold_until = max(room.hold_until, world.now + WAKE_SECONDS)
    if not room.started_at:
        room.started_at = status.rfc3339(world.now)
    return True


def sync_admitted(world: World, room: Room) -> bool:
    """Those first in line get the free seats."""
    admission.admit(world, room)
    return True


def sync_left(world: World, room: Room) -> bool:
    """Nobody can be brought from a room that cannot run, or to it."""
    refusal = refusal_of(room)
    if refusal is not None:
        bring.give_up(world, room, *refusal)
    return True


def sync_brought(world: World, room: Room) -> bool:
    """It runs: its node sends the actors that are to be brought elsewhere."""
    bring.ask(world, room)
    return True


STEPS: tuple[Step, ...] = (
    sync_reservations,
    sync_left,
    sync_deleted,
    sync_refused,
    sync_heard,
    sync_intent,
    sync_stopped,
    sync_recorded,
    sync_moved,
    sync_ended,
    sync_placed,
    sync_told,
    sync_woken,
    sync_brought,
    sync_admitted,
)


def refusal_of(room: Room) -> tuple[Refusal, str] | None:
    """Why nobody can be let into the room, if so."""
    name = room.key.name
    if room.gone:
        return Refusal.NO_SUCH_ROOM, f"the room {name} was deleted"
    if room.problem:
        return Refusal.ROOM_FAILED, f"the room {name} cannot run: {room.problem}"
    if room.spec.keep is Keep.NEVER:
        return Refusal.ROOM_CLOSED, f"the room {name} is closed: its spec says keep: Never"
    if room.failure is not None:
        return Refusal.ROOM_FAILED, f"the room {name} failed to start: {room.failure.message}"
    return None


def _is_needed(world: World, room: Room) -> bool:
    """Whether it is to run for others than those in it: warm, or for an actor to be brought from it."""
    return instances.kept_warm(room) or bring.wanted(world, room)


def busy(world: World, room: Room) -> bool:
    """Whether somebody is in the room, on the way to it, or it is to stay anyway."""
    if room.spec.keep is Keep.ALWAYS or room.players or room.resumable:
        return True
    if room.woken and refusal_of(room) is None:  # whoever it was woken for cannot come into one that failed
        return True
    if room.hold_until > world.now or _is_needed(world, room):
        return True
    return room.line is not None and bool(room.line.joins or room.line.reserved)


def _record(world: World, room: Room, record: Record) -> None:
    room.recording = Recording(record, world.now)
    world.do(record)


def _give_up_unseen(world: World, room: Room, place: Place) -> None:
    """Told to start and to stop before it acted on either, a node says nothing of the room at all."""
    node = place.node
    if room.key.name in node.reports or not node.is_up:
        return
    if world.now >= max(place.since, node.since) + UNSEEN_STOP_SECONDS:
        places.leave(world, room)


def _forget(world: World, room: Room) -> None:
    for join in list(room.line.reserved.values()) if room.line is not None else ():
        world.forget(join)
    if room.line is not None:
        world.unseat(room, room.line)
    game = world.game(room.key.game)
    del world.rooms[room.key]
    status.tally(room, None)
    del game.rooms[room.key.name]
    places.stop_waiting(world, room, room.fleet)
    world.timers.set(Alarm("room", room.key), None)
    leftovers.send_back(world, room.key)


def _next_due(world: World, room: Room) -> float | None:
    """When the room is to be looked at again, if nothing happens. What was due by now has been looked at just
    now: if nothing could be done about it, an event will say when it can.
    """
    place, line, dues = room.place, room.line, []
    if room.recording is not None:
        dues.append(room.recording.said + SAY_AGAIN_SECONDS)
    if room.idle_since is not None and room.awake:
        dues.append(room.idle_since + room.spec.bored_after_seconds)
    if room.hold_until > world.now:
        dues.append(room.hold_until)
    if line is not None and (expiry := line.next_expiry()) is not None:
        dues.append(expiry)
    if line is not None and line.joins:
        if world.now < world.collect_until and line.returning.most:
            dues.append(world.collect_until)
        if (told := line.next_told()) is not None:
            dues.append(told)
    if (again_at := bring.next_due(world, room)) is not None:
        dues.append(again_at)
    if place is None and room.awake and world.now < room.retry_at:
        dues.append(room.retry_at)
    if place is None and room.awake and room.stray is not None:
        dues.append(room.stray.until)
    if (due := moves.next_due(room, world.now)) is not None:
        dues.append(due)
    if (ends := ending.next_due(world, room)) is not None:
        dues.append(ends)
    if place is not None and room.key.name not in place.node.reports:
        if place.stage is Stage.STOPPING and place.node.is_up:
            dues.append(max(place.since, place.node.since) + UNSEEN_STOP_SECONDS)
        if place.stage is Stage.STARTING:
            dues.append(place.since + REMIND_SECONDS)
    return min((due for due in dues if due > world.now), default=None)
