"""Ways through a room: inside it, around what is in the way, and as near as one can get."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomfleet.game.maps.geography import MAX_CELLS, GridGeography, NotAPlace, OpenGeography, geography_for
from roomfleet.game.maps.mapfault import MapError
from roomfleet.game.maps.maps import MapObject, MapRoom
from roomfleet.wire.motion import Point

WIDTH, HEIGHT = 200.0, 120.0


def block(x: float, y: float, width: float, height: float, passable: bool = False) -> MapObject:
    return MapObject(kind="block", x=x, y=y, width=width, height=height, passable=passable)


def room(*objects: MapObject, geography: str = "grid", **fields: Any) -> MapRoom:
    size = {"width": WIDTH, "height": HEIGHT, **fields}
    return MapRoom(id="map1.room1", geography=geography, objects=list(objects), **size)


def grid(*objects: MapObject, **options: float) -> GridGeography:
    return GridGeography(room(*objects, info={"grid": options} if options else {}))


def crosses(start: Point, end: Point, thing: MapObject) -> bool:
    """Whether the line passes through the inside, by sampling: nothing in common with the code's own test."""
    steps = max(1, int(math.dist(start, end) * 4))
    for step in range(steps + 1):
        x = start[0] + (end[0] - start[0]) * step / steps
        y = start[1] + (end[1] - start[1]) * step / steps
        if thing.x < x < thing.x + thing.width and thing.y < y < thing.y + thing.height:
            return True
    return False


coordinates = st.tuples(st.floats(-50, 250), st.floats(-50, 170))
blocks = st.builds(block, st.floats(-20, 190), st.floats(-20, 110), st.floats(1, 70), st.floats(1, 70))


def a_grid(things: list[MapObject]) -> GridGeography | None:
    """None for a room that is covered wholly."""
    try:
        return grid(*things)
    except MapError:
        return None


@given(coordinates, coordinates)
def test_open_ways_are_straight_and_inside(start: Point, goal: Point) -> None:
    geography = OpenGeography(room(block(0, 0, 200, 120), geography="open"))
    way = geography.path(start, goal)
    assert way[0] == geography.clamp(start)
    assert way[-1] == geography.nearest_free(goal) == geography.clamp(goal)
    assert len(way) <= 2
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in way)


@settings(max_examples=150, deadline=None)
@given(st.lists(blocks, max_size=8), coordinates, coordinates)
def test_grid_ways_stay_inside_and_cross_nothing(things: list[MapObject], start: Point, goal: Point) -> None:
    geography = a_grid(things)
    if geography is None:
        return
    way = geography.path(start, goal)
    assert way[0] == geography.clamp(start)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in way)
    legs = list(itertools.pairwise(way))
    if way[0] != geography.nearest_free(start):
        legs = legs[1:]  # the first leads out of the obstacle that one stands in
    assert not any(crosses(*leg, thing) for leg in legs for thing in things)
    assert way == geography.path(start, goal)


@settings(max_examples=150, deadline=None)
@given(st.lists(blocks, max_size=8), coordinates)
def test_the_nearest_free_place_is_free_and_none_is_nearer(things: list[MapObject], point: Point) -> None:
    geography = a_grid(things)
    if geography is None:
        return
    place = geography.nearest_free(point)
    assert geography.nearest_free(place) == place
    assert not any(
        thing.x < place[0] < thing.x + thing.width and thing.y < place[1] < thing.y + thing.height
        for thing in things
    )
    inside = geography.clamp(point)
    nearer = math.dist(inside, place) - 0.01
    for angle in range(0, 360, 5):
        x = inside[0] + nearer * math.cos(math.radians(angle))
        y = inside[1] + nearer * math.sin(math.radians(angle))
        if nearer > 0 and 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
            assert geography.nearest_free((x, y)) != (x, y)


@settings(max_examples=100, deadline=None)
@given(st.lists(blocks, max_size=3), coordinates, coordinates)
def test_a_way_there_is_a_way_back(things: list[MapObject], one: Point, other: Point) -> None:
    geography = a_grid(things)
    if geography is None:
        return
    one, other = geography.nearest_free(one), geography.nearest_free(other)
    if geography.path(one, other)[-1] == other and all(map(geography._cells_seen, (one, other))):
        assert geography.path(other, one)[-1] == one


def test_a_grid_way_leads_around_a_wall_in_few_legs() -> None:
    geography = grid(block(90, 0, 20, 80))
    way = geography.path((20, 20), (180, 20))
    assert (way[0], way[-1]) == ((20, 20), (180, 20))
    assert 3 <= len(way) <= 5
    assert max(y for _, y in way) >= 85
    assert sum(math.dist(*leg) for leg in itertools.pairwise(way)) < 225


def test_passable_objects_are_walked_over() -> None:
    assert grid(block(90, 0, 20, 120, passable=True)).path((20, 20), (180, 20)) == [(20, 20), (180, 20)]


def test_a_goal_inside_an_obstacle_becomes_the_nearest_free_place() -> None:
    geography = grid(block(90, 40, 40, 40), clearance=5)
    assert geography.path((20, 60), (95, 60)) == [(20, 60), (85, 60)]


def test_out_of_an_obstacle_one_gets_by_the_shortest_way() -> None:
    assert grid(block(90, 40, 40, 40), clearance=5).path((95, 60), (20, 60)) == [(95, 60), (85, 60), (20, 60)]


def test_to_a_place_cut_off_one_goes_as_near_as_one_can() -> None:
    geography = grid(block(100, 0, 10, 120))
    way = geography.path((20, 60), (180, 60))
    assert 80 <= way[-1][0] <= 95
    assert abs(way[-1][1] - 60) <= 10
    assert geography.path(way[-1], (180, 60)) == [way[-1]]


def test_in_a_nook_too_small_for_the_grid_one_goes_straight_as_far_as_it_is_clear() -> None:
    walls = [block(0, 0, 60, 56), block(0, 68, 60, 52), block(22, 50, 200, 30)]
    way = grid(*walls, cell=40, clearance=5).path((5, 62), (190, 110))
    assert way[0] == (5, 62)
    assert all(x <= 17 + 1e-5 and 61 - 1e-5 <= y <= 63 + 1e-5 for x, y in way)


def test_standing_still_is_a_way_of_one_point() -> None:
    assert grid().path((5, 5), (5, 5)) == [(5, 5)]
    assert OpenGeography(room(geography="open")).path((5, 5), (5, 5)) == [(5, 5)]


def test_a_tiny_room_is_walked_in_too() -> None:
    assert GridGeography(room(width=4, height=3)).path((0, 0), (9, 9)) == [(0, 0), (4, 3)]


@pytest.mark.parametrize("size", [(100_000, 100_000), (100_000, 1), (3_000, 50)])
def test_a_grid_has_a_bounded_number_of_cells(size: tuple[float, float]) -> None:
    geography = GridGeography(room(width=size[0], height=size[1]))
    assert len(geography._free) <= MAX_CELLS


def test_clients_are_told_the_name_and_the_figures() -> None:
    assert geography_for(room(geography="open")).info == {"name": "open"}
    assert geography_for(room()).info == {"name": "grid", "cell": 10.0, "clearance": 5.0}
    assert grid(cell=20, clearance=2).info == {"name": "grid", "cell": 20.0, "clearance": 2.0}


def test_an_unknown_geography_is_an_error_that_lists_those_known() -> None:
    with pytest.raises(MapError) as caught:
        geography_for(room(geography="maze"))
    problem = "map1.room1: geography: no geography 'maze'; there are: open, grid"
    assert str(caught.value) == "maps/map1.json: " + problem


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        ({"grid": 5}, "info.grid: must be an object with cell and clearance"),
        ({"grid": {"cel": 5}}, "info.grid: must be an object with cell and clearance"),
        ({"grid": {"cell": 0.5}}, "info.grid.cell: must be a number from 2 to 200"),
        ({"grid": {"clearance": 0}}, "info.grid.clearance: must be a number from 0.5 to 100, not 0"),
        ({"grid": {"clearance": True}}, "info.grid.clearance: must be a number"),
    ],
)
def test_wrong_options_are_named(info: dict[str, Any], problem: str) -> None:
    with pytest.raises(MapError) as caught:
        geography_for(room(info=info))
    assert str(caught.value).startswith("maps/map1.json: map1.room1: " + problem)


def test_a_room_without_a_free_place_is_refused() -> None:
    with pytest.raises(MapError, match="leave no free place"):
        geography_for(room(block(-5, -5, 300, 300)))


@pytest.mark.parametrize("point", [(math.nan, 1), (1, math.inf), (-math.inf, 1)])
def test_what_is_no_place_is_refused(point: Point) -> None:
    for geography in (grid(), OpenGeography(room())):
        with pytest.raises(NotAPlace, match="is no place"):
            geography.path((1, 1), point)
        with pytest.raises(NotAPlace):
            geography.nearest_free(point)
