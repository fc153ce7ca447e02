"""The link of a node, and the loss of the node: by its end, by silence, or by another in its place."""

from __future__ import annotations

from roomfleet.master.core.effects import DeleteNode
from roomfleet.master.core.events import NodeGone
from roomfleet.master.core.joining.line import JoinState
from roomfleet.master.core.model import Key
from roomfleet.master.core.placing import moves, places
from roomfleet.master.core.queueing.queue import Lane, backoff
from roomfleet.master.core.running import reports
from roomfleet.master.core.state import Crashes, Link, Node, Stage
from roomfleet.master.core.world import Alarm, World

STEADY_SECONDS = 30.0
"""A node whose process ended sooner than that after its hello is started again with backoff."""
TOGETHER_SECONDS = 15.0
"""Nodes that are lost within so long are lost together."""
VANISHED_SHARE = 0.3
"""More of a fleet's nodes than that lost together: the others must not be buried under their rooms."""
REPLACED_A_SECOND = 100.0
"""So fast are those placed again."""
REPLACE_FACTOR = 6
"""A node that stays silent for so many times `nodeLostAfterSeconds` is ended, so that its slot is of use."""


def gone(world: World, event: NodeGone) -> None:
    """Its process or pod ended."""
    node = world.nodes.get(event.node)
    if node is None or (event.boot and node.boot and event.boot != node.boot):
        return
    fleet = node.fleet
    if not node.deleting:
        early = node.link is Link.CREATING or world.now < node.since + STEADY_SECONDS
        early = early and not node.draining
        before = fleet.crashes.pop(node.slot, None)
        if early:
            number = before.number + 1 if before is not None else 1
            again_at = world.now + (backoff(number, world.rng) if number > 1 else 0.0)
            fleet.crashes[node.slot] = Crashes(number, again_at)
    drop(world, node, f"{node.key.name} ended")


def silent(world: World, node: Node) -> None:
    """The silence of the node is to be judged."""
    lost_after = world.settings.node_lost_after_seconds
    since = max(node.heard, world.silent_from)
    due = since + lost_after * (REPLACE_FACTOR if node.link is Link.LOST else 1)
    if world.now < due:
        world.timers.set(Alarm("node", node.key), due)
        return
    if node.link is Link.EXPECTED:
        drop(world, node, f"{node.key.name} did not come back")
        return
    if node.link is Link.CREATING:
        _lose_rooms(world, node, f"{node.key.name} did not come back")
        return
    if node.link is not Link.LOST:
        set_link(world, node, Link.LOST)
        _vanished(world, node)
        _lose_rooms(world, node, f"{node.key.name} was silent for {world.now - since:.0f} s")
        void_seats(world, node)
        node.reports.clear()
        places.refresh(world, node)
        world.timers.set(Alarm("node", node.key), since + lost_after * REPLACE_FACTOR)
        return
    if not node.deleting:
        node.fleet.deleting.add(node.slot)
        world.do(DeleteNode(node.key))


def drop(world: World, node: Node, why: str) -> None:
    """There is no such node any more."""
    if node.rooms and not node.deleting:
        _vanished(world, node)
    _lose_rooms(world, node, why)
    void_seats(world, node)
    set_link(world, node, Link.LOST)
    for kind in ("node", "avoid", "empty", "drain"):
        world.timers.set(Alarm(kind, node.key), None)
    fleet = node.fleet
    fleet.free -= node.space
    node.space = 0
    if fleet.giving_back == node.slot:
        fleet.giving_back = None
    fleet.index.put(node.key.name, node.slot, None)
    fleet.deleting.discard(node.slot)
    fleet.emptying.pop(node.slot, None)
    fleet.first_free = max(0, min(fleet.first_free, node.slot))
    del fleet.nodes[node.slot]
    del world.nodes[node.key]
    del world.game(node.key.game).nodes[node.key.name]
    world.look_at_fleet(fleet)


def set_link(world: World, node: Node, link: Link) -> None:
    """What is known of its process changed."""
    if node.link is link:
        return
    links = world.game(node.key.game).links
    node.fleet.creating.pop(node.slot, None)
    node.fleet.expected.pop(node.slot, None)
    if node.link is Link.UP:
        del links[node.key.name]
        node.fleet.ready -= 1
        world.untold.pop(node.key, None)
    if link is Link.UP:
        links[node.key.name] = node
        node.fleet.ready += 1
    node.link = link
    node.since = world.now
    world.look_at_fleet(node.fleet)
    if link is Link.UP:
        look_at_rooms(world, node)
    else:
        moves.target_is_away(world, node)
        for name in node.reports:
            room = world.rooms.get(Key(node.key.game, name))
            if room is not None and room.stray is not None and room.stray.node is node:
                world.look_at(room, Lane.URGENT)


def look_at_rooms(world: World, node: Node) -> None:
    """Have all its rooms reconciled."""
    for room in node.rooms.values():
        world.look_at(room, Lane.URGENT if room.waiting else Lane.HOUSEKEEPING)


def _vanished(world: World, node: Node) -> None:
    """The node is lost. Where very many are lost together, their rooms are placed one after the other."""
    fleet = node.fleet
    lost = fleet.vanished
    lost.append(world.now)
    while lost[0] < world.now - TOGETHER_SECONDS:
        lost.popleft()
    many = len(lost) >= 2 and len(lost) > VANISHED_SHARE * max(len(fleet.nodes), len(lost))
    fleet.replace_at = max(fleet.replace_at, world.now) if many else 0.0


def _lose_rooms(world: World, node: Node, why: str) -> None:
    fleet = node.fleet
    for room in sorted(node.rooms.values(), key=lambda room: not (room.waiting or room.players)):
        if room.place is not None and room.place.stage is Stage.RECORDING:
            places.leave(world, room)
            world.look_at(room, Lane.URGENT)
        else:
            reports.lose(world, room, why)
        if room.place is None and fleet.replace_at:
            room.retry_at = max(room.retry_at, fleet.replace_at)
            room.stale = None
            fleet.replace_at += 1 / REPLACED_A_SECOND


def void_seats(world: World, node: Node) -> None:
    """The process that asked for them is no more. A player who has a ticket already may still use it."""
    for id in list(node.seats.values()):
        join = world.joins.get(id)
        if join is not None and join.state is not JoinState.ADMITTED:
            world.forget(join)
    node.seats.clear()
