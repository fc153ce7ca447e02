"""After any changes a client's copy equals what it may see, and what is saved is what there is."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from roomfleet.game import Actor, Player, Room, command
from roomfleet.game.saving.saved import body_of
from roomfleet.wire.session import Result
from support.game_changes import draw_change, scalars, values
from support.game_room import Store, World, through_json, visible

FIELDS = ("seen", "bag", "mine", "secret")


class Thing(Actor):
    def define(self) -> None:
        self.state.public(seen=0, bag={"items": []})
        self.state.owner(mine=[])
        self.state.internal(secret={})


class Beast(Thing):
    speed = 30

    def created(self) -> None:
        self.state.bag["claws"] = 4

    async def kickoff(self) -> None:
        while True:
            await self.sleep(0.1)
            await self.move_to((self.room.random.uniform(-10, 410), self.room.random.uniform(-10, 310)))
            self.state.bag["items"].append(self.state.seen)
            self.state.secret["naps"] = self.state.secret.get("naps", 0) + 1
            await self.sleep(0.5)
            del self.state.bag["items"][:]


class Spark(Thing):
    transient = True


class Hero(Player):
    def define(self) -> None:
        self.state.public(seen=0, bag={})
        self.state.owner(mine={"quests": []})
        self.state.internal(secret=[])

    @command
    def learn(self, what: Any) -> int:
        self.state.mine["quests"].append(what)
        return len(self.state.mine["quests"])


class Wild(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(seen=[], bag={})
        self.state.internal(secret={})

    def created(self) -> None:
        self.spawn(Beast, at="beat", name="first")

    def joined(self, player: Player) -> None:
        self.state.seen.append(player.name)

    def left(self, player: Player) -> None:
        if player.name in self.state.seen:
            self.state.seen.remove(player.name)


PLAYERS = ("ann", "bob", "cyd")


class Clients(RuleBasedStateMachine):
    """Rules change the room without a tick between them, unless they say so: changes of one tick mix."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.world = World(Wild)
        self.departed: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    @initialize()
    def somebody_is_there(self) -> None:
        self.world.enter("ann")

    def pick(self, data: Any, *, players: bool = True) -> Any:
        found = [each for each in self.world.room.actors if players or not each.player]
        return data.draw(st.sampled_from(found), label="actor") if found else None

    # -- changes ------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def change_state(self, data: Any) -> None:
        owner = data.draw(st.sampled_from([self.world.room, *self.world.room.actors]), label="whose")
        field = data.draw(st.sampled_from([each for each in FIELDS if each in owner.state]), label="field")
        value = getattr(owner.state, field)
        if isinstance(value, dict | list) and data.draw(st.booleans(), label="within"):
            draw_change(data, value).make(value)
        else:
            setattr(owner.state, field, data.draw(values))

    @rule(data=st.data(), x=st.integers(-50, 450), y=st.integers(-50, 350))
    def walk(self, data: Any, x: int, y: int) -> None:
        actor = self.pick(data)
        if actor and actor.parent is None:
            actor.move_to((x, y))

    @rule(
        data=st.data(),
        what=st.sampled_from(["stop", "faster", "slower", "still", "put", "rename", "restart"]),
    )
    def do(self, data: Any, what: str) -> None:
        actor = self.pick(data)
        if actor is None:
            return
        match what:
            case "stop":
                actor.stop()
            case "faster":
                actor.speed = 200
            case "slower":
                actor.speed = 10
            case "still":
                actor.speed = 0
            case "put" if actor.parent is None:
                actor.position = (5, 5)
            case "rename":
                actor.name = data.draw(st.sampled_from(["x", "y"]))
            case "restart":
                actor.restart()

    @rule(cls=st.sampled_from([Thing, Beast, Spark]), seen=scalars)
    def spawn(self, cls: type[Thing], seen: Any) -> None:
        if len(self.world.room.actors) < 8:
            self.world.room.spawn(cls, at=(20, 30), seen=seen)

    @rule(data=st.data())
    def dock(self, data: Any) -> None:
        child, parent = self.pick(data), self.pick(data)
        above = parent
        while above is not None and above is not child:
            above = above.parent
        if child is not None and above is None:
            child.dock(parent)

    @rule(data=st.data())
    def undock(self, data: Any) -> None:
        actor = self.pick(data)
        if actor:
            actor.undock()

    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        actor = self.pick(data, players=False)
        if actor:
            actor.remove()

    @rule(player=st.sampled_from(PLAYERS), what=values)
    def call(self, player: str, what: Any) -> None:
        if player in self.world.live.players and isinstance(self.actor(player).state.mine, dict):
            quests = self.actor(player).state.mine.get("quests")
            call = self.world.call(player, "learn", what=through_json(what))
            if isinstance(quests, list):
                assert isinstance(self.world.answer(call), Result)

    # -- coming and going ---------------------------------------------------------------------------------

    def actor(self, player: str) -> Any:
        return self.world.live.player_actor(player)

    @rule(player=st.sampled_from(PLAYERS), saved_before=st.booleans())
    def enter(self, player: str, saved_before: bool) -> None:
        elsewhere = any(actor == f"p:{player}" for actor, _, _ in self.departed)
        if player not in self.world.live.players and not elsewhere:
            if saved_before:
                self.save()
            body = self.store.away.pop(f"p:{player}", None)
            if body is not None:
                self.store.bodies[f"p:{player}"] = body
            self.world.enter(player, body)

    @rule(player=st.sampled_from(PLAYERS))
    def leave(self, player: str) -> None:
        if player in self.world.live.players:
            self.world.leave(player)

    @rule(data=st.data())
    def travel(self, data: Any) -> None:
        actor = self.pick(data)
        if actor is None or actor.transient:
            return
        before = len(self.world.out.seats)
        actor.travel("elsewhere", at="beat")
        self.world.drain()
        for wanted in self.world.out.seats[before:]:
            self.world.live.seated(wanted.request, self.world.now)
        self.world.drain()
        for player in set(self.world.copies) - self.world.live.players:
            del self.world.copies[player]
        self.save()
        self.departed += [
            (change.actor, through_json(change.body), through_json(change.arrival))
            for change in self.store.travelled
        ]
        self.store.travelled.clear()

    @precondition(lambda self: self.departed)
    @rule()
    def come_back(self) -> None:
        arrived, self.departed = self.departed, []
        for actor_id, body, _ in arrived:
            self.store.bodies[actor_id] = body
        self.world.live.arrive(arrived, self.world.now)
        for player in self.world.live.players - set(self.world.copies):
            self.world.watch(player)

    # -- time, snapshots, saves ---------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.3, 5.0]))
    def time_goes_on(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule(data=st.data())
    def snapshot(self, data: Any) -> None:
        """A slow client begins anew in the middle of a tick."""
        if self.world.copies:
            self.world.watch(data.draw(st.sampled_from(sorted(self.world.copies)), label="who"))

    @rule()
    def look(self) -> None:
        self.world.tick()
        self.world.tick()
        assert not self.world.live.view
        for player, held in self.world.copies.items():
            assert held == visible(self.world, player), player

    @rule()
    def save(self) -> None:
        self.store.save(self.world)
        assert not self.world.live.dirty
        live = self.world.live
        there = {each.id: each for each in self.world.room.actors if not each.transient}
        assert self.store.bodies.keys() == there.keys()
        for actor_id, actor in there.items():
            body = {**self.store.bodies[actor_id]}
            body.pop("new", None)
            now = through_json(body_of(actor, live.now))
            if actor.parent is not None:
                assert body.pop("path")
                now.pop("path")
            assert body == now
        assert self.store.room == through_json(live.room_body())

    @rule()
    def restart(self) -> None:
        """The room is killed after a save and starts again: nothing is lost."""
        for each in [each for each in self.world.room.actors if each.transient]:
            each.remove()
        self.save()
        before = visible(self.world, "nobody")
        self.world = self.store.restart(self.world, Wild)
        assert not self.world.failures()
        after = visible(self.world, "nobody")
        for each in [*before["actors"].values(), *after["actors"].values()]:
            if each["parent"] is not None:
                each.pop("path")
        assert after == before
        for player in self.world.live.players:
            self.world.watch(player)

    def teardown(self) -> None:
        self.look()

    @invariant()
    def nothing_failed(self) -> None:
        surprising = [
            each for each in self.world.failures() if not each[1].startswith(("Beast.", "Wild.", "Hero."))
        ]
        assert not surprising


TestClients = pytest.mark.timeout(120)(Clients.TestCase)
TestClients.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
