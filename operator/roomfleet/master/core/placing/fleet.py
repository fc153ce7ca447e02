"""Fleets: as many nodes as are needed, between minNodes and maxNodes, each in a numbered slot."""

from __future__ import annotations

import heapq
import itertools

from msgspec.structs import replace

from roomfleet.master.core.effects import CreateNode, DeleteNode, WriteFleetStatus
from roomfleet.master.core.events import FleetApplied, FleetDeleted
from roomfleet.master.core.model import Condition, ConditionStatus, FleetSpec, FleetStatus, Key
from roomfleet.master.core.placing import places
from roomfleet.master.core.placing.choosing import has_to_go
from roomfleet.master.core.placing.nodes import expected
from roomfleet.master.core.placing.placement import NodeIndex
from roomfleet.master.core.state import Fleet, Link, Node
from roomfleet.master.core.world import Alarm, World

CREATE_AGAIN_SECONDS = 60.0
"""A node that was asked for and not heard is asked for again; asking twice makes one."""
COUNTS_SECONDS = 5.0
"""Counts alone are written at most that often."""
EMPTY_AGAIN_SECONDS = 5.0
"""At the earliest, an empty node that had to stay is judged again after that."""


def applied(world: World, event: FleetApplied) -> None:
    """The object as it now is."""
    fleet = world.fleet(event.key)
    fleet.generation = event.generation
    world.look_at_fleet(fleet)
    before = fleet.spec
    if before == event.spec:
        return
    fleet.spec = event.spec
    if before is not None and event.spec.min_nodes < before.min_nodes:
        fleet.hurry = True
    if fleet.index.strategy is not event.spec.strategy:
        fleet.index = NodeIndex(event.spec.strategy)
    for node in fleet.nodes.values():
        world.timers.set(Alarm("empty", node.key), None)
        places.judge(world, node)
        places.refresh(world, node)
    places.wake_waiting(world, fleet, len(fleet.waiting))


def deleted(world: World, event: FleetDeleted) -> None:
    """The object is gone: its nodes drain and end, its rooms wait for another fleet."""
    fleet = world.fleets.get(event.key)
    if fleet is None or fleet.spec is None:
        return
    fleet.spec = None
    fleet.written = None
    fleet.giving_back = None
    for node in fleet.nodes.values():
        places.judge(world, node)
        places.refresh(world, node)
    places.wake_waiting(world, fleet, len(fleet.waiting))
    world.look_at_fleet(fleet)


def reconcile(world: World, fleet: Fleet) -> None:
    """Bring the number of nodes nearer to what it should be."""
    spec = fleet.spec
    if spec is None:
        for node in list(fleet.nodes.values()):
            _delete(world, node)
        return
    _ask_again(world, fleet)
    _create(world, fleet, spec)
    _give_back(world, fleet, spec)
    publish(world, fleet)
    dues = [node.create_again_at for node in itertools.islice(fleet.creating.values(), 1)]
    dues += [crash.again_at for crash in fleet.crashes.values() if crash.again_at > world.now]
    if fleet.surplus_since is not None and fleet.giving_back is None:
        dues.append(fleet.surplus_since + spec.scale_down_after_seconds)
    if fleet.keep_until > world.now:
        dues.append(fleet.keep_until)
    world.timers.set(Alarm("fleet", fleet.key), min((due for due in dues if due > world.now), default=None))


def judge_empty(world: World, node: Node) -> None:
    """The node has had no rooms for a while: it goes, if it is above minNodes and nobody waits for space."""
    fleet, spec = node.fleet, node.fleet.spec
    if spec is None or node.rooms or node.incoming or node.link is not Link.UP or node.deleting:
        return
    surplus = len(fleet.nodes) - len(fleet.deleting) > spec.min_nodes and not fleet.waiting
    spare = fleet.free - node.space >= spec.spare_nodes * spec.rooms_per_node
    if (surplus and spare) or node.slot >= spec.max_nodes:
        _delete(world, node)
        world.look_at_fleet(fleet)
        return
    again = max(EMPTY_AGAIN_SECONDS, spec.scale_down_after_seconds)
    world.timers.set(Alarm("empty", node.key), world.now + again)


def judge_emptied(world: World, node: Node) -> None:
    """The node had `drainSeconds` to be emptied: what it still has it saves and closes, if it is to end."""
    fleet, spec = node.fleet, node.fleet.spec
    if spec is None or not has_to_go(node):
        return
    if node.slot >= spec.max_nodes:
        _delete(world, node)
    elif node.slot == fleet.giving_back:
        places.keep(world, fleet)


def _give_back(world: World, fleet: Fleet, spec: FleetSpec) -> None:
    """Have the node emptied that the others do without, when there has been one for long enough."""
    if fleet.giving_back is not None:
        if not _can_do_without(fleet, spec, node_is_counted=False):
            places.keep(world, fleet)
        return
    if world.now < fleet.keep_until:
        return
    if not _can_do_without(fleet, spec, node_is_counted=True):
        fleet.surplus_since = None
        fleet.hurry = False
        return
    if fleet.surplus_since is None:
        fleet.surplus_since = world.now
    if not fleet.hurry and world.now < fleet.surplus_since + spec.scale_down_after_seconds:
        return
    up = [node for node in fleet.nodes.values() if node.is_up and not has_to_go(node)]
    node = min(up, key=lambda node: (node.occupied, len(node.rooms), -node.slot), default=None)
    if node is None or any(not (each.rooms or each.incoming) for each in up):
        for each in up:
            places.refresh(world, each)
        return  # one that is empty goes without being emptied
    fleet.giving_back = node.slot
    places.judge(world, node)


def _can_do_without(fleet: Fleet, spec: FleetSpec, *, node_is_counted: bool) -> bool:
    """Whether the fleet has a node's worth of space more than it needs, with some distance."""
    nodes = len(fleet.nodes) - len(fleet.deleting)
    if fleet.waiting or fleet.creating or nodes <= spec.min_nodes or nodes <= 1:
        return False
    distance = 0 if fleet.hurry or not node_is_counted else -(-spec.rooms_per_node // 4)
    one = spec.rooms_per_node if node_is_counted else 0
    return fleet.free - one >= spec.spare_nodes * spec.rooms_per_node + distance


def publish(world: World, fleet: Fleet) -> None:
    """Have the status written if it changed; counts wait for their time."""
    if fleet.spec is None:
        return
    before, after = fleet.written, status_of(fleet, fleet.spec)
    if before == after:
        return
    changed = before is None or replace(before, rooms=0, players=0) != replace(after, rooms=0, players=0)
    if not changed and world.now < fleet.counts_at:
        world.timers.set(Alarm("counts", fleet.key), fleet.counts_at)
        return
    fleet.written = after
    fleet.counts_at = world.now + COUNTS_SECONDS
    world.do(WriteFleetStatus(fleet.key, after))


def publish_fault(world: World, fleet: Fleet, text: str) -> None:
    """Say on the object that reconciling it failed; the next reconcile that goes well says what is."""
    before = fleet.written or FleetStatus()
    after = replace(before, conditions=(Condition("Ready", ConditionStatus.FALSE, "InternalError", text),))
    if fleet.spec is None or after == fleet.written:
        return
    fleet.written = after
    world.do(WriteFleetStatus(fleet.key, after))


def _ask_again(world: World, fleet: Fleet) -> None:
    while fleet.creating:
        node = next(iter(fleet.creating.values()))
        if world.now < node.create_again_at:
            return
        del fleet.creating[node.slot]
        _asked_for(world, fleet, node)


def _create(world: World, fleet: Fleet, spec: FleetSpec) -> None:
    """The least that there should be, and what rooms without space need; lowest free slots first."""
    if not world.synced:
        return
    for slot in [slot for slot in fleet.expected if 0 <= slot < spec.min_nodes]:
        _ask_for(world, fleet, slot)
    lacking = spec.min_nodes - (len(fleet.nodes) - len(fleet.deleting))
    spare = spec.spare_nodes * spec.rooms_per_node
    wanted = -(-(len(fleet.waiting) + spare - fleet.free) // spec.rooms_per_node) - len(fleet.creating)
    missing = min(max(lacking, wanted), spec.max_nodes - len(fleet.nodes))
    while fleet.first_free in fleet.nodes:
        fleet.first_free += 1
    slot = fleet.first_free
    while missing > 0 and slot < spec.max_nodes:
        crash = fleet.crashes.get(slot)
        if slot not in fleet.nodes and (crash is None or crash.again_at <= world.now):
            _ask_for(world, fleet, slot)
            missing -= 1
        slot += 1


def _ask_for(world: World, fleet: Fleet, slot: int) -> None:
    key = Key(fleet.key.game, f"{fleet.key.name}-{slot}")
    node = expected(world, key, fleet.key.name)
    node.link = Link.CREATING
    node.since = world.now
    fleet.expected.pop(slot, None)
    _asked_for(world, fleet, node)


def _asked_for(world: World, fleet: Fleet, node: Node) -> None:
    node.create_again_at = world.now + CREATE_AGAIN_SECONDS
    fleet.creating[node.slot] = node
    world.do(CreateNode(node.key, fleet.key.name))


def _delete(world: World, node: Node) -> None:
    if node.deleting:
        return
    node.fleet.deleting.add(node.slot)
    places.refresh(world, node)
    world.do(DeleteNode(node.key))


def _spare(fleet: Fleet, spec: FleetSpec) -> Condition:
    """Whether as much space is free as is to be kept ready."""
    if fleet.free >= spec.spare_nodes * spec.rooms_per_node:
        return Condition("Spare", ConditionStatus.TRUE, "SpaceReady")
    text = f"there is less free space than {spec.spare_nodes} nodes' worth of rooms"
    return Condition("Spare", ConditionStatus.FALSE, "SpaceShort", text)


def _message(fleet: Fleet, spec: FleetSpec) -> str:
    """Which nodes are being emptied."""
    going = [
        f"{node.key.name} is being emptied, {has_to_go(node)}: {len(node.rooms)} rooms are left"
        for _, node in heapq.nsmallest(10, fleet.emptying.items())
    ]
    return "; ".join(going)


def status_of(fleet: Fleet, spec: FleetSpec) -> FleetStatus:
    enough = fleet.ready >= spec.min_nodes and (fleet.ready > 0 or not fleet.waiting)
    if enough:
        ready = Condition("Ready", ConditionStatus.TRUE, "NodesReady")
    else:
        text = f"{fleet.ready} of {max(spec.min_nodes, 1)} nodes are ready"
        ready = Condition("Ready", ConditionStatus.FALSE, "NodesStarting", text)
    conditions = [ready]
    if spec.spare_nodes:
        conditions.append(_spare(fleet, spec))
    return FleetStatus(
        nodes=len(fleet.nodes),
        ready=fleet.ready,
        rooms=fleet.rooms,
        players=fleet.players,
        message=_message(fleet, spec),
        observed_generation=fleet.generation,
        conditions=tuple(conditions),
    )
