"""A live room: what its node holds and drives. Pure: messages and a clock in, an outbox out.

Inputs run scripts at once; `step` runs what has become due. Everything takes `now`, room time in seconds,
which never falls. `compose` between steps gives what is to be saved. The parts: `population` has the
actors, `scripts` and `steps` their scripts, `view` what viewers are told, `unsaved` what is to be saved,
`journeys` those on their way out, `arrivals` those who come in.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from roomfleet.game.actor import Actor
from roomfleet.game.errors import GameError, NotSaved
from roomfleet.game.maps.geography import Geography
from roomfleet.game.maps.maps import MapRoom
from roomfleet.game.moving import arrivals
from roomfleet.game.moving.arrivals import Arrival
from roomfleet.game.moving.journeys import Journeys
from roomfleet.game.outbox import AtomicGroup, Outbox
from roomfleet.game.population import Population
from roomfleet.game.room import Room
from roomfleet.game.saving.dirty import Dirty
from roomfleet.game.saving.unsaved import ROOM, Unsaved
from roomfleet.game.scripting.asked import Asked
from roomfleet.game.scripting.scripted import Scripted
from roomfleet.game.scripting.scripts import Scripts
from roomfleet.game.scripting.steps import Steps
from roomfleet.game.scripting.timers import Clock
from roomfleet.game.seeing.frames import Frames
from roomfleet.game.seeing.telling import Telling
from roomfleet.game.seeing.vision import ALL, Radius, Vision, restored_vision, saved_vision
from roomfleet.game.seeing.watching import Watching
from roomfleet.game.seeing.welcome import welcome_fields
from roomfleet.game.state.state import Tier
from roomfleet.wire.session import Snapshot


class LiveRoom:
    """One room that runs. Made by `starting.start_room`."""

    __slots__ = (
        "_players",
        "_random",
        "_seed",
        "_stopped",
        "_vision",
        "_wall_ahead",
        "actors",
        "asked",
        "epoch",
        "frames",
        "game",
        "geography",
        "journeys",
        "map",
        "name",
        "outbox",
        "paused",
        "room",
        "scripts",
        "steps",
        "telling",
        "unsaved",
        "view",
    )

    def __init__(
        self,
        *,
        game: str,
        name: str,
        epoch: int,
        map_room: MapRoom,
        ticks_per_second: int,
        seed: int,
        now: float,
        wall: float,
        geography: Geography,
        room: Room,
    ) -> None:
        """Without actors and not begun."""
        self.game = game
        self.name = name
        self.epoch = epoch
        self.map = map_room
        self.geography = geography
        self.room = room
        self.outbox = Outbox()
        self.paused: str | None = None
        dirty = Dirty()
        self.steps = Steps(ticks_per_second, now, dirty)
        self.unsaved = Unsaved(self, dirty)
        self.view = Watching(self)
        self.frames = Frames(self)
        self.scripts = Scripts(self)
        self.actors = Population(self)
        self.journeys = Journeys(self)
        self.asked = Asked(self)
        self.telling = Telling(self)
        self._players: dict[str, Actor] = {}
        self._random: random.Random | None = None
        self._seed = seed
        self._wall_ahead = wall - now
        self._stopped = False
        self._vision: Vision | None = None

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Room time, s."""
        return self.steps.now

    @property
    def current(self) -> tuple[str, str] | None:
        """Who is running, `(actor's id or "room", "Guard.kickoff")`: other threads may read it."""
        return self.steps.current

    @property
    def random(self) -> random.Random:
        """Seeded; made when it is first used, for it is large."""
        if self._random is None:
            self._random = random.Random(self._seed)
        return self._random

    @property
    def players(self) -> frozenset[str]:
        """Players whose actors are live here."""
        return frozenset(self._players)

    @property
    def watched(self) -> bool:
        """Whether anybody is to be told of changes."""
        return self.view.watched

    @property
    def vision(self) -> Vision:
        """How far players see, where they have no distance of their own."""
        if self._vision is not None:
            return self._vision
        of_class = type(self.room)._class_vision
        if of_class is not None:
            return of_class
        return Radius(self.map.vision) if self.map.vision is not None else ALL

    def restore_vision(self, saved: Any) -> None:
        """As `room_body` had it."""
        self._vision = restored_vision(saved)

    def set_vision(self, vision: Vision) -> None:
        """Let players see so far from now on."""

        def change() -> None:
            self._vision = vision

        self.unsaved.touch(ROOM)
        self.view.refocus(change)

    @property
    def dirty(self) -> bool:
        """Whether `compose` has something to give."""
        return bool(self.unsaved)

    def player_actor(self, player: str) -> Actor | None:
        """The actor of a player who is here."""
        return self._players.get(player)

    def wall_now(self) -> float:
        """Seconds since 1970, as far as the room knows."""
        return self.now + self._wall_ahead

    def clock_of(self, clock: Clock) -> float:
        """What that clock says now."""
        return self.now if clock is Clock.ROOM else self.wall_now()

    # -- players and actors come and go -------------------------------------------------------------------

    def new_player_body(self, player: str, now: float) -> dict[str, Any]:
        """A fresh actor of the room's player class at the entry, as a body; it is not live yet.

        Raises ScriptFailed when the class's code raises.
        """
        self.steps.advance(now)
        return arrivals.new_player_body(self, player)

    def player_enters(self, player: str, body: dict[str, Any], now: float) -> None:
        """Make a player's actor live from a body: a fresh one, or as saved when the player was away.

        When the actor left and that was not composed yet, what it was then counts. Raises ScriptFailed,
        and GameError when the room has stopped or the actor is here already.
        """
        with self._input(now):
            arrivals.enter(self, player, body)

    def player_leaves(self, player: str, now: float, why: str) -> None:
        """A player's session ended: `left` runs, and the actor is away."""
        if self._stopped:
            return
        with self._input(now):
            actor = self._players.get(player)
            if actor is not None:
                self.scripts.hook(self.room, "left", actor)
            if actor is not None and self._players.get(player) is actor:
                self.actors.away(actor, why)
                self.view.unwatch(player)

    def send_player(self, player: str, room: str, now: float) -> None:
        """The player's actor goes to another room, where its player was let in."""
        if self._stopped:
            return
        with self._input(now):
            actor = self._players.get(player)
            if actor is not None:
                self.journeys.send(actor, room)

    def arrive(self, actors: Sequence[Arrival], now: float) -> None:
        """Actors that travelled here, as `(id, body, arrival)`; the docked in the same call as their parent.

        One whose class cannot be had is told as a failure and is not live; it stays saved. Raises GameError
        when the room has stopped or one of them is here already.
        """
        with self._input(now):
            arrivals.arrive(self, actors)

    def told(self, error: Exception) -> str:
        """What somebody without an actor here is told of an error: its text, if it names no actor."""
        return self.scripts.told(None, error)

    # -- inputs to scripts --------------------------------------------------------------------------------

    def call(self, player: str, call_id: int, method: str, args: Mapping[str, Any], now: float) -> None:
        """A client calls a command of its actor. It runs at once; the answer comes when it has ended."""
        if self._stopped:
            return
        with self._input(now):
            self.scripts.call(player, call_id, method, args)

    def seated(self, request: int, now: float, room: str = "") -> None:
        """A seat that was wanted is had. `room`: which it is, where an instance was asked for."""
        if self._stopped:
            return
        with self._input(now):
            self.journeys.seated(request, room)

    def seat_refused(self, request: int, reason: str, now: float) -> None:
        """There is no seat."""
        if self._stopped:
            return
        with self._input(now):
            self.journeys.refused(request, reason)

    def saved(self, barrier_id: int, now: float) -> None:
        """What a script waited for is saved."""
        self._answer(barrier_id, now, None, None)

    def save_failed(self, barrier_id: int, reason: str, now: float) -> None:
        """It could not be saved. `reason` is the store's, and not for players."""
        self._answer(barrier_id, now, None, NotSaved(reason))

    def outside_done(
        self, outside_id: int, now: float, value: Any = None, error: BaseException | None = None
    ) -> None:
        """A coroutine that ran outside has ended."""
        self._answer(outside_id, now, value, error)

    def _answer(self, asked: int, now: float, value: Any, error: BaseException | None) -> None:
        if self._stopped:
            return
        with self._input(now):
            self.asked.answer(asked, value, error)

    def pause_commands(self, reason: str | None) -> None:
        """Answer all calls with this reason, as not to be saved; None lets them through again."""
        self.paused = reason

    # -- time ---------------------------------------------------------------------------------------------

    def step(self, now: float, wall: float) -> None:
        """Run what is due: timers, scripts, ends of paths; then close the frame, at most one a tick."""
        if self._stopped:
            return
        self.steps.advance(now)
        self._wall_ahead = wall - self.now
        self.steps.run_due()
        self.frames.close()

    def next_due(self) -> float | None:
        """Room time of the next step that is needed; None when there is nothing to do at all."""
        if self._stopped:
            return None
        frame = self.frames.due()
        due = self.steps.next_due()
        return due if frame is None else frame if due is None else min(due, frame)

    def stop(self, now: float, *, players_stay: bool = False) -> None:
        """Close every script; then `compose` gives the last changes. Players who are still here are away,
        unless they stay: whoever runs the room next waits for them.

        Inputs that come later change nothing.
        """
        if self._stopped:
            return
        with self.group():
            self.steps.advance(now)
            for actor in self.actors:
                self.journeys.drop(actor)
            for owner in [*self.actors, self.room]:
                self.scripts.close_all(owner)
            self.unsaved.release_all()
            for actor in [] if players_stay else list(self._players.values()):
                self.actors.away(actor, "away")
        self._stopped = True

    # -- what comes out -----------------------------------------------------------------------------------

    def take(self) -> Outbox:
        """All that was put out since the last call."""
        outbox, self.outbox = self.outbox, Outbox()
        return outbox

    def compose(self, now: float) -> list[AtomicGroup]:
        """All that is unsaved, as atomic groups; call it between steps."""
        self.steps.advance(now)
        return self.unsaved.compose()

    def room_body(self) -> dict[str, Any]:
        """The room's own part of what is saved."""
        body = {"created": True, "state": self.room.state._saved(), "timers": self.room._timers.saved()}
        if self._vision is not None:
            body["vision"] = saved_vision(self._vision)
        return body

    # -- viewers ------------------------------------------------------------------------------------------

    def watch(self, viewer: str) -> None:
        """Tell this viewer of changes: an admin (`admin_viewer`), or a player who was unwatched.

        Players watch from when their actors come in. Admins see everything; they are no players and keep
        nothing awake. Frames are for those who watch; who has no snapshot yet begins with that. Raises
        GameError for a player whose actor is not here.
        """
        self.view.watch(viewer)

    def unwatch(self, viewer: str) -> None:
        """Tell this viewer nothing until it is watched or has a snapshot again; the actor of a player stays.

        While nobody watches, changes are not kept.
        """
        self.view.unwatch(viewer)

    def welcome(self, viewer: str) -> dict[str, Any]:
        """The fields of `welcome` that the room knows: room, you, geography, doors, tags, objects."""
        return welcome_fields(self, viewer)

    def snapshot(self, viewer: str, now: float) -> Snapshot:
        """All that this viewer may see; it watches from now on.

        Later frames fit it; those not yet taken are empty for the viewer. A player whose actor has left sees
        what all see, and does not watch.
        """
        self.steps.advance(now)
        actors, room = self.view.snapshot(viewer)
        for frame in self.outbox.frames:
            frame.private[viewer] = []
        return Snapshot(seq=self.frames.seq, now=self.now, actors=actors, room=room)

    # -- for actors and rooms -----------------------------------------------------------------------------

    def state_changed(self, owner: Scripted, tier: Tier, op: str, path: list[str | int], value: Any) -> None:
        """A value in somebody's state changed."""
        self.unsaved.touch(owner._key)
        self.view.state(owner, tier, op, path, value)

    def player_came(self, player: str, actor: Actor) -> None:
        """The population says so."""
        self._players[player] = actor

    def player_went(self, player: str) -> None:
        """The population says so."""
        del self._players[player]

    @contextmanager
    def group(self) -> Iterator[None]:
        """What is done within is saved together."""
        self.steps.begin()
        try:
            yield
        finally:
            self.steps.end()

    @contextmanager
    def _input(self, now: float) -> Iterator[None]:
        if self._stopped:
            raise GameError(f"the room {self.name} has stopped")
        self.steps.advance(now)
        with self.group():
            yield
        self.steps.run_ready()
