"""A live room: what its node holds and drives. Pure: messages and a clock in, an outbox out.

Inputs run scripts at once; `step` runs what has become due. Everything takes `now`, room time in seconds,
which never falls. `compose` between steps gives what is to be saved.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from roomfleet.game.actor import Actor, Player
from roomfleet.game.commands import commands_of
from roomfleet.game.dirty import Dirty
from roomfleet.game.errors import ActorError, GameError, NotSaved, ScriptFailed
from roomfleet.game.geography import Geography
from roomfleet.game.journeys import Journeys
from roomfleet.game.maps import MapRoom
from roomfleet.game.outbox import AtomicGroup, Barrier, Kicked, Outbox, Outside, Told
from roomfleet.game.plain import plain, text
from roomfleet.game.population import Population
from roomfleet.game.room import Room
from roomfleet.game.saved import actor_from, body_of, make, make_actor, one_line
from roomfleet.game.script import Wait
from roomfleet.game.scripted import Scripted
from roomfleet.game.scripts import Scripts
from roomfleet.game.state import Tier
from roomfleet.game.steps import Steps
from roomfleet.game.timers import Clock
from roomfleet.game.unsaved import ROOM, Unsaved
from roomfleet.game.view import Recorder, actor_view
from roomfleet.wire.names import player_actor
from roomfleet.wire.session import DoorInfo, Event, ObjectInfo, RoomInfo, Snapshot, TagInfo, You


class LiveRoom:
    """One room that runs. Make it with `start`."""

    __slots__ = (
        "_flushed",
        "_next_id",
        "_outsides",
        "_players",
        "_random",
        "_saves",
        "_seed",
        "_stopped",
        "_wall_ahead",
        "actors",
        "epoch",
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
        """Without actors; `start` is what makes a room."""
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
        self.view = Recorder()
        self.scripts = Scripts(self)
        self.actors = Population(self)
        self.journeys = Journeys(self)
        self._players: dict[str, Actor] = {}
        self._random: random.Random | None = None
        self._seed = seed
        self._wall_ahead = wall - now
        self._flushed = self.steps.tick - 1
        self._next_id = 0
        self._saves: dict[int, Wait[None]] = {}
        self._outsides: dict[int, Wait[Any]] = {}
        self._stopped = False

    @classmethod
    def start(
        cls,
        *,
        game: str,
        name: str,
        epoch: int,
        room_class: type[Room],
        map_room: MapRoom,
        state: Mapping[str, Any],
        ticks_per_second: int,
        seed: int,
        now: float,
        wall: float,
        saved: dict[str, Any] | None,
        actors: Sequence[tuple[str, dict[str, Any]]],
        geography: Geography,
    ) -> LiveRoom:
        """A room at its first start (`saved` None: `created` runs), or as it was saved.

        `state` is the Room object's initial state; fields that `define()` does not have become public.
        Raises ScriptFailed when a class cannot be had or its code raises, StateError for a bad `state`.
        """
        room = make(room_class, owned=False)
        live = cls(
            game=game,
            name=name,
            epoch=epoch,
            map_room=map_room,
            ticks_per_second=ticks_per_second,
            seed=seed,
            now=now,
            wall=wall,
            geography=geography,
            room=room,
        )
        if saved is None:
            room.state._fill(state, undefined=Tier.PUBLIC)
        else:
            room.state._restore(saved["state"])
            room._timers.restore(saved["timers"], now)
        room._live = live
        room.state._watch(room)
        for timer_name, timer in room._timers.items():
            live.scripts.schedule(room, timer_name, timer)
        restored = [(actor_from(id_, body, body["path"], now), body) for id_, body in actors]
        for actor, _ in restored:
            live.add(actor)
        for actor, body in restored:
            live.actors.relink(actor, body["parent"])
            live.actors.show(actor)
            live.scripts.kickoff(actor)
        if saved is None:
            live._create()
        live.steps.run_ready()
        return live

    def _create(self) -> None:
        with self._group():
            self.unsaved.touch(ROOM)
            try:
                self.scripts.strict_hook(self.room, "created")
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                what = f"{type(self.room).__name__}.created() raised {one_line(error)}"
                raise ScriptFailed(what, "".join(traceback.format_exception(error))) from error

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
        return bool(self._players)

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
        path = [[*self.actors.spot(None), self.now]]
        actor = make_actor(self.room.player_class, player_actor(player), player, player, path)
        return {**body_of(actor, self.now), "new": True}

    def player_enters(self, player: str, body: dict[str, Any], now: float) -> None:
        """Make a player's actor live from a body: a fresh one, or as saved when the player was away.

        When the actor left and that was not composed yet, what it was then counts. Raises ScriptFailed.
        """
        with self._input(now):
            actor_id = player_actor(player)
            left = self.unsaved.take_back(actor_id)
            body = left.body if left is not None else body
            actor = actor_from(actor_id, body, body["path"], self.now)
            self.add(actor)
            if body.get("new"):
                self.unsaved.touch(actor_id)
                self.scripts.hook(actor, "created")
            self._welcome_in([actor])

    def player_leaves(self, player: str, now: float, why: str) -> None:
        """A player's session ended: `left` runs, and the actor is away."""
        with self._input(now):
            actor = self._players.get(player)
            if actor is not None:
                self.scripts.hook(self.room, "left", actor)
            if self._players.get(player) is actor and actor is not None:
                self.actors.away(actor, why)

    def arrive(self, actors: Sequence[tuple[str, dict[str, Any], dict[str, Any]]], now: float) -> None:
        """Actors that travelled here, as `(id, body, arrival)`; the docked in the same call as their parent.

        Raises ScriptFailed when a class cannot be had: then none of them is here.
        """
        with self._input(now):
            here = [[*self.actors.spot(None), self.now]]
            arrived = [
                (actor_from(id_, body, here, self.now), body, arrival) for id_, body, arrival in actors
            ]
            for actor, _, _ in arrived:
                self.add(actor)
                self.unsaved.touch(actor.id)
            for actor, _, arrival in arrived:
                self.actors.arrive_at(actor, arrival.get("at"))
            for actor, body, _ in arrived:
                self.actors.relink(actor, body["parent"])
            self._welcome_in([actor for actor, _, _ in arrived])

    def add(self, actor: Actor) -> None:
        """Into the room, unseen yet."""
        self.actors.attach(actor)

    def _welcome_in(self, actors: Sequence[Actor]) -> None:
        for actor in actors:
            if actor._live is self:
                self.actors.show(actor)
        for actor in actors:
            if actor._live is self and actor.player is not None:
                self.scripts.hook(self.room, "joined", actor)
            if actor._live is self:
                self.scripts.kickoff(actor)

    # -- inputs to scripts --------------------------------------------------------------------------------

    def call(self, player: str, call_id: int, method: str, args: Mapping[str, Any], now: float) -> None:
        """A client calls a command of its actor. It runs at once; the answer comes when it has ended."""
        with self._input(now):
            self.scripts.call(player, call_id, method, args)

    def seated(self, request: int, now: float) -> None:
        """A seat that was wanted is had."""
        with self._input(now):
            self.journeys.seated(request)

    def seat_refused(self, request: int, reason: str, now: float) -> None:
        """There is no seat."""
        with self._input(now):
            self.journeys.refused(request, reason)

    def saved(self, barrier_id: int, now: float) -> None:
        """What a script waited for is saved."""
        with self._input(now):
            wait = self._saves.pop(barrier_id, None)
            if wait is not None:
                wait.resolve(None)

    def save_failed(self, barrier_id: int, reason: str, now: float) -> None:
        """It could not be saved."""
        with self._input(now):
            wait = self._saves.pop(barrier_id, None)
            if wait is not None:
                wait.fail(NotSaved(f"{self.name}: {reason}"))

    def outside_done(
        self, outside_id: int, now: float, value: Any = None, error: BaseException | None = None
    ) -> None:
        """A coroutine that ran outside has ended."""
        with self._input(now):
            wait = self._outsides.pop(outside_id, None)
            if wait is not None and error is not None:
                wait.fail(error)
            elif wait is not None:
                wait.resolve(value)

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
        if self.view and self.steps.tick > self._flushed:
            self._flush()

    def next_due(self) -> float | None:
        """Room time of the next step that is needed; None when there is nothing to do at all."""
        if self._stopped:
            return None
        due = self.steps.next_due()
        if self.view:
            frame = self.now
            if self.steps.tick <= self._flushed:
                frame = (self._flushed + 1) / self.steps.ticks_per_second
            due = frame if due is None else min(due, frame)
        return due

    def stop(self, now: float) -> None:
        """Close every script; then `compose` gives the last changes. Players who are still here are away."""
        if self._stopped:
            return
        with self._group():
            self.steps.advance(now)
            for actor in self.actors:
                self.journeys.drop(actor)
            for owner in [*self.actors, self.room]:
                self.scripts.close_all(owner)
            self.unsaved.release_all()
            for actor in list(self._players.values()):
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
        return {"created": True, "state": self.room.state._saved(), "timers": self.room._timers.saved()}

    def welcome(self, player: str) -> dict[str, Any]:
        """The fields of `welcome` that the room knows: room, you, geography, doors, tags, objects."""
        here = self.map
        actor = self._players.get(player)
        return {
            "room": RoomInfo(name=self.name, map=here.id, width=here.width, height=here.height),
            "you": You(
                id=player_actor(player), commands=commands_of(type(actor)) if actor is not None else []
            ),
            "geography": self.geography.info,
            "doors": [DoorInfo(name=each.name, x=each.x, y=each.y, to=each.exit.room) for each in here.doors],
            "tags": [TagInfo(name=each.name, x=each.x, y=each.y, data=each.data) for each in here.tags],
            "objects": [
                ObjectInfo(
                    kind=each.kind,
                    x=each.x,
                    y=each.y,
                    width=each.width,
                    height=each.height,
                    passable=each.passable,
                    info=each.info,
                )
                for each in here.objects
            ],
        }

    def snapshot(self, player: str, now: float) -> Snapshot:
        """All that this player may see. Later frames fit it; those not yet taken are empty for the player."""
        self.steps.advance(now)
        self.view.mark(player)
        for frame in self.outbox.frames:
            frame.private[player] = []
        return Snapshot(
            seq=self._flushed,
            now=self.now,
            actors={
                each.id: actor_view(each, owner=each.player == player)
                for each in self.actors
                if each._visible
            },
            room={"state": self.room.state._visible(owner=False)},
        )

    # -- for actors and rooms -----------------------------------------------------------------------------

    def state_changed(self, owner: Scripted, tier: Tier, op: str, path: list[str | int], value: Any) -> None:
        """A value in somebody's state changed."""
        self.unsaved.touch(owner._key)
        if not self._players or tier is Tier.INTERNAL:
            return
        if isinstance(owner, Actor):
            if owner._visible and (tier is Tier.PUBLIC or owner.player is not None):
                only = owner.player if tier is Tier.OWNER else None
                self.view.change(op, [owner._id, "state", *path], value, only=only)
        else:
            self.view.change(op, [ROOM, "state", *path], value)

    async def barrier(self) -> None:
        """Until all that is unsaved now is saved."""
        self._next_id += 1
        wait = self._saves[self._next_id] = Wait()
        self.outbox.barriers.append(Barrier(self._next_id))
        await wait

    async def outside(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Until the node has run it."""
        self._next_id += 1
        wait = self._outsides[self._next_id] = Wait()
        self.outbox.outside.append(Outside(self._next_id, coroutine))
        return await wait

    def event(self, name: str, data: Mapping[str, Any], to: Actor | None) -> None:
        """Tell one player, or all."""
        if to is not None and (to.player is None or self._players.get(to.player) is not to):
            raise ActorError(f"{to!r} is no player's actor in this room: nobody can be told {name!r}")
        event = Event(name=text(name, "event"), data=plain(dict(data), f"event {name!r}"))
        self.outbox.told.append(Told(to.player if to is not None else None, event))

    def kick(self, player: Player, reason: str) -> None:
        """Put a player out."""
        self.outbox.kicked.append(Kicked(player.player, text(reason, "reason")))

    def player_came(self, player: str, actor: Actor) -> None:
        """The population says so."""
        self._players[player] = actor

    def player_went(self, player: str) -> None:
        """The population says so."""
        del self._players[player]
        if not self._players:
            self.view.clear()

    def _flush(self) -> None:
        self._flushed = self.steps.tick
        frame = self.view.flush(self._flushed, self.now)
        if frame is not None:
            self.outbox.frames.append(frame)

    @contextmanager
    def _group(self) -> Iterator[None]:
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
        with self._group():
            yield
        self.steps.run_ready()
