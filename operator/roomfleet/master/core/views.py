"""Read-only pictures of the core for the REST API, the command line and metrics."""

from __future__ import annotations

from dataclasses import dataclass

from roomfleet.master.core import admission, places, status
from roomfleet.master.core.line import Join, JoinState
from roomfleet.master.core.model import Key, Phase
from roomfleet.master.core.state import Link, Node, Room, Stage, World


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
    )


def node_view(world: World, node: Node) -> NodeView:
    return NodeView(
        name=node.key.name,
        fleet=node.fleet.key.name,
        link=node.link,
        ready=node.is_up and not node.deleting and node.avoid_until <= world.now,
        boot=node.boot,
        url=node.url,
        rooms=len(node.rooms),
        capacity=places.most_rooms(node),
        players=node.occupied,
    )


def join_view(world: World, join: Join) -> JoinView:
    room = world.rooms.get(join.room) if join.room is not None else None
    position = join.told if join.state is JoinState.WAITING else 0
    eta = admission.eta(world, room, position) if room is not None and position else None
    return JoinView(
        id=join.id,
        game=join.game,
        player=join.player,
        state=join.state,
        room=room.key.name if room is not None else None,
        position=position,
        eta_seconds=eta,
        arrived=join.arrived,
    )


def line_of(world: World, key: Key) -> list[JoinView]:
    room = world.rooms.get(key)
    if room is None or room.line is None:
        return []
    return [join_view(world, join) for join in room.line.joins]
