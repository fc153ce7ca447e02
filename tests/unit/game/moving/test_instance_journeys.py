"""Travel to instances: doors with a key, the room that the master names, and actors without a player."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from roomfleet.game import Actor, ActorError, Player, Room, TravelRefused, command
from roomfleet.game.maps.instancekeys import problem_of
from roomfleet.game.outbox import SeatUnwanted, SeatWanted
from support.game_room import MAP, World


class Hero(Player):
    def define(self) -> None:
        self.state.public(party="red", level=3, ready=True, at=[1, 2], deep={"er": "x"})

    @command
    async def go(self, door: str) -> None:
        await self.enter(door)


class Cart(Actor):
    pass


class Town(Room):
    player_class = Hero


def world_with_door(key: str) -> World:
    """A town whose gate leads to an InstancedRoom `cave`."""
    door = MAP.doors[0]
    way = msgspec.structs.replace(door.exit, room="cave", key=key)
    doors = [msgspec.structs.replace(door, name="gate", exit=way)]
    return World(Town, map_room=msgspec.structs.replace(MAP, doors=doors))


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("{player}", "ann"),
        ("{name} of {room}", "ann of town"),
        ("party {state.party}/{state.level}", "party red/3"),
        ("{state.deep.er}", "x"),
        ("{{all}}", "{all}"),
        ("  everybody ", "everybody"),
    ],
)
def test_a_doors_key_is_filled_in_for_whoever_goes_through(expression: str, key: str) -> None:
    assert problem_of(expression) == ""
    world = world_with_door(expression)
    world.enter("ann")
    world.call("ann", "go", door="gate")
    assert world.out.seats == [SeatWanted(1, "ann", "cave", key)]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{state.nothing}", "state.nothing"),
        ("{state.at}", "text and integers"),
        ("{state.ready}", "text and integers"),
    ],
)
def test_a_key_that_cannot_be_filled_in_is_an_error_that_names_it(expression: str, said: str) -> None:
    world = world_with_door(expression)
    ann = world.enter("ann")
    with pytest.raises(ActorError, match=said):
        ann.enter("gate")


def test_a_key_of_an_actor_without_a_player_has_no_player() -> None:
    world = world_with_door("{player}")
    with pytest.raises(ActorError, match="has no player"):
        world.room.spawn(Cart).enter("gate")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{party}", "there are {player}"),
        ("{state.}", "there are {player}"),
        ("{}", "there are {player}"),
        ("{player", "cannot be read"),
        ("{player!r}", "takes no format"),
        ("{player:>9}", "takes no format"),
        ("a\tb", "printable"),
        ("x" * 129, "1 to 128"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said(expression: str, said: str) -> None:
    assert said in problem_of(expression)


def test_a_player_goes_to_the_room_that_the_seat_is_in() -> None:
    world = world_with_door("{player}")
    world.enter("ann")
    world.call("ann", "go", door="gate")
    world.compose()
    world.live.seated(1, world.now, "cave-1234")
    world.drain()
    assert world.changes()["p:ann"].to_room == "cave-1234"


def test_an_actor_without_a_player_goes_when_it_is_known_which_room_it_is() -> None:
    world = World(Town)
    cart = world.room.spawn(Cart)
    cart.travel("cave", (3, 4), wake=True, key="party-7")
    world.step()
    assert world.out.seats == [SeatWanted(1, "", "cave", "party-7")]
    assert not world.out.travelled
    world.compose()
    world.live.seated(1, world.now, "cave-1234")
    world.drain()
    change = world.changes()[cart.id]
    assert (change.to_room, change.wake, change.seat) == ("cave-1234", True, 0)


def test_an_actor_that_is_refused_hears_why_and_stays() -> None:
    heard: list[str] = []

    class Wanderer(Actor):
        async def kickoff(self) -> None:
            try:
                await self.travel("cave", key="party-7")
            except TravelRefused as error:
                heard.append(str(error))

    world = World(Town)
    world.room.spawn(Wanderer)
    world.step()
    world.live.seat_refused(1, "no more instances", world.now)
    world.drain()
    assert len(heard) == 1
    assert "no more instances" in heard[0]
    assert len(world.room.actors) == 1


def test_who_is_in_the_instance_already_only_stands_elsewhere() -> None:
    world = World(Town, name="cave-1234")
    ann = world.enter("ann")
    ann.travel("cave", (30, 40), key="party-7")
    world.drain()
    world.live.seated(1, world.now, "cave-1234")
    world.drain()
    assert ann.position == (30, 40)
    assert world.out.seats[-1] == SeatUnwanted(1)
    assert not world.out.travelled


def test_a_player_who_docks_meanwhile_gets_a_seat_too() -> None:
    world = World(Town)
    cart, ann = world.room.spawn(Cart), world.enter("ann")
    cart.travel("cave", key="party-7")
    world.step()
    ann.dock(cart)
    world.live.seated(1, world.now, "cave-1234")
    world.drain()
    assert world.out.seats[-2:] == [SeatUnwanted(1), SeatWanted(2, "ann", "cave", "party-7")]
    assert not world.out.travelled


@pytest.mark.parametrize("key", ["", " ", "a\nb", "x" * 129, 7])
def test_what_can_be_no_key_is_an_error_at_once(key: Any) -> None:
    world = World(Town)
    with pytest.raises(ActorError):
        world.room.spawn(Cart).travel("cave", key=key)
