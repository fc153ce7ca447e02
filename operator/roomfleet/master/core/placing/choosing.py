"""Which node a room goes to, and which nodes may not keep what they have.

Each decision looks at a fixed number of nodes in the order of the fleet's strategy: O(log nodes).
"""

from __future__ import annotations

from roomfleet.master.core.state import Fleet, Node, Room
from roomfleet.master.core.world import World

CANDIDATES = 16
"""So many nodes are looked at for one that has space for a room's players, and none of its group."""


def choose(world: World, fleet: Fleet, room: Room) -> Node | None:
    """The node of the fleet that the room goes to; None: none has space, for its players too.

    Rooms of one spread group go to different nodes, as far as the first candidates allow it.
    """
    need, group = room.occupied, room.spec.spread_group
    nodes = world.game(room.key.game).nodes
    best, fewest = None, 0
    for name in fleet.index.best(CANDIDATES if need or group else 1):
        node = nodes[name]
        if need and not _has_seats(fleet, node, need):
            continue
        others = node.groups.get(group, 0) if group else 0
        if best is None or others < fewest:
            best, fewest = node, others
        if not fewest:
            break
    return best


def _has_seats(fleet: Fleet, node: Node, need: int) -> bool:
    """Whether a room with so many players fits; one with more than a node may have fits an empty one."""
    if fleet.spec is None:
        return False
    expected = node.occupied + sum(room.occupied for room in node.incoming.values())
    return expected + need <= max(fleet.spec.players_per_node, need)


def count_group(node: Node, group: str, change: int) -> None:
    """One room of that spread group more, or less, is on the node or on its way there."""
    if not group:
        return
    node.groups[group] = node.groups.get(group, 0) + change
    if not node.groups[group]:
        del node.groups[group]


def has_to_go(node: Node) -> str:
    """Why the node takes no rooms, and those that it has are moved away; empty when it may keep them."""
    fleet, spec = node.fleet, node.fleet.spec
    if node.deleting or spec is None:
        return ""
    if node.draining:
        return "it was told to end"
    if node.slot in spec.cordoned:
        return "it is cordoned"
    if node.slot >= spec.max_nodes:
        return "its slot is above maxNodes"
    if node.slot == fleet.giving_back:
        return "the others do without it"
    return ""


def is_only_given_back(node: Node) -> bool:
    """Whether nothing is against keeping the node, but that it is not needed."""
    spec = node.fleet.spec
    if spec is None or node.draining or node.slot in spec.cordoned:
        return False
    return node.slot < spec.max_nodes
