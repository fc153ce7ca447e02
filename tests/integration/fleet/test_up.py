"""`roomfleet up`: starting, stopping, starting again, and refusing to start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from roomfleet.client import Client, State
from roomfleet.master.local.manifests import read_path
from roomfleet.master.local.objects import Objects
from roomfleet.store import doc_id, open_store
from support.game_folder import write
from support.raw import ask
from support.running import ROOMFLEET, Running, eventually, game_copy, running
from support.small_game import small_game

GAME = "tiny"


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """A game of two rooms on one node."""
    return small_game(tmp_path / GAME, {"hall": {}, "attic": {}})


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("steady")
    with running(small_game(folder / GAME, {"hall": {}}), folder / "data") as fleet:
        yield fleet


def left_over(data: Path) -> list[str]:
    """Processes that name the data folder in their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(data) in arguments:
            found.append(arguments.replace("\0", " "))
    return found


def refused(game: Path, data: Path, *options: str, environment: Mapping[str, str] | None = None) -> str:
    """What a fleet that cannot start says on standard error: one line. It has ended, with exit code 1."""
    command = [sys.executable, "-m", "roomfleet.master.embedded", str(game), "--data", str(data)]
    done = subprocess.run(
        [*command, *(options or ("--port", "0"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("roomfleet: ")
    assert "play:" not in done.stdout
    assert "Traceback" not in done.stdout
    assert left_over(data) == []
    return lines[0]


def change(game: Path, old: str, new: str) -> None:
    """Edit the game's manifests."""
    path = game / "k8s" / "game.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def kept(game: Path, data: Path) -> None:
    """A data folder with the game's objects in it, as an earlier start has left it."""
    objects = Objects(data / "objects", game=game.name)
    objects.apply_all(read_path(game / "k8s"), manager="game")


# -- starting and stopping -----------------------------------------------------------------------------------


def test_it_says_what_it_does_where_to_play_and_where_the_log_is(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        said = "\n".join(fleet.output)
        assert "starting default-0" in said
        assert f"play:  {fleet.url}" in said
        assert fleet.url == f"http://127.0.0.1:{fleet.port}"
        log = Path(said.split("log:")[1].split("\n")[0].strip())
        assert (log / "master.log").read_text()
        assert fleet.interrupt() == 0
        assert fleet.output[-1] == "saved; bye"
        assert left_over(fleet.data) == []
        assert ask_fails(fleet.url)


def ask_fails(url: str) -> bool:
    """Whether nobody answers there."""
    try:
        ask(f"{url}/healthz")
    except OSError:
        return True
    return False


def test_a_game_that_names_no_fleet_gets_one(tmp_path: Path) -> None:
    game = game_copy(tmp_path / "walkabout")
    (game / "k8s" / "fleet.yaml").unlink()

    async def play(url: str) -> str:
        async with Client(url, game="walkabout", token="ada") as player:
            await player.join()
            assert player.room is not None
            return player.room.name

    with running(game, tmp_path / "data") as fleet:
        assert asyncio.run(play(fleet.url)) == "town"
        assert "starting default-0" in "\n".join(fleet.output)


def test_the_next_start_continues_where_ctrl_c_stopped(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        before = asyncio.run(_walk_and_paint(fleet, "attic"))
        epoch = fleet.room("attic")["epoch"]
        assert fleet.interrupt() == 0
        fleet.start()
        assert asyncio.run(_where(fleet)) == before
        assert fleet.room("attic")["epoch"] > epoch


async def _walk_and_paint(fleet: Running, room: str) -> tuple[object, ...]:
    async with Client(fleet.url, game=GAME, token="ada") as player:
        await player.join(room)
        await player.call("paint", colour="red")
        assert await player.call("walk", x=250, y=120)
        return _seen(player)


async def _where(fleet: Running) -> tuple[object, ...]:
    async with Client(fleet.url, game=GAME, token="ada") as player:
        await player.join()
        return _seen(player)


async def _is_away(file: Path) -> bool:
    """Whether the store has the player as one who has left."""
    store = open_store(f"sqlite://{file}")
    try:
        found = await store.get_actor(doc_id(GAME, "p:ada"))
    finally:
        await store.close()
    return found is not None and found.away


def _seen(player: Client) -> tuple[object, ...]:
    """Room, position and state of the player's own actor."""
    assert player.room is not None
    assert player.you is not None
    return player.room.name, player.position_of(player.you.id), player.actors[player.you.id]["state"]


def test_ctrl_c_saves_what_a_player_did_just_now(game: Path, tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as player:
            await player.join()
            await player.call("paint", colour="blue")
            assert await asyncio.to_thread(fleet.interrupt) == 0
            # The player is still there, and gets back in by itself.
            await player.wait_for(lambda p: p.state is State.RECONNECTING, 20)
            await asyncio.to_thread(fleet.start)
            await player.wait_for(lambda p: p.state is State.PLAYING, 30)
            assert _seen(player)[2]["colour"] == "blue"  # type: ignore[index]

    with running(game, tmp_path / "data") as fleet:
        asyncio.run(play(fleet))


def test_sigterm_is_as_good_as_ctrl_c(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        assert fleet.process is not None
        fleet.process.send_signal(signal.SIGTERM)
        rest, _ = fleet.process.communicate(timeout=40)
        assert fleet.process.returncode == 0
        assert rest.splitlines()[-1] == "saved; bye"
        assert left_over(fleet.data) == []


def test_more_ctrl_c_while_it_saves_break_nothing(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        asyncio.run(_walk_and_paint(fleet, "hall"))
        process = fleet.process
        assert process is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
        assert process.returncode == 0, said
        assert said.splitlines()[-1] == "saved; bye"
        fleet.start()
        assert asyncio.run(_where(fleet))[0] == "hall"


def test_ctrl_c_before_it_is_up_leaves_nothing(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen(
        [ROOMFLEET, "up", str(game), "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "starting" in line:
            break
    process.send_signal(signal.SIGINT)
    said = process.stdout.read()
    assert process.wait(40) == 0, said
    assert "Traceback" not in said
    assert left_over(data) == []
    process.stdout.close()


def test_nodes_of_a_killed_master_save_and_exit_by_themselves(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        before = asyncio.run(_walk_and_paint(fleet, "attic"))
        fleet.kill(nodes=False)
        assert left_over(fleet.data) == []
        assert "stopped" in (fleet.data / "log" / "default-0.log").read_text().splitlines()[-1]
        fleet.start()
        assert asyncio.run(_where(fleet)) == before


def test_defect_06_rooms_of_a_killed_server_can_be_loaded_again(game: Path, tmp_path: Path) -> None:
    with running(game, tmp_path / "data") as fleet:
        before = asyncio.run(_walk_and_paint(fleet, "attic"))
        assert fleet.room("attic")["phase"] == "Running"
        eventually(lambda: asyncio.run(_is_away(fleet.data / "store.db")), what="the leaving to be saved")
        fleet.kill(nodes=True)
        assert left_over(fleet.data) == []
        fleet.start()
        assert asyncio.run(_where(fleet)) == before


# -- refusing to start ---------------------------------------------------------------------------------------


def test_a_port_in_use_is_refused(game: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(game, tmp_path / "data", "--port", str(port))
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said
    assert "PORT=" in said


@pytest.mark.parametrize(
    ("option", "value", "cure"),
    [("--port", "70000", "--port"), ("--host", "192.0.2.1", "HOST=")],
)
def test_an_address_that_cannot_be_is_refused(
    game: Path, tmp_path: Path, option: str, value: str, cure: str
) -> None:
    more = () if option == "--port" else ("--port", "0")
    said = refused(game, tmp_path / "data", option, value, *more)
    assert value in said
    assert cure in said


def test_a_data_folder_in_use_says_who_has_it(steady: Running) -> None:
    done = subprocess.run(
        [ROOMFLEET, "up", str(steady.game_dir), "--data", str(steady.data), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"process {steady.pid}" in line
    assert steady.url in line
    assert "DATA=" in line
    # The one that has it goes on undisturbed.
    assert steady.get("/healthz")["status"] == "ok"
    assert list(steady.node_pids()) == ["default-0"]


@pytest.mark.parametrize("place", ["file", f"/proc/nothing-{os.getpid()}"], ids=["file", "folder"])
def test_a_data_folder_that_cannot_be_written_is_refused(game: Path, tmp_path: Path, place: str) -> None:
    data = Path(place)
    if place == "file":
        data = tmp_path / "data"
        data.write_text("in the way")
    said = refused(game, data)
    assert str(data) in said
    assert "DATA=" in said


@pytest.mark.parametrize("part", ["lock", "keys", "objects/rooms", "store.db"])
def test_a_part_of_the_data_folder_that_is_something_else_is_refused(
    game: Path, tmp_path: Path, part: str
) -> None:
    data = tmp_path / "data"
    path = data / part
    path.parent.mkdir(parents=True)
    if part in ("lock", "store.db"):
        path.mkdir()
    else:
        path.write_text("in the way")
    assert part.split("/")[0] in refused(game, data)


def test_a_key_that_is_none_is_refused(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data, {"keys/master.pem": "no key"})
    assert "master.pem" in refused(game, data)


def test_objects_of_a_newer_schema_are_refused(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept(game, data)
    path = data / "objects" / "format.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    said = refused(game, data)
    assert "newer" in said
    assert "99" in said


def test_a_store_of_a_newer_schema_is_refused(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    store = sqlite3.connect(data / "store.db")
    store.execute("PRAGMA user_version = 99")
    store.close()
    said = refused(game, data)
    assert "store.db" in said
    assert "99" in said


def test_the_data_of_another_game_is_refused(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept(game, data)
    said = refused(small_game(tmp_path / "other", {"hall": {}}), data)
    assert '"tiny"' in said
    assert "another data folder" in said


def test_a_manifest_that_is_no_yaml_is_refused(game: Path, tmp_path: Path) -> None:
    write(game, {"k8s/broken.yaml": "kind: Room\nmetadata: {name: [\n"})
    said = refused(game, tmp_path / "data")
    assert "broken.yaml:" in said


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("kind: RoomFleet", "kind: RoomFlat", "RoomFlat"),
        ("name: default", "name: default\n  namespace: elsewhere", "elsewhere"),
        ("minNodes: 1", "minNodes: -1", "spec.minNodes"),
        ("minNodes: 1", "minNodes: 5", "maxNodes"),
        ("minNodes: 1", "minNode: 1", "minNode"),
    ],
)
def test_a_manifest_that_breaks_the_rules_is_refused(
    game: Path, tmp_path: Path, old: str, new: str, named: str
) -> None:
    change(game, old, new)
    said = refused(game, tmp_path / "data")
    assert named in said
    assert "game.yaml" in said


def test_a_refused_manifest_changes_no_object(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept(game, data)
    objects = {path: path.read_text() for path in (data / "objects").rglob("*.json")}
    change(game, "name: hall", "name: parlour")
    change(game, "map: m.attic", "map: nonsense")
    assert "spec.map" in refused(game, data)
    assert {path: path.read_text() for path in (data / "objects").rglob("*.json")} == objects


def test_a_game_without_manifests_is_refused(game: Path, tmp_path: Path) -> None:
    (game / "k8s" / "game.yaml").unlink()
    (game / "k8s").rmdir()
    said = refused(game, tmp_path / "data")
    assert str(game / "k8s") in said


def test_a_game_without_entry_room_is_refused(game: Path, tmp_path: Path) -> None:
    change(game, "roomfleet.io/entry: 'true'", "roomfleet.io/entry: 'false'")
    said = refused(game, tmp_path / "data")
    assert "no Room is the entry room" in said
    assert "roomfleet.io/entry" in said


def test_an_entry_room_that_no_manifest_names_any_more_is_found(game: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept(game, data)
    change(game, "name: hall", "name: parlour")
    said = refused(game, data)
    left = data / "objects" / "rooms" / "hall.json"
    assert f"{left}: delete that" in said
    left.unlink()
    with running(game, data) as fleet:
        assert fleet.room("parlour")["entry"]


def test_a_game_with_two_entry_rooms_is_refused(game: Path, tmp_path: Path) -> None:
    change(game, "name: attic", "name: attic\n  annotations: {roomfleet.io/entry: 'true'}")
    said = refused(game, tmp_path / "data")
    assert "2 Rooms are (attic, hall)" in said


def test_a_game_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path / "nowhere", tmp_path / "data")
    assert "nowhere" in said


def test_a_game_folder_whose_name_can_be_no_namespace_is_refused(tmp_path: Path) -> None:
    said = refused(small_game(tmp_path / "My Game", {"hall": {}}), tmp_path / "data")
    assert "My Game" in said


def test_a_setting_that_cannot_be_is_refused(game: Path, tmp_path: Path) -> None:
    said = refused(game, tmp_path / "data", environment={"ROOMFLEET_LINE_LIMIT": "many"})
    assert "ROOMFLEET_LINE_LIMIT" in said
    assert "many" in said


def test_a_store_that_cannot_be_is_refused(game: Path, tmp_path: Path) -> None:
    said = refused(game, tmp_path / "data", "--port", "0", "--store", "gopher://somewhere")
    assert "gopher" in said


# -- nodes ---------------------------------------------------------------------------------------------------


def test_a_node_that_is_killed_starts_again(steady: Running) -> None:
    pid = steady.signal_node("default-0", signal.SIGKILL)
    eventually(lambda: steady.node_pids().get("default-0", pid) != pid, what="another process of the node")
    eventually(lambda: steady.get(f"/v1/games/{GAME}/nodes")["nodes"][0]["ready"], what="it to be ready")


def test_nodes_take_no_ctrl_c_from_the_terminal(steady: Running) -> None:
    (pid,) = steady.node_pids().values()
    assert os.getsid(pid) != os.getsid(steady.pid)


def test_secrets_are_neither_in_logs_nor_in_arguments(steady: Running) -> None:
    (pid,) = steady.node_pids().values()
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    secret = next(each for each in environment if each.startswith("ROOMFLEET_LINK_SECRET="))
    secret = secret.partition("=")[2]
    assert secret
    assert secret not in steady.log()
    assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
