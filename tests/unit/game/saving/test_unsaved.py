"""What is saved together: what happened between two awaits, and what is held together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game import Actor, ActorError, Player, Room, command, request
from roomfleet.game.saving.dirty import Dirty
from support.game_room import World

KEYS = "abcdef"


@given(
    st.lists(st.lists(st.sampled_from(KEYS), max_size=4), max_size=8),
    st.sets(st.sampled_from(KEYS), max_size=2),
)
def test_groups_are_the_connected_parts(steps: list[list[str]], held: set[str]) -> None:
    dirty = Dirty()
    dirty.hold(sorted(held))
    parts: list[set[str]] = [set(held)] if held else []
    for step in steps:
        for key in step:
            dirty.touch(key)
        dirty.cut()
        merged = set(step)
        for part in [part for part in parts if part & merged]:
            parts.remove(part)
            merged |= part
        if merged:
            parts.append(merged)
    touched = {key for step in steps for key in step}
    free = [part & touched for part in parts if not part & held and part & touched]
    assert bool(dirty) == bool(free)
    assert sorted(map(sorted, dirty.take())) == sorted(map(sorted, free))
    assert not dirty
    dirty.release(sorted(held))
    kept = [part & touched for part in parts if part & held and part & touched]
    assert sorted(map(sorted, dirty.take())) == sorted(map(sorted, kept))
    assert dirty.take() == []


class Thing(Actor):
    def define(self) -> None:
        self.state.public(gold=10)

    @request
    def pay(self, other: Actor, gold: int) -> int:
        self.state.gold -= gold
        return gold


class Hero(Player):
    def define(self) -> None:
        self.state.public(gold=0)

    @command
    async def rob(self, one: Thing, other: Thing) -> None:
        one.state.gold -= 1
        self.state.gold += 1
        await self.sleep(0.1)
        other.state.gold -= 1

    @command
    async def buy(self, other: Thing) -> None:
        self.state.gold += await other.ask("pay", other=self, gold=3)

    @command
    async def swap(self, one: Thing, other: Thing) -> None:
        with self.room.together(one, other):
            one.state.gold -= 5
            await self.sleep(1)
            other.state.gold += 5


class Careless(Hero):
    @command
    async def careless(self) -> None:
        with self.room.together(self):
            await self.save()


class CarelessPlace(Room):
    player_class = Careless


class Newcomer(Hero):
    def created(self) -> None:
        self.state.gold += 5


class NewPlace(Room):
    player_class = Newcomer


class Town(Room):
    player_class = Hero

    def created(self) -> None:
        for name in ("a", "b", "c"):
            self.spawn(Thing, name=name)


def ids(world: World) -> list[set[str]]:
    return [
        {change.actor for change in group.changes} | ({"room"} if group.room else set())
        for group in world.compose()
    ]


@pytest.fixture
def world() -> World:
    world = World(Town)
    world.enter("ann")
    return world


A, B, C = "town-1-1", "town-1-2", "town-1-3"


def test_created_and_all_that_it_made_are_one_group_with_the_room() -> None:
    assert ids(World(Town)) == [{A, B, C, "room"}]


def test_a_creation_is_one_until_it_was_composed_once() -> None:
    world = World(Town)
    assert {change.kind for change in world.changes().values()} == {"create"}
    world.room.actors[0].state.gold = 1
    assert [(change.actor, change.kind) for change in world.changes().values()] == [(A, "save")]
    assert world.changes() == {}
    world.room.spawn(Thing).remove()
    assert world.compose() == []
    world.room.actors[0].remove()
    assert [(change.actor, change.kind, change.body) for change in world.changes().values()] == [
        (A, "delete", {})
    ]


def test_what_happens_between_two_awaits_is_one_group(world: World) -> None:
    world.compose()
    world.call("ann", "rob", one=A, other=B)
    assert ids(world) == [{"p:ann", A}]
    world.run(1)
    assert ids(world) == [{B}]


def test_groups_that_share_a_member_are_one(world: World) -> None:
    world.compose()
    world.call("ann", "rob", one=A, other=B)
    world.call("ann", "rob", one=C, other=B)
    assert ids(world) == [{"p:ann", A, C}]


def test_what_a_request_did_and_what_the_asker_makes_of_it_are_one_group(world: World) -> None:
    world.compose()
    world.call("ann", "buy", other=A)
    assert ids(world) == [{"p:ann", A}]
    assert world.room.players[0].state.gold == 3


def test_together_holds_its_members_back_until_it_ends(world: World) -> None:
    world.compose()
    world.call("ann", "swap", one=A, other=B)
    world.call("ann", "buy", other=C)
    world.room.actor(A).name = "changed meanwhile"
    assert ids(world) == [{"p:ann", C}]
    assert not world.live.dirty
    world.run(2)
    assert ids(world) == [{A, B}]


def test_together_that_is_cut_short_lets_go(world: World) -> None:
    world.compose()
    world.call("ann", "swap", one=A, other=B)
    world.leave("ann")
    assert ids(world) == [{A}, {"p:ann"}]
    world.room.actor(B).state.gold = 0
    assert ids(world) == [{B}]


def test_a_room_that_stops_saves_what_was_held(world: World) -> None:
    world.compose()
    world.call("ann", "swap", one=A, other=B)
    world.live.stop(world.now)
    assert {A, "p:ann"} == set().union(*ids(world))


def test_saving_within_together_is_refused() -> None:
    world = World(CarelessPlace)
    world.enter("ann")
    world.call("ann", "careless")
    assert "leave the with-block first" in world.failures()[0][2]
    with pytest.raises(ActorError, match="must be in the room"), world.room.together(World(Town).room):
        pass


def test_transient_actors_are_never_saved() -> None:
    class Spark(Thing):
        transient = True

    world = World(Town)
    world.compose()
    spark = world.room.spawn(Spark)
    spark.state.gold = 3
    spark.move_to((0, 0))
    assert not world.live.dirty
    spark.remove()
    assert world.compose() == []


def test_who_leaves_and_is_back_before_the_next_save_is_as_they_left(world: World) -> None:
    ann: Any = world.room.players[0]
    fresh = world.live.new_player_body("ann", world.now)
    ann.state.gold = 77
    ann.move_to((0, 0))
    world.run(0.5)
    here = ann.position
    world.leave("ann")
    ann = world.enter("ann", fresh)
    assert ann.state.gold == 77
    assert ann.position == here
    world.run(10)
    assert ann.position == here
    assert world.changes()["p:ann"].kind == "save"


def test_who_comes_back_after_having_been_saved_as_away_is_saved_as_here_again(world: World) -> None:
    world.leave("ann")
    away = world.changes()["p:ann"]
    assert away.kind == "away"
    world.enter("ann", away.body)
    assert world.live.dirty
    assert world.changes()["p:ann"].kind == "save"


def test_a_new_players_created_runs_once_even_if_the_room_died_before() -> None:
    world = World(NewPlace)
    body = world.live.new_player_body("ann", world.now)
    assert world.enter("ann", body).state.gold == 5
    saved = world.changes()["p:ann"].body
    world = World(NewPlace, saved=world.live.room_body(), actors=[("p:ann", body)])
    assert world.room.players[0].state.gold == 5
    world = World(NewPlace, saved=world.live.room_body(), actors=[("p:ann", saved)])
    assert world.room.players[0].state.gold == 5
