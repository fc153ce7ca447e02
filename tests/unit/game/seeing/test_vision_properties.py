"""Random worlds and viewers: each client's copy is what an oracle says it may see, and no byte more is sent.

The oracle works from scratch, from the words of docs/visibility.md. Between the radius and the radius times
1 + hysteresis it takes either answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from roomfleet.game import ALL, Actor, Player, Radius, Room, command
from roomfleet.game.outbox import Outbox
from roomfleet.game.seeing.watching import admin_viewer
from roomfleet.wire.codec import encode
from roomfleet.wire.patch import apply_ops
from roomfleet.wire.session import Error, ErrorCode, Patch, Result
from support.game_room import TPS, Store, World, through_json

SPEED = 300.0
LAG = 2 * SPEED / TPS
"""How far two may go in a tick; what they passed since the last one is told in the next."""

MARKER = re.compile(rb"secret-\d+|\d+\.\d{7}(?!\d)")


class Thing(Actor):
    speed = SPEED

    def define(self) -> None:
        self.state.public(seen={"now": 0})
        self.state.owner(mine=0)
        self.state.internal(hidden=0)


class Ghost(Thing):
    visible = False


class Hero(Player):
    speed = SPEED

    def define(self) -> None:
        self.state.public(seen={"now": 0})
        self.state.owner(mine=0)
        self.state.internal(hidden=0)

    @command
    def poke(self, other: Thing) -> str:
        return other.id

    @command
    def stumble(self) -> None:
        for each in self.room.actors:
            if each is not self:
                raise ValueError(f"{each!r} is in the way")


class Keen(Hero):
    vision_distance = 90


class Wild(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(seen=0)
        self.state.internal(hidden=0)


# -- the oracle -------------------------------------------------------------------------------------------


def above(actor: Any) -> Iterator[Any]:
    while actor.parent is not None:
        actor = actor.parent
        yield actor


def root(actor: Any) -> Any:
    return [actor, *above(actor)][-1]


def reach(viewer: Any) -> tuple[float, float]:
    """Within the first it must see, beyond the second it must not."""
    vision = viewer.room.vision
    own = viewer.vision_distance
    if own is not None and own < math.inf:
        vision = Radius(own, vision.hysteresis if vision is not ALL else 0.1)
    if own == math.inf or vision is ALL:
        return math.inf, math.inf
    return vision.distance, vision.distance * (1 + vision.hysteresis)


def sees(viewer: Any, actor: Any, lag: float = 0.0) -> tuple[bool, bool]:
    """Whether it must, and whether it may."""
    if actor is viewer or actor in above(viewer) or actor.parent is viewer:
        return True, True
    if not actor.visible:
        return False, False
    if actor.parent is not None:
        return sees(viewer, actor.parent, lag)
    if root(viewer) is actor:
        return True, True
    apart = math.dist(viewer.position, actor.position)
    near, far = reach(viewer)
    return apart <= near * 0.999 - lag, apart <= far * 1.001 + lag


def seen_of(actor: Any, tiers: set[str]) -> dict[str, Any]:
    saved = actor.state._saved()
    view = {
        "id": actor.id,
        "type": type(actor).__name__,
        "name": actor.name,
        "player": actor.player is not None,
        "parent": actor.parent.id if actor.parent else None,
        "speed": actor.speed,
        "path": actor.path,
        "state": {name: value for tier in saved if tier in tiers for name, value in saved[tier].items()},
    }
    if not actor.visible:
        view["visible"] = False
    if "internal" in tiers:
        view["tiers"] = {name: tier for tier in saved for name in saved[tier]}
        failure = actor.failure
        view["failures"] = actor.failures
        view["failure"] = failure and {
            "script": failure.script,
            "error": failure.error,
            "traceback": failure.traceback,
            "at": failure.at,
        }
    return through_json(view)  # type: ignore[no-any-return]


class Watched(World):
    """Looks at each byte on its way to each viewer."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.allowed: dict[str, set[bytes]] = {}
        super().__init__(*args, **options)

    def is_admin(self, viewer: str) -> bool:
        return viewer.startswith("\0")

    def allow(self) -> None:
        """All that viewers may see at this moment they may have been sent."""
        for viewer in {*self.copies, *self.live.players}:
            allowed = self.allowed.setdefault(viewer, set())
            mine = self.live.player_actor(viewer)
            for actor in self.room.actors:
                if self.is_admin(viewer):
                    allowed |= markers(seen_of(actor, {"public", "owner", "internal"}))
                elif mine is not None and sees(mine, actor, LAG)[1]:
                    allowed |= markers(seen_of(actor, {"public", "owner"} if actor is mine else {"public"}))
            allowed |= markers(self.room.state.seen)
            if self.is_admin(viewer):
                allowed |= markers(self.room.state.hidden)

    def check(self, viewer: str, sent: bytes) -> None:
        leaked = set(MARKER.findall(sent)) - self.allowed.get(viewer, set())
        assert not leaked, (viewer, leaked, sent)

    def step(self) -> None:
        self.allow()
        super().step()

    def drain(self) -> Outbox:
        self.allow()
        new = self.live.take()
        for frame in new.frames:
            for viewer, held in self.copies.items():
                ops = frame.private.get(viewer, frame.public)
                sent = encode(Patch(seq=frame.seq, now=frame.now, ops=ops))
                self.check(viewer, sent)
                apply_ops(held, through_json(ops))
        for told in new.told:
            if told.player is not None:
                self.check(told.player, encode(told.message))
        for name in ("told", "seats", "failures"):
            getattr(self.out, name).extend(getattr(new, name))
        return new

    def watch(self, viewer: str) -> dict[str, Any]:
        self.copies.setdefault(viewer, {})
        self.allow()
        snapshot = self.live.snapshot(viewer, self.now)
        self.check(viewer, encode(snapshot))
        self.copies[viewer] = through_json({"actors": snapshot.actors, "room": snapshot.room})
        self.drain()
        return self.copies[viewer]

    def look(self) -> None:
        """At the next tick with all told: every copy is right."""
        tick = math.floor(self.now * TPS + 1e-6) + 1
        for _ in range(2):
            self.run(tick / TPS - self.now)
            self.now = tick / TPS
            tick += 1
        assert not self.live.view
        there = {each.id: each for each in self.room.actors}
        for viewer, held in self.copies.items():
            if self.is_admin(viewer):
                every = {"public", "owner", "internal"}
                assert held["actors"] == {each: seen_of(there[each], every) for each in there}
                assert held["room"]["state"] == {
                    "seen": self.room.state.seen,
                    "hidden": self.room.state.hidden,
                }
                continue
            mine = self.live.player_actor(viewer)
            for actor_id, actor in there.items():
                must, may = sees(mine, actor)
                assert not must or actor_id in held["actors"], (viewer, actor_id, "not seen")
                assert may or actor_id not in held["actors"], (viewer, actor_id, "seen")
            for actor_id, view in held["actors"].items():
                tiers = {"public", "owner"} if there[actor_id] is mine else {"public"}
                assert view == seen_of(there[actor_id], tiers), viewer
                assert view["parent"] is None or view["parent"] in held["actors"], viewer
            assert held["room"]["state"] == {"seen": self.room.state.seen}


def markers(value: Any) -> set[bytes]:
    return set(MARKER.findall(encode(value) if isinstance(value, Patch) else repr(value).encode()))


PLAYERS = ("ann", "bob", "cyd")
ADMINS = (admin_viewer(1), admin_viewer(2))
VISIONS = st.sampled_from([Radius(60), Radius(100, 0.02), Radius(60, 0.5), Radius(150), ALL])
COORDINATES = st.sampled_from(
    [(30, 30), (60, 40), (95, 30), (140, 60), (210, 110), (380, 290), (350, 280), (20, 280)]
)
"""Few, so that some are near each other and some far."""


class Viewers(RuleBasedStateMachine):
    """Rules change the world at any moment of a tick."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Watched(Wild)
        self.store = Store()
        self.away: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.number = 0

    @initialize(vision=VISIONS)
    def begin(self, vision: Any) -> None:
        self.world.room.vision = vision
        self.world.enter("ann")
        for at in ((210, 110), (20, 20), (390, 290)):
            self.world.room.spawn(Thing, at=at)

    def secret(self) -> str:
        self.number += 1
        return f"secret-{self.number}"

    def somewhere(self, at: tuple[int, int]) -> tuple[float, float]:
        """A place whose x is a marker."""
        self.number += 1
        return float(f"{at[0]}.{self.number:06d}5"), float(at[1])

    def pick(self, data: Any, *, players: bool = True) -> Any:
        found = [each for each in self.world.room.actors if players or not each.player]
        return data.draw(st.sampled_from(found), label="actor") if found else None

    # -- changes ------------------------------------------------------------------------------------------

    @rule(data=st.data(), field=st.sampled_from(["seen", "mine", "hidden", "name"]))
    def change(self, data: Any, field: str) -> None:
        actor = self.pick(data)
        if actor is None:
            return
        if field == "name":
            actor.name = self.secret()
        elif field == "seen":
            actor.state.seen["now"] = self.secret()
        else:
            setattr(actor.state, field, self.secret())
        self.world.allow()

    @rule(field=st.sampled_from(["seen", "hidden"]))
    def change_room(self, field: str) -> None:
        setattr(self.world.room.state, field, self.secret())
        self.world.allow()

    @rule(data=st.data(), at=COORDINATES, what=st.sampled_from(["walk", "walk", "put", "follow", "stop"]))
    def move(self, data: Any, at: tuple[int, int], what: str) -> None:
        actor = self.pick(data)
        if actor is None or actor.parent is not None:
            return
        match what:
            case "walk":
                actor.move_to(self.somewhere(at))
            case "put":
                actor.position = self.somewhere(at)
            case "follow":
                actor.follow([self.somewhere((at[1] + 1, at[0] % 300)), self.somewhere(at)])
            case "stop":
                actor.stop()
        self.world.allow()

    @rule(at=st.lists(COORDINATES, min_size=1, max_size=9))
    def all_walk(self, at: list[tuple[int, int]]) -> None:
        for actor, goal in zip(self.world.room.actors, at, strict=False):
            if actor.parent is None:
                actor.move_to(self.somewhere(goal))
        self.world.allow()

    @rule(data=st.data(), speed=st.sampled_from([0, 50, SPEED]))
    def hurry(self, data: Any, speed: float) -> None:
        actor = self.pick(data)
        if actor:
            actor.speed = speed
            self.world.allow()

    @rule(data=st.data())
    def dock(self, data: Any) -> None:
        child, parent = self.pick(data), self.pick(data)
        if child is not None and child is not parent and child not in above(parent):
            child.dock(parent)
            self.world.allow()

    @rule(data=st.data())
    def undock(self, data: Any) -> None:
        actor = self.pick(data)
        if actor:
            actor.undock()
            self.world.allow()

    @rule(data=st.data())
    def hide(self, data: Any) -> None:
        actor = self.pick(data)
        if actor:
            actor.visible = not actor.visible
            self.world.allow()

    @rule(cls=st.sampled_from([Thing, Thing, Ghost]), at=COORDINATES)
    def spawn(self, cls: type[Thing], at: tuple[int, int]) -> None:
        if len(self.world.room.actors) < 9:
            self.world.room.spawn(cls, at=self.somewhere(at), name=self.secret())
            self.world.allow()

    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        actor = self.pick(data, players=False)
        if actor:
            actor.remove()
            self.world.allow()  # what was docked to it stands up, and may be seen

    @rule(vision=VISIONS)
    def switch_vision(self, vision: Any) -> None:
        self.world.room.vision = vision
        self.world.allow()

    @rule(data=st.data(), distance=st.sampled_from([None, 40, 150.0, math.inf]))
    def give_glasses(self, data: Any, distance: Any) -> None:
        found = sorted(self.world.live.players)
        if found:
            player = data.draw(st.sampled_from(found))
            self.world.live.player_actor(player).vision_distance = distance  # type: ignore[union-attr]
            self.world.allow()

    # -- coming and going ---------------------------------------------------------------------------------

    @rule(player=st.sampled_from(PLAYERS), keen=st.booleans())
    def enter(self, player: str, keen: bool) -> None:
        elsewhere = any(actor == f"p:{player}" for actor, _, _ in self.away)
        if player not in self.world.live.players and not elsewhere:
            self.world.room.__class__.player_class = Keen if keen else Hero
            self.world.enter(player)

    @rule(player=st.sampled_from(PLAYERS))
    def leave(self, player: str) -> None:
        if player in self.world.live.players:
            self.world.leave(player)

    @rule(viewer=st.sampled_from(PLAYERS + ADMINS))
    def snapshot(self, viewer: str) -> None:
        """A client begins, or begins anew, in the middle of a tick."""
        if viewer in ADMINS or viewer in self.world.live.players:
            self.world.watch(viewer)

    @rule(viewer=st.sampled_from(PLAYERS + ADMINS))
    def look_away(self, viewer: str) -> None:
        self.world.live.unwatch(viewer)
        self.world.copies.pop(viewer, None)

    @rule(data=st.data())
    def travel(self, data: Any) -> None:
        actor = self.pick(data)
        if actor is None:
            return
        before = len(self.world.out.seats)
        actor.travel("elsewhere", at="beat")
        self.world.drain()
        for wanted in self.world.out.seats[before:]:
            self.world.live.seated(wanted.request, self.world.now)
        self.world.drain()
        for viewer in set(self.world.copies) - self.world.live.players - set(ADMINS):
            del self.world.copies[viewer]
        self.store.save(self.world)
        self.away += [
            (each.actor, through_json(each.body), through_json(each.arrival)) for each in self.store.travelled
        ]
        self.store.travelled.clear()

    @precondition(lambda self: self.away)
    @rule()
    def come_back(self) -> None:
        arrived, self.away = self.away, []
        for actor_id, body, _ in arrived:
            self.store.bodies[actor_id] = body
        self.world.live.arrive(arrived, self.world.now)
        self.world.allow()

    # -- what players try ---------------------------------------------------------------------------------

    @rule(player=st.sampled_from(PLAYERS), data=st.data())
    def poke(self, player: str, data: Any) -> None:
        mine = self.world.live.player_actor(player)
        actor = self.pick(data, players=False)
        if mine is None or actor is None:
            return
        must, may = sees(mine, actor, LAG)
        answer = self.world.answer(self.world.call(player, "poke", other=actor.id))
        if must:
            assert isinstance(answer, Result)
        if not may:
            nobody = self.world.answer(self.world.call(player, "poke", other="nobody"))
            assert isinstance(answer, Error)
            assert isinstance(nobody, Error)
            assert (answer.code, answer.message) == (
                ErrorCode.BAD_ARGUMENTS,
                nobody.message.replace("nobody", actor.id),
            )

    @rule(player=st.sampled_from(PLAYERS))
    def stumble(self, player: str) -> None:
        """A script's error names an actor: not to one who does not see it."""
        if player in self.world.live.players:
            self.world.call(player, "stumble")

    # -- time ---------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.013, 0.05, 0.4, 3.0]))
    def time_goes_on(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule(seconds=st.floats(0.05, 1.0), times=st.integers(1, 3))
    def watch_it(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.world.run(seconds)
            self.world.look()

    @rule()
    def look(self) -> None:
        self.world.look()

    def teardown(self) -> None:
        self.world.look()


TestViewers = pytest.mark.timeout(120)(Viewers.TestCase)
TestViewers.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
