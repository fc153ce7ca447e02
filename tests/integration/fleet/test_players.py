"""GET /v1/games/{game}/players/{player}: where a player is, on a fleet of two nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.raw import Answer, ask, in_room
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "seeking"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Rooms on both nodes; every test has players of its own."""
    folder = tmp_path_factory.mktemp("players")
    rooms: dict[str, dict[str, Any]] = {"hall": {}, "den": {}, "cell": {"capacity": 1}, "nook": {}}
    with running(small_game(folder / GAME, rooms, nodes=2), folder / "data") as fleet:
        yield fleet


def look(fleet: Running, player: str, *, caller: str | None = None, **headers: str) -> Answer:
    url = f"{fleet.url}/v1/games/{GAME}/players/{quote(player)}"
    return ask(url, player=caller, headers={name.replace("_", "-"): text for name, text in headers.items()})


def seen(fleet: Running, player: str) -> dict[str, Any]:
    answer = look(fleet, player, caller=player)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    assert found.pop("player") == player
    return found


def sees(fleet: Running, player: str, **wanted: Any) -> None:
    eventually(lambda: {**seen(fleet, player), **wanted} == seen(fleet, player), what=f"{player}: {wanted}")


def test_a_player_is_connected_where_they_play_whichever_node_that_is(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "ada", "hall"), in_room(fleet.url, GAME, "bob", "den"):
            nodes = []
            for player, room in (("ada", "hall"), ("bob", "den")):
                found = await asyncio.to_thread(seen, fleet, player)
                assert (found["room"], found["presence"], found["line"]) == (room, "connected", None)
                assert found["node"] == fleet.room(room)["node"]
                nodes.append(found["node"])
            assert len(set(nodes)) == 2

    asyncio.run(play())


def test_one_who_was_cut_off_may_come_back_and_one_who_left_is_away(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "cut", "den") as raw:
            raw.connection.close()
            await raw.rest()
        await asyncio.to_thread(sees, fleet, "cut", room="den", presence="resumable")
        async with in_room(fleet.url, GAME, "gone", "nook"):
            pass
        await asyncio.to_thread(sees, fleet, "gone", room="nook", presence="away")

    asyncio.run(play())


def test_one_who_was_in_a_room_that_sleeps_now_is_away_in_it(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "sleepy", "nook"):
            pass

    asyncio.run(play())
    patched = fleet.roomfleet("apply", "-f", "-", stdin=sleeps_at_once("nook"))
    assert patched.returncode == 0, patched.stderr
    fleet.wait_phase("nook", "Asleep")
    assert seen(fleet, "sleepy") == {"presence": "away", "room": "nook", "node": "", "line": None}


def sleeps_at_once(room: str) -> str:
    spec = f"{{map: m.{room}, script: 'small.rooms:Place', boredAfterSeconds: 0}}"
    return f"{{apiVersion: roomfleet.io/v1alpha1, kind: Room, metadata: {{name: {room}}}, spec: {spec}}}"


def test_a_place_in_line_is_told(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "inside", "cell"):
            for number in (1, 2):
                url, player = f"{fleet.url}/v1/games/{GAME}/joins", f"waiting {number}"
                assert (await asyncio.to_thread(post, url, player)).status == 202
            found = await asyncio.to_thread(seen, fleet, "waiting 2")
            assert found["line"]["room"] == "cell"
            assert found["line"]["position"] == 2
            assert (found["room"], found["presence"]) == (None, "away")

    def post(url: str, player: str) -> Answer:
        return ask(url, method="POST", player=player, body={"room": "cell"})

    asyncio.run(play())


def test_only_the_player_and_admins_may_ask(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "dora", "hall"):
            await asyncio.to_thread(ask_about_dora)

    def ask_about_dora() -> None:
        stranger = {"X_Forwarded_For": "203.0.113.9"}  # on this machine everybody is an admin
        assert look(fleet, "dora", caller="dora", **stranger).status == 200
        assert look(fleet, "dora").status == 200, "an admin"
        assert look(fleet, "dora", caller="eve").status == 200, "an admin, whoever else that is"
        for caller, status, problem in (("eve", 403, "forbidden"), (None, 401, "unauthenticated")):
            for player in ("dora", "nobody at all"):
                answer = look(fleet, player, caller=caller, **stranger)
                assert answer.status == status
                assert answer.json["type"].endswith(problem)
        assert look(fleet, "dora", Authorization="Basic xyz", **stranger).status == 401

    asyncio.run(play())


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        (f"/v1/games/{GAME}/players/never", 404, "no-such-player"),
        ("/v1/games/chess/players/ada", 404, "no-such-game"),
        (f"/v1/games/{GAME}/players/{'x' * 33}", 400, "bad-request"),
    ],
)
def test_what_is_not_there_is_said(fleet: Running, path: str, status: int, problem: str) -> None:
    answer = ask(fleet.url + path)
    assert (answer.status, answer.json["type"].rsplit("/", 1)[1]) == (status, problem)
