"""Invisible actors: who sees them, and that nobody else hears of them in any way."""

from __future__ import annotations

from typing import Any

from roomfleet.game import Actor, Player, Room, command
from roomfleet.game.seeing.watching import admin_viewer
from roomfleet.wire.codec import encode
from roomfleet.wire.session import Error, Result
from support.game_room import Store, World

ADMIN = admin_viewer(1)


class Thing(Actor):
    def define(self) -> None:
        self.state.public(mood="calm")


class Spy(Thing):
    visible = False


class Hero(Player):
    def define(self) -> None:
        self.state.public(hp=1)

    @command
    def greet(self, other: Thing, also: list[Thing] | None = None) -> str:
        return other.name

    @command
    async def blunder(self, name: str) -> None:
        [found] = self.room.find(name=name)
        found.undock()
        found.state.mood = object()

    @command
    async def trip(self, name: str) -> None:
        [found] = self.room.find(name=name)
        raise RuntimeError(f"over {found!r}")


class Town(Room):
    player_class = Hero


def town(*players: str) -> World:
    world = World(Town)
    for player in players:
        world.enter(player)
    world.watch(ADMIN)
    world.run(0.2)
    world.out.frames.clear()
    return world


def ops(world: World, viewer: str) -> list[Any]:
    """What this viewer is told since the last call of `look`."""
    return [op for frame in world.out.frames for op in frame.private.get(viewer, frame.public)]


def look(world: World) -> None:
    world.out.frames.clear()
    world.tick()
    world.tick()


def test_a_spy_comes_walks_changes_and_goes_unseen_but_by_admins() -> None:
    world = town("ann")
    spy = world.room.spawn(Spy, at=(10, 10), name="spy")
    spy.move_to((20, 20))
    look(world)
    spy.state.mood = "nervous"
    spy.name = "007"
    look(world)
    assert [op[0] for op in ops(world, ADMIN)] == ["set", "set"]
    spy.remove()
    look(world)
    assert ops(world, ADMIN) == [["leave", spy.id, "removed"]]
    assert [frame.public for frame in world.out.frames] == [[]]
    assert ops(world, "ann") == []


def test_becoming_invisible_is_a_leave_that_does_not_say_why_and_back_an_enter() -> None:
    world = town("ann")
    thing = world.room.spawn(Thing, name="chair")
    look(world)
    thing.visible = False
    thing.state.mood = "gone"
    look(world)
    assert ops(world, "ann") == [["leave", thing.id, "unseen"]]
    assert ops(world, ADMIN) == [
        ["set", [thing.id, "visible"], False],
        ["set", [thing.id, "state", "mood"], "gone"],
    ]
    thing.visible = False
    look(world)
    assert ops(world, ADMIN) == []
    thing.visible = True
    look(world)
    [[kind, actor_id, view]] = ops(world, "ann")
    assert (kind, actor_id, view["state"]["mood"]) == ("enter", thing.id, "gone")
    assert "visible" not in view
    assert ops(world, ADMIN) == [["del", [thing.id, "visible"]]]


def test_an_invisible_player_sees_itself_and_knows_it() -> None:
    world = town("ann", "bob")
    ann = world.live.player_actor("ann")
    ann.visible = False  # type: ignore[union-attr]
    look(world)
    assert ops(world, "bob") == [["leave", "p:ann", "unseen"]]
    assert ops(world, "ann") == [["set", ["p:ann", "visible"], False]]
    ann.move_to((1, 1))  # type: ignore[union-attr]
    look(world)
    assert [op[1] for op in ops(world, "ann")] == [["p:ann", "path"]]
    assert ops(world, "bob") == []
    assert world.watch("ann")["actors"]["p:ann"]["visible"] is False
    assert "p:ann" not in world.watch("bob")["actors"]
    world.leave("ann")
    look(world)
    assert ops(world, "bob") == []


def test_who_carries_a_spy_sees_it_and_who_rides_along_does_not() -> None:
    world = town("ann", "bob", "cyd")
    spy = world.room.spawn(Spy)
    ann, bob = (world.live.player_actor(each) for each in ("ann", "bob"))
    bob.dock(ann)  # type: ignore[union-attr, arg-type]
    look(world)
    spy.dock(ann)  # type: ignore[arg-type]
    look(world)
    [enter] = ops(world, "ann")
    assert enter[:2] == ["enter", spy.id]
    assert (enter[2]["parent"], enter[2]["visible"]) == ("p:ann", False)
    assert ops(world, "bob") == ops(world, "cyd") == []
    spy.undock()
    look(world)
    assert ops(world, "ann") == [["leave", spy.id, "unseen"]]


def test_what_is_docked_to_a_spy_is_unseen_but_by_itself_and_it_sees_what_carries_it() -> None:
    world = town("ann", "bob")
    spy = world.room.spawn(Spy)
    hat = world.room.spawn(Thing, name="hat")
    ann = world.live.player_actor("ann")
    look(world)
    hat.dock(spy)
    ann.dock(spy)  # type: ignore[union-attr]
    look(world)
    assert sorted(op[:2] for op in ops(world, "bob")) == [["leave", "p:ann"], ["leave", hat.id]]
    assert [op[:2] for op in ops(world, "ann")] == [
        ["leave", hat.id],
        ["enter", spy.id],
        ["enter", hat.id],  # visible, and on what ann sees
        ["put", ["p:ann"]],  # path and parent
    ]
    assert world.copies["ann"]["actors"].keys() == {"p:ann", "p:bob", spy.id, hat.id}
    assert world.copies["bob"]["actors"].keys() == {"p:bob"}
    spy.visible = True
    look(world)
    assert world.copies["bob"]["actors"].keys() == {"p:ann", "p:bob", spy.id, hat.id}
    assert ops(world, "bob")[0][1] == spy.id, "parents come first"


def test_a_call_that_names_a_spy_is_answered_as_for_nobody() -> None:
    world = town("ann")
    spy = world.room.spawn(Spy, name="spy")
    thing = world.room.spawn(Thing, name="chair")
    assert isinstance(world.answer(world.call("ann", "greet", other=thing.id)), Result)
    for args in ({"other": "ID"}, {"other": thing.id, "also": ["ID"]}):
        answers = []
        for actor_id in (spy.id, "town-1-77"):
            named = {
                key: [actor_id] if value == ["ID"] else actor_id if value == "ID" else value
                for key, value in args.items()
            }
            answer = world.answer(world.call("ann", "greet", **named))
            assert isinstance(answer, Error)
            answers.append((answer.code, answer.message.replace(actor_id, "ID")))
        assert answers[0] == answers[1]
    spy.visible = True
    assert isinstance(world.answer(world.call("ann", "greet", other=spy.id)), Result)


def test_the_error_of_a_script_does_not_name_a_spy() -> None:
    world = town("ann")
    spy = world.room.spawn(Spy, name="smith")
    answer = world.answer(world.call("ann", "trip", name="smith"))
    assert isinstance(answer, Error)
    assert answer.message == "RuntimeError; the rest is for admins only"
    answer = world.answer(world.call("ann", "blunder", name="smith"))
    assert isinstance(answer, Error)
    for secret in (spy.id, "smith", "Spy "):
        assert secret not in answer.message
    spy.visible = True
    answer = world.answer(world.call("ann", "trip", name="smith"))
    assert isinstance(answer, Error)
    assert repr(spy) in answer.message


def test_a_spy_stays_one_over_a_restart_and_a_journey() -> None:
    world = town("ann")
    spy = world.room.spawn(Spy, name="spy")
    thing = world.room.spawn(Thing, name="thing")
    spy.visible = True
    thing.visible = False
    store = Store()
    store.save(world)
    again = store.restart(world, Town)
    assert again.room.actor(spy.id).visible
    assert not again.room.actor(thing.id).visible
    again.room.actor(thing.id).travel("elsewhere")
    [change] = [each for each in again.changes().values() if each.to_room]
    again.live.arrive([(thing.id, change.body, {"at": "beat"})], again.now)
    assert not again.room.actor(thing.id).visible
    again.room.actor(thing.id).visible = True
    store.save(again)
    assert "visible" not in store.bodies[thing.id]


def test_docking_in_created_does_not_name_a_parent_before_it_is_there() -> None:
    class Cart(Actor):
        def created(self) -> None:
            [horse] = self.room.find(name="horse")
            horse.dock(self)

    world = town("ann")
    horse = world.room.spawn(Thing, name="horse")
    look(world)
    cart = world.room.spawn(Cart)
    look(world)
    told = ops(world, "ann")
    assert told[0][:2] == ["enter", cart.id]
    assert told[-1][:2] == ["put", [horse.id]]
    assert told[-1][2]["parent"] == cart.id
    assert [op[0] for op in told].count("enter") == 1


def test_nothing_of_a_spy_is_in_any_byte_for_others() -> None:
    world = town("ann", "bob")
    spy = world.room.spawn(Spy, name="very secret", at=(123.456, 7))
    ann = world.live.player_actor("ann")
    spy.dock(ann)  # type: ignore[arg-type]
    spy.state.mood = "very secret"
    world.run(0.2)
    spy.undock()
    spy.position = (321.5, 9)
    world.run(0.2)
    spy.travel("elsewhere")
    world.run(0.2)
    sent = b"".join(encode(frame.private.get("bob", frame.public)) for frame in world.out.frames)
    for secret in (spy.id, "very secret", "123.456", "321.5"):
        assert secret.encode() not in sent


def test_where_something_goes_out_of_sight_is_not_told_by_a_change_before_it() -> None:
    world = town("bob")
    spy = world.room.spawn(Spy, at=(321.5, 7))
    hat = world.room.spawn(Thing, at=(20, 20))
    look(world)
    hat.move_to((30, 30))
    walked = hat.path
    hat.dock(spy)
    look(world)
    assert ops(world, "bob") == [["set", [hat.id, "path"], walked], ["leave", hat.id, "unseen"]]


def test_what_changes_after_it_came_into_sight_is_told_to_all_who_see_it() -> None:
    world = town("ann", "bob")
    spy = world.room.spawn(Spy)
    hat = world.room.spawn(Thing)
    hat.dock(spy)
    world.live.player_actor("ann").dock(spy)  # type: ignore[union-attr]
    look(world)
    hat.undock()
    hat.position = (44, 44)
    look(world)
    for player in ("ann", "bob"):
        assert world.copies[player]["actors"][hat.id]["path"][0][:2] == [44, 44]
        assert world.copies[player]["actors"][hat.id]["parent"] is None


def test_who_goes_while_docked_to_a_spy_is_not_seen_going() -> None:
    world = town("ann", "bob")
    spy = world.room.spawn(Spy, at=(10, 10), name="spy")
    bob = world.live.player_actor("bob")
    assert bob is not None
    box, crate, cat = (world.room.spawn(Thing, at=(30, 30)) for _ in range(3))
    for each in (bob, box, crate):
        each.dock(spy)
    cat.dock(crate)
    look(world)
    world.live.player_leaves("bob", world.now, "left")
    box.remove()
    crate.travel("cave")
    look(world)
    assert ops(world, "ann") == []
