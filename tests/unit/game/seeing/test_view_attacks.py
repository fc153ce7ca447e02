"""What a client must not receive, tried from every side: each test is a way by which it could."""

from __future__ import annotations

from typing import Any

from roomfleet.game import Actor, ListState, Player, Radius, Room, command
from roomfleet.game.errors import ScriptFailed
from roomfleet.game.scripting.discretion import MOST_GONE
from roomfleet.game.seeing.watching import admin_viewer
from roomfleet.wire.codec import encode
from roomfleet.wire.session import Error
from support.game_room import World

ADMIN = admin_viewer(1)


class Thing(Actor):
    def define(self) -> None:
        self.state.public(mood="calm", shown=ListState())
        self.state.internal(hidden=ListState())


class Spy(Thing):
    visible = False


class Hero(Player):
    def define(self) -> None:
        self.state.public(hp=1)

    @command
    async def trip(self, text: str) -> None:
        raise RuntimeError(text)

    @command
    async def shoo(self, name: str) -> None:
        [found] = self.room.find(name=name)
        found.remove()
        raise RuntimeError(f"{found!r} is gone, {found.id}")

    @command
    async def miss(self, name: str) -> None:
        [found] = self.room.find(name=name)
        await self.sleep(0.2)
        found.remove()
        await self.sleep(0.2)
        raise RuntimeError(f"nobody is called {found.name} here")

    @command
    async def go(self) -> None:
        await self.travel("forest")


class Town(Room):
    player_class = Hero


class Mole(Hero):
    vision_distance = 30


class Burrow(Town):
    player_class = Mole


class Forest(Town):
    vision = Radius(30)


def entered(room_class: type[Room], *players: str) -> World:
    world = World(room_class)
    for player in players:
        world.enter(player)
    world.run(0.2)
    world.out.frames.clear()
    return world


def told(world: World, viewer: str) -> str:
    """All that this viewer was told since the frames were cleared, as it is encoded."""
    return encode([frame.private.get(viewer, frame.public) for frame in world.out.frames]).decode()


def failed(world: World, method: str, **args: str) -> str:
    call = world.call("ann", method, **args)
    world.run(0.5)
    answer = world.answer(call)
    assert isinstance(answer, Error)
    return answer.message


# -- errors --------------------------------------------------------------------------------------------------


def test_the_name_of_an_unseen_actor_in_an_error_however_it_stands_there() -> None:
    world = entered(Town, "ann")
    world.room.spawn(Spy, name="Smith")
    for text in ("Smith was here", "it was Smith", "over Smith's foot", "(Smith)", "'Smith'"):
        assert "Smith" not in failed(world, "trip", text=text)
    assert failed(world, "trip", text="Smithereens") == "RuntimeError: Smithereens"


def test_an_unseen_actor_named_where_an_error_is_cut_off() -> None:
    world = entered(Town, "ann")
    spy = world.room.spawn(Spy, name="Bartholomew")
    for secret in (spy.id, spy.name):
        for length in range(170, 200):
            assert secret[:4] not in failed(world, "trip", text="x" * length + " " + secret)


def test_an_error_that_names_an_unseen_actor_which_the_script_has_removed() -> None:
    world = entered(Town, "ann")
    spy = world.room.spawn(Spy, name="Smith")
    message = failed(world, "shoo", name="Smith")
    assert spy.id not in message
    assert "Smith" not in message


def test_the_bare_name_of_an_actor_that_is_gone_and_was_unseen() -> None:
    for room_class, cls in ((Town, Spy), (Forest, Thing), (Burrow, Thing)):
        world = entered(room_class, "ann", "bob")
        world.room.spawn(cls, name="Smith", at=(390, 290))
        assert "Smith" not in failed(world, "miss", name="Smith"), room_class
        world.room.spawn(Thing, name="Jones", at=(205, 105))
        assert failed(world, "miss", name="Jones") == "RuntimeError: nobody is called Jones here", room_class


def test_of_those_who_are_gone_as_many_are_remembered_as_are_few() -> None:
    world = entered(Town, "ann")
    for number in range(MOST_GONE + 10):
        world.room.spawn(Spy, name=f"spy {number}").remove()
    assert len(world.live.scripts.gone) == MOST_GONE
    assert "spy" not in failed(world, "trip", text=f"not spy {MOST_GONE + 9} again")
    smith = world.room.spawn(Spy, name="Smith")
    smith.remove()
    world.room.spawn(Thing, name="Smith")
    assert "Smith" not in failed(world, "trip", text="Smith")


def test_an_error_that_keeps_a_player_out_names_nobody_who_is_in() -> None:
    world = entered(Town, "ann")
    thing = world.room.spawn(Thing, name="chair")
    for text in ("chair", f"{thing!r}", "p:ann", "town-1-99"):
        message = world.live.told(ScriptFailed(f"Hero.created() raised ValueError: {text}"))
        assert message == "ScriptFailed; the rest is for admins only"
    assert world.live.told(ScriptFailed("Hero.created() raised KeyError: 'x'")).endswith("KeyError: 'x'")


# -- what is told in between ---------------------------------------------------------------------------------


def test_what_was_said_while_invisible_for_less_than_a_tick() -> None:
    world = entered(Town, "ann")
    thing = world.room.spawn(Thing)
    world.run(0.2)
    world.out.frames.clear()
    thing.state.mood = "first"
    thing.visible = False
    thing.state.mood = "secret"
    thing.name = "secret"
    thing.state.shown.append("secret")
    thing.state.shown.clear()
    thing.name = thing.state.mood = "last"
    thing.visible = True
    world.run(0.2)
    assert "last" in told(world, "ann")
    assert "secret" not in told(world, "ann")
    assert world.copies["ann"]["actors"][thing.id]["state"]["mood"] == "last"


def test_what_was_said_out_of_sight_for_less_than_a_tick() -> None:
    world = entered(Forest, "ann")
    thing = world.room.spawn(Thing, at=(205, 105))
    world.run(0.2)
    world.out.frames.clear()
    thing.position = (390, 290)
    thing.state.mood = "secret"
    thing.state.mood = "last"
    thing.position = (206, 106)
    world.run(0.2)
    assert "last" in told(world, "ann")
    assert "secret" not in told(world, "ann")
    assert "390" not in told(world, "ann")


def test_what_moved_from_a_hidden_field_to_a_shown_one_is_told_as_it_was_then() -> None:
    world = entered(Town, "ann")
    thing = world.room.spawn(Thing)
    thing.state.hidden.append("one")
    thing.state.shown = thing.state.hidden
    thing.state.hidden.append("secret")
    world.run(0.2)
    assert "one" in told(world, "ann")
    assert "secret" not in told(world, "ann")


def test_a_stowaway_in_a_boat_that_comes_and_goes_and_travels() -> None:
    world = entered(Forest, "ann")
    boat = world.room.spawn(Thing, name="boat", at=(390, 290))
    stowaway = world.room.spawn(Spy, name="stowaway", at=(390, 290))
    stowaway.dock(boat)
    passenger = world.room.spawn(Thing, name="passenger", at=(390, 290))
    passenger.dock(stowaway)
    boat.position = (205, 105)
    world.run(0.2)
    stowaway.state.mood = passenger.state.mood = "seasick"
    boat.position = (390, 290)
    world.run(0.2)
    boat.position = (205, 105)
    boat.travel("sea")
    world.run(0.2)
    assert "boat" in told(world, "ann")
    for secret in (stowaway.id, passenger.id, "stowaway", "passenger", "seasick", "sea"):
        assert secret not in told(world, "ann")


# -- those who left, or are not what they seem ---------------------------------------------------------------


def test_who_saw_near_things_only_sees_no_more_when_its_actor_has_left() -> None:
    """The client stays until its travel is saved; frames and snapshots go on meanwhile."""
    for room_class in (Burrow, Forest):
        for admin in (True, False):
            world = entered(room_class, "ann")
            if admin:
                world.watch(ADMIN)
            far = world.room.spawn(Thing, name="secret", at=(390, 290))
            world.call("ann", "go")
            world.live.seated(world.out.seats[-1].request, world.now)
            world.drain()
            assert world.live.player_actor("ann") is None
            far.state.mood = "secret"
            world.run(0.2)
            assert "secret" not in told(world, "ann")
            assert far.id not in world.live.snapshot("ann", world.now).actors
            far.state.mood = "more secret"
            world.run(0.2)
            assert "secret" not in told(world, "ann")


def test_who_saw_near_things_only_and_left_sees_again_when_it_comes_back() -> None:
    world = entered(Burrow, "ann")
    world.watch(ADMIN)
    body: dict[str, Any] = world.live.actors.body(world.live.player_actor("ann"), travelling=False)
    world.leave("ann")
    near = world.room.spawn(Thing, at=(205, 105))
    world.enter("ann", body)
    near.state.mood = "glad"
    world.run(0.2)
    assert world.copies["ann"]["actors"][near.id]["state"]["mood"] == "glad"


def test_a_player_with_the_name_of_an_admin_is_a_player() -> None:
    world = entered(Town, "ann")
    spy = world.room.spawn(Spy)
    world.live.player_enters(ADMIN, world.live.new_player_body(ADMIN, world.now), world.now)
    world.run(0.2)
    assert spy.id not in world.live.snapshot(ADMIN, world.now).actors
    assert "tiers" not in world.live.snapshot(ADMIN, world.now).room
    spy.state.hidden.append("secret")
    world.run(0.2)
    assert "secret" not in told(world, ADMIN)
