"""Named timers: fired once, over restarts, by room time or by the clock on the wall."""

from __future__ import annotations

import pytest

from roomfleet.game import Actor, ActorError, Room
from support.game_room import Store, World


class Plant(Actor):
    def define(self) -> None:
        self.state.public(log=[])

    def on_timer(self, name: str) -> None:
        self.state.log.append([name, round(self.room.now, 3)])


class Garden(Room):
    def define(self) -> None:
        self.state.public(log=[])

    async def on_timer(self, name: str) -> None:
        await self.sleep(1)
        self.state.log.append([name, round(self.now, 3)])


def test_a_timer_fires_once_and_needs_no_tick_before() -> None:
    world = World(Garden)
    plant = world.room.spawn(Plant)
    plant.after("ripe", 10)
    assert world.live.next_due() == 110.0
    world.run(60)
    assert plant.state.log == [["ripe", 110.0]]
    assert world.live.next_due() is None


def test_setting_again_replaces_and_cancelling_removes() -> None:
    world = World(Garden)
    plant = world.room.spawn(Plant)
    plant.after("ripe", 10)
    plant.after("ripe", 20)
    plant.after("rot", 15)
    assert plant.cancel("rot")
    assert not plant.cancel("rot")
    world.run(60)
    assert plant.state.log == [["ripe", 120.0]]


def test_a_rooms_timer_may_wait() -> None:
    world = World(Garden)
    world.room.after("rain", 5)
    world.run(10)
    assert world.room.state.log == [["rain", 106.0]]


def test_timers_survive_a_restart_and_do_not_fire_twice() -> None:
    store = Store()
    world = World(Garden)
    plant = world.room.spawn(Plant)
    plant.after("early", 5)
    plant.after("late", 20)
    world.room.after("rain", 20)
    world.run(10)
    store.save(world)
    world = store.restart(world, Garden)
    [plant] = world.room.actors
    assert world.live.next_due() == 120.0
    world.run(15)
    assert plant.state.log == [["early", 105.0], ["late", 120.0]]
    assert world.room.state.log == [["rain", 121.0]]


def test_room_time_stands_still_while_the_room_sleeps_and_wall_time_does_not() -> None:
    store = Store()
    world = World(Garden, wall=5000.0)
    plant = world.room.spawn(Plant)
    plant.after("by room", 60)
    plant.after("by wall", 3600, clock="wall")
    assert plant.cancel("nothing") is False
    world.run(10)
    store.save(world)
    woken = World(
        Garden,
        saved=store.room,
        actors=list(store.bodies.items()),
        now=world.now,
        wall=5000.0 + 7200,
    )
    [plant] = woken.room.actors
    woken.run(0.1)
    assert [name for name, _ in plant.state.log] == ["by wall"]
    woken.run(60)
    assert plant.state.log[1] == ["by room", 160.0]


def test_a_wall_clock_that_was_set_back_makes_it_wait() -> None:
    world = World(Garden, wall=5000.0)
    plant = world.room.spawn(Plant)
    plant.after("noon", 10, clock="wall")
    world.run(5)
    world.wall_ahead -= 100
    world.run(10)
    assert plant.state.log == []
    world.run(100)
    assert plant.state.log == [["noon", 210.0]]


def test_a_timer_and_what_it_does_are_saved_together() -> None:
    class Tree(Plant):
        def on_timer(self, name: str) -> None:
            self.room.spawn(Plant, name="apple")

    world = World(Garden)
    tree = world.room.spawn(Tree)
    tree.after("ripe", 1)
    world.compose()
    world.run(2)
    [group] = world.compose()
    assert {change.actor for change in group.changes} == {each.id for each in world.room.actors}
    assert group.changes[0].body["timers"] == {}


def test_a_timer_that_raises_is_a_failure_and_does_not_come_again() -> None:
    class Bad(Plant):
        def on_timer(self, name: str) -> None:
            raise ValueError(name)

    world = World(Garden)
    world.room.spawn(Bad).after("x", 1)
    world.run(10)
    assert [each[1:] for each in world.failures()] == [("Bad.on_timer", "ValueError: x")]


def test_timers_that_cannot_be() -> None:
    world = World(Room)
    plant = world.room.spawn(Plant)
    with pytest.raises(ActorError, match="no clock 'moon'"):
        plant.after("x", 1, clock="moon")
    with pytest.raises(ActorError, match="cannot be due in nan"):
        plant.after("x", float("nan"))
    with pytest.raises(ActorError, match=r"no on_timer\(name\)"):
        world.room.after("x", 1)
