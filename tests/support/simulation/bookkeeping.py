"""Counts the model of the core anew: its running counts, indices and references must agree."""

from __future__ import annotations

from collections import Counter

from roomfleet.master.core import Core
from roomfleet.master.core.joining.line import JoinState
from roomfleet.master.core.state import Link, Stage


def check_bookkeeping(core: Core) -> None:
    """Counts, indices and cross-references of the model agree with each other."""
    world = core._world
    for node in world.nodes.values():
        rooms = list(node.rooms.values())
        assert all(room.place is not None and room.place.node is node for room in rooms)
        assert node.occupied == sum(room.occupied for room in rooms)
        assert set(node.desired) <= set(node.rooms)
        assert all(room.move is not None and room.move.node is node for room in node.incoming.values())
        assert all(room.move is not None and node.rooms[name] is room for name, room in node.outgoing.items())
        groups = [room.place.spec.spread_group for room in rooms if room.place is not None]
        groups += [room.move.group for room in node.incoming.values() if room.move is not None]
        assert node.groups == Counter(group for group in groups if group)
        for name in node.desired:
            place = node.rooms[name].place
            assert place is not None
            assert place.stage in (Stage.STARTING, Stage.RUNNING)
            assert node.desired[name].epoch == place.epoch
        assert node.fleet.nodes[node.slot] is node
    for fleet in world.fleets.values():
        nodes = list(fleet.nodes.values())
        assert set(fleet.expected) == {node.slot for node in nodes if node.link is Link.EXPECTED}
        assert set(fleet.emptying) == {node.slot for node in nodes if node.emptied_since is not None}
        assert all(slot in fleet.nodes for slot in range(fleet.first_free))
        creating = [node.create_again_at for node in fleet.creating.values()]
        assert creating == sorted(creating)
        assert fleet.ready == sum(node.link is Link.UP for node in nodes)
        assert fleet.free == sum(node.space for node in nodes)
        assert fleet.rooms == sum(len(node.rooms) for node in nodes)
        assert fleet.players == sum(room.players for node in nodes for room in node.rooms.values())
        assert set(fleet.creating) == {node.slot for node in nodes if node.link is Link.CREATING}
        for room in [world.rooms[key] for key in fleet.waiting]:
            assert fleet is (room.place.node.fleet if room.place is not None else room.fleet)
    for room in world.rooms.values():
        line = room.line
        if room.move is not None:
            assert room.move.node.incoming[room.key.name] is room
        if room.place is not None:
            assert room.place.node.rooms[room.key.name] is room
            assert world.nodes[room.place.node.key] is room.place.node
        if line is None:
            continue
        assert line.joins == sorted(line.joins, key=lambda join: join.order)
        assert all(world.joins[join.id] is join for join in line.joins)
        assert all(join.state is JoinState.WAITING for join in line.joins)
        assert line.seats == sum(join.takes_seat for join in line.reserved.values())
    for template in world.templates.values():
        keys = {name: room.child.key for name, room in template.rooms.items() if room.child is not None}
        firsts = {room.key.name: key for key, room in template.by_key.items()}
        doubles = {name: keys[name] for name in template.doubles}
        assert keys == firsts | doubles | dict.fromkeys(template.unkeyed)
        assert len(keys) == len(firsts) + len(doubles) + len(template.unkeyed)
        assert set(doubles.values()) <= set(firsts.values())
    for who, join in world.players.items():
        assert world.joins[join.id] is join
        assert join.game == who[0]
        assert who[1] in join.players
