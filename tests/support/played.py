"""A game's rooms played on a simulated clock: what a node does, without one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from roomfleet.game.live import LiveRoom
from roomfleet.game.loader import Game
from roomfleet.game.outbox import Change, ChangeKind, Frame, ScriptFailure, SeatUnwanted, SeatWanted, Told
from roomfleet.game.starting import start_room
from roomfleet.wire.motion import Point, position_at
from roomfleet.wire.names import player_actor
from roomfleet.wire.patch import apply_ops
from roomfleet.wire.session import Error, Event, Result

WALL = 1_800_000_000.0


class PlayedRoom:
    """One room. All that comes out of it is kept in lists; saves are acknowledged at once."""

    def __init__(self, game: Game, name: str, script: str, map_id: str, *, seed: int = 1) -> None:
        self._game, self._script, self._map_id, self._seed = game, script, map_id, seed
        self.name = name
        self.now = 0.0
        self.epoch = 0
        self.bodies: dict[str, dict[str, Any]] = {}
        self.saved: dict[str, Any] | None = None
        self.frames: list[Frame] = []
        self.told: list[Told] = []
        self.seats: list[SeatWanted | SeatUnwanted] = []
        self.failures: list[ScriptFailure] = []
        self.travels: list[Change] = []
        self.copies: dict[str, dict[str, Any]] = {}
        self._calls = 0
        self.live = self.start()

    def start(self) -> LiveRoom:
        """A new life of the room, from what was saved; players are away."""
        self.epoch += 1
        self.copies.clear()
        self.live = start_room(
            game=self._game.name,
            name=self.name,
            epoch=self.epoch,
            room_class=self._game.room_class(self._script),
            map_room=self._game.map_room(self._map_id),
            state={},
            ticks_per_second=20,
            seed=self._seed + self.epoch,
            now=self.now,
            wall=WALL + self.now,
            saved=self.saved,
            actors=[(id_, body) for id_, body in self.bodies.items() if body["player"] is None],
            geography=self._game.geography(self._map_id),
        )
        self.drain()
        return self.live

    def stop(self) -> None:
        """Save all and end."""
        self.live.stop(self.now)
        self.drain()

    def drain(self) -> None:
        """Take what came out."""
        outbox = self.live.take()
        self.frames += outbox.frames
        self.told += outbox.told
        self.seats += outbox.seats
        self.failures += outbox.failures
        for frame in outbox.frames:
            for player, copy in self.copies.items():
                apply_ops(copy, frame.private.get(player, frame.public))
        for group in self.live.compose(self.now):
            for change in group.changes:
                if change.kind in (ChangeKind.TRAVEL, ChangeKind.DELETE):
                    self.bodies.pop(change.actor, None)
                else:
                    self.bodies[change.actor] = change.body
                if change.kind is ChangeKind.TRAVEL:
                    self.travels.append(change)
            self.saved = self.live.room_body()
        for barrier in outbox.barriers:
            self.live.saved(barrier.id, self.now)
            self.drain()

    def run(self, seconds: float) -> None:
        """Let time pass, stepping when a step is due."""
        end = self.now + seconds
        while (due := self.live.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.live.step(self.now, WALL + self.now)
            self.drain()
        self.now = end

    # -- players ------------------------------------------------------------------------------------------

    def join(self, player: str) -> None:
        """The player comes in, as new or as saved here."""
        body = self.bodies.get(player_actor(player)) or self.live.new_player_body(player, self.now)
        self.live.player_enters(player, body, self.now)
        self._show(player)

    def arrive(self, change: Change) -> None:
        """An actor that travelled here."""
        self.live.arrive([(change.actor, change.body, change.arrival)], self.now)
        if change.body["player"] is not None:
            self._show(change.body["player"])
        self.drain()

    def _show(self, player: str) -> None:
        self.drain()
        snapshot = self.live.snapshot(player, self.now)
        self.copies[player] = {"actors": snapshot.actors, "room": snapshot.room}

    def call(self, player: str, method: str, **args: Any) -> int:
        """Call a command; gives the call's id."""
        self._calls += 1
        self.live.call(player, self._calls, method, args, self.now)
        self.drain()
        return self._calls

    def answer(self, call_id: int) -> Result | Error | None:
        """What the call ended with, if it has."""
        for told in self.told:
            if isinstance(told.message, Result | Error) and told.message.id == call_id:
                return told.message
        return None

    def events(self, name: str) -> list[Event]:
        """Events of that name, in order."""
        return [t.message for t in self.told if isinstance(t.message, Event) and t.message.name == name]

    def seen(self, player: str, actor_id: str) -> dict[str, Any]:
        """An actor as that player's client has it."""
        found: dict[str, Any] = self.copies[player]["actors"][actor_id]
        return found

    def position(self, actor_id: str) -> Point:
        """Where an actor is."""
        actor = self.live.actors.get(actor_id)
        assert actor is not None, f"{actor_id} is not in {self.name}"
        return position_at(actor.path, self.now)


class PlayedGame:
    """Several rooms that run side by side; who travels arrives at once, players get every seat."""

    def __init__(self, rooms: list[PlayedRoom]) -> None:
        self.rooms = {room.name: room for room in rooms}
        self.journeys: dict[str, list[str]] = defaultdict(list)
        """By actor: the rooms that it went to."""

    def run(self, seconds: float) -> None:
        """Let time pass in all of them, in slices of a tick."""
        for _ in range(round(seconds * 20)):
            for room in self.rooms.values():
                room.run(0.05)
                self._carry(room)

    def _carry(self, room: PlayedRoom) -> None:
        seats, room.seats = room.seats, []
        for seat in seats:
            if isinstance(seat, SeatWanted):
                room.live.seated(seat.request, room.now)
        room.drain()
        travels, room.travels = room.travels, []
        for change in travels:
            room.copies.pop(change.body["player"], None)
            self.journeys[change.actor].append(change.to_room)
            self.rooms[change.to_room].arrive(change)
