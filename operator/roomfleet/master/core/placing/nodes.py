"""Nodes: their hello, what they say of themselves and of their rooms, and what is expected of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from roomfleet.master.core.effects import SendDrain, SendGoodbye
from roomfleet.master.core.events import (
    NodeConnected,
    NodeDisconnected,
    NodeDraining,
    NodeHeard,
    NodeReported,
    RoomPrepared,
)
from roomfleet.master.core.joining import newest
from roomfleet.master.core.model import Key
from roomfleet.master.core.placing import losses, moves, places
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.running import leftovers, reports, sweep
from roomfleet.master.core.state import Link, Node, Place, Room, Stage
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.link import Load

log = logging.getLogger(__name__)

MISSED_SHARE = 0.5
"""A node that skips more of its rooms' ticks has too much to do, however busy it says that it is."""
RELIEVED_FACTOR = 0.75
"""It takes rooms again when it is below that much of the limit that it was above."""


def connected(world: World, event: NodeConnected) -> None:
    """A hello. Rooms that it runs as recorded are adopted as they are; what it lacks was lost."""
    node = expected(world, event.node, event.fleet)
    if node.link is Link.CREATING:
        node.fleet.node_start.add(world.now - node.since)
    if node.boot and node.boot != event.boot:
        losses.void_seats(world, node)
    if node.boot != event.boot:
        node.overloaded = False
    node.boot = event.boot
    node.draining = event.draining
    node.url = event.url
    node.capacity = event.capacity
    node.fleet.deleting.discard(node.slot)
    node.avoid_until = 0.0
    node.reports = {report.room: report for report in event.rooms if report.phase in reports.RUNS}
    losses.set_link(world, node, Link.UP)
    _hear(world, node)
    newest.let_in(world, node.key.game, event.let_in)
    if world.synced:
        greet(world, node)
    for report in event.rooms:
        _each(world, node, report.room, partial(reports.reported, world, node, report))
    places.judge(world, node)
    if node.draining:
        _answer_draining(world, node)
    world.tell(node)
    sweep.ask(world, world.game(node.key.game))


def _each(world: World, node: Node, room: str, take_in: Callable[[], None]) -> None:
    """What a hello means for one room; what that raises concerns this room alone."""
    try:
        take_in()
    except Exception:
        log.exception("taking in what %s says of %s failed; the others go on", node.key, room)
        world.counted.failures["event"] += 1


def draining(world: World, event: NodeDraining) -> None:
    """Its process was told to end: no new rooms, and those that it has go elsewhere."""
    node = _present(world, event.node, event.boot)
    if node is None:
        return
    _hear(world, node)
    node.draining = True
    places.judge(world, node)
    _answer_draining(world, node)


def _answer_draining(world: World, node: Node) -> None:
    seconds = node.fleet.spec.drain_seconds if node.fleet.spec is not None else 0
    world.do(SendDrain(node.key, node.boot, seconds))


def prepared(world: World, event: RoomPrepared) -> None:
    """It has what a room needs that is to be moved there."""
    node = _present(world, event.node, event.boot)
    room = world.rooms.get(Key(event.node.game, event.room))
    if node is not None and room is not None:
        moves.prepared(world, node, room, event.problem)


def greet(world: World, node: Node) -> None:
    """Compare what is recorded on the node with what it says that it runs."""
    for room in list(node.rooms.values()):
        if room.place is not None:
            _each(world, node, room.key.name, partial(hear_of, world, room, room.place))
    for name in node.reports:
        if Key(node.key.game, name) not in world.rooms:
            # Deleted while no master looked: its players are to hear that, and not to come again.
            world.do(SendGoodbye(node.key, node.boot, name))
    places.refresh(world, node)
    world.tell(node)


def hear_of(world: World, room: Room, place: Place) -> None:
    """The node has said what it runs: is this room among it, in this epoch?"""
    node = place.node
    report = node.reports.get(room.key.name)
    if place.stage is Stage.RECORDING:
        if place.boot != node.boot:
            places.leave(world, room)
            world.look_at(room, Lane.URGENT)
        return
    if report is not None and report.epoch == place.epoch:
        reports.adopt(world, room, place, report)
        world.look_at(room, Lane.URGENT if room.waiting else Lane.HOUSEKEEPING)
    elif place.stage is Stage.STARTING and place.boot == node.boot:
        places.desire(world, room)
    elif place.stage is Stage.STOPPING:
        if place.boot != node.boot:
            leftovers.lost(world, room)  # the process that was to stop it ended: it may have left off halfway
        places.leave(world, room)
        world.look_at(room, Lane.URGENT)
    else:
        reports.lose(world, room, f"{node.key.name} does not run it any more")


def heard(world: World, event: NodeHeard) -> None:
    """A sign of life, also from one that was thought lost: it has no rooms then."""
    node = _present(world, event.node, event.boot)
    if node is None:
        return
    _hear(world, node)
    if event.load is not None:
        _weigh(world, node, event.load)


def _weigh(world: World, node: Node, load: Load) -> None:
    """A node with too much to do takes no new rooms until it has clearly less."""
    limit = world.settings.overload_share
    if node.overloaded:
        node.overloaded = load.busy > limit * RELIEVED_FACTOR or load.missed > MISSED_SHARE * RELIEVED_FACTOR
    else:
        node.overloaded = load.busy > limit or load.missed > MISSED_SHARE
    places.refresh(world, node)


def reported(world: World, event: NodeReported) -> None:
    """One room of the node changed."""
    node = _present(world, event.node, event.boot)
    if node is not None:
        _hear(world, node)
        reports.reported(world, node, event.report)


def disconnected(world: World, event: NodeDisconnected) -> None:
    """The link closed. The rooms run on; nobody is let in meanwhile."""
    node = _present(world, event.node, event.boot)
    if node is None or node.link is not Link.UP:
        return
    losses.set_link(world, node, Link.DOWN)
    places.refresh(world, node)
    losses.look_at_rooms(world, node)


def expected(world: World, key: Key, fleet_name: str = "") -> Node:
    """The node of that name, known from now on. Without a hello its name says which fleet it belongs to."""
    node = world.nodes.get(key)
    prefix, _, number = key.name.rpartition("-")
    fleet = world.fleet(Key(key.game, fleet_name or prefix or key.name))
    if node is not None and node.fleet is not fleet and fleet_name:
        losses.drop(world, node, f"{key.name} came back as a node of another fleet")
        node = None
    if node is not None:
        return node
    slot = int(number) if prefix == fleet.key.name and number.isdecimal() else -1
    if slot < 0 or slot in fleet.nodes:
        slot = min(fleet.nodes, default=0) - 1 if min(fleet.nodes, default=0) < 0 else -1
    node = Node(key=key, fleet=fleet, slot=slot, link=Link.EXPECTED, since=world.now, heard=world.started)
    world.nodes[key] = node
    fleet.nodes[slot] = fleet.expected[slot] = node
    world.game(key.game).nodes[key.name] = node
    world.timers.set(Alarm("node", key), max(world.now, world.silent_from) + _lost_after(world))
    return node


def _present(world: World, key: Key, boot: str) -> Node | None:
    """The node, if that boot is the one that counts and has said hello."""
    node = world.nodes.get(key)
    return node if node is not None and node.boot == boot and boot else None


def _hear(world: World, node: Node) -> None:
    node.heard = world.now
    world.game(node.key.game).heard_last = node
    world.timers.set(Alarm("node", node.key), world.now + _lost_after(world))
    if node.link is Link.LOST:
        node.fleet.deleting.discard(node.slot)
        losses.set_link(world, node, Link.UP)
        places.refresh(world, node)
        world.tell(node)


def _lost_after(world: World) -> float:
    return world.settings.node_lost_after_seconds
