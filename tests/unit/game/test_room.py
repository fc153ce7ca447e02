"""Rooms: what their scripts find, and what players are told on entering."""

from __future__ import annotations

import gc
import math
import random
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game import Actor, ActorError, GameError, Player, Room, command
from roomfleet.game.errors import ScriptFailed
from roomfleet.game.live import LiveRoom
from roomfleet.game.maps.geography import OpenGeography
from roomfleet.game.starting import start_room
from roomfleet.wire.session import Event, Welcome, to_client
from support.game_room import MAP, World


class Guard(Actor):
    speed = 40

    def define(self) -> None:
        self.state.public(mood="calm", turns=0)

    async def kickoff(self) -> None:
        while True:
            await self.move_to(self.room.tags["beat"].random())
            self.state.turns += 1
            await self.sleep(self.room.random.uniform(0.1, 2))


class Hero(Player):
    def define(self) -> None:
        self.state.owner(walks=0)

    @command
    async def walk(self, x: float, y: float) -> bool:
        self.state.walks += 1
        return await self.move_to((x, y))


class Town(Room):
    player_class = Hero

    def created(self) -> None:
        for spot in self.tags["beat"]:
            self.spawn(Guard, at=spot)


def test_tags() -> None:
    tags = World(Town).room.tags
    assert [tag.x for tag in tags["beat"]] == [20, 380]
    assert tags["beat"].first.x == 20
    assert tags["beat"].where(side="east").all == [tags["beat"][1]]
    assert tags["beat"].random() in tags["beat"].all
    assert [tag.name for tag in tags.prefix("spawn.")] == ["spawn.wolf", "spawn.bear"]
    assert "beat" in tags
    assert "nowhere" not in tags
    assert not tags["nowhere"]
    assert (len(tags), tags.names) == (5, ["entry", "beat", "spawn.wolf", "spawn.bear"])
    with pytest.raises(ActorError, match=r"no tag 'beat' with {'side': 'south'}"):
        _ = tags["beat"].where(side="south").first


def test_doors_and_finding_actors() -> None:
    room = World(Town).room
    assert (room.doors["gate"].exit.room, room.doors[0].name, len(room.doors)) == ("forest", "gate", 3)
    assert "gate" in room.doors
    assert "wall" not in room.doors
    one, two = room.find(Guard)
    two.state.mood = "cross"
    assert room.find(Guard, mood="cross") == [two]
    assert room.find(name="Guard", turns=0) == [one, two]
    assert room.find(Player) == []
    assert room.actor(one.id) is one
    assert room.actor("nobody") is None


def test_where_one_may_spawn_and_stand() -> None:
    room = World(Town).room
    guard = room.spawn(Guard, at=(999, -5))
    assert guard.position == (400, 0)
    assert room.spawn(Guard).position == (200, 100)
    assert room.spawn(Guard, at=guard).position == (400, 0)
    assert room.spawn(Guard, at=room.doors["gate"]).position == (400, 150)
    assert room.spawn(Guard, at="spawn.wolf", mood="wild").state.mood == "wild"
    guard.position = room.tags["entry"].first
    assert guard.position == (200, 100)
    for nowhere in ((1, math.nan), (1,), None, "x"):
        with pytest.raises(ActorError, match="no place"):
            guard.move_to(nowhere)
    for wrong in (Hero, Room, "Guard"):
        with pytest.raises(ActorError, match="spawn"):
            room.spawn(wrong)
    with pytest.raises(GameError, match="a name is a string"):
        guard.name = 5


def test_a_spawn_whose_created_raises_leaves_nothing() -> None:
    class Bad(Guard):
        def created(self) -> None:
            room.actors[0].dock(self)
            raise ValueError("no")

    world = World(Town)
    world.enter("ann")
    room = world.room
    world.compose()
    before = room.actors
    with pytest.raises(ValueError, match="no"):
        room.spawn(Bad)
    assert room.actors == before
    assert before[0].parent is None
    assert {change.kind for change in world.changes().values()} == {"save"}


def test_players_cannot_be_removed_but_put_out() -> None:
    world = World(Town)
    ann = world.enter("ann")
    with pytest.raises(ActorError, match="kick"):
        ann.remove()
    ann.kick("cheating")
    world.drain()
    assert [(each.player, each.reason) for each in world.out.kicked] == [("ann", "cheating")]


def test_events_go_to_one_or_to_all_and_hold_plain_data() -> None:
    world = World(Town)
    ann = world.enter("ann")
    data: dict[str, Any] = {"n": [1]}
    world.room.event("all", data)
    ann.event("one", at=(1, 2))
    data["n"].append(2)
    world.drain()
    assert [(told.player, told.message) for told in world.out.told] == [
        (None, Event(name="all", data={"n": [1]})),
        ("ann", Event(name="one", data={"at": [1, 2]})),
    ]
    with pytest.raises(GameError, match=r"event 'bad'\.x: object is not JSON"):
        world.room.event("bad", {"x": object()})
    with pytest.raises(ActorError, match="no player's actor"):
        world.room.event("x", {}, to=world.room.actors[0])


def test_events_go_to_several_each_of_them_once() -> None:
    world = World(Town)
    ann, bob, cid = world.enter("ann"), world.enter("bob"), world.enter("cid")
    world.room.event("two", to=[ann, cid, ann])
    world.room.event("one", to=(bob,))
    world.room.event("none", to=[])
    guard = next(each for each in world.room.actors if each.player is None)
    with pytest.raises(ActorError, match="no player's actor"):
        world.room.event("x", to=[ann, guard])
    world.drain()
    assert [(told.player, told.message) for told in world.out.told] == [
        (("ann", "cid"), Event(name="two")),
        ("bob", Event(name="one")),
    ]


def test_welcome_says_what_the_room_is() -> None:
    world = World(Town)
    world.enter("ann")
    fields = world.live.welcome("ann")
    welcome = Welcome(now=1.0, game="walkabout", resume="r", tick=20, version="0", **fields)
    assert to_client.decode(msgspec.json.encode(welcome)) == welcome
    assert (welcome.you.id, welcome.you.commands) == ("p:ann", ["walk"])
    assert (welcome.room.name, welcome.room.map, welcome.room.width) == ("town", "map1.room1", 400)
    assert next((door.name, door.to) for door in welcome.doors) == ("gate", "forest")
    assert len(welcome.tags) == 5
    assert welcome.geography["name"] == "open"


def test_a_player_class_must_be_one() -> None:
    with pytest.raises(ActorError, match="is not a class derived from Player"):

        class Bad(Room):
            player_class = Guard  # type: ignore[assignment]


def test_the_same_actor_twice_is_refused() -> None:
    world = World(Town)
    world.enter("ann")
    with pytest.raises(ActorError, match="p:ann is in the room town already"):
        world.enter("ann")


def test_a_player_class_that_raises_lets_nobody_in_and_harms_nobody() -> None:
    class Broken(Player):
        def define(self) -> None:
            raise ValueError("oops")

    class Place(Room):
        player_class = Broken

    world = World(Place)
    with pytest.raises(ScriptFailed, match=r"Broken.define\(\) raised ValueError: oops"):
        world.enter("ann")
    assert world.live.players == frozenset()


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_same_seed_and_inputs_give_the_same_frames(seed: int, inputs: int) -> None:
    def play() -> list[bytes]:
        rng = random.Random(inputs)
        world = World(Town, seed=seed)
        world.enter("ann")
        for _ in range(10):
            world.call("ann", "walk", x=rng.uniform(0, 400), y=rng.uniform(0, 300))
            world.run(rng.uniform(0, 3))
        saved = [msgspec.json.encode(change.body) for change in world.changes().values()]
        return [msgspec.json.encode(frame) for frame in world.out.frames] + saved

    assert play() == play()


def test_an_idle_room_takes_less_than_ten_kilobytes() -> None:
    geography = OpenGeography(MAP)

    def start(number: int) -> LiveRoom:
        live = start_room(
            game="walkabout",
            name=f"room-{number}",
            epoch=1,
            room_class=Room,
            map_room=MAP,
            state={},
            ticks_per_second=20,
            seed=number,
            now=0.0,
            wall=0.0,
            saved=None,
            actors=[],
            geography=geography,
        )
        live.compose(0.0)
        live.take()
        return live

    start(0)
    gc.collect()
    tracemalloc.start()
    rooms = [start(number) for number in range(200)]
    size = tracemalloc.get_traced_memory()[0] / len(rooms)
    tracemalloc.stop()
    assert all(room.next_due() is None for room in rooms)
    assert size < 10_000, f"{size:.0f} bytes"
