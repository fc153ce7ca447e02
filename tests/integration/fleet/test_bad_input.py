"""Bad input on a player's websocket: a clear error, and nothing else changes (P9)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from roomfleet.wire.tickets import SigningKey, Ticket
from support.raw import PLAY, Json, Raw, ask, connected, in_room, play_url
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "sturdy"
ROOM = "hall"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet of one node; every test leaves it as it was."""
    folder = tmp_path_factory.mktemp("input")
    with running(small_game(folder / GAME, {ROOM: {}}), folder / "data") as fleet:
        yield fleet


@asynccontextmanager
async def two(fleet: Running) -> AsyncIterator[tuple[Raw, Raw]]:
    """A player who misbehaves, and one who watches. Afterwards the watcher's session works as before."""
    async with in_room(fleet.url, GAME, "watcher", ROOM) as watcher:
        async with in_room(fleet.url, GAME, "rude", ROOM) as rude:
            yield rude, watcher
        taps = (await watcher.call(900, "tap"))["value"]
        assert (await watcher.call(901, "tap"))["value"] == taps + 1
        assert watcher.close_code is None
        assert [each for each in watcher.heard if each["type"] in ("error", "bye", "rejoin")] == []


def admitted(fleet: Running, player: str) -> Json:
    """A place in the room."""
    answer: Json = eventually(
        lambda: _if_admitted(
            ask(f"{fleet.url}/v1/games/{GAME}/joins", method="POST", player=player, body={"room": ROOM}).json
        )
    )
    return answer


def _if_admitted(answer: Json) -> Json | None:
    return answer if answer["state"] == "admitted" else None


async def error_after(raw: Raw, message: object) -> Json:
    """The error that a message is answered with."""
    await raw.say(message)
    return await raw.until("error")


# -- messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "named"),
    [
        ('{"type":"fly","to":"moon"}', "unknown-message", "fly"),
        ('{"type":"call","id":1,"method":', "bad-message", "JSON"),
        ("not json at all", "bad-message", "JSON"),
        ("", "bad-message", "JSON"),
        ("[1,2,3]", "bad-message", "object"),
        ("null", "bad-message", "object"),
        ('{"id":1,"method":"tap"}', "bad-message", "type"),
        ('{"type":7}', "unknown-message", "$.type"),
        ('{"type":"call","method":"tap"}', "bad-message", "id"),
        ('{"type":"call","id":"one","method":"tap"}', "bad-message", "$.id"),
        ('{"type":"call","id":1.5,"method":"tap"}', "bad-message", "$.id"),
        ('{"type":"call","id":1,"method":"tap","args":[1]}', "bad-message", "$.args"),
        ('{"type":"call","id":1,"method":null}', "bad-message", "$.method"),
        ('{"type":"ping"}', "bad-message", "t"),
        ('{"type":"ping","t":NaN}', "bad-message", "JSON"),
        ('{"type":"hello","resume":"x"}', "bad-message", "hello"),
        (b"\xff\xfe\x00 no text", "bad-message", "JSON"),
        (b'{"type":"call","id":1,"method":"tap"}', "bad-message", "text frames"),
        ("[" * 30_000, "bad-message", "object"),
        ('{"type":"call","id":1,"method":"tap","args":{"a":' + "[" * 20_000, "bad-message", "deeply"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, str | bytes) else None,
)
def test_a_message_that_is_none_gets_an_error_and_the_session_goes_on(
    fleet: Running, message: object, code: str, named: str
) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            error = await error_after(rude, message)
            assert error["code"] == code
            assert error["id"] is None
            assert named in error["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_text_that_is_not_utf_8_gets_an_error_and_the_session_goes_on(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            protocol: Any = rude.connection.protocol
            await protocol._write_frame(True, 0x1, b'{"type":"call","id":1,"method":"\xff\xff"}')
            error = await rude.until("error")
            assert error["code"] == "bad-message"
            assert "utf-8" in error["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


@pytest.mark.parametrize("size", [65_537, 10_000_000])
def test_a_message_too_large_is_named_and_ends_only_its_session(fleet: Running, size: int) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            (pid,) = fleet.node_pids().values()
            before = _memory(pid)
            await rude.say({"type": "call", "id": 1, "method": "paint", "args": {"colour": "x" * size}})
            heard = [each for each in await rude.rest() if each["type"] in ("error", "bye")]
            assert [each["type"] for each in heard] == ["error", "bye"]
            assert heard[0]["code"] == "message-too-large"
            assert "65,536" in heard[0]["message"]
            assert heard[1]["code"] == "protocol-error"
            assert rude.close_code == 1009
            assert _memory(pid) - before < 8_000_000
        # The same player may come back.
        async with in_room(fleet.url, GAME, "rude", ROOM) as rude:
            assert (await rude.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_a_message_of_just_the_allowed_size_is_taken(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            empty = {"type": "call", "id": 1, "method": "tap", "more": ""}
            await rude.say(json.dumps({**empty, "more": "x" * (65_536 - len(json.dumps(empty)))}))
            assert (await rude.until("result", "error"))["type"] == "result"

    asyncio.run(play())


def test_a_message_too_large_before_hello_is_refused_too(fleet: Running) -> None:
    async def play() -> None:
        async with connected(admitted(fleet, "rude")["url"]) as raw:
            await raw.say({"type": "hello", "ticket": "x" * 1_000_000})
            heard = await raw.rest()
            assert [each["type"] for each in heard] == ["error", "bye"]
            assert raw.close_code == 1009

    asyncio.run(play())


def _memory(pid: int) -> int:
    """Resident bytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")


def test_too_many_messages_are_named_and_end_only_their_session(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            for _ in range(200):
                await rude.say({"type": "ping", "t": 0})
            heard = await rude.rest()
            assert [each["type"] for each in heard if each["type"] != "patch"][-2:] == ["error", "bye"]
            error, bye = [each for each in heard if each["type"] in ("error", "bye")]
            assert error["code"] == bye["code"] == "rate-limit"
            assert 39 <= sum(each["type"] == "pong" for each in heard) < 200
        async with in_room(fleet.url, GAME, "rude", ROOM) as rude:
            assert (await rude.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


# -- calls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "args", "named"),
    [
        ("paint", {"colour": 7}, "'colour'"),
        ("paint", {"colour": None}, "'colour'"),
        ("paint", {"colour": "red", "coats": "3"}, "'coats'"),
        ("paint", {"colour": "red", "coats": 1.5}, "'coats'"),
        ("paint", {"colour": "red", "coats": True}, "'coats'"),
        ("paint", {}, "'colour'"),
        ("paint", {"coats": 2}, "'colour'"),
        ("paint", {"colour": "red", "shade": "dark"}, "'shade'"),
        ("paint", {"self": 1, "colour": "red"}, "'self'"),
        ("walk", {"x": "left", "y": 1}, "'x'"),
        ("walk", {"x": [1], "y": 1}, "'x'"),
    ],
)
def test_wrong_arguments_are_named(fleet: Running, method: str, args: Json, named: str) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            await rude.say({"type": "call", "id": 1, "method": method, "args": args})
            answer = await rude.until("error", "result")
            assert answer["id"] == 1
            assert answer["code"] == "bad-arguments"
            assert named in answer["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


@pytest.mark.parametrize(
    "method",
    [
        "fly", "unmarked", "define", "kickoff", "state", "move_to", "travel", "save", "pinch", "ask", "id",
        "_live", "__init__", "__class__", "__dict__", "__reduce__", "__getattribute__", "state.colour",
        "walk.__globals__", "", " tap", "tap ", "TAP", "ta\u0000p", "x" * 1000,
    ],
)  # fmt: skip
def test_defect_09_what_is_not_marked_cannot_be_called(fleet: Running, method: str) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, watcher):
            answer = await rude.call(1, method)
            assert answer["type"] == "error"
            assert answer["code"] == "no-such-method"
            assert "there are: fail, go, paint, tap, walk" in answer["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"
            assert not any("stolen" in json.dumps(each) for each in watcher.heard)

    asyncio.run(play())


def test_a_command_that_raises_is_an_error_of_its_call_alone(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            answer = await rude.call(1, "fail")
            assert answer["code"] == "script-error"
            assert "Traceback" not in answer["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"
            assert "this command is broken" in fleet.log()

    asyncio.run(play())


@pytest.mark.parametrize("room", ["nowhere", "", "../../etc", "HALL"])
def test_a_travel_to_a_room_that_is_not_there_is_refused(fleet: Running, room: str) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            answer = await rude.call(1, "go", room=room)
            assert answer["type"] == "error"
            assert answer["code"] in ("refused", "script-error")
            assert room in answer["message"]
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_the_same_id_for_two_calls_answers_both(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            for _ in range(2):
                await rude.say({"type": "call", "id": 1, "method": "tap"})
            first, second = await rude.until("result"), await rude.until("result")
            assert (first["id"], second["id"]) == (1, 1)
            assert second["value"] == first["value"] + 1

    asyncio.run(play())


# -- hello ---------------------------------------------------------------------------------------------------


def test_nothing_but_hello_is_taken_before_hello(fleet: Running) -> None:
    async def play() -> None:
        place = await asyncio.to_thread(admitted, fleet, "rude")
        async with connected(place["url"]) as raw:
            for message in ({"type": "call", "id": 1, "method": "tap"}, {"type": "leave"}):
                error = await error_after(raw, message)
                assert error["code"] == "bad-message"
                assert "hello" in error["message"]
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            await raw.until("snapshot")
            assert (await raw.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_hello_twice_is_an_error_and_the_session_goes_on(fleet: Running) -> None:
    async def play() -> None:
        async with two(fleet) as (rude, _):
            error = await error_after(rude, {"type": "hello", "ticket": "again"})
            assert error["code"] == "bad-message"
            assert (await rude.call(2, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_whoever_says_nothing_at_all_is_cut_off(fleet: Running) -> None:
    async def silent_on_the_node() -> None:
        place = await asyncio.to_thread(admitted, fleet, "rude")
        async with connected(place["url"]) as raw:
            (error,) = await raw.rest()
            assert error["code"] == "bad-ticket"
            assert "hello" in error["message"]
            assert raw.close_code == 4002

    async def silent_on_play() -> None:
        async with connected(play_url(fleet.url, GAME), (PLAY,)) as raw:
            (refused,) = await raw.rest()
            assert refused["type"] == "refused"
            assert refused["problem"]["status"] == 401
            assert "join" in refused["problem"]["detail"]

    async def both() -> None:
        await asyncio.gather(silent_on_the_node(), silent_on_play())

    asyncio.run(both())


def test_without_the_subprotocol_there_is_no_session(fleet: Running) -> None:
    async def play(protocols: tuple[str, ...]) -> None:
        place = await asyncio.to_thread(admitted, fleet, "rude")
        async with connected(place["url"], protocols) as raw:
            (bye,) = await raw.rest()
            assert bye["type"] == "bye"
            assert bye["code"] == "version"
            assert "roomfleet.v1" in bye["reason"]

    asyncio.run(play(()))
    asyncio.run(play(("roomfleet.v99", "chat")))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1"])
def test_a_foreign_page_cannot_connect(fleet: Running, origin: str) -> None:
    async def play() -> None:
        place = await asyncio.to_thread(admitted, fleet, "rude")
        with pytest.raises(HTTPClientError) as refusal:
            async with connected(place["url"], origin=origin):
                pass
        assert refusal.value.code == 403

    asyncio.run(play())


def test_the_play_page_and_its_twin_can_connect(fleet: Running) -> None:
    async def play(origin: str) -> None:
        place = await asyncio.to_thread(admitted, fleet, "neat")
        async with connected(place["url"], origin=origin) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            await raw.until("welcome")

    asyncio.run(play(fleet.url))
    asyncio.run(play(fleet.url.replace("127.0.0.1", "localhost")))


# -- tickets -------------------------------------------------------------------------------------------------


def boot(fleet: Running) -> str:
    """The boot id of the node."""
    found: str = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"][0]["boot"]
    return found


def a_ticket(fleet: Running, **claims: Any) -> Ticket:
    """A good ticket, but for these claims."""
    good = {
        "sub": "forger", "game": GAME, "room": ROOM, "aud": boot(fleet), "exp": time.time() + 60, "jti": "j1",
    }  # fmt: skip
    return Ticket(**{**good, **claims})


def masters_key(fleet: Running) -> SigningKey:
    return SigningKey.from_pem((fleet.data / "keys" / "master.pem").read_bytes())


async def refused(fleet: Running, hello: Json, flaw: str = "") -> None:
    """That hello is refused, and neither the room nor anybody in it notices."""
    place = await asyncio.to_thread(admitted, fleet, "honest")
    async with two(fleet) as (_, watcher):
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", **hello})
            (error,) = await raw.rest()
            assert error["type"] == "error"
            assert error["code"] == ("bad-resume" if "resume" in hello else "bad-ticket")
            assert flaw in error["message"]
            assert "join again" in error["message"]
            assert raw.close_code == 4001
        assert "p:forger" not in json.dumps(watcher.heard)
    # A ticket is used up by an accepted hello alone: the good one still is.
    async with connected(place["url"]) as raw:
        await raw.say({"type": "hello", "ticket": place["ticket"]})
        await raw.until("welcome")


@pytest.mark.parametrize(
    ("claims", "flaw"),
    [
        ({"exp": 1.0}, "expired"),
        ({"aud": "another boot"}, "another node"),
        ({"aud": "line"}, "another node"),
        ({"game": "elsewhere"}, "room hall of elsewhere"),
        ({"room": "attic"}, "room attic"),
    ],
)
def test_a_ticket_that_is_not_for_here_is_refused(fleet: Running, claims: Json, flaw: str) -> None:
    ticket = masters_key(fleet).sign(a_ticket(fleet, **claims))
    asyncio.run(refused(fleet, {"ticket": ticket}, flaw))


def test_a_forged_ticket_is_refused(fleet: Running) -> None:
    forger = SigningKey.from_seed(b"f" * 32)
    asyncio.run(refused(fleet, {"ticket": forger.sign(a_ticket(fleet))}, "forged"))
    # Also when it names the master's key.
    forger.id = masters_key(fleet).id
    asyncio.run(refused(fleet, {"ticket": forger.sign(a_ticket(fleet))}, "forged"))


@pytest.mark.parametrize("ticket", ["", "rubbish", "a.b.c", "e30.e30.e30", "\u0000", "x" * 10_000])
def test_a_ticket_that_is_none_is_refused(fleet: Running, ticket: str) -> None:
    asyncio.run(refused(fleet, {"ticket": ticket}))


def test_a_ticket_without_a_signature_is_refused(fleet: Running) -> None:
    head, body, _ = masters_key(fleet).sign(a_ticket(fleet)).split(".")
    asyncio.run(refused(fleet, {"ticket": f"{head}.{body}."}, "forged"))
    # {"alg":"none","kid":…}
    asyncio.run(refused(fleet, {"ticket": f"eyJhbGciOiJub25lIn0.{body}."}, "forged"))


def test_a_hello_with_nothing_is_refused(fleet: Running) -> None:
    asyncio.run(refused(fleet, {}, "malformed"))


def test_a_line_token_is_no_ticket(fleet: Running) -> None:
    async def play() -> None:
        key = masters_key(fleet)
        ticket = key.sign(a_ticket(fleet, aud="line"))
        await refused(fleet, {"ticket": ticket}, "another node")

    asyncio.run(play())


def test_a_ticket_is_good_once(fleet: Running) -> None:
    async def play() -> None:
        place = await asyncio.to_thread(admitted, fleet, "once")
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            await raw.until("snapshot")
            await refused(fleet, {"ticket": place["ticket"]}, "reused")
            assert (await raw.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 10_000, "ü"])
def test_a_wrong_resume_secret_is_refused(fleet: Running, secret: str) -> None:
    asyncio.run(refused(fleet, {"resume": secret}, "over"))


def test_a_resume_secret_is_good_once(fleet: Running) -> None:
    async def play() -> None:
        place = await asyncio.to_thread(admitted, fleet, "resumer")
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            secret = (await raw.until("welcome"))["resume"]
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "resume": secret})
            assert (await raw.until("welcome"))["resume"] != secret
            await refused(fleet, {"resume": secret}, "over")
            assert (await raw.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


def test_a_resume_secret_left_behind_by_leave_is_refused(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "leaver", ROOM) as raw:
            secret = next(each for each in raw.heard if each["type"] == "welcome")["resume"]
        await refused(fleet, {"resume": secret}, "over")

    asyncio.run(play())
