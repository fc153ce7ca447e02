"""Maps in this project's own format: what is read, and how what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roomfleet.game.maps.mapfault import MapError
from roomfleet.game.maps.maps import Door, Exit, MapObject, MapRoom, Tag, load_maps, parse_map, read_maps

ROOM: dict[str, Any] = {
    "width": 400,
    "height": 300,
    "geography": "grid",
    "doors": [
        {"name": "gate", "x": 390, "y": 150, "exit": {"room": "meadow", "at": "from town"}},
        {"name": "hatch", "x": 10, "y": 10, "exit": {"room": "cellar", "at": [20, 30.5]}},
    ],
    "tags": [{"name": "beat", "x": 1, "y": 2, "data": {"nice": True}}],
    "objects": [{"kind": "tree", "x": 5, "y": 6, "width": 7, "height": 8, "info": {"leaves": 3}}],
    "info": {"title": "Town"},
}


def the_map(**changes: Any) -> bytes:
    return json.dumps({"map_id": "map1", "rooms": {"map1.room1": {**ROOM, **changes}}}).encode()


def the_error(**changes: Any) -> str:
    [error] = parse_map(the_map(**changes), "maps/map1.json").errors
    return str(error)


def changed(key: str, index: int, **fields: Any) -> dict[str, Any]:
    things = [dict(thing) for thing in ROOM[key]]
    things[index].update(fields)
    return {key: things}


def test_a_room_is_read_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "map1.json").write_bytes(the_map())
    assert load_maps(tmp_path) == {
        "map1.room1": MapRoom(
            id="map1.room1",
            width=400,
            height=300,
            geography="grid",
            doors=[
                Door(name="gate", x=390, y=150, exit=Exit(room="meadow", at="from town")),
                Door(name="hatch", x=10, y=10, exit=Exit(room="cellar", at=(20, 30.5))),
            ],
            tags=[Tag(name="beat", x=1, y=2, data={"nice": True})],
            objects=[MapObject(kind="tree", x=5, y=6, width=7, height=8, info={"leaves": 3})],
            info={"title": "Town"},
        )
    }


def test_a_room_needs_no_more_than_its_size() -> None:
    text = json.dumps({"map_id": "m", "rooms": {"m.a": {"width": 10, "height": 20}}}).encode()
    assert parse_map(text, "maps/m.json").rooms == {"m.a": MapRoom(id="m.a", width=10, height=20)}


def test_a_folder_that_is_not_there_holds_no_maps(tmp_path: Path) -> None:
    assert load_maps(tmp_path / "maps") == {}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            changed("doors", 1, exit={"room": "a", "at": 5}),
            "doors[1].exit.at: expected `str | array`, got `int`",
        ),
        (changed("doors", 0, exit={"at": "x"}), "doors[0].exit: object missing required field `room`"),
        (
            changed("doors", 0, exit={"room": "", "at": "x"}),
            "doors[0].exit.room: must name a Room of the game",
        ),
        (
            changed("doors", 0, exit={"room": "a", "at": ""}),
            "doors[0].exit.at: must be a tag of the room behind",
        ),
        (changed("doors", 0, exit={"room": "a", "tag": "x"}), "doors[0].exit.tag: no such field"),
        (
            changed("doors", 1, name="gate"),
            "doors[1].name: 'gate': each door of a room needs a name of its own",
        ),
        (changed("doors", 1, x=401), "doors[1]: (401, 10) is outside the room, 400 by 300"),
        (changed("tags", 0, y=-1), "tags[0]: (1, -1) is outside the room"),
        (changed("tags", 0, name=""), "tags[0].name: a tag needs a name"),
        (
            changed("objects", 0, passible=True),
            "objects[0].passible: no such field; did you mean 'passable'?",
        ),
        (changed("objects", 0, width=0), "objects[0]: must have a width and a height above 0, not 0 by 8"),
        (changed("objects", 0, x=900), "objects[0]: at (900, 6) lies wholly outside the room"),
        ({"width": 0}, "width: must be from 1 to 100000 world units, not 0"),
        ({"height": "10"}, "height: expected `float`, got `str`"),
        ({"door": []}, "door: no such field; did you mean 'doors'?"),
        ({"doors": {}}, "doors: expected `array`, got `object`"),
    ],
)
def test_an_error_names_file_room_place_and_cure(changes: dict[str, Any], problem: str) -> None:
    assert the_error(**changes).startswith("maps/map1.json: map1.room1: " + problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"map_id": "map1",\n "rooms": }', "not JSON: Expecting value at line 2 column 11"),
        (b"\xff", "not UTF-8"),
        (b"[]", "a map is a JSON object with map_id and rooms"),
        (b'{"map_id": "map2", "rooms": {}}', 'map_id: must be "map1", as the file is named, not "map2"'),
        (b'{"map_id": "map1", "rooms": {}}', "rooms: must be an object"),
        (b'{"map_id": "map1", "room": {}}', "room: no such field; did you mean 'rooms'?"),
        (b'{"map_id": "map1", "map_id": "map1"}', "the key 'map_id' stands twice"),
        (b'{"map_id": NaN}', "NaN is no JSON number"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_map_is_an_error(text: bytes, problem: str) -> None:
    with pytest.raises(MapError) as caught:
        parse_map(text, "maps/map1.json")
    assert str(caught.value).startswith("maps/map1.json: " + problem)


@pytest.mark.parametrize("room_id", ["map2.room1", "map1", "map1.", "map1.a b", "map1.a.b"])
def test_a_room_is_called_by_its_file(room_id: str) -> None:
    text = json.dumps({"map_id": "map1", "rooms": {room_id: ROOM}}).encode()
    [error] = parse_map(text, "maps/map1.json").errors
    assert "a room of this file is called map1.<name>" in str(error)


def test_a_broken_room_or_file_does_no_harm_to_others(tmp_path: Path) -> None:
    rooms = {"map1.good": ROOM, "map1.bad": {"width": 5}}
    (tmp_path / "map1.json").write_text(json.dumps({"map_id": "map1", "rooms": rooms}))
    (tmp_path / "map2.json").write_text("{")
    maps = read_maps(tmp_path)
    assert list(maps.rooms) == ["map1.good"]
    assert [(error.file.rpartition("/")[2], error.room) for error in maps.errors] == [
        ("map1.json", "map1.bad"),
        ("map2.json", ""),
    ]
    with pytest.raises(MapError):
        load_maps(tmp_path)


def test_a_room_asked_for_is_given_or_the_reason_why_not(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    rooms = {"map1.good": ROOM, "map1.bad": {"width": 5}}
    (folder / "map1.json").write_text(json.dumps({"map_id": "map1", "rooms": rooms}))
    (folder / "map2.json").write_text("{")
    maps = read_maps(folder)
    assert maps.room("map1.good").width == 400
    for room_id, problem in {
        "map1.bad": "maps/map1.json: map1.bad: object missing required field `height`",
        "map2.any": "maps/map2.json: not JSON",
        "map1.godd": "maps/map1.json: has no room 'map1.godd'; it has map1.good",
        "map3.any": "maps/map3.json: no such map; the rooms of this game's maps are: map1.good",
    }.items():
        with pytest.raises(MapError) as caught:
            maps.room(room_id)
        assert str(caught.value).startswith(problem)
