"""Admin viewers: everything of their room, none of its life."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from roomfleet.game import Actor, GameError, Player, Radius, Room, command
from roomfleet.game.seeing.watching import admin_viewer
from roomfleet.wire import session as wire
from support.game_room import World, through_json

ADMIN, OTHER = admin_viewer(1), admin_viewer(2)


class Thing(Actor):
    def define(self) -> None:
        self.state.public(mood="calm")
        self.state.internal(plan="none")


class Hero(Player):
    def define(self) -> None:
        self.state.owner(gold=1)
        self.state.internal(said=0)

    @command
    def crash(self) -> None:
        raise ValueError("oops")


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(bell=0)
        self.state.internal(plot="thick")

    def on_error(self, error: BaseException) -> bool:
        return False


def look(world: World) -> list[Any]:
    world.out.frames.clear()
    world.tick()
    world.tick()
    return [op for frame in world.out.frames for op in frame.private.get(ADMIN, frame.public)]


def test_a_snapshot_has_all_tiers_the_invisible_and_the_errors() -> None:
    world = World(Town)
    world.enter("ann")
    spy = world.room.spawn(Thing)
    spy.visible = False
    world.call("ann", "crash")
    snapshot = world.live.snapshot(ADMIN, world.now)
    assert snapshot.room == {
        "state": {"bell": 0, "plot": "thick"},
        "tiers": {"bell": "public", "plot": "internal"},
        "failure": None,
        "failures": 0,
    }
    ann = snapshot.actors["p:ann"]
    assert ann["state"] == {"gold": 1, "said": 0}
    assert ann["tiers"] == {"gold": "owner", "said": "internal"}
    assert (ann["failures"], ann["failure"]["error"]) == (1, "ValueError: oops")
    assert ann["failure"]["script"] == "Hero.crash"
    assert 'raise ValueError("oops")' in ann["failure"]["traceback"]
    assert snapshot.actors[spy.id]["visible"] is False
    through_json(snapshot)


def test_changes_of_all_tiers_are_told_and_to_nobody_else() -> None:
    world = World(Town)
    ann = world.enter("ann")
    world.watch(ADMIN)
    look(world)
    ann.state.said = 5
    ann.state.gold = 6
    world.room.state.plot = "thin"
    world.room.state.bell = 1
    world.call("ann", "crash")
    told = look(world)
    assert [op[:2] for op in told] == [
        ["set", ["p:ann", "state", "said"]],
        ["set", ["p:ann", "state", "gold"]],
        ["set", ["room", "state", "plot"]],
        ["set", ["room", "state", "bell"]],
        ["put", ["p:ann"]],
    ]
    [frame] = world.out.frames
    assert frame.private["ann"] == [told[1], told[3]]
    assert frame.public == [told[3]]
    assert all(any(op is each for each in told) for op in frame.private["ann"])


def test_admins_share_a_list() -> None:
    world = World(Town)
    ann = world.enter("ann")
    world.watch(ADMIN)
    world.watch(OTHER)
    look(world)
    ann.state.said = 5
    look(world)
    [frame] = world.out.frames
    assert frame.private[ADMIN] is frame.private[OTHER]
    assert frame.public == []


def test_an_admin_sees_all_where_players_see_little() -> None:
    class Fog(Town):
        vision = Radius(50)

    world = World(Fog)
    world.enter("ann").position = (10, 10)
    thing = world.room.spawn(Thing, at=(300, 200))
    world.watch(ADMIN)
    look(world)
    thing.move_to((350, 200))
    thing.state.plan = "escape"
    late = world.room.spawn(Thing, at=(301, 200))
    told = look(world)
    assert [op[:2] for op in told] == [
        ["set", [thing.id, "path"]],
        ["set", [thing.id, "state", "plan"]],
        ["enter", late.id],
    ]
    assert told[2][2]["state"] == {"mood": "calm", "plan": "none"}
    assert all("ann" not in frame.private for frame in world.out.frames)
    late.remove()
    assert look(world) == [["leave", late.id, "removed"]]


def test_an_admin_is_no_player_and_keeps_nothing_awake() -> None:
    world = World(Town)
    world.watch(ADMIN)
    assert world.live.players == frozenset()
    assert world.live.next_due() is None
    world.room.state.plot = "thicker"
    assert world.live.next_due() is not None
    [op] = look(world)
    assert op == ["set", ["room", "state", "plot"], "thicker"]
    assert world.live.next_due() is None
    assert world.live.welcome(ADMIN)["you"].id == ""


def test_a_room_that_nobody_watches_keeps_nothing() -> None:
    world = World(Town)
    thing = world.room.spawn(Thing)
    thing.state.mood = "cross"
    assert not world.live.watched
    assert world.live.next_due() is None
    world.watch(ADMIN)
    thing.state.mood = "glad"
    assert world.live.watched
    world.live.unwatch(ADMIN)
    world.live.unwatch(ADMIN)
    thing.state.mood = "sad"
    assert not world.live.watched
    assert world.live.next_due() is None


def test_a_player_who_is_cut_off_may_be_unwatched_and_begins_anew_with_a_snapshot() -> None:
    world = World(Town)
    ann = world.enter("ann")
    look(world)
    del world.copies["ann"]
    world.live.unwatch("ann")
    assert "ann" in world.live.players
    ann.state.gold = 9
    assert world.live.next_due() is None
    world.watch("ann")
    assert world.copies["ann"]["actors"]["p:ann"]["state"] == {"gold": 9}
    ann.state.gold = 10
    world.run(0.1)
    assert world.copies["ann"]["actors"]["p:ann"]["state"] == {"gold": 10}


def test_who_cannot_watch() -> None:
    world = World(Town)
    with pytest.raises(GameError, match="no actor of theirs is here"):
        world.live.watch("ann")
    world.enter("admin:1")  # a player's name like any other
    assert set(world.live.snapshot("admin:1", world.now).actors["p:admin:1"]["state"]) == {"gold"}


def test_the_snapshot_of_a_player_whose_actor_has_left_has_what_all_see() -> None:
    world = World(Town)
    world.enter("ann")
    spy = world.room.spawn(Thing)
    thing = world.room.spawn(Thing)
    spy.visible = False
    world.live.player_leaves("ann", world.now, "left")
    snapshot = world.live.snapshot("ann", world.now)
    assert snapshot.actors[thing.id]["state"] == {"mood": "calm"}
    assert list(snapshot.actors) == [thing.id]
    assert snapshot.room == {"state": {"bell": 0}}
    assert not world.live.watched
    world.room.vision = Radius(10)
    assert world.live.snapshot("ann", world.now).actors == {}


def test_what_is_told_of_actors_has_the_shape_that_the_wire_says() -> None:
    world = World(Town)
    world.enter("ann")
    world.room.spawn(Thing)
    spy = world.room.spawn(Thing)
    spy.visible = False
    world.call("ann", "crash")
    watched = through_json({**(snapshot := world.live.snapshot(ADMIN, world.now)).actors})
    assert msgspec.to_builtins(msgspec.convert(watched, dict[str, wire.WatchedActor])) == watched
    assert watched["p:ann"]["failures"] == 1
    room = through_json(snapshot.room)
    assert msgspec.to_builtins(msgspec.convert(room, wire.WatchedRoom)) == room
    seen = through_json(world.live.snapshot("ann", world.now).actors)
    assert msgspec.to_builtins(msgspec.convert(seen, dict[str, wire.Actor])) == seen


def test_an_admin_of_one_room_gets_nothing_of_another() -> None:
    one, other = World(Town), World(Town, name="elsewhere")
    one.watch(ADMIN)
    other.enter("bob")
    other.room.state.plot = "none"
    other.run(0.2)
    assert all(ADMIN not in frame.private for frame in other.out.frames)
    assert look(one) == []
