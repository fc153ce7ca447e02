"""A node that says what is not so: it costs the rooms that it was given until it is lost, and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from roomfleet.wire.link import SUBPROTOCOL
from roomfleet.wire.options import LINK_SECRET
from support.raw import Raw, ask, in_room
from support.running import Running, eventually, running
from support.scraped import scraped
from support.small_game import API_VERSION, small_game
from support.trial_game import SHORT

GAME = "gullible"
LIES: dict[str, Any] = {
    "fewer than nobody": {"phase": "running", "players": -50},
    "more than anybody": {"phase": "running", "players": 10**30},
    "an epoch beyond all": {"phase": "running", "epoch": 2**63},
    "a fence beyond all": {"phase": "fenced", "found_epoch": 2**63 - 1},
    "times that are none": {"phase": "running", "saved_at": "soon", "frozen": -1e9, "frozen_at": 1e300},
    "tickets of nobody": {"phase": "running", "used": ["x"] * 100, "seated": ["\0" * 9] * 9},
}
"""What it reports of one room each, beside the room and its epoch."""
ROOMS = [f"room-{number}" for number in range(len(LIES))]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("lies")
    game = small_game(folder / GAME, {"hall": {}, **{name: {"fleet": "liars"} for name in ROOMS}})
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def way_in(fleet: Running) -> tuple[str, str]:
    """The control link's URL and secret, as a node was given them."""
    process = Path("/proc") / str(fleet.pid_of("default-0"))
    given = (process / "environ").read_text().split("\0")
    arguments = (process / "cmdline").read_text().split("\0")
    secret = next(each.partition("=")[2] for each in given if each.startswith(f"{LINK_SECRET}="))
    return arguments[arguments.index("--master") + 1], secret


@asynccontextmanager
async def linked(fleet: Running, **hello: Any) -> AsyncIterator[Raw]:
    """A control link of a node that is not one of the master's own, after its hello."""
    url, secret = await asyncio.to_thread(way_in, fleet)
    raw = Raw(await websocket_connect(HTTPRequest(url), subprotocols=[SUBPROTOCOL]))
    said = {"type": "hello", "game": GAME, "fleet": "liars", "name": "liars-0", "boot": "b", "capacity": 100}
    rest = {"url": "ws://127.0.0.1:9", "version": "0", "keys": {}, "rooms": [], "secret": secret}
    await raw.say({**said, **rest, **hello})
    pinging = asyncio.ensure_future(ping(raw))
    try:
        yield raw
    finally:
        pinging.cancel()
        raw.connection.close()
        await raw.rest()


async def ping(raw: Raw) -> None:
    while raw.connection.close_code is None and not raw.closed:
        await raw.say({"type": "ping"})
        await asyncio.sleep(0.5)


def post(fleet: Running, player: str, room: str) -> None:
    answer = ask(f"{fleet.url}/v1/games/{GAME}/joins", method="POST", player=player, body={"room": room})
    assert answer.status in (201, 202), answer


def failures(fleet: Running) -> float:
    """What raised in the master."""
    return sum(scraped(ask(f"{fleet.url}/metrics").text)["roomfleet_failures_total"].values())


def test_rooms_that_a_node_lied_about_run_elsewhere_when_it_is_lost(fleet: Running) -> None:
    spec = {"minNodes": 0, "maxNodes": 2}
    liars = {"apiVersion": API_VERSION, "kind": "RoomFleet", "metadata": {"name": "liars"}, "spec": spec}

    assert fleet.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump(liars)).returncode == 0

    async def lie() -> None:
        async with linked(fleet) as node:
            await node.until("accepted")
            for room in ROOMS:
                await asyncio.to_thread(post, fleet, f"first of {room}", room)
            told: dict[str, int] = {}
            while set(told) != set(ROOMS):
                told = {each["room"]: each["epoch"] for each in (await node.until("desired"))["rooms"]}
            for room, lie in zip(ROOMS, LIES.values(), strict=True):
                await node.say({"type": "report", "room": room, "epoch": told[room], **lie})
            for stranger in ("nowhere", "../hall", "hall"):
                await node.say({"type": "report", "room": stranger, "epoch": 9, "phase": "running"})
            await node.say({"type": "ping"})
            await node.until("pong")
            views = (await asyncio.to_thread(fleet.get, f"/v1/games/{GAME}/rooms"))["rooms"]
            assert all(view["players"] >= 0 for view in views)

    async def play(room: str) -> None:
        async with in_room(fleet.url, GAME, f"guest of {room}", room) as raw:
            assert (await raw.call(1, "tap"))["value"] == 1

    async def all_play() -> None:
        await asyncio.gather(*(play(room) for room in (*ROOMS, "hall")))

    asyncio.run(lie())
    asyncio.run(all_play())
    assert failures(fleet) == 0


@pytest.mark.parametrize(
    "said",
    [
        {"type": "seat", "room": "hall", "player": "", "id": "1"},
        {"type": "seat", "room": "nowhere", "player": "ann", "id": "2", "line_token": "a.b.c"},
        {"type": "seat", "room": "hall", "player": "bob", "id": "3", "key": "x" * 10_000},
        {"type": "locate", "instanced_room": "den", "key": "\0/..", "id": "4"},
        {"type": "found", "id": "none", "player": "ann", "room": "hall"},
        {"type": "brought", "id": "none", "room": "hall"},
        {"type": "prepared", "room": "hall"},
        {
            "type": "marked",
            "rooms": [{"room": "hall", "uid": "none", "epoch": 1}],
            "awaited": ["nowhere", "hall"],
        },
        {"type": "erased", "rooms": [{"room": "hall", "uid": "none", "epoch": 1 << 62}]},
        {"type": "nudge", "room": "nowhere", "wake": True},
        {"type": "ping", "load": {"busy": -1e308, "missed": 1e308}},
        {"type": "dance"},
        [],
    ],
    ids=lambda said: json.dumps(said)[:40],
)
def test_what_makes_no_sense_harms_nobody(fleet: Running, said: object) -> None:
    async def play() -> None:
        async with linked(fleet, name="liars-1", boot="c") as node, in_room(fleet.url, GAME, "hal") as raw:
            await node.say(said)
            await node.say({"type": "ping"})
            await node.until("pong")
            assert (await raw.call(1, "paint", colour="red"))["value"] == "red x1"

    asyncio.run(play())
    assert failures(fleet) == 0


def test_a_link_is_one_nodes(fleet: Running) -> None:
    """As another one after its hello, it would leave the first behind as if that were still there."""

    async def play() -> None:
        async with linked(fleet, name="liars-1", boot="d") as node:
            await node.until("accepted")
            await node.say({**HELLO_AGAIN, "name": "liars-9"})
            await node.rest()
            assert node.close_code == 4003

    asyncio.run(play())
    nodes = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"]
    assert "liars-9" not in {node["name"] for node in nodes}
    eventually(lambda: link_of(fleet, "liars-1") != "up", within=1.5, what="its end is noticed at once")


HELLO_AGAIN = {
    "type": "hello",
    "game": GAME,
    "fleet": "liars",
    "boot": "e",
    "capacity": 1,
    "url": "ws://127.0.0.1:9",
    "version": "0",
    "keys": {},
    "rooms": [],
}


def link_of(fleet: Running, name: str) -> str:
    nodes = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"]
    return next((str(node["link"]) for node in nodes if node["name"] == name), "gone")
