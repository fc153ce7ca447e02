"""Live moves: a running room goes from a node that has to be emptied to another one (DESIGN 5, Nodes).

The new node prepares; the new epoch and node are written ahead; the old node hands over, which is a clean
stop that sends each player on; then the new node is told to run the room. Up to the Record a move may be
called off. From then on it goes forward: a target that is lost meanwhile means that the room is placed anew
once it has stopped, and its players come by the master.
"""

from __future__ import annotations

from roomfleet.master.core.effects import Announce, Record
from roomfleet.master.core.placing import places
from roomfleet.master.core.placing.choosing import choose, has_to_go, is_only_given_back
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.running import status
from roomfleet.master.core.state import Fleet, Move, MoveStage, Node, Place, Recording, Room, Stage
from roomfleet.master.core.world import World
from roomfleet.wire.link import DesiredRoom, MovedRoom

MOVES_AT_ONCE = 8
"""Rooms that leave one node at the same time: more would only wait for one another."""
AGAIN_SECONDS = 10.0
"""A room that a node could not prepare is not moved before that."""
PREPARE_SECONDS = 5.0
"""A node that has not prepared a room by then runs it nevertheless: that only takes it longer."""


def advance(world: World, room: Room, place: Place) -> None:
    """Bring the move of a running room one step on, begin it, or call it off."""
    move = room.move
    if not place.node.is_up:
        return
    if move is None:
        if has_to_go(place.node):
            _begin(world, room, place)
        else:
            places.stop_waiting(world, room, place.node.fleet)
        return
    match move.stage:
        case MoveStage.PREPARING | MoveStage.PREPARED:
            if not has_to_go(place.node):
                places.drop_move(world, room)
            elif not is_good(move):
                places.drop_move(world, room)
                _begin(world, room, place)
            elif move.stage is MoveStage.PREPARED or world.now >= move.since + PREPARE_SECONDS:
                _record(world, room, move)
        case MoveStage.RECORDING:
            if is_good(move) or _retarget(world, room, move):
                _record(world, room, move)
            else:
                # It may have been written: there is no way back to the place that the room has.
                places.drop_move(world, room)
                places.stop(world, room)
        case MoveStage.HANDING_OVER:
            # The node had not heard of it before its link broke.
            places.stop(world, room)


def prepared(world: World, node: Node, room: Room, problem: str) -> None:
    """The node has what the room needs, or says why it cannot run there."""
    move = room.move
    if move is None or move.node is not node or move.stage is not MoveStage.PREPARING:
        return
    if problem:
        places.drop_move(world, room)
        room.retry_at = world.now + AGAIN_SECONDS
        text = f"cannot move to {node.key.name}, it stays until its node ends: {problem}"
        world.do(Announce(room.key, "CannotMove", text, warning=True))
        world.counted.moves[room.key.game, "refused"] += 1
        return
    move.stage = MoveStage.PREPARED
    move.since = world.now
    world.look_at(room, Lane.URGENT)


def recorded(world: World, room: Room, epoch: int) -> None:
    """The Record of the move was written: the old node is to hand over."""
    move, place = room.move, room.place
    if move is None or place is None or move.stage is not MoveStage.RECORDING or move.epoch != epoch:
        return
    move.stage = MoveStage.HANDING_OVER
    move.since = world.now
    room.retries = 0
    if room.players + room.resumable:
        room.hold_until = max(room.hold_until, world.now + world.settings.ticket_seconds)
    places.stop(world, room)


def not_recorded(room: Room) -> None:
    """The object had changed: nothing was written, it is decided again."""
    if room.move is not None and room.move.stage is MoveStage.RECORDING:
        room.move.stage = MoveStage.PREPARED


def land(world: World, room: Room) -> bool:
    """The old node has the room no more: the new one may run it. False: it has to be placed anew."""
    move = room.move
    if move is None:
        return False
    places.drop_move(world, room)
    if move.stage is not MoveStage.HANDING_OVER or not is_good(move):
        world.counted.moves[room.key.game, "broken"] += 1
        places.led_nowhere(world, room)
        return False
    place = places.take(world, room, move.node, boot=move.boot, epoch=move.epoch, stage=Stage.STARTING)
    place.moved_from, place.frozen_at = move.moved_from, move.frozen_at
    return True


def arrived(world: World, room: Room, place: Place, frozen: float) -> None:
    """The room runs on its new node."""
    text = f"moved from {place.moved_from} to {place.node.key.name}, frozen for {frozen * 1000:.0f} ms"
    place.moved_from = ""
    world.do(Announce(room.key, "Moved", text))
    world.counted.moves[room.key.game, "moved"] += 1


def target_is_away(world: World, node: Node) -> None:
    """Rooms that were on their way to the node go to another one, or come up anew."""
    for room in node.incoming.values():
        world.look_at(room, Lane.URGENT)
        if room.place is not None:
            world.tell(room.place.node)


def is_good(move: Move) -> bool:
    """Whether the new node can still take the room."""
    node = move.node
    return node.is_up and node.boot == move.boot and not node.deleting and not has_to_go(node)


def prepare(node: Node) -> tuple[DesiredRoom, ...]:
    """Rooms that are about to run on the node."""
    return tuple(
        DesiredRoom(room=room.key.name, epoch=0, uid=room.uid, spec=room.spec)
        for room in node.incoming.values()
    )


def moving(node: Node) -> tuple[MovedRoom, ...]:
    """Rooms that the node hands over, with where they go."""
    return tuple(
        MovedRoom(room=room.key.name, epoch=room.place.epoch, boot=room.move.boot, url=room.move.node.url)
        for room in node.outgoing.values()
        if room.move is not None
        and room.place is not None
        and room.move.stage is MoveStage.HANDING_OVER
        and is_good(room.move)
    )


def next_due(room: Room, now: float) -> float | None:
    """When the move is to be looked at again, if nothing happens."""
    move = room.move
    if move is not None and move.stage is MoveStage.PREPARING:
        return move.since + PREPARE_SECONDS
    if room.retry_at <= now:
        return None
    waits = move is not None or (room.place is not None and bool(has_to_go(room.place.node)))
    return room.retry_at if waits else None


def _begin(world: World, room: Room, place: Place) -> None:
    node = place.node
    if room.held_back(world.now):
        return
    if len(node.outgoing) >= MOVES_AT_ONCE:
        node.unmoved[room.key.name] = room
        return
    fleet = node.fleet
    target = choose(world, fleet, room)
    if target is None:
        _no_space(world, room, node, fleet)
        return
    fleet.waiting.pop(room.key, None)
    node.unmoved.pop(room.key.name, None)
    room.move = Move(target, target.boot, MoveStage.PREPARING, world.now, moved_from=node.key.name)
    node.outgoing[room.key.name] = room
    places.keep_space(world, room, room.move)


def _no_space(world: World, room: Room, node: Node, fleet: Fleet) -> None:
    if is_only_given_back(node):
        # Not worth another node: it stays, and is judged again after a while.
        places.keep(world, fleet)
        return
    fleet.waiting[room.key] = None
    world.look_at_fleet(fleet)


def _retarget(world: World, room: Room, move: Move) -> bool:
    target = choose(world, move.node.fleet, room)
    if target is None:
        return False
    places.release(world, room, move)
    move.node, move.boot = target, target.boot
    places.keep_space(world, room, move)
    return True


def _record(world: World, room: Room, move: Move) -> None:
    if room.held_back(world.now):
        return
    room.stale = None
    move.stage = MoveStage.RECORDING
    move.epoch = room.highest + 1
    record = Record(room.key, room.uid, room.version, status.status_of(room), awaited=True)
    room.recording = Recording(record, world.now)
    world.do(record)
