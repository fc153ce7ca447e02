"""Options of `roomfleet node` and `roomfleet up`: what is missing or bad is one line that names it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.running import ROOMFLEET, running
from support.small_game import small_game

NEEDED = {
    "ROOMFLEET_MASTER": "ws://127.0.0.1:9/link",
    "ROOMFLEET_STORE": "sqlite:////nowhere/store.db",
    "ROOMFLEET_LINK_SECRET": "hush",
}


@pytest.fixture
def game(tmp_path: Path) -> Path:
    return small_game(tmp_path / "lobby", {"hall": {}})


def started(verb: str, game: Path, *flags: str, **variables: str) -> tuple[int, str]:
    """The exit code of a start that fails at once, and the one line that it says."""
    done = subprocess.run(
        [ROOMFLEET, verb, str(game), *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=game.parent,
        env={"PATH": str(Path(sys.executable).parent), **variables},
    )
    (line,) = done.stderr.splitlines()
    assert not done.stdout
    return done.returncode, line


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (
            "ROOMFLEET_MASTER",
            "roomfleet node: --master is missing: give it, or set ROOMFLEET_MASTER: "
            "URL of the master's control link, ws://host:8081/link",
        ),
        (
            "ROOMFLEET_STORE",
            "roomfleet node: --store is missing: give it, or set ROOMFLEET_STORE: "
            "URL of the store, sqlite:///absolute/path or mongodb://…",
        ),
        (
            "ROOMFLEET_LINK_SECRET",
            "roomfleet node: --link-secret-file is missing: give it, or set ROOMFLEET_LINK_SECRET: "
            "file with the secret that master and nodes share; else ROOMFLEET_LINK_SECRET has it",
        ),
    ],
)
def test_a_node_without_one_that_it_needs_names_it(game: Path, variable: str, said: str) -> None:
    variables = {name: value for name, value in NEEDED.items() if name != variable}
    assert started("node", game, **variables) == (2, said)


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--port", "web"], {}, "--port 'web': give a whole number from 0 to 65535"),
        ([], {"ROOMFLEET_CAPACITY": "0"}, "ROOMFLEET_CAPACITY='0': give a whole number from 1 to 1000000"),
        (["--prefix", "games"], {}, "--prefix 'games': give a path that begins with /"),
        (["--master", "here"], {}, "--master 'here': is no URL of ws:// or wss:// or http:// or https://"),
        ([], {"ROOMFLEET_PUBLIC_URL": "ftp://x"}, "ROOMFLEET_PUBLIC_URL='ftp://x': is no URL of ws:// or"),
        (["--reconnect-seconds", "soon"], {}, "--reconnect-seconds 'soon': set it to a number above 0"),
        ([], {"ROOMFLEET_LINE_LIMIT": "1.5"}, "ROOMFLEET_LINE_LIMIT='1.5': set it to a whole number above 0"),
        (["--link-secret-file", "/no/such"], {}, "--link-secret-file '/no/such': cannot be read (No such"),
    ],
)
def test_a_bad_value_of_a_node_is_named_as_it_was_given(
    game: Path, flags: list[str], variables: dict[str, str], said: str
) -> None:
    code, line = started("node", game, *flags, **NEEDED, **variables)
    assert code == 2
    assert line.startswith(f"roomfleet node: {said}")


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (
            ["--public-url", "play.example"],
            {},
            "--public-url 'play.example': is no URL of http:// or https://",
        ),
        ([], {"ROOMFLEET_ALLOWED_ORIGINS": "x"}, "ROOMFLEET_ALLOWED_ORIGINS='x': is no URL of http://"),
        (["--join-timeout-seconds", "0"], {}, "--join-timeout-seconds '0': set it to a number above 0"),
    ],
)
def test_a_bad_value_of_a_master_is_named_as_it_was_given(
    game: Path, flags: list[str], variables: dict[str, str], said: str
) -> None:
    code, line = started("up", game, *flags, **variables)
    assert code == 1
    assert line.startswith(f"roomfleet: {said}")


def test_maps_that_are_not_there_are_named(game: Path) -> None:
    code, line = started("node", game, "--maps", "elsewhere", **NEEDED)
    assert code == 1
    assert line.startswith("roomfleet node: maps elsewhere: no such folder: give a folder")


def test_settings_of_the_master_are_its_nodes_settings(game: Path, tmp_path: Path) -> None:
    """And what is meant for the master alone, such as its port, does not reach them."""
    options = ["--reconnect-seconds", "7.5", "--node-lost-after-seconds", "4"]
    environment = {"ROOMFLEET_RECONNECT_SECONDS": "1", "ROOMFLEET_LINE_LIMIT": "3"}
    with running(game, tmp_path / "data", options=options, environment=environment) as fleet:
        (pid,) = fleet.node_pids().values()
        inherited = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        variables = dict(each.split("=", 1) for each in inherited if each.startswith("ROOMFLEET_"))
        assert variables["ROOMFLEET_RECONNECT_SECONDS"] == "7.5"
        assert float(variables["ROOMFLEET_NODE_LOST_AFTER_SECONDS"]) == 4
        assert variables["ROOMFLEET_LINE_LIMIT"] == "3"
        assert "ROOMFLEET_PORT" not in variables


def test_each_process_lists_its_options_with_their_variables() -> None:
    for verb in ("node", "up"):
        help = subprocess.run(
            [ROOMFLEET, verb, "--help"], capture_output=True, text=True, check=True, timeout=60
        )
        for said in ("--public-url", "ROOMFLEET_PUBLIC_URL", "--join-timeout-seconds", "--link-secret-file"):
            assert said in help.stdout


def test_a_node_with_another_secret_hears_that_it_is_refused(game: Path, tmp_path: Path) -> None:
    secret = {"ROOMFLEET_LINK_SECRET": "hush"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        link = str(probe.getsockname()[1])
    with running(game, tmp_path / "data", options=["--link-port", link], environment=secret) as fleet:
        (tmp_path / "other").write_text("other")
        node = subprocess.Popen(
            [
                *(ROOMFLEET, "node", str(game), "--name", "default-1", "--master", f"ws://127.0.0.1:{link}"),
                *(
                    "--store",
                    f"sqlite://{fleet.data}/store.db",
                    "--link-secret-file",
                    str(tmp_path / "other"),
                ),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert node.stderr is not None
            assert any("the master refuses this node: wrong link secret" in line for line in node.stderr)
        finally:
            node.terminate()
            node.communicate(timeout=30)
