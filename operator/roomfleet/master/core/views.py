"""Read-only pictures of the core for the REST API, the command line and metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from roomfleet.master.core.instancing import instances
from roomfleet.master.core.joining import admission
from roomfleet.master.core.joining.line import Join, JoinState
from roomfleet.master.core.model import Key, Phase, TemplateSpec
from roomfleet.master.core.placing import places
from roomfleet.master.core.placing.choosing import has_to_go
from roomfleet.master.core.running import status
from roomfleet.master.core.state import Link, Node, Room, Stage, Template
from roomfleet.master.core.world import World
from roomfleet.wire.names import instance_name


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as it is now: counts and `saved_at` are live, unlike those of the object."""

    name: str
    phase: Phase
    players: int
    resumable: int
    waiting: int
    capacity: int
    node: str
    url: str
    epoch: int
    saved_at: str
    started_at: str
    message: str
    fleet: str
    map: str
    entry: bool
    instanced_room: str | None = None
    """The InstancedRoom that it is an instance of."""
    key: str | None = None
    """The key that it is the instance for; None: it is warm, or no instance."""


@dataclass(frozen=True, slots=True)
class InstancedRoomView:
    """An InstancedRoom as it is now."""

    name: str
    closed: bool
    """Whoever joins is refused."""
    instances: int
    max_instances: int
    players: int
    waiting: int
    """Players in line for an instance."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as it is now."""

    name: str
    fleet: str
    link: Link
    ready: bool
    """Takes rooms, if it has space."""
    boot: str
    url: str
    rooms: int
    capacity: int
    players: int
    """Players, players who may resume, and reserved seats."""
    leaving: str = ""
    """Why its rooms are moved to other nodes; empty when they are not."""
    overloaded: bool = False
    """It has too much to do for new rooms."""


@dataclass(frozen=True, slots=True)
class JoinView:
    """A join that is not over."""

    id: str
    game: str
    player: str
    state: JoinState
    room: str | None
    position: int
    """1 is next; 0: in no line."""
    eta_seconds: float | None
    arrived: float


@dataclass(slots=True)
class Census:
    """A fleet in numbers."""

    rooms: dict[Phase, int]
    """Room objects by phase, as they were last reconciled; deleted ones until they are gone."""
    nodes: dict[Link, int]
    players: int
    waiting: int = 0
    """Players in line for its rooms."""
    longest_wait: float = 0.0
    """How long the first of them has been waiting, s."""


def census(world: World, now: float) -> dict[Key, Census]:
    """Every fleet that there is, was, or that a Room names. Takes as long as there are nodes and joins."""
    found: dict[Key, Census] = {}
    for key, fleet in world.fleets.items():
        links = Counter(node.link for node in fleet.nodes.values())
        found[key] = Census(
            rooms={phase: fleet.phases[phase].rooms if phase in fleet.phases else 0 for phase in Phase},
            nodes={link: links[link] for link in Link},
            players=fleet.players,
        )
    for join in world.joins.values():
        of = found.get(Key(join.game, _fleet_of(world, join))) if join.state is JoinState.WAITING else None
        if of is not None:
            of.waiting += join.size
            of.longest_wait = max(of.longest_wait, now - join.requested)
    return found


def _fleet_of(world: World, join: Join) -> str:
    """The fleet for whose room, or for whose instance of a template, the join waits; empty: none."""
    if join.lined is not None:
        template = world.template(join.lined).spec
        return template.template.spec.fleet if template is not None else ""
    room = world.rooms.get(join.room) if join.room is not None else None
    return room.spec.fleet if room is not None else ""


def template_view(template: Template, spec: TemplateSpec) -> InstancedRoomView:
    return InstancedRoomView(
        name=template.key.name,
        closed=instances.refusal_of(template) is not None,
        instances=len(template.rooms),
        max_instances=spec.max_instances,
        players=template.players,
        waiting=template.line.players,
    )


def room_view(room: Room) -> RoomView:
    place = room.place if room.place is not None and room.place.stage is not Stage.RECORDING else None
    now = status.status_of(room)
    return RoomView(
        name=room.key.name,
        phase=now.phase,
        players=room.players,
        resumable=room.resumable,
        waiting=room.waiting,
        capacity=room.spec.capacity,
        node=now.node,
        url=place.node.url if place is not None else "",
        epoch=now.epoch,
        saved_at=room.saved_at,
        started_at=room.started_at,
        message=now.message,
        fleet=room.spec.fleet,
        map=room.spec.map,
        entry=room.entry,
        instanced_room=room.child.template.key.name if room.child is not None else None,
        key=room.child.key if room.child is not None else None,
    )


def node_view(world: World, node: Node) -> NodeView:
    return NodeView(
        name=node.key.name,
        fleet=node.fleet.key.name,
        link=node.link,
        ready=(
            node.is_up
            and not (node.deleting or node.overloaded or has_to_go(node))
            and node.avoid_until <= world.now
        ),
        boot=node.boot,
        url=node.url,
        rooms=len(node.rooms),
        capacity=places.most_rooms(node),
        players=node.occupied,
        leaving=has_to_go(node),
        overloaded=node.overloaded,
    )


def join_view(world: World, join: Join) -> JoinView:
    room = world.rooms.get(join.room) if join.room is not None else None
    name = room.key.name if room is not None else None
    position = join.told if join.state is JoinState.WAITING else 0
    eta = admission.eta(world, room, position) if room is not None and position else None
    if join.lined is not None:
        name, eta = instance_name(join.lined.name, join.key or ""), join.told_eta
    return JoinView(
        id=join.id,
        game=join.game,
        player=join.player,
        state=join.state,
        room=name,
        position=position,
        eta_seconds=eta,
        arrived=join.arrived,
    )


def line_of(world: World, key: Key) -> list[JoinView]:
    room = world.rooms.get(key)
    if room is None or room.line is None:
        return []
    return [join_view(world, join) for join in room.line.joins]
