"""The predecessor's defects, as far as they touch the game: none of them comes back."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.game import Actor, ActorError, Player, Room, command
from roomfleet.game.errors import ScriptFailed
from roomfleet.game.outbox import ChangeKind
from roomfleet.game.scripting.steps import STEP_BUDGET
from roomfleet.wire.session import Error, ErrorCode
from support.game_room import Store, World, through_json


class Hero(Player):
    def define(self) -> None:
        self.state.public(hp=10, bag={"gold": 1, "items": [{"kind": "axe"}]})

    @command
    def walk(self) -> None: ...

    def helper(self) -> None:
        raise AssertionError("a client called it")


class Town(Room):
    player_class = Hero


def public_ops(world: World) -> list[Any]:
    world.out.frames.clear()
    world.tick()
    world.tick()
    return [op for frame in world.out.frames for op in frame.public]


def test_defect_01_a_change_sends_the_field_and_never_the_actor() -> None:
    world = World(Town)
    ann = world.enter("ann")
    public_ops(world)
    ann.state.hp = 9
    assert public_ops(world) == [["set", ["p:ann", "state", "hp"], 9]]
    ann.state.bag["items"][0]["kind"] = "rope"
    assert public_ops(world) == [["set", ["p:ann", "state", "bag", "items", 0, "kind"], "rope"]]
    ann.move_to((0, 0))
    [[kind, path, _]] = public_ops(world)
    assert (kind, path) == ("set", ["p:ann", "path"])


def test_defect_01_dict_update_sends_what_changed() -> None:
    world = World(Town)
    ann = world.enter("ann")
    public_ops(world)
    ann.state.bag.update(gold=2, silver=3)
    assert public_ops(world) == [["put", ["p:ann", "state", "bag"], {"gold": 2, "silver": 3}]]


@pytest.mark.parametrize("how", ["edge", "restart"])
def test_defect_05_steering_at_the_edge_and_a_tight_restart_do_not_lock_the_room(how: str) -> None:
    class Stuck(Actor):
        def define(self) -> None:
            self.state.internal(turns=0)

        async def kickoff(self) -> None:
            if how == "restart":
                self.state.turns += 1
                self.restart()
                return
            while True:
                self.state.turns += 1
                await self.move_to((9999, 100))

    world = World(Town)
    stuck = world.room.spawn(Stuck, at=(400, 100))
    world.step()
    assert 0 < stuck.state.turns <= STEP_BUDGET
    ann = world.enter("ann")
    move = ann.move_to((0, 0))
    world.run(30)
    assert move.arrived
    assert world.answer(world.call("ann", "walk")) is not None


def test_defect_07_one_exception_ends_neither_an_actors_life_nor_the_room_nor_is_it_silent() -> None:
    class Clumsy(Actor):
        def define(self) -> None:
            self.state.public(lives=0)

        async def kickoff(self) -> None:
            self.state.lives += 1
            await self.sleep(0.1)
            raise ZeroDivisionError("oops")

    class Fine(Actor):
        def define(self) -> None:
            self.state.public(naps=0)

        async def kickoff(self) -> None:
            while True:
                await self.sleep(1)
                self.state.naps += 1

    world = World(Town)
    clumsy, fine = world.room.spawn(Clumsy), world.room.spawn(Fine)
    world.run(15.45)
    assert clumsy.state.lives == clumsy.failures + 1 == len(world.out.failures) + 1 == 5
    assert "ZeroDivisionError: oops" in world.out.failures[0].traceback
    assert fine.state.naps == 15


class Ship(Actor):
    pass


class Cargo(Actor):
    def define(self) -> None:
        self.state.public(crates=3)


def test_defect_08_travel_with_docked_children_saves_parent_and_children_once_each() -> None:
    store = Store()
    world = World(Town)
    ship, cargo, more = world.room.spawn(Ship), world.room.spawn(Cargo), world.room.spawn(Cargo)
    cargo.dock(ship)
    more.dock(cargo)
    store.save(world)
    cargo.state.crates = 5
    ship.travel("harbour", at=(10, 10))
    [group] = store.save(world)
    assert [(change.actor, change.kind) for change in group.changes] == [
        (each.id, ChangeKind.TRAVEL) for each in (ship, cargo, more)
    ]
    assert store.bodies == {}
    harbour = World(Town, name="harbour", now=5.0)
    harbour.live.arrive(
        [(change.actor, through_json(change.body), change.arrival) for change in store.travelled], harbour.now
    )
    there = {each.id: each for each in harbour.room.actors}
    assert there[cargo.id].state.crates == 5
    assert there[more.id].parent is there[cargo.id]
    assert there[more.id].position == (10, 10)
    assert len(harbour.changes()) == 3


@pytest.mark.parametrize("method", ["helper", "kickoff", "define", "remove", "kick", "__class__", "state"])
def test_defect_09_a_client_can_call_what_is_marked_and_nothing_else(method: str) -> None:
    world = World(Town)
    world.enter("ann")
    answer = world.answer(world.call("ann", method))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.NO_SUCH_METHOD
    assert answer.message == f"Hero has no command {method!r}; there are: walk"
    assert world.live.welcome("ann")["you"].commands == ["walk"]


def test_defect_10_what_is_missing_is_said_and_never_skipped() -> None:
    store = Store()
    world = World(Town)
    world.room.spawn(Cargo)
    store.save(world)
    store.room = through_json(world.live.room_body())
    body = next(iter(store.bodies.values()))
    body["script"] = body["script"].replace("Cargo", "Gone")
    with pytest.raises(ScriptFailed, match=r"test_defects:Gone cannot be had"):
        store.restart(world, Town)
    with pytest.raises(ActorError, match=r"no on_timer\(name\)"):
        world.room.actors[0].after("ripe", 1)
    with pytest.raises(ActorError, match=r"has no tag 'nowhere'; there are: entry, beat"):
        world.room.spawn(Cargo, at="nowhere")
    with pytest.raises(ActorError, match="no door 'nowhere'; there are: gate"):
        world.room.actors[0].enter("nowhere")
    with pytest.raises(ActorError, match="has no tag 'nowhere'"):
        world.room.tags["nowhere"].random()
