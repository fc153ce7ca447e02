"""What nodes say of their rooms, and what follows for the room's place."""

from __future__ import annotations

from msgspec.structs import replace

from roomfleet.master.core.effects import Announce
from roomfleet.master.core.joining.line import Join, JoinState
from roomfleet.master.core.placing import moves, places
from roomfleet.master.core.placing.choosing import has_to_go
from roomfleet.master.core.queueing.queue import Lane, backoff
from roomfleet.master.core.running import leftovers
from roomfleet.master.core.state import Failure, MoveStage, Node, Place, Room, Stage, Stray
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.link import Report, RoomPhase

RUNS = frozenset({RoomPhase.STARTING, RoomPhase.RUNNING, RoomPhase.STOPPING})
"""Phases in which the node still has the room."""
AVOID_SECONDS = 10.0
"""How long a node that stopped a room unasked gets no rooms: it probably drains."""
STRAY_SECONDS = 3.0
"""So long at most a room waits until a node that still has it has saved and stopped it; then it is fenced."""
SEATED_FACTOR = 2
"""How many seated players are kept in mind, in capacities of the room or players there."""


def reported(world: World, node: Node, report: Report) -> None:
    """Take in what the node says of one room."""
    if report.phase in RUNS:
        before = node.reports.get(report.room)
        if not world.synced and before is not None and before.epoch == report.epoch:
            # Nothing was made of it yet, and who is seated stands in the first one alone.
            seated, used = [*before.seated, *report.seated], [*before.used, *report.used]
            report = replace(report, seated=seated, used=used)
        node.reports[report.room] = report
    else:
        node.reports.pop(report.room, None)
    room = world.game(node.key.game).rooms.get(report.room)
    if room is None:
        return
    named = max(report.epoch, report.found_epoch or 0)
    if named > room.highest:
        room.highest = named
        world.look_at(room)  # the object is to say it, too: a restart begins from there
    place = room.place
    if place is None or not is_about(report, node, place) or place.stage is Stage.UNHEARD:
        _stray(world, room, node, report)
        if place is not None and place.node is node and report.phase not in RUNS:
            world.look_at(room)  # nothing of an older epoch stands for this one any more
        return
    known = _known(room)
    _used(world, room, report)
    _ACTIONS[report.phase](world, room, place, report)
    if report.seated or _known(room) != known:
        world.look_at(room, Lane.URGENT if room.waiting else Lane.HOUSEKEEPING)


def _known(room: Room) -> tuple[object, ...]:
    """What of a room makes a difference to what is to be done with it, and is known by reports."""
    stage = room.place.stage if room.place is not None else None
    return (stage, room.players, room.resumable, room.saved, bool(room.saved_at))


def _stray(world: World, room: Room, node: Node, report: Report) -> None:
    """The node has the room though it should not: it stops it, as its desired set does not name it."""
    if report.phase in RUNS and report.phase is not RoomPhase.STARTING:
        if room.stray is None or room.stray.node is not node:
            room.stray = Stray(node, world.now + STRAY_SECONDS)
    elif room.stray is not None and room.stray.node is node:
        room.stray = None
        world.look_at(room, Lane.URGENT)


def is_about(report: Report, node: Node, place: Place) -> bool:
    """Whether it speaks of that very place, which the node has been told of."""
    if place.stage is Stage.RECORDING:
        return False
    return place.node is node and place.boot == node.boot and place.epoch == report.epoch


def adopt(world: World, room: Room, place: Place, report: Report) -> None:
    """The node runs the room as it was recorded: leave both as they are."""
    place.boot = place.node.boot
    places.move(world, room, _STAGES[report.phase])
    if place.stage is not Stage.STOPPING:
        places.desire(world, room)
    _used(world, room, report)
    _counted(world, room, place, report)


def lose(world: World, room: Room, why: str, *, reason: str = "Lost", warning: bool = True) -> None:
    """The room is on its node no more, through no wish of ours."""
    place = room.place
    if place is None:
        return
    was_in_use = room.players + room.resumable > 0
    if place.stage is not Stage.STOPPING and was_in_use:
        room.hold_until = world.now + world.settings.ticket_seconds
    places.leave(world, room)
    leftovers.lost(world, room)
    if not room.gone:
        world.do(Announce(room.key, reason, why, warning=warning))
    world.look_at(room, Lane.URGENT)


def _used(world: World, room: Room, report: Report) -> None:
    if not report.seated and not report.used:
        return

    def waiting(player: str) -> Join | None:
        join = world.players.get((room.key.game, player))
        waits = join is not None and join.state is JoinState.WAITING and join.room == room.key
        return join if waits else None

    for player in report.seated:
        # Whatever is known of their ticket here: they need no second seat.
        room.lined().sit(player, waiting(player))
        who = (room.key.game, player)
        before = world.rooms.get(world.seats.get(who, room.key))
        if before is not None and before is not room and before.line is not None:
            before.line.stand(player)
        world.seats[who] = room.key
    line = room.line
    if line is None:
        return
    for id in report.used:
        join = line.use(id)
        if join is not None:
            world.forget(join)
    if report.seated:
        # A room that became smaller has more players than it takes.
        most = SEATED_FACTOR * max(room.spec.capacity, report.players + report.resumable)
        for player in line.forget_oldest(most):
            world.seats.pop((room.key.game, player), None)


def _counted(world: World, room: Room, place: Place, report: Report) -> None:
    if room.move is None or room.move.stage is not MoveStage.HANDING_OVER:
        places.count(world, room, report.players, report.resumable)
    elif report.frozen_at:  # those who are led over have not left
        room.move.frozen_at = report.frozen_at
    if report.saved_at:
        room.saved_at = report.saved_at
    room.saved = report.saved


def _starting(world: World, room: Room, place: Place, report: Report) -> None:
    _counted(world, room, place, report)


def _running(world: World, room: Room, place: Place, report: Report) -> None:
    _counted(world, room, place, report)
    if place.stage is not Stage.STARTING:
        return
    if place.moved_from:
        moves.arrived(world, room, place, report.frozen)
    place.node.fleet.room_start.add(world.now - place.since)
    room.retries = 0
    places.move(world, room, Stage.RUNNING)


def _stopping(world: World, room: Room, place: Place, report: Report) -> None:
    _counted(world, room, place, report)
    if place.stage is not Stage.STOPPING:
        _avoid(world, place.node)
        places.undesire(world, room, place.node)
        places.move(world, room, Stage.STOPPING)


def _stopped(world: World, room: Room, place: Place, report: Report) -> None:
    _counted(world, room, place, report)
    if place.stage is not Stage.STOPPING:
        _avoid(world, place.node)
    places.leave(world, room)
    world.look_at(room, Lane.URGENT)


def _failed(world: World, room: Room, place: Place, report: Report) -> None:
    if report.found_epoch is not None:
        _fenced(world, room, place, report)
        return
    stopping = place.stage is Stage.STOPPING
    places.leave(world, room)
    if not stopping:
        message = report.message or "the node could not start the room and did not say why: see its log"
        room.failure = Failure(message, world.now, room.generation)
        if room.child is not None:
            world.look_at_template(room.child.template)
    world.look_at(room, Lane.URGENT)


def _fenced(world: World, room: Room, place: Place, report: Report) -> None:
    stopping = place.stage is Stage.STOPPING
    found = report.found_epoch if report.found_epoch is not None else place.epoch
    if not stopping:
        if room.retries:
            room.retry_at = world.now + backoff(room.retries, world.rng)
        room.retries += 1
        _give_up_epoch(world, room, place, found)
        return
    places.leave(world, room)
    world.look_at(room, Lane.URGENT)


def _give_up_epoch(world: World, room: Room, place: Place, found: int) -> None:
    """The store has a higher one, or the same. Where the room had not come up, as after it was made again,
    nobody has lost anything.
    """
    text = f"{place.node.key.name} found epoch {found} in the store: it starts above that"
    if place.stage is Stage.STARTING:
        lose(world, room, text, reason="EpochFound", warning=False)
    else:
        lose(world, room, text)


def _avoid(world: World, node: Node) -> None:
    if has_to_go(node):
        return  # it takes no rooms anyway, until it may keep those that it has
    node.avoid_until = world.now + AVOID_SECONDS
    world.timers.set(Alarm("avoid", node.key), node.avoid_until)
    places.refresh(world, node)


_STAGES = {
    RoomPhase.STARTING: Stage.STARTING,
    RoomPhase.RUNNING: Stage.RUNNING,
    RoomPhase.STOPPING: Stage.STOPPING,
}
_ACTIONS = {
    RoomPhase.STARTING: _starting,
    RoomPhase.RUNNING: _running,
    RoomPhase.STOPPING: _stopping,
    RoomPhase.STOPPED: _stopped,
    RoomPhase.FAILED: _failed,
    RoomPhase.FENCED: _fenced,
}
