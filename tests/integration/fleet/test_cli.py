"""The fleet by its command line: get, describe, apply, delete, and rooms that sleep."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from roomfleet.client import Client, SessionEnded, State
from support.raw import Answer, ask, in_room
from support.running import ROOMFLEET, Running, eventually, running
from support.small_game import room_manifest, small_game

GAME = "managed"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet of one node; tests use rooms of their own."""
    folder = tmp_path_factory.mktemp("cli")
    rooms: dict[str, dict[str, Any]] = {
        "hall": {},
        "napping": {"boredAfterSeconds": 1},
        "brief": {"boredAfterSeconds": 0},
        "always": {"keep": "Always"},
        "spare": {},
        "other": {},
    }
    with running(small_game(folder / GAME, rooms), folder / "data") as fleet:
        yield fleet


def said(fleet: Running, *arguments: str, stdin: str | None = None) -> str:
    """What the command prints. It succeeds, and has nothing to complain about."""
    done = fleet.roomfleet(*arguments, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def apply(fleet: Running, *manifests: dict[str, Any]) -> str:
    return said(fleet, "apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))


def columns(text: str) -> dict[str, dict[str, str]]:
    """A table by name and column head; cells are found under their heads."""
    head, *lines = text.splitlines()
    names = head.split()
    starts = [head.index(name) for name in names]
    ends = [*starts[1:], None]
    rows = [
        {name: line[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)}
        for line in lines
    ]
    return {row["NAME"]: row for row in rows}


def join(fleet: Running, player: str, room: str) -> Answer:
    return ask(f"{fleet.url}/v1/games/{GAME}/joins", method="POST", player=player, body={"room": room})


def join_answer(fleet: Running, player: str, room: str) -> Answer:
    """The answer to a join that is not 'wait'."""
    first = join(fleet, player, room)
    where = f"{fleet.url}/v1/games/{GAME}/joins/{first.json.get('id')}"

    def look() -> Answer | None:
        answer = first if first.status != 202 else ask(where, player=player)
        return None if answer.status == 202 else answer

    answer = eventually(look, what="an answer to the join")
    assert answer is not None
    return answer


# -- get and describe ----------------------------------------------------------------------------------------


def test_get_rooms_has_the_columns_of_the_design(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "ada", "hall"):
            rooms = await asyncio.to_thread(
                eventually, lambda: _if(columns(said(fleet, "get", "rooms")), "hall", PLAYERS="1")
            )
            assert list(rooms["hall"]) == ["NAME", "PHASE", "PLAYERS", "WAITING", "NODE", "SAVED", "AGE"]
            hall, spare = rooms["hall"], rooms["spare"]
            assert (hall["PHASE"], hall["WAITING"], hall["NODE"]) == ("Running", "0", "default-0")
            assert hall["AGE"].endswith("s")
            assert (spare["PHASE"], spare["PLAYERS"], spare["NODE"]) == ("Asleep", "0", "")
            wide = columns(await asyncio.to_thread(said, fleet, "get", "rm", "hall", "-o", "wide"))["hall"]
            assert (wide["FLEET"], wide["MAP"], wide["EPOCH"]) == ("default", "m.hall", "1")

    asyncio.run(play())


def _if(rooms: dict[str, dict[str, str]], name: str, **cells: str) -> dict[str, dict[str, str]] | None:
    return rooms if all(rooms[name][column] == cell for column, cell in cells.items()) else None


def test_get_prints_json_yaml_and_names(fleet: Running) -> None:
    one = json.loads(said(fleet, "get", "room", "spare", "-o", "json"))
    assert one["apiVersion"] == "roomfleet.io/v1alpha1"
    assert one["kind"] == "Room"
    assert one["metadata"]["namespace"] == GAME
    assert one["spec"]["capacity"] == 100  # the schema's default
    assert yaml.safe_load(said(fleet, "get", "room/spare", "-o", "yaml"))["spec"] == one["spec"]
    listed = json.loads(said(fleet, "get", "rooms", "-o", "json"))
    assert listed["kind"] == "List"
    assert {"hall", "spare"} <= {each["metadata"]["name"] for each in listed["items"]}
    assert "room.roomfleet.io/spare" in said(fleet, "get", "rooms", "-o", "name").splitlines()
    assert said(fleet, "get", "rfleet", "-o", "name") == "roomfleet.roomfleet.io/default\n"


def test_get_of_a_room_that_is_not_there_says_so(fleet: Running) -> None:
    done = fleet.roomfleet("get", "room", "nowhere")
    assert done.returncode == 1
    assert 'rooms.roomfleet.io "nowhere" not found' in done.stderr


def test_the_fleet_object_counts_nodes(fleet: Running) -> None:
    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = json.loads(said(fleet, "get", "rfleet", "default", "-o", "json")).get(
            "status", {}
        )
        return status if status.get("ready") == 1 else None

    status = eventually(look, what="the fleet's status")
    assert status is not None
    assert status["nodes"] == 1


def test_get_watch_goes_on_with_what_changes(fleet: Running) -> None:
    watch = subprocess.Popen(
        [ROOMFLEET, "--server", fleet.url, "get", "rooms", "watched", "-w"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert watch.stdout is not None
    try:
        assert "not found" in watch.stdout.read()
        assert watch.wait() == 1
    finally:
        watch.stdout.close()
    apply(fleet, room_manifest("watched", map="m.spare", boredAfterSeconds=0))
    watch = subprocess.Popen(
        [ROOMFLEET, "--server", fleet.url, "get", "rooms", "watched", "-w"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert watch.stdout is not None
    try:
        assert watch.stdout.readline().split()[0] == "NAME"
        assert "watched" in watch.stdout.readline()
        assert join_answer(fleet, "seen", "watched").status == 201
        while "Running" not in (line := watch.stdout.readline()):
            assert line.startswith("watched"), line
    finally:
        watch.terminate()
        watch.wait()
        watch.stdout.close()


def test_describe_says_all_of_a_room(fleet: Running) -> None:
    text = said(fleet, "describe", "room", "spare")
    for part in ("Name:", "spare", "Kind:", "Room", "Capacity:", "100", "Phase:", "Asleep"):
        assert part in text


# -- apply ---------------------------------------------------------------------------------------------------


def test_a_room_that_is_applied_can_be_joined_at_once(fleet: Running) -> None:
    assert apply(fleet, room_manifest("fresh", map="m.spare")) == "room.roomfleet.io/fresh created\n"
    assert join_answer(fleet, "first", "fresh").status == 201
    assert apply(fleet, room_manifest("fresh", map="m.spare")) == "room.roomfleet.io/fresh unchanged\n"


def test_a_changed_capacity_counts_in_a_running_room(fleet: Running) -> None:
    async def play() -> None:
        manifest = room_manifest("flexible", map="m.spare", capacity=1)
        await asyncio.to_thread(apply, fleet, manifest)
        async with in_room(fleet.url, GAME, "one", "flexible") as one:
            waiting = await asyncio.to_thread(join, fleet, "two", "flexible")
            assert waiting.status == 202
            manifest["spec"]["capacity"] = 2
            changed = await asyncio.to_thread(apply, fleet, manifest)
            assert changed == "room.roomfleet.io/flexible configured\n"
            async with in_room(fleet.url, GAME, "two", "flexible"):
                assert (await one.call(1, "tap"))["value"] == 1
            # Less than who is in: nobody is sent away, nobody else comes in.
            manifest["spec"]["capacity"] = 1
            await asyncio.to_thread(apply, fleet, manifest)
            assert (await one.call(2, "tap"))["value"] == 2
            assert (await asyncio.to_thread(join, fleet, "three", "flexible")).status == 202
            assert (await asyncio.to_thread(fleet.room, "flexible"))["epoch"] == 1  # it never stopped

    asyncio.run(play())


def test_a_bad_manifest_changes_nothing(fleet: Running) -> None:
    before = said(fleet, "get", "room", "spare", "-o", "json")
    bad = yaml.safe_dump(room_manifest("spare", capacity=0))
    done = fleet.roomfleet("apply", "-f", "-", stdin=bad)
    assert done.returncode == 1
    assert "spec.capacity" in done.stderr
    assert said(fleet, "get", "room", "spare", "-o", "json") == before


def test_a_spec_that_is_mended_lets_players_in_again(fleet: Running) -> None:
    apply(fleet, room_manifest("mended", map="m.nothing"))
    refused = join_answer(fleet, "smith", "mended")
    assert refused.status == 409
    assert refused.json["type"].endswith("/room-failed")
    assert "m.nothing" in refused.json["detail"]
    assert "m.nothing" in said(fleet, "describe", "room", "mended")
    apply(fleet, room_manifest("mended", map="m.spare"))
    assert join_answer(fleet, "smith", "mended").status == 201


# -- delete --------------------------------------------------------------------------------------------------


def test_deleting_a_running_room_says_goodbye_saves_and_keeps_its_data(fleet: Running) -> None:
    async def play() -> None:
        await asyncio.to_thread(apply, fleet, room_manifest("doomed", map="m.spare"))
        async with Client(fleet.url, game=GAME, token="last") as player:
            await player.join("doomed")
            await player.call("paint", colour="black")
            deleted = await asyncio.to_thread(said, fleet, "delete", "room", "doomed")
            assert deleted == f'room.roomfleet.io "doomed" deleted from {GAME} namespace\n'
            with pytest.raises(SessionEnded):
                await player.wait_for(lambda p: p.state is State.IDLE, 20)
            assert player.change.code == "room-deleted"
        refused = await asyncio.to_thread(join, fleet, "somebody", "doomed")
        assert refused.status == 404
        # Made again under the same name, it is the same room: what was saved is there.
        await asyncio.to_thread(apply, fleet, room_manifest("doomed", map="m.spare"))
        async with Client(fleet.url, game=GAME, token="last") as player:
            await player.join("doomed")
            assert player.you is not None
            assert player.actors[player.you.id]["state"]["colour"] == "black"
        assert (await asyncio.to_thread(fleet.room, "doomed"))["epoch"] == 2

    asyncio.run(play())


def test_made_again_with_another_map_a_room_fails_and_says_the_cure(fleet: Running) -> None:
    async def play() -> None:
        await asyncio.to_thread(apply, fleet, room_manifest("moved", map="m.spare"))
        async with in_room(fleet.url, GAME, "mover", "moved"):
            pass
        await asyncio.to_thread(said, fleet, "delete", "room", "moved")
        await asyncio.to_thread(apply, fleet, room_manifest("moved", map="m.other"))
        refused = await asyncio.to_thread(join_answer, fleet, "newcomer", "moved")
        assert refused.status == 409
        assert refused.json["type"].endswith("/room-failed")
        for part in ("m.spare", "m.other"):
            assert part in refused.json["detail"]
        shown = await asyncio.to_thread(said, fleet, "get", "room", "moved", "-o", "json")
        status = json.loads(shown)["status"]
        assert status["phase"] == "Failed"
        assert "m.spare" in status["message"]
        # The cure that it names: the old map again.
        await asyncio.to_thread(said, fleet, "delete", "room", "moved")
        await asyncio.to_thread(apply, fleet, room_manifest("moved", map="m.spare"))
        assert (await asyncio.to_thread(join_answer, fleet, "newcomer", "moved")).status == 201

    asyncio.run(play())


def test_deleting_a_room_with_a_line_refuses_those_who_wait(fleet: Running) -> None:
    async def play() -> None:
        await asyncio.to_thread(apply, fleet, room_manifest("queue", map="m.spare", capacity=1))
        async with in_room(fleet.url, GAME, "sitter", "queue") as sitter:
            waiting = await asyncio.to_thread(join, fleet, "waiter", "queue")
            assert waiting.status == 202
            await asyncio.to_thread(said, fleet, "delete", "room", "queue")
            assert (await sitter.until("bye"))["code"] == "room-deleted"
            await sitter.rest()
        where = f"{fleet.url}/v1/games/{GAME}/joins/{waiting.json['id']}"
        answer = await asyncio.to_thread(ask, where, player="waiter")
        assert answer.status == 404
        assert answer.json["type"].endswith("/no-such-room")

    asyncio.run(play())


# -- sleeping ------------------------------------------------------------------------------------------------


def test_a_bored_room_falls_asleep_and_a_join_wakes_it(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "napper", "napping") as napper:
            assert (await napper.call(1, "paint", colour="white"))["value"]
            running = await asyncio.to_thread(fleet.room, "napping")
            assert (running["phase"], running["node"], running["epoch"]) == ("Running", "default-0", 1)
        asleep = await asyncio.to_thread(fleet.wait_phase, "napping", "Asleep")
        assert (asleep["node"], asleep["players"], asleep["epoch"]) == ("", 0, 1)
        async with in_room(fleet.url, GAME, "napper", "napping") as napper:
            seen = next(each for each in napper.heard if each["type"] == "snapshot")
            assert seen["actors"]["p:napper"]["state"]["colour"] == "white"
            woken = await asyncio.to_thread(fleet.room, "napping")
            assert (woken["phase"], woken["epoch"]) == ("Running", 2)

    asyncio.run(play())


def test_a_room_that_is_bored_at_once_leaves_its_node_at_once(fleet: Running) -> None:
    async def play() -> None:
        for epoch in (1, 2, 3):
            async with in_room(fleet.url, GAME, "visitor", "brief") as visitor:
                assert (await visitor.call(1, "tap"))["value"] == epoch
            await asyncio.to_thread(fleet.wait_phase, "brief", "Asleep")

    asyncio.run(play())


def test_a_room_that_is_kept_always_runs_without_players(fleet: Running) -> None:
    assert fleet.wait_phase("always", "Running")["players"] == 0


def test_a_room_is_closed_and_opened_by_its_spec(fleet: Running) -> None:
    async def play() -> None:
        await asyncio.to_thread(apply, fleet, room_manifest("shop", map="m.spare", keep="Never"))
        refused = await asyncio.to_thread(join, fleet, "customer", "shop")
        assert refused.status == 409
        assert refused.json["type"].endswith("/room-closed")
        await asyncio.to_thread(apply, fleet, room_manifest("shop", map="m.spare"))
        async with Client(fleet.url, game=GAME, token="customer") as customer:
            await customer.join("shop")
            await asyncio.to_thread(apply, fleet, room_manifest("shop", map="m.spare", keep="Never"))
            refused = await asyncio.to_thread(join, fleet, "late", "shop")
            assert refused.json["type"].endswith("/room-closed")

    asyncio.run(play())


def test_another_fleet_than_this_says_so(fleet: Running) -> None:
    done = subprocess.run(
        [ROOMFLEET, "--server", "http://127.0.0.1:9", "get", "rooms"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert len(done.stderr.splitlines()) == 1
