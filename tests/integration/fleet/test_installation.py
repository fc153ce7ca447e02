"""One database per installation: two fleets never take each other's rooms for being called the same."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.store import open_store
from support.nx import serving
from support.raw import in_room
from support.running import Running, running
from support.small_game import small_game

LINE = re.compile(
    r"belongs to installation (\S+), this is installation (\S+): give each .*ADOPT_INSTALLATION=(\S+)$"
)


@pytest.fixture(params=["sqlite", "mongodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/shared.db"
        return
    with serving(tmp_path / "nx") as server:
        yield server.url("shared")


@pytest.fixture
def game(tmp_path: Path) -> Path:
    return small_game(tmp_path / "twin", {"hall": {}})


def tap(fleet: Running) -> int:
    """A player taps once: how often in their life."""

    async def play() -> int:
        async with in_room(fleet.url, fleet.game, "ada", "hall") as raw:
            return int((await raw.call(1, "tap"))["value"])

    return asyncio.run(play())


def epoch(store: str) -> int:
    """The hall's, in the database."""

    async def ask() -> int:
        opened = open_store(store)
        found = await opened.room_epochs(["twin/hall"])
        await opened.close()
        return found.get("twin/hall", 0)

    return asyncio.run(ask())


def last_words(game: Path, data: Path, store: str, **variables: str) -> str:
    """Start a fleet that cannot: the one line that it says."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "roomfleet.master.embedded", str(game), "--port", "0"),
            *("--data", str(data), "--store", store),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": str(Path(sys.executable).parent), **variables},
    )
    assert done.returncode == 1, done
    (line,) = done.stderr.splitlines()
    return line


def refused(game: Path, data: Path, store: str, **variables: str) -> re.Match[str]:
    """Start a fleet that the database refuses: what its one line says."""
    line = last_words(game, data, store, **variables)
    found = LINE.search(line)
    assert found is not None, line
    return found


def test_a_second_installation_is_refused_until_it_is_to_adopt_the_database(
    game: Path, store: str, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with running(game, one, options=["--store", store]) as first:
        assert tap(first) == 1
        before = epoch(store)
        line = refused(game, two, store)
        mine, other = (one / "installation").read_text().strip(), (two / "installation").read_text().strip()
        assert line.groups() == (mine, other, mine)
        (told,) = re.findall("ERROR .* cannot work here, and ends: .*", (two / "log/master.log").read_text())
        assert LINE.search(told) is not None
        assert refused(game, two, store, ROOMFLEET_ADOPT_INSTALLATION="nobody").groups() == line.groups()
        assert epoch(store) == before, "it claimed a room"
        assert tap(first) == 2
        assert first.interrupt() == 0
        first.start()
        assert tap(first) == 3
    with running(
        game, two, options=["--store", store], environment={"ROOMFLEET_ADOPT_INSTALLATION": mine}
    ) as second:
        second.expected_errors = ["cannot work here"]  # of the starts before
        assert tap(second) == 4
        assert refused(game, one, store).groups() == (other, mine, other)
        assert second.interrupt() == 0
        second.start()
        assert tap(second) == 5


def test_an_id_that_is_given_counts_instead_of_the_one_in_the_data_folder(
    game: Path, store: str, tmp_path: Path
) -> None:
    with running(game, tmp_path / "one", options=["--store", store, "--installation", "prod"]) as fleet:
        assert tap(fleet) == 1
    with running(
        game, tmp_path / "two", options=["--store", store], environment={"ROOMFLEET_INSTALLATION": "prod"}
    ) as fleet:
        assert tap(fleet) == 2


def test_what_can_be_no_id_is_named_in_one_line(game: Path, tmp_path: Path) -> None:
    data, store = tmp_path / "data", f"sqlite://{tmp_path}/store.db"
    for variable in ("ROOMFLEET_INSTALLATION", "ROOMFLEET_ADOPT_INSTALLATION"):
        said = last_words(game, data, store, **{variable: "my house"})
        assert f"{variable}='my house': an id has" in said
    data.mkdir()
    (data / "installation").write_text("\n")
    assert f"{data}/installation has no id in it" in last_words(game, data, store)
