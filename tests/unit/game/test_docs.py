"""The files in docs/writing-a-game.md are a game, and it does what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.cli.gamecheck import check_game
from roomfleet.game.export import export_rooms
from roomfleet.game.loader import Game
from support.game_folder import imports_forgotten

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-game.md"


@pytest.fixture
def game(tmp_path: Path) -> Iterator[Game]:
    folder = tmp_path / "lighthouse"
    files: dict[str, str] = {"lighthouse/__init__.py": ""}
    for name, text in re.findall(
        r"^```(?:python|json|yaml) (\S+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S
    ):
        files[name] = files[name] + "\n\n" + text if name in files else text
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with imports_forgotten(folder):
        yield Game.load(folder)


def test_the_game_on_the_page_is_found_good(game: Game) -> None:
    findings = check_game(game)
    assert sorted(findings.problems) == []
    assert (len(findings.of("Room")), len(game.maps)) == (2, 2)


def test_the_class_on_the_page_builds_its_map(game: Game) -> None:
    _, rooms = export_rooms(game, ["lighthouse.cellar:Cellar"], "map2")
    assert len(rooms["map2.cellar"].objects) == 4
