"""Maps that Room classes build: the same class builds its map and runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.game.maps.export import NotExported, export_rooms
from roomfleet.game.maps.export import map_text as exported_text
from roomfleet.game.maps.maps import Door, Exit, MapObject, MapRoom, Tag, parse_map
from support.game_folder import imports_forgotten, map_text, write

SCRIPTS = """
    from roomfleet.game import Room

    class Cellar(Room):
        @classmethod
        def build(cls, map):
            map.size(300, 200.5)
            map.geography("grid")
            map.door("stairs", at=(20, 100), to="town", arrive="cellar door")
            map.door("hatch", at=(20, 120), to="yard", arrive=(5, 6))
            map.tag("entry", at=(60, 100), nice=True)
            map.tag("entry", at=(70, 100))
            map.thing("barrel", at=(100, 40), size=(20, 30), of="rum")
            map.thing("rug", at=(100, 90), size=(20, 30), passable=True)
            map.info(title="Cellar", grid={"cell": 20})

    class Plain(Room):
        pass

    class Broken(Room):
        @classmethod
        def build(cls, map):
            map.size(1 / 0, 5)

    class Flat(Room):
        @classmethod
        def build(cls, map):
            map.size(100, 0)
"""

CELLAR = MapRoom(
    id="map1.cellar",
    width=300,
    height=200.5,
    geography="grid",
    doors=[
        Door(name="stairs", x=20, y=100, exit=Exit(room="town", at="cellar door")),
        Door(name="hatch", x=20, y=120, exit=Exit(room="yard", at=(5, 6))),
    ],
    tags=[Tag(name="entry", x=60, y=100, data={"nice": True}), Tag(name="entry", x=70, y=100)],
    objects=[
        MapObject(kind="barrel", x=100, y=40, width=20, height=30, info={"of": "rum"}),
        MapObject(kind="rug", x=100, y=90, width=20, height=30, passable=True),
    ],
    info={"title": "Cellar", "grid": {"cell": 20}},
)


@pytest.fixture
def game(tmp_path: Path) -> Iterator[Game]:
    folder = tmp_path / "cave"
    write(folder, {"cave/__init__.py": "", "cave/rooms.py": SCRIPTS})
    with imports_forgotten(folder):
        yield Game.load(folder)


def test_a_class_builds_its_map(game: Game) -> None:
    assert export_rooms(game, ["cave.rooms:Cellar"], "map1") == (["map1.cellar"], {"map1.cellar": CELLAR})


def test_what_is_written_is_read_again_as_it_was(game: Game) -> None:
    text = exported_text({"map1.cellar": CELLAR})
    assert parse_map(text.encode(), "maps/map1.json").rooms == {"map1.cellar": CELLAR}
    assert '        {"name": "entry", "x": 70, "y": 100}\n' in text


def test_other_rooms_of_the_file_stay(game: Game) -> None:
    old = map_text("map1", attic={}, cellar={"width": 5}).encode()
    _, rooms = export_rooms(game, ["cave.rooms:Cellar"], "map1", old)
    assert list(rooms) == ["map1.attic", "map1.cellar"]
    assert rooms["map1.cellar"] == CELLAR


@pytest.mark.parametrize(
    ("script", "old", "problem"),
    [
        ("cave.rooms:Plain", None, "builds no map: give it a classmethod build"),
        ("cave.rooms:Broken", None, "Broken.build() raised ZeroDivisionError: division by zero"),
        ("cave.rooms:Flat", None, "maps/map1.json: map1.flat: height: must be from 1"),
        ("cave.rooms:Nobody", None, "has no class Nobody"),
        ("cave.rooms:Cellar", b'{"tiledversion": "1.11"}', "was drawn with Tiled: choose another file"),
        ("cave.rooms:Cellar", b"{", "maps/map1.json: not JSON"),
    ],
)
def test_what_cannot_be_exported_is_told(game: Game, script: str, old: bytes | None, problem: str) -> None:
    with pytest.raises(GameError) as caught:
        export_rooms(game, [script], "map1", old)
    assert problem in str(caught.value)


def test_a_broken_build_is_an_export_error(game: Game) -> None:
    with pytest.raises(NotExported):
        export_rooms(game, ["cave.rooms:Broken"], "map1")
