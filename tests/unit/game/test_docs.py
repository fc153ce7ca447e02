"""The files in docs/writing-a-game.md are a game, and it does what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.cli.gamecheck import check_game
from roomfleet.game.loader import Game
from roomfleet.game.maps.export import export_rooms
from roomfleet.wire.session import Result
from support.game_folder import imports_forgotten
from support.played import PlayedGame, PlayedRoom

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


def test_the_game_on_the_page_does_what_the_page_says(game: Game) -> None:
    shore = PlayedRoom(game, "shore", "lighthouse.rooms:Shore", "map1.shore")
    tower = PlayedRoom(game, "tower", "lighthouse.rooms:Tower", "map1.tower")
    played = PlayedGame([shore, tower])
    shore.join("Wen")
    assert shore.position("p:Wen") == (100, 200)
    assert shore.live.welcome("Wen")["you"].commands == ["enter_door", "greet", "pick_shell", "walk"]
    pick = shore.call("Wen", "pick_shell")
    assert shore.answer(pick) == Result(id=pick, value=1)
    shore.call("Wen", "enter_door", door="tower door")
    played.run(20)
    assert played.journeys == {"p:Wen": ["tower"]}
    [keeper] = [actor.id for actor in tower.live.actors if actor.name == "Ida"]
    greet = tower.call("Wen", "greet", who=keeper)
    assert tower.answer(greet) == Result(id=greet, value="Welcome, Wen")
    played.run(1)
    assert tower.seen("Wen", "p:Wen")["state"] == {
        "hp": 10,
        "bag": {"shells": 1},
        "diary": ["Welcome, Wen"],
    }
    assert tower.seen("Wen", keeper)["state"]["mood"] == "glad"
    played.run(600)
    assert [event.data for event in shore.events("tide")][:2] == [{"is": "high"}, {"is": "low"}]
    assert shore.failures == tower.failures == []
