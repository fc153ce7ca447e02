"""`roomfleet check` says what is wrong with a game, with file and line; `roomfleet export` writes maps."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.cli import check, export
from roomfleet.game.maps.maps import load_maps
from support.game_folder import imports_forgotten, map_text, write

WALKABOUT = Path(__file__).parents[3] / "examples" / "walkabout"

ROOMS = """
    apiVersion: roomfleet.io/v1alpha1
    kind: Room
    metadata:
      name: town
      annotations:
        roomfleet.io/entry: "true"
    spec:
      map: map1.town
      script: atoll.rooms:Town
    ---
    apiVersion: roomfleet.io/v1alpha1
    kind: Room
    metadata:
      name: meadow
    spec:
      map: map1.meadow
"""
SCRIPTS = """
    from roomfleet.game import Actor, Room

    class Guard(Actor):
        pass

    class Town(Room):
        @classmethod
        def build(cls, map):
            map.size(500, 400)
"""
GATE = {"name": "gate", "x": 390, "y": 150, "exit": {"room": "meadow", "at": "in"}}
MAP = map_text("map1", town={"doors": [GATE]}, meadow={"tags": [{"name": "in", "x": 1, "y": 1}]})


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "atoll"
    files = {"k8s/rooms.yaml": ROOMS, "maps/map1.json": MAP}
    write(folder, {"atoll/__init__.py": "", "atoll/rooms.py": SCRIPTS, **files})
    with imports_forgotten(folder):
        yield folder


class Command:
    """The two commands, as the command line calls them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, list[str], str]:
        """Exit code, lines of output with the folder left out, and what went to stderr."""
        parser = argparse.ArgumentParser()
        subparsers = parser.add_subparsers()
        check.add_parser(subparsers)
        export.add_parser(subparsers)
        args = parser.parse_args(words)
        code = args.func(args)
        captured = self._capsys.readouterr()
        return code, captured.out.replace(f"{self.folder}/", "").splitlines(), captured.err

    def problems(self) -> list[str]:
        """What `check` finds wrong."""
        code, lines, _ = self.run("check", str(self.folder))
        *problems, summary = lines
        assert code == (1 if problems else 0)
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        assert summary == (f"atoll: {count}" if problems else "atoll: 2 rooms, 2 maps, 2 scripts: all good")
        return problems


@pytest.fixture
def command(folder: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(folder, capsys)


def test_a_good_game_is_told_so_with_what_is_in_it(command: Command) -> None:
    assert command.problems() == []


def test_the_sample_game_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(WALKABOUT, tmp_path / "walkabout")
    with imports_forgotten(tmp_path):
        code, lines, _ = Command(tmp_path, capsys).run("check", str(tmp_path / "walkabout"))
    assert (code, lines) == (0, ["walkabout: 2 rooms, 3 maps, 8 scripts, 4 items: all good"])


def test_a_folder_that_is_no_game_is_one_clear_line(command: Command) -> None:
    code, lines, error = command.run("check", str(command.folder / "nowhere"))
    assert (code, lines) == (1, [])
    assert error.startswith("roomfleet check: ")
    assert "no such folder" in error


def changed(command: Command, file: str, old: str, new: str) -> None:
    path = command.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "k8s/rooms.yaml",
            "map1.meadow",
            "map1.medow",
            "k8s/rooms.yaml:16: Room meadow: map map1.medow: maps/map1.json: has no room 'map1.medow'",
        ),
        (
            "k8s/rooms.yaml",
            "rooms:Town",
            "rooms:Twon",
            "k8s/rooms.yaml:9: Room town: script atoll.rooms:Twon: atoll.rooms has no class Twon; did you",
        ),
        (
            "k8s/rooms.yaml",
            "map1.meadow",
            "map1.meadow\n  fleet: far",
            "k8s/rooms.yaml:17: Room meadow: no RoomFleet",
        ),
        (
            "k8s/rooms.yaml",
            "map1.meadow",
            "map1.meadow\n  capacity: 0",
            "k8s/rooms.yaml:17: Room meadow: spec.capacity:",
        ),
        (
            "k8s/rooms.yaml",
            "map1.meadow",
            "map1.meadow\n  capacty: 5",
            "k8s/rooms.yaml:11: Room meadow: Room in version",
        ),
        (
            "k8s/rooms.yaml",
            "name: meadow",
            "name: meadow\n  namespace: other",
            "k8s/rooms.yaml:15: Room meadow: namespace 'other' is another game's: leave it out",
        ),
        ("k8s/rooms.yaml", '"true"', '"false"', "k8s: no entry room: annotate one Room with"),
        (
            "k8s/rooms.yaml",
            '"true"',
            '"yes"',
            'k8s/rooms.yaml:6: Room town: must be "true" or "false", not \'yes\'',
        ),
        ("k8s/rooms.yaml", "spec:", "spec: [", "k8s/rooms.yaml:9: expected"),
        (
            "maps/map1.json",
            '"meadow"',
            '"medow"',
            "maps/map1.json:13: map1.town: door 'gate': no Room 'medow' in k8s/",
        ),
        (
            "maps/map1.json",
            '"room": "meadow"',
            '"room": "meadow", "key": "{player}"',
            "maps/map1.json:13: map1.town: door 'gate': meadow is a Room, which has no instances",
        ),
        (
            "maps/map1.json",
            '"room": "meadow"',
            '"room": "meadow", "key": "{party}"',
            "maps/map1.json:13: map1.town: doors[0].exit.key: there is no {party}",
        ),
        (
            "k8s/rooms.yaml",
            "kind: Room\nmetadata:\n  name: meadow\nspec:\n  map: map1.meadow",
            "kind: InstancedRoom\nmetadata:\n  name: meadow\nspec: {template: {spec: {map: map1.meadow}}}",
            "maps/map1.json:13: map1.town: door 'gate': meadow is an InstancedRoom: say whose instance",
        ),
        (
            "maps/map1.json",
            '"at": "in"',
            '"at": "inn"',
            "maps/map1.json:14: map1.town: door 'gate': no tag 'inn' in map1.meadow, where it leads",
        ),
        (
            "maps/map1.json",
            '"at": "in"',
            '"at": [401, 3]',
            "maps/map1.json:14: map1.town: door 'gate': (401, 3) is outside map1.meadow, where it leads",
        ),
        (
            "maps/map1.json",
            '"tags"',
            '"geography": "maze", "tags"',
            "maps/map1.json:22: map1.meadow: geography: no geo",
        ),
        (
            "maps/map1.json",
            '"x": 390',
            '"x": 1390',
            "maps/map1.json:8: map1.town: doors[0]: (1390, 150) is outside",
        ),
        ("maps/map1.json", '"x": 390,', '"x": 390', "maps/map1.json:11: not JSON: Expecting ',' delimiter"),
        (
            "atoll/rooms.py",
            "class Guard",
            "import random\nclass Guard",
            "atoll/rooms.py:3: a script may not import random",
        ),
        (
            "atoll/rooms.py",
            "class Guard",
            "from asyncio import sleep\nclass Guard",
            "atoll/rooms.py:3: a script may not import asyncio: scripts wait with self.sleep()",
        ),
        (
            "atoll/rooms.py",
            "class Guard",
            "import os, time as t\nclass Guard",
            "atoll/rooms.py:3: a script may not import time: room time is self.room.now",
        ),
        (
            "atoll/rooms.py",
            "class Guard",
            "1 / 0\nclass Guard",
            "atoll/rooms.py:3: importing atoll.rooms failed: Zero",
        ),
        ("atoll/rooms.py", "class Guard", "class Guard(", "atoll/rooms.py:3: not Python: "),
    ],
)
def test_a_problem_is_told_with_file_and_line(
    command: Command, file: str, old: str, new: str, problem: str
) -> None:
    changed(command, file, old, new)
    problems = command.problems()
    assert any(each.startswith(problem) for each in problems), problems


def test_several_entry_rooms_are_each_named(command: Command) -> None:
    changed(
        command, "k8s/rooms.yaml", "name: meadow", 'name: meadow\n  annotations: {roomfleet.io/entry: "true"}'
    )
    assert [each.partition(": Room")[0] for each in command.problems()] == [
        "k8s/rooms.yaml:6",
        "k8s/rooms.yaml:15",
    ]


def test_a_name_given_twice_is_a_problem(command: Command) -> None:
    changed(command, "k8s/rooms.yaml", "name: meadow", "name: town")
    assert "k8s/rooms.yaml:14: Room town: stands in k8s/rooms.yaml:1 already" in command.problems()


def test_a_game_without_rooms_is_a_problem(command: Command) -> None:
    (command.folder / "k8s" / "rooms.yaml").unlink()
    assert command.problems() == ["k8s: no Room in it: write one, with spec.map"]


def test_a_module_that_hides_pythons_own_is_a_problem(command: Command) -> None:
    write(command.folder, {"json/__init__.py": ""})
    assert command.problems() == [
        "json/__init__.py: json hides a module of that name that others import: rename it"
    ]


def test_objects_of_other_groups_are_left_alone(command: Command) -> None:
    write(command.folder, {"k8s/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"})
    assert command.problems() == []


def test_export_writes_a_map_that_the_class_builds(command: Command) -> None:
    output = command.folder / "maps" / "map1.json"
    code, lines, _ = command.run("export", str(command.folder), "atoll.rooms:Town", "-o", str(output))
    assert (code, lines) == (0, ["wrote maps/map1.json: map1.town"])
    rooms = load_maps(command.folder / "maps")
    assert {room.id: room.width for room in rooms.values()} == {"map1.town": 500, "map1.meadow": 400}


def test_export_prints_the_map_when_no_file_is_named(command: Command) -> None:
    code, lines, _ = command.run("export", str(command.folder), "atoll.rooms:Town")
    assert (code, lines[:2]) == (0, ["{", '  "map_id": "map1",'])


def test_an_export_that_fails_writes_nothing(command: Command) -> None:
    output = command.folder / "maps" / "map2.json"
    code, lines, error = command.run("export", str(command.folder), "atoll.rooms:Nobody", "-o", str(output))
    assert (code, lines) == (1, [])
    assert error.startswith("roomfleet export: script atoll.rooms:Nobody: atoll.rooms has no class Nobody")
    assert not output.exists()
    gone = command.folder / "gone" / "map2.json"
    code, _, error = command.run("export", str(command.folder), "atoll.rooms:Town", "-o", str(gone))
    assert (code, "No such file or directory" in error) == (1, True)


def test_a_broken_item_file_is_told_with_its_line_and_good_ones_are_counted(command: Command) -> None:
    items = command.folder / "items"
    items.mkdir()
    (items / "tools.yaml").write_text("axe:\n  weight: 2\nrope:\n  stack: many\n")
    (items / "food.json").write_text('{"apple": {}\n "pear": {}}')
    assert command.problems() == [
        "items/food.json:2: not JSON: Expecting ',' delimiter at line 2 column 2",
        "items/tools.yaml:4: rope.stack: must be a whole number, 1 or more, not 'many'",
    ]
    (items / "food.json").unlink()
    (items / "tools.yaml").write_text("axe: {}\nrope: {}\n")
    _, [summary], _ = command.run("check", str(command.folder))
    assert summary == "atoll: 2 rooms, 2 maps, 2 scripts, 2 items: all good"
