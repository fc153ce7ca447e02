"""Joining over REST and over the play websocket of a running fleet (DESIGN 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import jsonschema
import pytest
from tornado.httpclient import HTTPClientError

from roomfleet.client import Client
from support.raw import PLAY, Answer, Json, Raw, ask, connected, in_room, play_url
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "lobby"
PROBLEMS = "https://roomfleet.io/problems/"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet of one node; every test has players, and mostly rooms, of its own."""
    folder = tmp_path_factory.mktemp("joining")
    rooms: dict[str, dict[str, Any]] = {
        "hall": {},
        "attic": {},
        "cellar": {},
        "den": {},
        "booth": {"capacity": 1},
        "cabin": {"capacity": 1},
        "chest": {"capacity": 1},
        "closed": {"keep": "Never"},
        "broken": {"script": "small.rooms:Nothing"},
    }
    with running(small_game(folder / GAME, rooms), folder / "data") as fleet:
        yield fleet


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fleet with a line of one, and two seconds of patience."""
    folder = tmp_path_factory.mktemp("strict")
    game = small_game(folder / GAME, {"hall": {"capacity": 1}, "booth": {"capacity": 1}})
    patience = {"ROOMFLEET_LINE_LIMIT": "1", "ROOMFLEET_JOIN_TIMEOUT_SECONDS": "2"}
    with running(game, folder / "data", environment=patience) as fleet:
        yield fleet


def joins(fleet: Running, join: str = "") -> str:
    return f"{fleet.url}/v1/games/{GAME}/joins{f'/{join}' if join else ''}"


def post(fleet: Running, player: str | None, body: object = None, **headers: str) -> Answer:
    """POST a join."""
    content = {} if body is None else body
    return ask(joins(fleet), method="POST", player=player, body=content, headers=headers)


def again(fleet: Running, player: str, join: str) -> Answer:
    """GET a join."""
    return ask(joins(fleet, join), player=player)


def admitted(fleet: Running, player: str, join: Json) -> Json:
    """The join, once it is admitted."""

    def look() -> Json | None:
        answer = again(fleet, player, join["id"])
        assert answer.status in (201, 202), answer
        return answer.json if answer.status == 201 else None

    found: Json | None = join if join["state"] == "admitted" else eventually(look, what="admission")
    assert found is not None
    return found


def problem(answer: Answer, status: int, refusal: str) -> Json:
    """The problem of a refusal, which is as RFC 9457 has it."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: Json = answer.json
    assert found["type"] == PROBLEMS + refusal
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found


def play_refused(fleet: Running, query: str = "", **message: Any) -> Json:
    """The problem that the play websocket refuses a join with; it closes after that."""

    async def play() -> Json:
        async with connected(play_url(fleet.url, GAME, query), (PLAY,)) as raw:
            await raw.say({"type": "join", "token": "stranger", **message})
            *_, refused = await raw.rest()
            assert refused["type"] == "refused"
            found: Json = refused["problem"]
            return found

    return asyncio.run(play())


# -- REST ----------------------------------------------------------------------------------------------------


def test_a_join_is_answered_with_a_way_in(fleet: Running) -> None:
    async def enter(place: Json) -> Json:
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            return await raw.until("welcome")

    answer = post(fleet, "ada", {"room": "hall"})
    assert answer.status in (201, 202)
    assert answer.headers["Location"] == f"/v1/games/{GAME}/joins/{answer.json['id']}"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    place = admitted(fleet, "ada", answer.json)
    assert set(place) == {"id", "room", "state", "url", "ticket", "expires_at", "session"}
    assert place["room"] == "hall"
    assert place["expires_at"].endswith("Z")
    assert asyncio.run(enter(place))["room"]["name"] == "hall"


def test_a_party_gets_a_ticket_for_each_of_its_members(fleet: Running) -> None:
    async def enter(url: str, ticket: str) -> Json:
        async with connected(url) as raw:
            await raw.say({"type": "hello", "ticket": ticket})
            return await raw.until("welcome")

    answer = post(fleet, "lead", {"room": "hall", "party": ["second", "third"]})
    place = admitted(fleet, "lead", answer.json)
    assert [member["player"] for member in place["members"]] == ["lead", "second", "third"]
    assert place["members"][0]["ticket"] == place["ticket"]
    for member in place["members"]:
        welcome = asyncio.run(enter(place["url"], member["ticket"]))
        assert welcome["you"]["id"] == "p:" + member["player"]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"room": "hall", "party": ["x", "x"]}, 400, "bad-request"),
        ({"room": "hall", "party": [""]}, 401, "unauthenticated"),
        ({"room": "booth", "party": ["x", "y"]}, 409, "party-too-large"),
    ],
)
def test_a_party_that_cannot_be_is_refused(fleet: Running, body: Json, status: int, problem: str) -> None:
    answer = post(fleet, "lead alone", body)
    assert (answer.status, answer.json["type"]) == (status, PROBLEMS + problem)


def test_a_join_without_body_leads_to_the_entry_room(fleet: Running) -> None:
    answer = ask(joins(fleet), method="POST", player="bodyless")
    assert answer.json["room"] == "hall"


def test_a_join_for_a_running_room_with_a_free_seat_is_admitted_at_once(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "first", "hall"):
            answer = await asyncio.to_thread(post, fleet, "second", {"room": "hall"})
            assert answer.status == 201
            assert answer.json["state"] == "admitted"

    asyncio.run(play())


def test_joins_of_a_full_room_wait_in_order_and_move_up(fleet: Running) -> None:
    async def play() -> None:
        async with AsyncExitStack() as inside:
            await inside.enter_async_context(in_room(fleet.url, GAME, "sitter", "booth"))
            lines = [
                await asyncio.to_thread(post, fleet, f"waiter {number}", {"room": "booth"})
                for number in (1, 2, 3)
            ]
            for position, answer in enumerate(lines, 1):
                assert answer.status == 202
                body = answer.json
                assert body["state"] == "waiting"
                assert body["room"] == "booth"
                assert body["position"] == position
                waiting = {"id", "room", "state", "position", "eta_seconds", "line_token", "session"}
                assert set(body) == waiting
            assert await asyncio.to_thread(lambda: fleet.room("booth")["waiting"]) == 3
            one, two, three = (answer.json["id"] for answer in lines)
            # The second gives up: the third moves up.
            gone = await asyncio.to_thread(ask, joins(fleet, two), method="DELETE", player="waiter 2")
            assert (gone.status, gone.text) == (204, b"")
            left = await asyncio.to_thread(again, fleet, "waiter 3", three)
            assert (left.status, left.json["position"]) == (202, 2)
            await inside.aclose()
            # The seat is free: the first gets it, and keeps it, whether they come or not.
            first = await asyncio.to_thread(admitted, fleet, "waiter 1", lines[0].json)
            assert first["id"] == one
            async with connected(first["url"]) as raw:
                await raw.say({"type": "hello", "ticket": first["ticket"]})
                await raw.until("snapshot")
                last = await asyncio.to_thread(again, fleet, "waiter 3", three)
                assert (last.status, last.json["position"]) == (202, 1)
                await raw.say({"type": "leave"})
                await raw.rest()
            await asyncio.to_thread(admitted, fleet, "waiter 3", lines[2].json)
            problem(await asyncio.to_thread(again, fleet, "waiter 2", two), 404, "no-such-join")

    asyncio.run(play())


def test_a_join_that_was_admitted_can_be_asked_for_again_and_given_back(fleet: Running) -> None:
    join = admitted(fleet, "giver", post(fleet, "giver", {"room": "cabin"}).json)
    assert again(fleet, "giver", join["id"]).json == join
    waiting = post(fleet, "taker", {"room": "cabin"})
    assert waiting.status == 202
    assert ask(joins(fleet, join["id"]), method="DELETE", player="giver").status == 204
    admitted(fleet, "taker", waiting.json)


def test_a_join_is_its_players_own(fleet: Running) -> None:
    join = post(fleet, "owner", {"room": "hall"}).json
    for method in ("GET", "DELETE"):
        problem(ask(joins(fleet, join["id"]), method=method, player="thief"), 404, "no-such-join")
        problem(ask(joins(fleet, join["id"]), method=method), 401, "unauthenticated")
    elsewhere = ask(f"{fleet.url}/v1/games/elsewhere/joins/{join['id']}", player="owner")
    problem(elsewhere, 404, "no-such-join")
    admitted(fleet, "owner", join)


@pytest.mark.parametrize(
    ("body", "status", "refusal", "named"),
    [
        ({"room": "nowhere"}, 404, "no-such-room", "nowhere"),
        ({"room": ""}, 404, "no-such-room", ""),
        ({"room": "../hall"}, 404, "no-such-room", "../hall"),
        ({"room": "closed"}, 409, "room-closed", "keep: Never"),
        ({"room": "broken"}, 409, "room-failed", "no class Nothing"),
        ({"room": 7}, 400, "bad-request", "$.room"),
        ({"bring": "yes"}, 400, "bad-request", "$.bring"),
        ([], 400, "bad-request", "object"),
        (b"{", 400, "bad-request", "not a join"),
        (b'{"room": "\xff"}', 400, "bad-request", "not a join"),
        ({"session": -1}, 400, "bad-request", "$.session"),
        ({"session": 2**53}, 400, "bad-request", "$.session"),
        (b"[" * 50_000, 400, "bad-request", "not a join"),
        (b'{"x":' + b"[" * 50_000, 400, "bad-request", "not a join"),
        ({"instanced_room": "dungeon", "key": "party-7"}, 404, "no-such-room", "no InstancedRoom dungeon"),
        ({"instanced_room": "dungeon"}, 400, "bad-request", "needs a key"),
        ({"key": "party-7"}, 400, "bad-request", "name both"),
        ({"room": "hall", "instanced_room": "dungeon", "key": "k"}, 400, "bad-request", "not both"),
        ({"instanced_room": "dungeon", "key": " "}, 400, "bad-request", "1 to 128 characters"),
        ({"instanced_room": "dungeon", "key": "a\nb"}, 400, "bad-request", "printable"),
        ({"instanced_room": "dungeon", "key": "x" * 129}, 400, "bad-request", "not 129"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict | list | bytes) else None,
)
def test_refusals_say_what_is_wrong(
    fleet: Running, body: object, status: int, refusal: str, named: str
) -> None:
    answer = post(fleet, "picky", body)
    if answer.status == 202:  # a room that is going to fail is waited for
        join = answer.json["id"]
        answer = eventually(lambda: _unless(again(fleet, "picky", join), 202))
    assert named in problem(answer, status, refusal)["detail"]
    assert "Retry-After" not in answer.headers


def _unless(answer: Answer, status: int) -> Answer | None:
    return None if answer.status == status else answer


def test_a_game_that_is_not_there_is_refused(fleet: Running) -> None:
    answer = ask(f"{fleet.url}/v1/games/chess/joins", method="POST", player="ada", body={})
    assert GAME in problem(answer, 404, "no-such-game")["detail"]
    for path in ("rooms", "rooms/hall", "nodes"):
        answer = ask(f"{fleet.url}/v1/games/chess/{path}")
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRhOmFkYQ==",
        "ada",
        "Bearer %20",
        "Bearer " + "x" * 33,
        "Bearer %00",
        "Bearer a%0Ab",
        "Bearer %FF",
        "Bearer %E2%80%8B",
        "Bearer %E2%80%AEada",
    ],
)
def test_who_does_not_say_who_they_are_is_refused(fleet: Running, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = ask(joins(fleet), method="POST", body={}, headers=headers)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["Zoë", "张伟", "O'Neil 3rd", "x" * 32, "🙂", "a/b?c#d%", "é" * 32])
def test_a_name_may_be_any_printable_text(fleet: Running, name: str) -> None:
    async def enter(place: Json) -> None:
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            assert (await raw.until("welcome"))["you"]["id"] == f"p:{name}"
            assert (await raw.until("snapshot"))["actors"][f"p:{name}"]["name"] == name
            await raw.say({"type": "leave"})
            await raw.rest()

    asyncio.run(enter(admitted(fleet, name, post(fleet, name, {"room": "hall"}).json)))


def test_spellings_of_a_name_are_one_player(fleet: Running) -> None:
    join = post(fleet, "Zoé", {"room": "hall"}).json
    assert again(fleet, " Zoe\u0301 ", join["id"]).status in (201, 202)


def test_a_line_that_is_full_is_refused(strict: Running) -> None:
    async def play() -> None:
        async with in_room(strict.url, GAME, "sitter", "booth"):
            first = await asyncio.to_thread(post, strict, "first", {"room": "booth"})
            assert first.status == 202
            second = await asyncio.to_thread(post, strict, "second", {"room": "booth"})
            found = problem(second, 429, "line-full")
            assert int(second.headers["Retry-After"]) == found["retry_after"] > 0
            # Patience ends: then the line is empty again.
            over = await asyncio.to_thread(
                eventually, lambda: _unless(again(strict, "first", first.json["id"]), 202)
            )
            found = problem(over, 503, "timeout")
            assert "every seat is taken" in found["detail"]
            assert int(over.headers["Retry-After"]) == found["retry_after"] > 0
            third = await asyncio.to_thread(post, strict, "third", {"room": "booth"})
            assert third.status == 202

    asyncio.run(play())


# -- play ----------------------------------------------------------------------------------------------------


async def play_join(raw: Raw, player: str, **more: Any) -> None:
    await raw.say({"type": "join", "token": player, **more})


def test_play_pushes_each_position_and_then_the_way_in(fleet: Running) -> None:
    async def play() -> None:
        url = play_url(fleet.url, GAME, "?room=chest")
        async with AsyncExitStack() as inside:
            await inside.enter_async_context(in_room(fleet.url, GAME, "lid", "chest"))
            async with connected(url, (PLAY,)) as one, connected(url, (PLAY,)) as two:
                await play_join(one, "one")
                first = await one.until("waiting")
                waiting = {"type", "id", "room", "position", "eta_seconds", "line_token", "session"}
                assert set(first) == waiting
                assert (first["room"], first["position"]) == ("chest", 1)
                await play_join(two, "two")
                assert (await two.until("waiting"))["position"] == 2
                await inside.aclose()
                got = await one.until("admitted")
                assert set(got) == {"type", "id", "room", "url", "ticket", "expires_at", "session"}
                assert await one.rest() == []  # it closes after its last word
                while (await two.until("waiting"))["position"] != 1:
                    pass
                # The seat is reserved; who gives the place back by REST is asked no more.
                await asyncio.to_thread(ask, joins(fleet, got["id"]), method="DELETE", player="one")
                got = await two.until("admitted")
                assert got["room"] == "chest"
                await asyncio.to_thread(ask, joins(fleet, got["id"]), method="DELETE", player="two")

    asyncio.run(play())


def test_leaving_the_play_socket_leaves_the_line(fleet: Running) -> None:
    async def play() -> None:
        url = play_url(fleet.url, GAME, "?room=chest")
        async with in_room(fleet.url, GAME, "lid 2", "chest"):
            async with connected(url, (PLAY,)) as one:
                await play_join(one, "fickle")
                await one.until("waiting")
            await asyncio.to_thread(eventually, lambda: fleet.room("chest")["waiting"] == 0)

    asyncio.run(play())


def test_a_place_in_line_survives_the_loss_of_the_socket(fleet: Running) -> None:
    async def play() -> None:
        url = play_url(fleet.url, GAME, "?room=chest")
        async with in_room(fleet.url, GAME, "lid 3", "chest"), connected(url, (PLAY,)) as other:
            async with connected(url, (PLAY,)) as one:
                await play_join(one, "early")
                token = (await one.until("waiting"))["line_token"]
                await play_join(other, "late")
                assert (await other.until("waiting"))["position"] == 2
            while (await other.until("waiting"))["position"] != 1:
                pass
            async with connected(url, (PLAY,)) as one:
                await play_join(one, "early", line_token=token)
                assert (await one.until("waiting"))["position"] == 1
                assert (await other.until("waiting"))["position"] == 2
            while (await other.until("waiting"))["position"] != 1:
                pass
            # It is nobody else's.
            async with connected(url, (PLAY,)) as one:
                await play_join(one, "thief", line_token=token)
                assert (await one.until("waiting"))["position"] == 2

    asyncio.run(play())


def test_play_refuses_with_the_same_problems(fleet: Running) -> None:
    found = play_refused(fleet, "?room=nowhere")
    assert found["type"] == PROBLEMS + "no-such-room"
    assert found["status"] == 404
    assert play_refused(fleet, "?room=closed")["type"] == PROBLEMS + "room-closed"
    assert play_refused(fleet, "?room=broken")["type"] == PROBLEMS + "room-failed"
    assert play_refused(fleet, "?instanced_room=a&key=b")["type"] == PROBLEMS + "no-such-room"
    assert play_refused(fleet, "?instanced_room=a")["status"] == 400
    assert play_refused(fleet, token="")["type"] == PROBLEMS + "unauthenticated"
    assert play_refused(fleet, token="a\nb")["status"] == 401
    assert play_refused(fleet, token=7)["type"] == PROBLEMS + "bad-request"
    assert play_refused(fleet, type="hello")["status"] == 400
    assert play_refused(fleet, session=-1)["status"] == 400
    assert "the query is not UTF-8" in play_refused(fleet, "?room=%ff")["detail"]


def test_play_of_a_game_that_is_not_there_is_refused(fleet: Running) -> None:
    async def play() -> None:
        async with connected(play_url(fleet.url, "chess"), (PLAY,)) as raw:
            await play_join(raw, "ada")
            (refused,) = await raw.rest()
            assert refused["problem"]["type"] == PROBLEMS + "no-such-game"

    asyncio.run(play())


@pytest.mark.parametrize("text", ["rubbish", "", "{}", "[" * 30_000, b"\xff\xff", "x" * 70_000])
def test_play_refuses_what_is_no_join(fleet: Running, text: str | bytes) -> None:
    async def play() -> None:
        async with connected(play_url(fleet.url, GAME), (PLAY,)) as raw:
            await raw.say(text)
            heard = await raw.rest()
            if len(text) > 65_536:
                assert raw.close_code == 1009
            else:
                (refused,) = heard
                assert refused["problem"]["type"] == PROBLEMS + "bad-request"

    asyncio.run(play())


def test_play_without_its_subprotocol_works_and_promises_none(fleet: Running) -> None:
    async def play() -> None:
        async with connected(play_url(fleet.url, GAME), ()) as raw:
            assert raw.connection.selected_subprotocol is None
            await play_join(raw, "plain")
            await raw.until("admitted")
        async with connected(play_url(fleet.url, GAME), (PLAY,)) as raw:
            assert raw.connection.selected_subprotocol == PLAY

    asyncio.run(play())


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1"])
def test_a_foreign_page_cannot_play(fleet: Running, origin: str) -> None:
    async def play() -> None:
        with pytest.raises(HTTPClientError) as refusal:
            async with connected(play_url(fleet.url, GAME), (PLAY,), origin):
                pass
        assert refusal.value.code == 403

    asyncio.run(play())


def test_the_page_itself_and_its_twin_may_play(fleet: Running) -> None:
    async def play(origin: str) -> None:
        async with connected(play_url(fleet.url, GAME), (PLAY,), origin) as raw:
            await play_join(raw, "reader")
            await raw.until("admitted")

    asyncio.run(play(fleet.url))
    asyncio.run(play(fleet.url.replace("127.0.0.1", "localhost")))


def test_play_ends_a_line_that_is_full_or_takes_too_long(strict: Running) -> None:
    async def play() -> None:
        url = play_url(strict.url, GAME, "?room=hall")
        async with in_room(strict.url, GAME, "sitter 2", "hall"), connected(url, (PLAY,)) as one:
            await play_join(one, "one")
            await one.until("waiting")
            async with connected(url, (PLAY,)) as two:
                await play_join(two, "two")
                refused = await two.until("refused")
                assert refused["problem"]["type"] == PROBLEMS + "line-full"
                assert refused["problem"]["retry_after"] > 0
            refused = await one.until("refused")
            assert refused["problem"]["type"] == PROBLEMS + "timeout"

    asyncio.run(play())


# -- which room ----------------------------------------------------------------------------------------------


def test_defect_03_joins_at_once_for_a_sleeping_room_make_one_room(fleet: Running) -> None:
    assert fleet.room("cellar")["phase"] == "Asleep"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: post(fleet, f"rush {n}", {"room": "cellar"}), range(8)))
    places = [admitted(fleet, f"rush {n}", answer.json) for n, answer in enumerate(found)]
    assert len({place["url"] for place in places}) == 1
    assert fleet.room("cellar")["epoch"] == 1
    assert fleet.log().count("room cellar at epoch") == 0


def test_a_join_goes_to_where_the_actor_is(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="tramp") as player:
            await player.join("attic")
        # Neither without a room nor for another one does the actor move.
        assert (await asyncio.to_thread(post, fleet, "tramp", {})).json["room"] == "attic"
        assert (await asyncio.to_thread(post, fleet, "tramp", {"room": "den"})).json["room"] == "attic"
        async with connected(play_url(fleet.url, GAME, "?room=den"), (PLAY,)) as raw:
            await play_join(raw, "tramp")
            assert (await raw.until("admitted"))["room"] == "attic"
        assert (await asyncio.to_thread(fleet.room, "den"))["phase"] == "Asleep"

    asyncio.run(play())


def test_a_newer_join_of_a_player_ends_the_older_one(fleet: Running) -> None:
    async def play() -> None:
        url = play_url(fleet.url, GAME, "?room=chest")
        async with in_room(fleet.url, GAME, "lid 4", "chest"), connected(url, (PLAY,)) as one:
            await play_join(one, "twice")
            await one.until("waiting")
            async with connected(url, (PLAY,)) as two:
                await play_join(two, "twice")
                assert (await two.until("waiting"))["position"] == 1
                refused = await one.until("refused")
                assert refused["problem"]["type"] == PROBLEMS + "replaced"
                assert refused["problem"]["status"] == 409

    asyncio.run(play())


# -- looking -------------------------------------------------------------------------------------------------


def test_the_description_is_openapi_and_every_path_in_it_answers(fleet: Running) -> None:
    described = fleet.get("/openapi.json")
    assert described["openapi"].startswith("3.1")
    assert described["info"]["title"]
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in _references(described):
        assert reference.removeprefix("#/components/schemas/") in schemas
    join = post(fleet, "reader 2", {"room": "hall"}).json
    eventually(lambda: fleet.room("hall")["phase"] == "Running")
    asyncio.run(comes_and_goes(fleet, "sought", "hall"))
    names = {"game": GAME, "room": "hall", "id": join["id"], "player": "sought"}
    root = {"components": described["components"]}
    for path, item in described["paths"].items():
        assert {each["name"] for each in item.get("parameters", []) if each["in"] == "path"} == {
            name for name in names if f"{{{name}}}" in path
        }
        for method in ("get", "post", "delete"):
            if method not in item or path.endswith("/play"):
                continue
            answer = ask(fleet.url + path.format(**names), method=method.upper(), player="reader 2")
            assert str(answer.status) in item[method]["responses"], (path, method, answer)
            content = item[method]["responses"][str(answer.status)].get("content")
            if content is not None:
                schema = {**root, **content["application/json"]["schema"]}
                jsonschema.Draft202012Validator(schema).validate(answer.json)
            else:
                assert answer.text == b""


async def comes_and_goes(fleet: Running, player: str, room: str) -> None:
    async with in_room(fleet.url, GAME, player, room):
        pass


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_everything_that_answers_is_described(fleet: Running) -> None:
    paths = set(fleet.get("/openapi.json")["paths"])
    assert paths == {
        "/v1/games",
        "/v1/games/{game}/joins",
        "/v1/games/{game}/joins/{id}",
        "/v1/games/{game}/play",
        "/v1/games/{game}/rooms",
        "/v1/games/{game}/rooms/{room}",
        "/v1/games/{game}/rooms/{room}/watches",
        "/v1/games/{game}/instanced-rooms",
        "/v1/games/{game}/nodes",
        "/v1/games/{game}/players/{player}",
        "/healthz",
        "/readyz",
    }


def test_health_and_readiness(fleet: Running) -> None:
    for path in ("/healthz", "/readyz"):
        health = fleet.get(path)
        assert health["status"] == "ok"
        assert health["version"]
        assert health["queue_length"] >= 0


def test_rooms_and_nodes_can_be_looked_at(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "seen", "hall"):
            # A player is counted when the node has reported it.
            await asyncio.to_thread(eventually, lambda: fleet.room("hall")["players"] >= 1)
            room = await asyncio.to_thread(fleet.room, "hall")
            assert room["phase"] == "Running"
            assert room["entry"]
            assert room["node"] == "default-0"
            (node,) = (await asyncio.to_thread(fleet.get, f"/v1/games/{GAME}/nodes"))["nodes"]
            assert node["name"] == "default-0"
            assert node["ready"]
            assert node["rooms"] >= 1

    asyncio.run(play())
    names = [room["name"] for room in fleet.get(f"/v1/games/{GAME}/rooms")["rooms"]]
    assert names == sorted(names)
    assert "hall" in names


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1",
        "/v1/games/lobby",
        "/v1/games/lobby/rooms/",
        "/v1/games/lobby/rooms/nowhere",
        "/v1/games//rooms",
        "/healthz/more",
        "/js/src/nothing.js",
        "/nothing.html",
        "/js/src/../../web/index.html",
    ],
)
def test_paths_that_are_not_there_are_problems(fleet: Running, path: str) -> None:
    answer = ask(fleet.url + path)
    assert answer.status in (403, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/games"),
        ("PUT", "/v1/games/lobby/joins"),
        ("POST", "/healthz"),
        ("POST", "/"),
        ("GET", "/v1/games/lobby/joins"),
        ("POST", "/v1/games/lobby/rooms/hall"),
    ],
)
def test_methods_that_are_not_there_are_problems(fleet: Running, method: str, path: str) -> None:
    answer = ask(fleet.url + path, method=method, player="ada")
    assert answer.status == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Allow"]
    assert answer.json["status"] == 405


def test_a_body_too_large_is_refused(fleet: Running) -> None:
    answer = post(fleet, "ada", b" " * 100_000)
    assert answer.status in (400, 413)


def test_play_without_upgrade_is_a_problem(fleet: Running) -> None:
    answer = ask(f"{fleet.url}/v1/games/{GAME}/play")
    assert answer.status in (400, 426)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_page_is_served_with_its_script(fleet: Running) -> None:
    page = ask(fleet.url + "/")
    assert page.status == 200
    assert "text/html" in page.headers["Content-Type"]
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    script = ask(fleet.url + "/js/src/client.js")
    assert script.status == 200
    assert "javascript" in script.headers["Content-Type"]
    for escape in ("/js/src/../../../../pyproject.toml", "/js/src/%2e%2e/package.json", "/..%2fpackage.json"):
        assert ask(fleet.url + escape).status in (403, 404)
