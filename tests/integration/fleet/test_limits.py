"""What one connection may ask of a node, in either format: named errors, goodbyes, no harm to others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from roomfleet.client import Client, SessionEnded
from roomfleet.wire.codec import FORMATS, JSON, MSGPACK, Format
from support.raw import Json, Raw, ask, connected, in_room
from support.running import Running, running
from support.small_game import small_game

GAME = "limited"
ROOM = "hall"
OUTSTANDING = 4

SLEEPY = """
    from roomfleet.game import Player, Room, command

    class Sleeper(Player):
        def define(self):
            self.state.public(taps=0)

        @command
        async def nap(self) -> str:
            await self.sleep(3600)
            return "slept"

        @command
        def tap(self) -> int:
            self.state.taps += 1
            return self.state.taps

        @command
        def tell(self, names: list[str]) -> None:
            there = [each for each in self.room.players if each.name in names]
            self.room.event("told", {"by": self.name}, to=there)

        @command
        def tell_all(self) -> None:
            self.room.event("told", {"by": self.name})

    class Dorm(Room):
        player_class = Sleeper
"""

FORMATTED = pytest.mark.parametrize("format", FORMATS.values(), ids=repr)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet of one node with small limits; every test has players of its own."""
    folder = tmp_path_factory.mktemp("limits")
    rooms = {ROOM: {"script": "small.dorm:Dorm"}}
    game = small_game(folder / GAME, rooms, scripts={"dorm": SLEEPY})
    environment = {
        "ROOMFLEET_OUTSTANDING_CALLS": f"{OUTSTANDING}",
        "ROOMFLEET_CALLS_PER_SECOND": "20",
        "ROOMFLEET_CALLS_BURST": "30",
        "ROOMFLEET_MAX_MESSAGE_BYTES": "5000",
    }
    with running(game, folder / "data", environment=environment) as fleet:
        yield fleet


def call(id: int, method: str, **args: Any) -> Json:
    return {"type": "call", "id": id, "method": method, "args": args}


# -- outstanding calls ---------------------------------------------------------------------------------------


@FORMATTED
def test_a_call_too_many_is_refused_by_name_and_the_session_goes_on(fleet: Running, format: Format) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, f"sleeper {format.name}", ROOM, format) as raw:
            for id in range(1, OUTSTANDING + 1):
                await raw.say(call(id, "nap"))
            await raw.say(call(70, "nap"))
            error = await raw.until("error", "result")
            assert (error["id"], error["code"]) == (70, "too-many-calls")
            assert "4 calls" in error["message"]
            await raw.say(call(71, "tap"))
            assert (await raw.until("error", "result"))["code"] == "too-many-calls"
            await raw.say({"type": "ping", "t": 1.5})
            assert (await raw.until("pong"))["t"] == 1.5

    asyncio.run(play())


def test_calls_that_were_answered_do_not_count(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "tapper", ROOM) as raw:
            for id in range(1, OUTSTANDING):
                await raw.say(call(id, "nap"))
            for id in range(10, 20):
                assert (await raw.call(id, "tap"))["value"] == id - 9
            assert (await raw.call(20, "no_such"))["code"] == "no-such-method"
            assert (await raw.call(21, "tap"))["value"] == 11

    asyncio.run(play())


def test_another_connection_begins_with_none(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="twice") as player:
            await player.join(ROOM)
            naps = [asyncio.create_task(player.call("nap")) for _ in range(OUTSTANDING)]
            await asyncio.sleep(0)
            async with Client(fleet.url, game=GAME, token="twice") as again:
                await again.join(ROOM)
                assert await again.call("tap") == 1
                with pytest.raises(SessionEnded, match="replaced"):
                    await player.wait_for(lambda _: False, 10)
                answers = await asyncio.gather(*naps, return_exceptions=True)
                assert [getattr(each, "code", None) for each in answers] == ["dropped"] * OUTSTANDING

    asyncio.run(play())


# -- calls a second, message size ----------------------------------------------------------------------------


@FORMATTED
def test_too_many_messages_are_named_and_then_a_goodbye(fleet: Running, format: Format) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "watcher", ROOM) as watcher:
            async with in_room(fleet.url, GAME, f"rude {format.name}", ROOM, format) as rude:
                for id in range(1, 100):
                    await rude.say(call(id, "tap"))
                told = [each for each in await rude.rest() if each["type"] in ("error", "bye")]
                assert [(each["type"], each["code"]) for each in told] == [
                    ("error", "rate-limit"),
                    ("bye", "rate-limit"),
                ]
                assert "20 messages a second" in told[0]["message"]
            assert (await watcher.call(1, "tap"))["type"] == "result"

    asyncio.run(play())


@FORMATTED
def test_a_message_too_large_is_named_and_then_a_goodbye(fleet: Running, format: Format) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, f"loud {format.name}", ROOM, format) as raw:
            assert (await raw.call(1, "tell", names=["x" * 4800]))["type"] == "result"
            await raw.say(call(2, "tell", names=["x" * 5000]))
            told = [each for each in await raw.rest() if each["type"] in ("error", "bye")]
            assert [each["code"] for each in told] == ["message-too-large", "protocol-error"]
            assert "5,000 bytes" in told[0]["message"]
            assert raw.close_code == 1009

    asyncio.run(play())


# -- snapshots on demand -------------------------------------------------------------------------------------


@FORMATTED
def test_a_snapshot_comes_when_it_is_asked_for_and_patches_go_on_from_it(
    fleet: Running, format: Format
) -> None:
    async def play() -> None:
        name = f"asker {format.name}"
        async with in_room(fleet.url, GAME, name, ROOM, format) as raw:
            for id in range(1, 4):
                assert (await raw.call(id, "tap"))["value"] == id
                await raw.say({"type": "snapshot"})
                snapshot = await raw.until("snapshot")
                assert snapshot["actors"][f"p:{name}"]["state"]["taps"] == id
            await raw.call(9, "tap")
            patch = await raw.until("patch")
            assert patch["seq"] > snapshot["seq"]
            assert patch["ops"] == [["set", [f"p:{name}", "state", "taps"], 4]]

    asyncio.run(play())


def test_snapshots_asked_for_at_once_are_one(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "greedy", ROOM) as raw:
            for _ in range(15):
                await raw.say({"type": "snapshot"})
            await raw.say({"type": "ping", "t": 1})
            await raw.until("pong")
            # Welcome's own was sent a moment ago: the next one comes a second after it, for all of them.
            await raw.until("snapshot")
            await raw.say({"type": "ping", "t": 2})
            await raw.until("pong")
            assert [each["type"] for each in raw.heard].count("snapshot") == 2

    asyncio.run(play())


# -- formats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", FORMATS.values(), ids=repr)
def test_the_clients_order_of_preference_decides(fleet: Running, first: Format) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "guide", ROOM):
            answer = await asyncio.to_thread(
                ask,
                f"{fleet.url}/v1/games/{GAME}/joins",
                method="POST",
                player=f"prefers {first.name}",
                body={"room": ROOM},
            )
            (second,) = set(FORMATS.values()) - {first}
            protocols = ["roomfleet.v9", first.subprotocol, second.subprotocol]
            async with connected(answer.json["url"], protocols) as raw:
                assert raw.connection.selected_subprotocol == first.subprotocol
                await raw.say({"type": "hello", "ticket": answer.json["ticket"]})
                assert (await raw.until("snapshot"))["seq"] >= 0

    asyncio.run(play())


@pytest.mark.parametrize(
    ("format", "frame", "named"),
    [
        (JSON, MSGPACK.encode({"type": "ping", "t": 1}), "text frames"),
        (JSON, b'{"type":"ping","t":1}', "text frames"),
        (MSGPACK, '{"type":"ping","t":1}', "binary frames"),
        (MSGPACK, b'{"type":"ping","t":1}', "client to node"),
        (MSGPACK, MSGPACK.encode({"type": "ping", "t": 1})[:-3], "truncated"),
        (MSGPACK, MSGPACK.encode({"type": "ping", "t": 1}) + b"\0", "trailing"),
        (MSGPACK, b"", "truncated"),
        (MSGPACK, b"\x91" * 4_000, "object"),
        (MSGPACK, MSGPACK.encode({"type": "fly"}), "fly"),
        (MSGPACK, MSGPACK.encode(call(1, "tell", names=[float("nan")])), "$.args.names[0]"),
        (MSGPACK, MSGPACK.encode(call(1, "tell", names={1: 2})), "the key 1 is no string"),
        (MSGPACK, MSGPACK.encode(call(1, "tell", names=b"x")), "bytes"),
        (MSGPACK, MSGPACK.encode(call(1, "tell", names=2**60)), "2**53"),
        (JSON, '{"type":"call","id":1,"method":"tell","args":{"names":' + "9" * 30 + "}}", "2**53"),
    ],
)
def test_what_is_not_of_the_format_gets_an_error_in_it_and_the_session_goes_on(
    fleet: Running, format: Format, frame: str | bytes, named: str
) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "mixed", ROOM, format) as raw:
            await raw.say(frame)
            error = await raw.until("error")
            assert error["code"] in ("bad-message", "unknown-message")
            assert named in error["message"]
            assert (await raw.call(2, "tap"))["type"] == "result"

    asyncio.run(play())


def test_players_of_both_formats_see_the_same(fleet: Running) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            players = []
            for number, format in enumerate([JSON, MSGPACK, JSON, MSGPACK]):
                player = Client(fleet.url, game=GAME, token=f"both {number}", format=format)
                players.append(await stack.enter_async_context(player))
            await asyncio.gather(*(player.join(ROOM) for player in players))
            for count in range(1, 6):
                assert await asyncio.gather(*(player.call("tap") for player in players)) == [count] * 4
            for player in players:
                await player.wait_for(
                    lambda one: (
                        [one.actors.get(f"p:both {n}", {}).get("state", {}).get("taps") for n in range(4)]
                        == [5] * 4
                    ),
                    10,
                )
            mine = [{id: each for id, each in p.actors.items() if "both" in id} for p in players]
            assert mine == [mine[0]] * 4

    asyncio.run(play())


def test_an_event_goes_to_one_to_some_or_to_all(fleet: Running) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            raws: dict[str, Raw] = {}
            for name, format in {"ann": JSON, "ben": MSGPACK, "cat": JSON}.items():
                raws[name] = await stack.enter_async_context(in_room(fleet.url, GAME, name, ROOM, format))
            ann = raws["ann"]
            await ann.call(1, "tell", names=["ben"])
            await ann.call(2, "tell", names=["ben", "cat"])
            await ann.call(3, "tell_all")
            counts = {"ann": 1, "ben": 3, "cat": 2}
            for name, raw in raws.items():
                while [each["type"] for each in raw.heard].count("event") < counts[name]:
                    await raw.hear()
                await raw.call(50, "tap")
                assert [each["type"] for each in raw.heard].count("event") == counts[name]
                assert {"type": "event", "name": "told", "data": {"by": "ann"}} in raw.heard

    asyncio.run(play())
