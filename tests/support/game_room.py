"""A live room on a simulated clock, with a client's copy for each player who watches."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from roomfleet.game import Player, Room
from roomfleet.game.maps.geography import OpenGeography
from roomfleet.game.maps.maps import Door, Exit, MapRoom, Tag
from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind, Outbox
from roomfleet.game.starting import start_room
from roomfleet.wire import session
from roomfleet.wire.patch import apply_ops

TPS = 20

MAP = MapRoom(
    id="map1.room1",
    width=400,
    height=300,
    doors=[
        Door(name="gate", x=400, y=150, exit=Exit(room="forest", at="gate")),
        Door(name="hatch", x=0, y=0, exit=Exit(room="cellar", at=(10, 20))),
        Door(name="loop", x=10, y=10, exit=Exit(room="town", at="beat")),
    ],
    tags=[
        Tag(name="entry", x=200, y=100),
        Tag(name="beat", x=20, y=20, data={"side": "west"}),
        Tag(name="beat", x=380, y=20, data={"side": "east"}),
        Tag(name="spawn.wolf", x=50, y=250),
        Tag(name="spawn.bear", x=60, y=250),
    ],
)


class World:
    """Drives one room: time goes on by `run`, and everything put out is kept in `out`."""

    def __init__(
        self,
        room_class: type[Room] = Room,
        *,
        saved: dict[str, Any] | None = None,
        actors: list[tuple[str, dict[str, Any]]] | None = None,
        now: float = 100.0,
        wall: float = 1_700_000_000.0,
        epoch: int = 1,
        seed: int = 7,
        name: str = "town",
        map_room: MapRoom = MAP,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.wall_ahead = wall - now
        self.now = now
        self.live = start_room(
            game="walkabout",
            name=name,
            epoch=epoch,
            room_class=room_class,
            map_room=map_room,
            state=state or {},
            ticks_per_second=TPS,
            seed=seed,
            now=now,
            wall=wall,
            saved=saved,
            actors=actors or [],
            geography=OpenGeography(map_room),
        )
        self.out = Outbox()
        self.copies: dict[str, dict[str, Any]] = {}
        self._calls = 0
        self.drain()

    @property
    def room(self) -> Any:
        return self.live.room

    def drain(self) -> Outbox:
        """Take what was put out; clients apply their frames."""
        new = self.live.take()
        for frame in new.frames:
            for player, held in self.copies.items():
                ops = frame.private.get(player, frame.public)
                apply_ops(held, msgspec.json.decode(msgspec.json.encode(ops)))
        for name in ("frames", "told", "seats", "barriers", "outside", "kicked", "failures"):
            getattr(self.out, name).extend(getattr(new, name))
        self.out.travelled = self.out.travelled or new.travelled
        return new

    def enter(self, player: str, body: dict[str, Any] | None = None) -> Any:
        """A player joins, fresh or from a saved body, and watches from a snapshot."""
        if body is None:
            body = self.live.new_player_body(player, self.now)
        self.live.player_enters(player, through_json(body), self.now)
        self.watch(player)
        return self.live.actors.get(f"p:{player}")

    def watch(self, player: str) -> dict[str, Any]:
        """The client's copy begins anew with a snapshot."""
        snapshot = self.live.snapshot(player, self.now)
        for actor in snapshot.actors.values():
            msgspec.convert(actor, session.Actor)
        self.copies[player] = through_json({"actors": snapshot.actors, "room": snapshot.room})
        self.drain()
        return self.copies[player]

    def leave(self, player: str) -> None:
        self.copies.pop(player, None)
        self.live.player_leaves(player, self.now, "left")
        self.drain()

    def call(self, player: str, method: str, **args: Any) -> int:
        """A client's call; its id."""
        self._calls += 1
        self.live.call(player, self._calls, method, args, self.now)
        self.drain()
        return self._calls

    def answer(self, call_id: int) -> session.Result | session.Error | None:
        """What the call was answered, if it was."""
        for told in self.out.told:
            if isinstance(told.message, session.Result | session.Error) and told.message.id == call_id:
                return told.message
        return None

    def step(self) -> None:
        """One step now."""
        self.live.step(self.now, self.now + self.wall_ahead)
        self.drain()

    def run(self, seconds: float) -> None:
        """Time goes on; steps happen when they are due, as on a node."""
        until = self.now + seconds
        while (due := self.live.next_due()) is not None and due <= until + 1e-9:
            self.now = max(self.now, due)
            self.step()
        self.now = until
        self.step()

    def tick(self) -> None:
        """To the next tick."""
        self.run(1 / TPS)

    def compose(self) -> list[AtomicGroup]:
        return self.live.compose(self.now)

    def changes(self) -> dict[str, Change]:
        """What is composed now, by actor."""
        return {change.actor: change for group in self.compose() for change in group.changes}

    def failures(self) -> list[tuple[str, str, str]]:
        return [(each.actor, each.script, each.error) for each in self.out.failures]


class Store:
    """What a room has saved: applies composed groups as a store would."""

    def __init__(self) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.away: dict[str, dict[str, Any]] = {}
        self.room: dict[str, Any] | None = None
        self.travelled: list[Change] = []

    def save(self, world: World) -> list[AtomicGroup]:
        groups = world.compose()
        for group in groups:
            for change in group.changes:
                self._apply(change)
            if group.room:
                self.room = through_json(world.live.room_body())
        return groups

    def _apply(self, change: Change) -> None:
        body = through_json(change.body)
        match change.kind:
            case ChangeKind.CREATE:
                assert change.actor not in self.bodies, "created twice"
                self.bodies[change.actor] = body
            case ChangeKind.SAVE:
                known = change.actor in self.bodies or change.actor.startswith("p:")
                assert known, "saved before it was created"
                self.bodies[change.actor] = body
            case ChangeKind.AWAY:
                self.bodies.pop(change.actor, None)
                self.away[change.actor] = body
            case ChangeKind.TRAVEL:
                self.bodies.pop(change.actor, None)
                self.travelled.append(change)
            case ChangeKind.DELETE:
                del self.bodies[change.actor]

    def restart(self, world: World, room_class: type[Room], *, after: float = 0.0) -> World:
        """The room as a new owner starts it."""
        return World(
            room_class,
            saved=copy.deepcopy(self.room),
            actors=[(id_, copy.deepcopy(body)) for id_, body in self.bodies.items()],
            now=world.now + after,
            wall=world.now + world.wall_ahead + after,
            epoch=world.live.epoch + 1,
        )


def through_json(value: Any) -> Any:
    """As it arrives on the other side."""
    return msgspec.json.decode(msgspec.json.encode(value))


def visible(world: World, player: str) -> dict[str, Any]:
    """What the player may see, worked out afresh from the actors and their tiers."""
    actors = {}
    for actor in world.room.actors:
        owner = actor.player == player
        actors[actor.id] = {
            "id": actor.id,
            "type": type(actor).__name__,
            "name": actor.name,
            "player": isinstance(actor, Player),
            "parent": actor.parent.id if actor.parent else None,
            "speed": actor.speed,
            "path": actor.path,
            "state": _tiers(actor.state._saved(), {"public", "owner"} if owner else {"public"}),
        }
    return through_json({"actors": actors, "room": {"state": _tiers(world.room.state._saved(), {"public"})}})


def _tiers(saved: dict[str, dict[str, Any]], seen: set[str]) -> dict[str, Any]:
    return {name: value for tier, fields in saved.items() if tier in seen for name, value in fields.items()}
