"""Saved bodies: what survives a restart, and how classes are named."""

from __future__ import annotations

import pytest

from roomfleet.game import Actor, Player, Room, StateError
from roomfleet.game.errors import ScriptFailed
from roomfleet.game.saving.saved import class_of, script_of
from support.game_room import Store, World

DEFAULTS = {"mood": "calm", "secret": 1}


class Guard(Actor):
    speed = 40

    def define(self) -> None:
        self.state.public(mood=DEFAULTS["mood"])
        self.state.internal(secret=DEFAULTS["secret"])

    class Captain(Actor):
        pass


class Town(Room):
    def define(self) -> None:
        self.state.public(visits=0)
        self.state.internal(seed=1)

    def created(self) -> None:
        self.state.visits = 1
        self.spawn(Guard, at=(0, 0))


def test_a_restarted_room_is_as_it_was_saved_and_created_does_not_run_again() -> None:
    store = Store()
    world = World(Town, state={"seed": 5, "title": "Old town"})
    world.room.actors[0].state.mood = "cross"
    world.room.actors[0].name = "Gus"
    store.save(world)
    again = store.restart(world, Town)
    [guard] = again.room.actors
    assert (guard.state.mood, guard.name, guard.id, guard.speed) == ("cross", "Gus", "town-1-1", 40)
    room = again.room.state
    assert (room.visits, room.seed, room.title) == (1, 5, "Old town")
    assert again.compose() == []
    assert again.room.spawn(Guard).id == "town-2-1"


def test_who_was_walking_is_where_the_path_says_and_goes_on() -> None:
    store = Store()
    world = World(Town)
    world.room.actors[0].move_to((200, 0))
    world.run(1)
    store.save(world)
    again = store.restart(world, Town, after=2)
    [guard] = again.room.actors
    assert guard.position == (120, 0)
    again.run(10)
    assert guard.position == (200, 0)


def test_a_speed_that_was_set_is_kept_and_the_classs_own_is_not() -> None:
    store = Store()
    world = World(Town)
    fast = world.room.spawn(Guard)
    fast.speed = 99
    store.save(world)
    assert [body["speed"] for body in store.bodies.values()] == [None, 99]


def test_what_define_says_today_counts_for_tiers_and_new_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    world = World(Town)
    world.room.actors[0].state.mood = "cross"
    store.save(world)

    def define(self: Guard) -> None:
        self.state.internal(mood="calm")
        self.state.public(hat="none")

    monkeypatch.setattr(Guard, "define", define)
    [guard] = store.restart(world, Town).room.actors
    assert guard.state._saved() == {"internal": {"mood": "cross", "secret": 1}, "public": {"hat": "none"}}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("no.such.module:Guard", "No module named 'no'"),
        ("roomfleet.game.actor:Nobody", "has no attribute 'Nobody'"),
        ("roomfleet.game.room:Room", "is not an actor class"),
        ("nonsense", "cannot be had"),
    ],
)
def test_a_saved_class_that_is_missing_stops_the_start_and_names_it(script: str, text: str) -> None:
    store = Store()
    world = World(Town)
    store.save(world)
    store.bodies["town-1-1"]["script"] = script
    with pytest.raises(ScriptFailed, match=text) as caught:
        store.restart(world, Town)
    assert script in str(caught.value)


def test_classes_are_named_by_module_and_qualified_name() -> None:
    for cls in (Guard, Guard.Captain, Actor, Player):
        assert class_of(script_of(cls)) is cls


def test_initial_state_is_checked() -> None:
    with pytest.raises(StateError, match=r"Town.state.title: .* is too large"):
        World(Town, state={"title": 2**70})
    with pytest.raises(StateError, match="that name is taken"):
        World(Town, state={"public": 1})
