"""Maps drawn with Tiled become rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roomfleet.game.maps.mapfault import MapError
from roomfleet.game.maps.maps import Door, Exit, MapObject, MapRoom, Tag, parse_map


def prop(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "type": type(value).__name__, "value": value}


def layer(name: str, *objects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "objectgroup", "name": name, "objects": list(objects), **fields}


def tiled(*layers: dict[str, Any], **fields: Any) -> bytes:
    size = {"width": 50, "height": 30, "tilewidth": 16, "tileheight": 10}
    header = {"tiledversion": "1.11.0", "type": "map", "orientation": "orthogonal", "infinite": False}
    return json.dumps({**header, **size, "layers": list(layers), **fields}).encode()


def read(text: bytes) -> MapRoom:
    [room] = parse_map(text, "maps/harbour.json").rooms.values()
    return room


def refused(text: bytes) -> str:
    with pytest.raises(MapError) as caught:
        parse_map(text, "maps/harbour.json")
    return str(caught.value)


DOOR = {
    "name": "gate",
    "x": 10,
    "y": 20,
    "point": True,
    "properties": [prop("room", "town"), prop("at", "in")],
}


def test_a_tiled_map_is_one_room_as_large_as_its_tiles() -> None:
    assert read(tiled()) == MapRoom(id="harbour.room1", width=800, height=300)


def test_its_properties_name_the_room_its_geography_and_its_info() -> None:
    properties = [prop("room", "quay"), prop("geography", "grid"), prop("title", "Quay")]
    room = read(tiled(properties=properties))
    assert (room.id, room.geography, room.info) == ("harbour.quay", "grid", {"title": "Quay"})


def test_doors_tags_and_objects_come_from_layers_of_those_names() -> None:
    spot = {"name": "beat", "x": 100, "y": 50, "width": 20, "height": 10, "properties": [prop("n", 3)]}
    tree = {"name": "oak", "type": "tree", "x": 5, "y": 6, "width": 7, "height": 8}
    mud = {"class": "mud", "x": 0, "y": 0, "width": 9, "height": 9, "properties": [prop("passable", True)]}
    room = read(
        tiled(
            {"type": "tilelayer", "name": "ground", "data": [1, 2]},
            layer("doors", DOOR),
            {"type": "group", "name": "more", "layers": [layer("tags", spot)], "offsetx": 5},
            layer("objects", tree, mud, offsety=100),
        )
    )
    assert room.doors == [Door(name="gate", x=10, y=20, exit=Exit(room="town", at="in"))]
    assert room.tags == [Tag(name="beat", x=115, y=55, data={"n": 3})]
    assert room.objects == [
        MapObject(kind="tree", x=5, y=106, width=7, height=8),
        MapObject(kind="mud", x=0, y=100, width=9, height=9, passable=True),
    ]


def test_a_door_may_lead_to_a_position() -> None:
    door = {**DOOR, "properties": [prop("room", "town"), prop("at", "30, 40.5")]}
    assert read(tiled(layer("doors", door))).doors[0].exit.at == (30, 40.5)


def test_polygons_and_tiles_count_as_the_boxes_around_them() -> None:
    corners = [{"x": 0, "y": 0}, {"x": 10, "y": -5}, {"x": -2, "y": 8}]
    rock = {"name": "rock", "x": 50, "y": 60, "polygon": corners}
    barrel = {"name": "barrel", "gid": 7, "x": 100, "y": 100, "width": 16, "height": 10}
    assert read(tiled(layer("objects", rock, barrel))).objects == [
        MapObject(kind="rock", x=48, y=55, width=12, height=13),
        MapObject(kind="barrel", x=100, y=90, width=16, height=10),
    ]


def test_other_object_layers_are_an_error_unless_told_to_be_ignored() -> None:
    problem = "maps/harbour.json: harbour.room1: layers[0]: object layer 'Doors': name it one of doors, tags"
    assert refused(tiled(layer("Doors"))).startswith(problem)
    assert read(tiled(layer("notes", properties=[prop("ignore", True)]))).tags == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (tiled(infinite=True), "infinite: a room has a size"),
        (tiled(orientation="isometric"), "orientation: must be orthogonal, not 'isometric'"),
        (tiled(width="x"), "width: must be a number, not 'x'"),
        (tiled(layers={}), "layers: must be a list of objects"),
        (
            tiled(layer("doors", {"name": "a", "x": 1, "y": 1})),
            "layers[0].objects[0]: door 'a': add a property 'room'",
        ),
        (
            tiled(layer("doors", {**DOOR, "properties": [prop("room", "town"), prop("at", "1,b")]})),
            "layers[0].objects[0]: door 'gate': '1,b' is neither a tag nor",
        ),
        (
            tiled(layer("objects", {"name": "a", "x": 1, "y": 1})),
            "layers[0].objects[0]: object 'a': needs a width",
        ),
        (
            tiled(layer("objects", {"x": 1, "y": 1, "width": 5, "height": 5})),
            "layers[0].objects[0]: give the object a class",
        ),
        (
            tiled(layer("tags", {"name": "a", "x": 1, "y": 1, "rotation": 45})),
            "layers[0].objects[0]: 'a' is rotated",
        ),
        (
            tiled(layer("tags", {"template": "a.tj", "x": 1, "y": 1})),
            "layers[0].objects[0]: comes from a template",
        ),
        (tiled(layer("tags", {"name": "a", "x": 1})), "layers[0].objects[0].y: must be a number, not None"),
        (tiled(layer("tags", {"name": "a", "x": 1e6, "y": 1})), "tags[0]: (1e+06, 1) is outside the room"),
        (tiled(properties=[prop("geography", 5)]), "geography: expected `str`, got `int`"),
    ],
)
def test_what_cannot_be_taken_is_named_with_its_cure(text: bytes, problem: str) -> None:
    error = refused(text)
    assert error.removeprefix("maps/harbour.json: ").removeprefix("harbour.room1: ").startswith(problem)
