"""A game's folder is loaded; what is broken in it is broken only for those who name it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.game.loader import Game, NoGame, ScriptMissing
from roomfleet.game.maps.mapfault import MapError
from roomfleet.game.room import Room
from support.game_folder import imports_forgotten, map_text, write

SCRIPTS = """
    from roomfleet.game import Actor, Room

    LIMIT = 5

    class Town(Room):
        class Market(Room):
            pass

    class Guard(Actor):
        pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "isle"
    write(
        folder,
        {
            "isle/__init__.py": "",
            "isle/rooms.py": SCRIPTS,
            "maps/map1.json": map_text("map1", good={"geography": "grid"}, bad={"width": 0}),
            "k8s/rooms.yaml": "",
        },
    )
    with imports_forgotten(folder):
        yield folder


def missing(game: Game, script: str) -> ScriptMissing:
    with pytest.raises(ScriptMissing) as caught:
        game.room_class(script)
    return caught.value


def test_a_game_is_called_as_its_folder_and_is_importable(folder: Path) -> None:
    game = Game.load(folder)
    assert (game.name, game.folder) == ("isle", folder)
    assert sys.path[0] == str(folder)
    Game.load(folder)
    assert sys.path.count(str(folder)) == 1


def test_loading_imports_nothing(folder: Path) -> None:
    Game.load(folder)
    assert "isle" not in sys.modules


def test_scripts_are_resolved_to_classes(folder: Path) -> None:
    game = Game.load(folder)
    town = game.room_class("isle.rooms:Town")
    assert issubclass(town, Room)
    assert town.__name__ == "Town"
    assert game.room_class("isle.rooms:Town") is town
    assert game.room_class("isle.rooms:Town.Market").__name__ == "Market"


def test_without_a_script_a_room_is_a_plain_one(folder: Path) -> None:
    assert Game.load(folder).room_class("") is Room


def test_a_missing_module_is_named_with_those_there_are(folder: Path) -> None:
    error = missing(Game.load(folder), "isle.roms:Town")
    assert (
        str(error) == f"script isle.roms:Town: no module isle.roms in {folder}; there are: isle, isle.rooms"
    )
    error = missing(Game.load(folder), "aisle.rooms:Town")
    assert "no module aisle in" in str(error)


def test_a_missing_class_is_named_with_the_one_that_may_be_meant(folder: Path) -> None:
    error = missing(Game.load(folder), "isle.rooms:Twon")
    assert "isle.rooms has no class Twon; did you mean Town?" in str(error)
    assert "it has: Room, Town" in str(missing(Game.load(folder), "isle.rooms:Qqq"))


@pytest.mark.parametrize(
    "script", ["isle.rooms", "isle/rooms:Town", "isle.rooms:", ":Town", "isle..rooms:Town"]
)
def test_a_script_has_a_module_and_a_class(folder: Path, script: str) -> None:
    assert "is not written as module:Class" in str(missing(Game.load(folder), script))


@pytest.mark.parametrize("name", ["Guard", "LIMIT"])
def test_what_is_no_room_cannot_run_one(folder: Path, name: str) -> None:
    assert f"{name} is no Room: derive it from roomfleet.game.Room" in str(
        missing(Game.load(folder), f"isle.rooms:{name}")
    )


@pytest.mark.parametrize(
    ("source", "problem", "line"),
    [
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero", 2),
        ("def f(:\n", "SyntaxError: invalid syntax", 1),
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'", 1),
        ("raise SystemExit(3)\n", "SystemExit: 3", 1),
        ("from isle.rooms import Nobody\n", "ImportError: cannot import name 'Nobody'", 1),
    ],
)
def test_a_broken_import_is_told_with_its_place(folder: Path, source: str, problem: str, line: int) -> None:
    write(folder, {"isle/broken.py": source})
    error = missing(Game.load(folder), "isle.broken:Town")
    assert str(error).startswith(f"script isle.broken:Town: importing isle.broken failed: {problem}")
    assert str(error).endswith(f"(isle/broken.py:{line})")
    assert (error.file, error.line) == ("isle/broken.py", line)


def test_a_broken_script_does_no_harm_to_others_and_may_be_repaired(folder: Path) -> None:
    write(folder, {"isle/broken.py": "1 / 0\n"})
    game = Game.load(folder)
    missing(game, "isle.broken:Town")
    assert game.room_class("isle.rooms:Town").__name__ == "Town"
    write(folder, {"isle/broken.py": "from isle.rooms import Town\n"})
    assert game.room_class("isle.broken:Town").__name__ == "Town"


def test_maps_are_given_by_id_or_with_what_is_wrong(folder: Path) -> None:
    game = Game.load(folder)
    assert list(game.maps) == ["map1.good"]
    assert game.map_room("map1.good").width == 400
    with pytest.raises(MapError, match=r"map1\.bad: width: must be from 1"):
        game.map_room("map1.bad")
    with pytest.raises(MapError, match="no such map"):
        game.map_room("map7.any")


def test_a_geography_is_made_once_for_all_rooms_on_a_map(folder: Path) -> None:
    game = Game.load(folder)
    geography = game.geography("map1.good")
    assert geography.info["name"] == "grid"
    assert game.geography("map1.good") is geography


@pytest.mark.parametrize("name", ["No Such", "UPPER", "-x", "a" * 64])
def test_a_folder_that_is_no_game_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoGame, match="no such folder"):
        Game.load(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(NoGame, match="use a-z, 0-9 and -"):
        Game.load(tmp_path / name)
