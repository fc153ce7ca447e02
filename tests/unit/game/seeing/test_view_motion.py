"""Motion is told by timed vectors alone: one op for each change of course, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.game import Actor, ActorError, Player, Room
from roomfleet.game.maps.geography import GridGeography
from roomfleet.game.maps.maps import MapObject, MapRoom
from support.game_room import World


class Beast(Actor):
    speed = 100


class Town(Room):
    player_class = Player


def watched() -> tuple[World, Any]:
    world = World(Town)
    world.enter("ann")
    beast = world.room.spawn(Beast, at=(100, 100))
    ops(world)
    return world, beast


def ops(world: World) -> list[list[Any]]:
    """What is told in the next ticks."""
    world.out.frames.clear()
    world.tick()
    world.tick()
    return [op for frame in world.out.frames for op in frame.public]


def test_a_walk_is_one_op_and_its_end_none() -> None:
    world, beast = watched()
    beast.move_to((200, 100))
    assert ops(world) == [
        ["set", [beast.id, "path"], [[100, 100, world.now - 0.1], [200, 100, world.now + 0.9]]]
    ]
    world.out.frames.clear()
    world.run(2)
    assert world.out.frames == []
    assert beast.position == (200, 100)


def test_another_course_in_the_same_tick_takes_the_place_of_the_first() -> None:
    world, beast = watched()
    beast.move_to((200, 100))
    beast.move_to((100, 200))
    beast.stop()
    beast.move_to((300, 100))
    [op] = ops(world)
    assert op == ["set", [beast.id, "path"], beast.path]


def test_a_stop_is_one_op_and_a_second_one_none() -> None:
    world, beast = watched()
    beast.move_to((200, 100))
    world.run(0.5)
    beast.stop()
    [op] = ops(world)
    assert op[2] == [[150, 100, pytest.approx(world.now - 0.1)]]
    beast.stop()
    assert ops(world) == []


def test_a_teleport_is_one_op_and_ends_the_walk() -> None:
    world, beast = watched()
    beast.move_to((200, 100))
    beast.position = (7, 8)
    assert ops(world) == [["set", [beast.id, "path"], [[7, 8, world.now - 0.1]]]]


def test_a_change_of_speed_tells_the_speed_and_where_that_leads() -> None:
    world, beast = watched()
    beast.speed = 50
    assert ops(world) == [["set", [beast.id, "speed"], 50]]
    beast.move_to((200, 100))
    ops(world)
    beast.speed = 25
    [[_, way, told]] = ops(world)
    assert (way, list(told)) == ([beast.id], ["speed", "path"])
    (x, y, _), (to_x, to_y, end) = told["path"]
    assert (x, y, to_x, to_y) == (pytest.approx(105), 100, 200, 100)
    assert end == pytest.approx(world.now - 0.1 + 95 / 25)
    beast.speed = 25
    assert ops(world) == []
    beast.speed = 0
    [[_, _, told]] = ops(world)
    assert list(told) == ["speed", "path"]
    assert len(told["path"]) == 1


def test_a_route_is_one_op_however_many_points_it_has() -> None:
    world, beast = watched()
    move = beast.follow([(200, 100), (200, 200), (100, 200), (100, 100)])
    [op] = ops(world)
    assert [(x, y) for x, y, _ in op[2]] == [(100, 100), (200, 100), (200, 200), (100, 200), (100, 100)]
    assert [round(t - world.now + 0.1, 6) for _, _, t in op[2]] == [0, 1, 2, 3, 4]
    world.out.frames.clear()
    world.run(2.4)
    assert beast.position == pytest.approx((150, 200))
    world.run(2)
    assert move.arrived
    assert world.out.frames == []


def test_a_change_of_speed_on_a_route_keeps_the_rest_of_it() -> None:
    world, beast = watched()
    beast.follow([(200, 100), (200, 200)])
    world.run(0.5)
    beast.speed = 200
    [[_, _, told]] = ops(world)
    assert list(told) == ["speed", "path"]
    assert [(x, y) for x, y, _ in told["path"]] == [(pytest.approx(150), 100), (200, 100), (200, 200)]


def test_a_route_awaited_says_whether_it_came_to_its_end() -> None:
    ends: list[bool] = []

    class Patrol(Beast):
        async def kickoff(self) -> None:
            ends.append(await self.follow([(120, 100), (120, 120)]))
            ends.append(await self.follow([(0, 0), (300, 299)]))

    world = World(Town)
    patrol = world.room.spawn(Patrol, at=(100, 100))
    world.run(1)
    assert ends == [True]
    patrol.stop()
    world.run(1)
    assert ends == [True, False]


def test_a_route_goes_around_what_is_in_the_way_and_says_when_a_point_is_out_of_reach() -> None:
    wall = MapObject(kind="wall", x=140, y=0, width=20, height=200)
    rock = MapObject(kind="rock", x=300, y=40, width=40, height=40)
    here = MapRoom(id="map1.room1", width=400, height=300, geography="grid", objects=[wall, rock])
    world = World(Town, map_room=here)
    world.live.geography = GridGeography(here)
    beast = world.room.spawn(Beast, at=(100, 100))
    move = beast.follow([(200, 100), (100, 100)])
    assert not move.short
    assert max(y for _, y, _ in beast.path) >= 200
    assert beast.path[-1][:2] == [100, 100]
    assert beast.follow([(320, 60), (200, 250)]).short


def test_routes_that_cannot_be() -> None:
    world, beast = watched()
    with pytest.raises(ActorError, match="give at least one"):
        beast.follow([])
    with pytest.raises(ActorError, match="give at least one"):
        beast.follow(7)
    with pytest.raises(ActorError, match="is no place"):
        beast.follow([(1, 1), "nowhere"])
    beast.dock(world.live.player_actor("ann"))
    with pytest.raises(ActorError, match="cannot walk"):
        beast.follow([(1, 1)])


def test_docking_tells_place_and_parent_and_changing_over_no_more() -> None:
    world, beast = watched()
    cart, sledge = (world.room.spawn(Beast, at=(50, x)) for x in (50, 60))
    ops(world)
    beast.dock(cart)
    [[_, _, told]] = ops(world)
    assert list(told) == ["path", "parent"]
    beast.dock(sledge)
    now = world.now
    assert ops(world) == [["put", [beast.id], {"path": [[50, 60, now]], "parent": sledge.id}]]
    cart.move_to((200, 50))
    sledge.move_to((200, 60))
    assert [op[1] for op in ops(world)] == [[cart.id, "path"], [sledge.id, "path"]]
    beast.undock()
    [[_, _, told]] = ops(world)
    assert list(told) == ["path", "parent"]
    beast.undock()
    assert ops(world) == []
