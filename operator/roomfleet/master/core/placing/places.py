"""Taking and leaving a place on a node, and the node's load that follows from it."""

from __future__ import annotations

from roomfleet.master.core.placing.choosing import count_group, has_to_go
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.state import Fleet, Link, Move, MoveStage, Node, Place, Room, Stage
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.link import DesiredRoom
from roomfleet.wire.spec import RoomSpec

KEEP_SECONDS = 60.0
"""A fleet that needed a node which it wanted to give back keeps all of them that long."""


def take(world: World, room: Room, node: Node, *, boot: str, epoch: int, stage: Stage) -> Place:
    """The room's place is that node from now on."""
    place = Place(node, boot, epoch, room.uid, room.spec, stage, world.now)
    room.place = place
    node.rooms[room.key.name] = room
    count_group(node, place.spec.spread_group, 1)
    node.fleet.rooms += 1
    if room.line is not None:
        room.line.void_tickets(boot)
    recount(world, room)
    refresh(world, node)
    count_later(world, node.fleet)
    return place


def leave(world: World, room: Room) -> None:
    """The room is on no node: nobody sits in it, unless it is being moved: then its players follow.

    Tickets stay good for a place on the same boot.
    """
    place = room.place
    if place is None:
        return
    node = place.node
    node.fleet.players -= room.players
    room.players = room.resumable = 0
    moving = room.move is not None and room.move.stage is MoveStage.HANDING_OVER
    if room.line is not None:
        if not moving:
            world.unseat(room, room.line)
        room.line.void_tickets("")
    _occupy(world, room, node, 0)
    room.place = None
    if room.fleet is not node.fleet:
        stop_waiting(world, room, node.fleet)  # where it waited to be moved; now it is another one's
    count_group(node, place.spec.spread_group, -1)
    node.fleet.rooms -= 1
    del node.rooms[room.key.name]
    node.crowded.pop(room.key, None)
    node.unmoved.pop(room.key.name, None)
    if not moving:
        drop_move(world, room)
    _moved_out(world, room, node)
    undesire(world, room, node)
    refresh(world, node)
    count_later(world, node.fleet)
    if room.line is not None:
        room.line.tell_all()


def move(world: World, room: Room, stage: Stage) -> None:
    """The room's place comes into another stage. Whoever finds that out has the room looked at."""
    place = room.place
    if place is None or place.stage is stage:
        return
    place.stage = stage
    place.since = world.now
    if room.line is not None:
        room.line.tell_all()


def stop(world: World, room: Room) -> None:
    """Out of the node's desired set: it saves the room and reports it stopped."""
    place = room.place
    if place is None:
        return
    undesire(world, room, place.node)
    world.tell(place.node)
    move(world, room, Stage.STOPPING)


def drop_move(world: World, room: Room) -> None:
    """The room is not moved, or not any more."""
    move = room.move
    if move is None:
        return
    room.move = None
    release(world, room, move)
    if room.place is not None:
        _moved_out(world, room, room.place.node)


def led_nowhere(world: World, room: Room) -> None:
    """The room is placed nowhere, and those who were led over have no place to follow to."""
    drop_move(world, room)
    if room.line is not None:
        world.unseat(room, room.line)


def keep_space(world: World, room: Room, move: Move) -> None:
    """The room is on its way to the node: its space is kept, and the node prepares it."""
    move.group = room.spec.spread_group
    move.node.incoming[room.key.name] = room
    count_group(move.node, move.group, 1)
    refresh(world, move.node)
    world.tell(move.node)


def release(world: World, room: Room, move: Move) -> None:
    """The room is not on its way to that node any more."""
    if move.node.incoming.pop(room.key.name, None) is not None:
        count_group(move.node, move.group, -1)
        refresh(world, move.node)
        world.tell(move.node)


def _is_landing(place: Place | None) -> bool:
    return place is not None and bool(place.moved_from)


def _moved_out(world: World, room: Room, node: Node) -> None:
    """One move from the node is over: the next room that waits for that is looked at."""
    if node.outgoing.pop(room.key.name, None) is not None and node.unmoved:
        name = next(iter(node.unmoved))
        world.look_at(node.unmoved.pop(name), Lane.URGENT)


def judge(world: World, node: Node) -> None:
    """Begin to empty the node, or leave it as it is again. Those with most players go first."""
    reason = has_to_go(node)
    _watch_deadline(world, node)
    if bool(reason) == (node.emptied_since is not None):
        return
    node.emptied_since = world.now if reason else None
    if reason:
        node.fleet.emptying[node.slot] = node
    else:
        node.fleet.emptying.pop(node.slot, None)
    node.unmoved.clear()
    refresh(world, node)
    world.look_at_fleet(node.fleet)
    for room in sorted(node.rooms.values(), key=lambda room: (-room.players, room.key.name)):
        world.look_at(room, Lane.URGENT)


def keep(world: World, fleet: Fleet) -> None:
    """The node that was to be given back is needed: it keeps what it still has."""
    node = fleet.nodes.get(fleet.giving_back) if fleet.giving_back is not None else None
    fleet.giving_back = None
    fleet.surplus_since = None
    fleet.keep_until = world.now + KEEP_SECONDS
    fleet.hurry = False
    if node is not None:
        judge(world, node)
    world.look_at_fleet(fleet)


def _watch_deadline(world: World, node: Node) -> None:
    """One that is to end has `drainSeconds`; one that was told so counts by itself, a cordoned one stays."""
    fleet, spec = node.fleet, node.fleet.spec
    alarm = Alarm("drain", node.key)
    if spec is None or not (node.slot >= spec.max_nodes or node.slot == fleet.giving_back):
        world.timers.set(alarm, None)
    elif alarm not in world.timers:
        world.timers.set(alarm, world.now + spec.drain_seconds)


def desire(world: World, room: Room) -> None:
    """Have the node run the room as its spec now is."""
    place = room.place
    if place is None:
        return
    wanted = DesiredRoom(
        room=room.key.name, epoch=place.epoch, uid=place.uid, spec=room.spec, frozen_at=place.frozen_at
    )
    if place.node.desired.get(room.key.name) != wanted:
        place.node.desired[room.key.name] = wanted
        world.tell(place.node)


def undesire(world: World, room: Room, node: Node) -> None:
    """Have the node stop the room."""
    if node.desired.pop(room.key.name, None) is not None:
        world.tell(node)


def count(world: World, room: Room, players: int, resumable: int) -> None:
    """The node counted the room's players."""
    place = room.place
    if place is not None:
        place.node.fleet.players += players - room.players
        if players != room.players:
            count_later(world, place.node.fleet)
    gone = room.players + room.resumable - players - resumable
    if gone > 0 and room.line is not None:
        room.line.departures.left(gone, world.now)
    room.players, room.resumable = players, resumable
    if room.line is not None and players + resumable == 0 and not _is_landing(place):
        world.unseat(room, room.line)
        room.line.void_tickets(place.boot if place is not None else "")
    recount(world, room)


def recount(world: World, room: Room) -> None:
    """Bring the node's load up to date with the room's players and reservations."""
    place = room.place
    if place is None:
        return
    occupied = room.players + room.resumable + (room.line.seats if room.line is not None else 0)
    if occupied != room.occupied:
        _occupy(world, room, place.node, occupied)


def _occupy(world: World, room: Room, node: Node, occupied: int) -> None:
    was_full = node_is_full(node)
    node.occupied += occupied - room.occupied
    room.occupied = occupied
    if node_is_full(node) != was_full or node.fleet.waiting:
        refresh(world, node)  # nothing else that it looks at has changed
    spec = node.fleet.spec
    if node.crowded and spec is not None and node.occupied < spec.players_per_node:
        for key in list(node.crowded)[: spec.players_per_node - node.occupied]:
            del node.crowded[key]
            world.look_at(world.rooms[key], Lane.URGENT)


def node_is_full(node: Node) -> bool:
    """Whether it serves as many players as its fleet allows."""
    return not has_room_for(node, 1)


def has_room_for(node: Node, players: int) -> bool:
    """Whether so many more players may come to the node."""
    spec = node.fleet.spec
    return spec is None or node.occupied + players <= spec.players_per_node


def most_rooms(node: Node) -> int:
    """How many rooms it may have: what it says itself, and what its fleet allows."""
    spec = node.fleet.spec
    return node.capacity if spec is None else min(node.capacity, spec.rooms_per_node)


def refresh(world: World, node: Node) -> None:
    """Tell the fleet's index what space the node has; rooms that wait for space are looked at."""
    fleet = node.fleet
    was_open = fleet.index.has_space(node.key.name)
    space = _space(world, node)
    fleet.free += space - node.space
    node.space = space
    fleet.index.put(node.key.name, node.slot, len(node.rooms) + len(node.incoming) if space else None)
    spec = fleet.spec
    if spec is not None and fleet.free < spec.spare_nodes * spec.rooms_per_node:
        world.look_at_fleet(fleet)
    if space and (fleet.waiting or not was_open):
        wake_waiting(world, fleet, space)
    _watch_emptiness(world, node)


def wake_waiting(world: World, fleet: Fleet, most: int) -> None:
    """Rooms that waited longest for space are looked at."""
    for _, key in zip(range(most), fleet.waiting, strict=False):
        world.look_at(world.rooms[key], Lane.URGENT)


def stop_waiting(world: World, room: Room, fleet: Fleet) -> None:
    """The room needs no space of the fleet any more; if there is some, the next one may have it."""
    if room.key not in fleet.waiting:
        return
    del fleet.waiting[room.key]
    if fleet.waiting and fleet.index.pick() is not None:
        wake_waiting(world, fleet, 1)


def needs_restart(room: Room, place: Place) -> bool:
    """Whether the room runs as something that it cannot become while it runs."""
    return place.uid != room.uid or _identity(place.spec) != _identity(room.spec)


def _identity(spec: RoomSpec) -> tuple[str, str, str]:
    return (spec.fleet, spec.map, spec.script)


def _space(world: World, node: Node) -> int:
    """How many more rooms the node takes."""
    spec = node.fleet.spec
    if spec is None or node.link is not Link.UP or node.deleting or has_to_go(node):
        return 0
    if node.avoid_until > world.now or node.overloaded or node_is_full(node):
        return 0
    return max(0, most_rooms(node) - len(node.rooms) - len(node.incoming))


def _watch_emptiness(world: World, node: Node) -> None:
    """A node without rooms may go after a while."""
    fleet, spec = node.fleet, node.fleet.spec
    empty = not (node.rooms or node.incoming) and node.link is Link.UP and not node.deleting
    alarm = Alarm("empty", node.key)
    if not empty or spec is None:
        world.timers.set(alarm, None)
    elif fleet.hurry or node.slot >= spec.max_nodes or node.slot == fleet.giving_back:
        world.timers.set(alarm, world.now)
    elif alarm not in world.timers:
        world.timers.set(alarm, world.now + spec.scale_down_after_seconds)


def count_later(world: World, fleet: Fleet) -> None:
    """The fleet's counts changed: they are written when they may be."""
    world.timers.set(Alarm("counts", fleet.key), max(world.now, fleet.counts_at))
