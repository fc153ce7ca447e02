"""Admins watch one room: all of it and nothing of any other, without being in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from roomfleet.client import MSGPACK, Client, Refused, SessionEnded, Watching
from roomfleet.master.api.context import Context
from roomfleet.master.api.watches import Watches
from roomfleet.wire.tickets import SigningKey, Ticket, watch_audience
from support.raw import Answer, Json, Raw, ask, connected, in_room
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "watched"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet of one node; every test has rooms of its own."""
    folder = tmp_path_factory.mktemp("watching")
    rooms: dict[str, dict[str, Any]] = {
        "hall": {"capacity": 1},
        "den": {},
        "attic": {},
        "nook": {"boredAfterSeconds": 0},
        "asleep": {},
    }
    with running(small_game(folder / GAME, rooms), folder / "data") as fleet:
        yield fleet


def watches(fleet: Running, room: str, **headers: str) -> Answer:
    """POST a wish to watch."""
    url = f"{fleet.url}/v1/games/{GAME}/rooms/{room}/watches"
    return ask(url, method="POST", headers={name.replace("_", "-"): text for name, text in headers.items()})


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


def watching(fleet: Running, room: str, **options: Any) -> Watching:
    return Watching(fleet.url, game=GAME, room=room, **options)


@asynccontextmanager
async def raw_watcher(fleet: Running, room: str) -> AsyncIterator[Raw]:
    """A watcher, message by message."""
    answer = (await asyncio.to_thread(watches, fleet, room)).json
    async with connected(answer["url"]) as raw:
        await raw.say({"type": "hello", "watch": answer["ticket"]})
        await raw.until("snapshot")
        yield raw


def test_a_watcher_sees_what_players_do_not_and_as_it_changes(fleet: Running) -> None:
    async def play() -> None:
        async with (
            player(fleet, "ada") as ada,
            player(fleet, "bob") as bob,
        ):
            await ada.join("den")
            await bob.join("den")
            async with watching(fleet, "den") as den, watching(fleet, "den", format=MSGPACK) as other:
                for each in (den, other):
                    assert set(each.actors) == {"p:ada", "p:bob"}
                    assert each.actors["p:ada"]["state"]["secret"] == "sesame"
                    assert each.actors["p:ada"]["tiers"]["bag"] == "owner"
                    assert each.welcome.you.id == ""
                    assert each.welcome.room.name == "den"
                assert "bag" not in bob.actors["p:ada"]["state"]
                await ada.call("paint", colour="green")
                for each in (den, other):
                    await each.wait_for(lambda one: one.actors["p:ada"]["state"]["colour"] == "green", 10)
                await bob.leave()
                for each in (den, other):
                    await each.wait_for(lambda one: "p:bob" not in one.actors, 10)
                    assert each.copy == {**den.copy}
                assert abs(den.now - ada.now) < 1

    asyncio.run(play())


def test_a_watcher_takes_no_seat_and_is_nobody(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "cy") as ada:
            await ada.join("hall")
            async with watching(fleet, "hall"):
                await ada.leave()
                async with player(fleet, "dot") as bob:
                    await bob.join("hall")
                    async with watching(fleet, "hall") as second:
                        assert set(second.actors) == {"p:dot"}
                        assert set(bob.actors) == {"p:dot"}
                        room = await asyncio.to_thread(
                            eventually, lambda: (r := fleet.room("hall"))["players"] == 1 and r
                        )
                        assert room["resumable"] == 0

    asyncio.run(play())


def test_a_watcher_of_one_room_hears_nothing_of_another(fleet: Running) -> None:
    async def play() -> None:
        async with (
            in_room(fleet.url, GAME, "eli", "den") as ada,
            in_room(fleet.url, GAME, "flo", "attic") as bob,
            raw_watcher(fleet, "attic") as attic,
        ):
            for tap in range(1, 4):
                await ada.call(tap, "tap")
            await bob.call(1, "tap")
            while "taps" not in str(await attic.until("patch")):
                pass
            assert "p:eli" not in str(attic.heard)
            assert "p:flo" in str(attic.heard)

    asyncio.run(play())


def test_a_watcher_calls_nothing_and_may_ask_for_snapshots_and_leave(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "gus", "den") as ada, raw_watcher(fleet, "den") as raw:
            for id in range(100, 105):
                await raw.say({"type": "call", "id": id, "method": "tap", "args": {}})
                error = await raw.until("error")
                assert (error["id"], error["code"]) == (id, "refused")
                assert "only watch" in error["message"]
            await raw.say({"type": "ping", "t": 7})
            assert (await raw.until("pong"))["t"] == 7
            await raw.say({"type": "snapshot"})
            assert set((await raw.until("snapshot"))["actors"]) == {"p:gus"}
            await raw.say({"type": "leave"})
            assert (await raw.until("bye"))["code"] == "left"
            assert (await ada.call(1, "tap"))["value"] == 1

    asyncio.run(play())


def test_a_watcher_that_says_too_much_gets_a_goodbye_and_the_room_goes_on(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "ivy", "den") as ada, raw_watcher(fleet, "den") as raw:
            for _ in range(100):
                await raw.say({"type": "ping", "t": 0})
            assert (await raw.rest())[-1]["code"] == "rate-limit"
            assert (await ada.call(1, "paint", colour="red"))["value"] == "red x1"

    asyncio.run(play())


def test_a_watched_room_gets_bored_and_is_watched_again_when_it_wakes(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "kim") as ada:
            await ada.join("nook")
            async with watching(fleet, "nook") as nook:
                await ada.leave()
                await nook.wait_for(lambda one: not one.live, 20)
                assert nook.welcome.room.name == "nook"
                await ada.join("nook")
                await ada.call("paint", colour="blue")
                await nook.wait_for(
                    lambda one: one.live and one.actors["p:kim"]["state"]["colour"] == "blue", 20
                )

    asyncio.run(play())


def test_only_a_running_room_can_be_watched(fleet: Running) -> None:
    answer = watches(fleet, "asleep")
    assert answer.status == 409
    assert answer.json["type"].endswith("/room-not-running")
    assert "Asleep" in answer.json["detail"]
    assert fleet.room("asleep")["phase"] == "Asleep", "asking does not wake it"
    assert watches(fleet, "nowhere").status == 404

    async def watch() -> None:
        with pytest.raises(Refused, match="room-not-running"):
            async with watching(fleet, "asleep"):
                pass

    asyncio.run(watch())


def test_only_programs_on_this_machine_may_watch(fleet: Running) -> None:
    for headers in ({"X_Forwarded_For": "1.2.3.4"}, {"Host": "play.example"}):
        answer = watches(fleet, "den", **headers)
        assert answer.status == 403
        assert answer.json["type"].endswith("/forbidden")
        assert "machine" in answer.json["detail"] or "localhost" in answer.json["detail"]


def test_in_a_cluster_nobody_may_watch_yet() -> None:
    """The operator's Context names nobody who may: that is the default."""
    context: Any = SimpleNamespace(admin=Context.__dataclass_fields__["admin"].default)
    application = Application([(r"/v1/games/([^/]+)/rooms/([^/]+)/watches", Watches, {"context": context})])

    async def post() -> None:
        server = HTTPServer(application)
        server.add_sockets(bind_sockets(0, "127.0.0.1"))
        (socket,) = server._sockets.values()
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        try:
            with pytest.raises(Refused, match="in a cluster nobody may watch rooms yet") as refused:
                async with Watching(url, game=GAME, room="den"):
                    pass
            assert refused.value.problem.status == 403
        finally:
            server.stop()
            await server.close_all_connections()

    asyncio.run(post())


def test_a_master_that_is_not_there_is_named() -> None:
    async def watch() -> None:
        with pytest.raises(Refused, match="the master cannot be reached"):
            async with Watching("http://127.0.0.1:9", game=GAME, room="den"):
                pass

    asyncio.run(watch())


# -- tickets -------------------------------------------------------------------------------------------------


def signed(fleet: Running, boot: str, audience: str) -> str:
    """A ticket of the master's own key."""
    key = SigningKey.from_pem((fleet.data / "keys" / "master.pem").read_bytes())
    ticket = Ticket(sub="eve", game=GAME, room="den", aud=audience, exp=4e9, jti=f"{audience} {boot}")
    return key.sign(ticket)


@pytest.mark.parametrize("field", ["ticket", "watch"])
def test_tickets_of_players_and_of_watchers_are_good_for_what_they_say_only(
    fleet: Running, field: str
) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "oli", "den"):
            (node,) = (await asyncio.to_thread(fleet.get, f"/v1/games/{GAME}/nodes"))["nodes"]
            boot = node["boot"]
            url = (await asyncio.to_thread(watches, fleet, "den")).json["url"]
            other = watch_audience(boot) if field == "ticket" else boot
            for token in (signed(fleet, boot, other), "none at all", forged(boot, field)):
                async with connected(url) as raw:
                    await raw.say({"type": "hello", field: token})
                    (error,) = await raw.rest()
                    assert error["code"] == "bad-ticket"

    asyncio.run(play())


def forged(boot: str, field: str) -> str:
    audience = boot if field == "ticket" else watch_audience(boot)
    ticket = Ticket(sub="eve", game=GAME, room="den", aud=audience, exp=4e9, jti="f")
    return SigningKey.from_seed(bytes(32)).sign(ticket)


def test_a_watchers_ticket_is_good_once(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "pia", "den"):
            answer: Json = (await asyncio.to_thread(watches, fleet, "den")).json
            async with connected(answer["url"]) as first, connected(answer["url"]) as second:
                await first.say({"type": "hello", "watch": answer["ticket"]})
                await first.until("snapshot")
                await second.say({"type": "hello", "watch": answer["ticket"]})
                assert (await second.until("error"))["code"] == "bad-ticket"

    asyncio.run(play())


def test_a_deleted_room_says_goodbye_to_its_watchers(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with player(fleet, "rea") as ada:
            await ada.join("hall")
            async with watching(fleet, "hall") as hall:
                await asyncio.to_thread(fleet.roomfleet, "delete", "room", "hall")
                with pytest.raises(SessionEnded) as ended:
                    await hall.wait_for(lambda _: False, 20)
                assert ended.value.code == "room-deleted"

    with running(small_game(tmp_path / GAME, {"hall": {}}), tmp_path / "data") as fleet:
        asyncio.run(play(fleet))
