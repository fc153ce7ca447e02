"""What the README shows is what there is."""

from __future__ import annotations

import re

from roomfleet.game import Actor, Player, Room
from roomfleet.game.scripting.commands import commands_of
from roomfleet.wire.version import __version__
from support.running import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_room_of_the_readme_is_a_room() -> None:
    room, _ = blocks("python")
    made: dict[str, object] = {"__name__": "readme"}
    exec(room, made)
    town, hero, guard = made["Town"], made["Hero"], made["Guard"]
    assert isinstance(town, type)
    assert issubclass(town, Room)
    assert isinstance(guard, type)
    assert issubclass(guard, Actor)
    assert isinstance(hero, type)
    assert issubclass(hero, Player)
    assert town.player_class is hero
    assert list(commands_of(hero)) == ["walk"]


def test_the_bot_of_the_readme_is_the_example() -> None:
    _, bot = blocks("python")
    example = (REPOSITORY / "examples" / "bot.py").read_text()
    assert example.partition('"""\n\n')[2] == bot


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    missing = [link for link in links if "://" not in link and not (REPOSITORY / link).exists()]
    assert not missing


def test_the_commands_that_make_help_names_are_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    named = set(re.findall(r'"make (\w+)', makefile))
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert named <= targets
    assert {"up", "test", "clean"} <= named


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE).group(1) == __version__  # type: ignore[union-attr]
