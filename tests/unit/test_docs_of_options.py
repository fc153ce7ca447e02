"""docs/domains-and-options.md and `--help` know the same options."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from roomfleet.master import develop, embedded
from roomfleet.master.installation import OPTIONS
from roomfleet.master.options import DATA, FLAGS, NAMESPACES
from roomfleet.node import __main__ as node_process
from roomfleet.wire.settings import Settings
from support.running import REPOSITORY

PAGE = (REPOSITORY / "docs" / "domains-and-options.md").read_text()

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "up": embedded.main,
    "node": node_process.main,
    "operator": develop.main,
}

NOT_FOR_PEOPLE = {"--help", "--version", "--parent-pipe"}
"""The last is how `roomfleet up` starts its nodes."""


def rows(title: str) -> dict[str, list[str]]:
    """The table below a title: the cells after each row's first, by the flag that the first names."""
    _, _, below = PAGE.partition(f"## {title}\n")
    assert below, title
    found = re.findall(r"^\| `(--[a-z-]+)` \| (.*) \|$", below.partition("\n## ")[0], re.MULTILINE)
    return {flag: [cell.strip() for cell in cells.split(" | ")] for flag, cells in found}


def flags_of(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The flags that its help tells of."""
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        COMMANDS[command](["--help"])
    _, _, options = capsys.readouterr().out.partition("\noptions:\n")
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", options, re.MULTILINE)) - NOT_FOR_PEOPLE


SETTINGS = {option.flag for option in Settings.options()}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_of_a_command_is_on_the_page_and_each_on_the_page_is_one(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {flag for flag, (of, _) in rows("Every option").items() if command in of.split(", ")}
    flags = flags_of(command, monkeypatch, capsys)
    assert told == flags - SETTINGS
    assert flags & SETTINGS == (set() if command == "operator" else SETTINGS)


def test_each_variable_of_the_operator_is_on_the_page_and_each_on_the_page_is_one() -> None:
    told = {flag for flag, (of, _) in rows("Every option").items() if "kopf" in of.split(", ")}
    assert told == {option.flag for option in (*FLAGS, NAMESPACES, DATA, *OPTIONS)}


def test_each_setting_is_on_the_page_with_its_default_and_in_the_same_words() -> None:
    assert rows("Every setting") == {
        option.flag: [option.default, option.help] for option in Settings.options()
    }
