"""Bringing, on a running fleet: a player gets into the room that they ask for, from wherever the actor is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from roomfleet.client import Client, Refused, SessionEnded, State
from roomfleet.wire.session import ByeCode
from support.raw import ask, connected
from support.running import Running, running
from support.trial_game import GAME, SHORT, names, playing, state_of, stored_actors, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"boredAfterSeconds": 1},
    "open": {"boredAfterSeconds": 1, "arrivals": "Anyone"},
    "tiny": {"boredAfterSeconds": 1, "arrivals": "Anyone", "capacity": 1},
    "closed": {"keep": "Never", "arrivals": "Anyone"},
}


@pytest.fixture(scope="module", params=[1, 2], ids=["same node", "other node"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Rooms on one node, or spread over two."""
    folder = tmp_path_factory.mktemp("bring")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": request.param, "maxNodes": request.param})
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


async def leaves_something(fleet: Running, name: str, room: str, kept: int) -> None:
    """The player was in the room, keeps something, and is gone; the room sleeps."""
    async with player(fleet, name) as who:
        await who.join(room)
        await who.call("keep", value=kept)
        await who.leave()
    await asyncio.to_thread(fleet.wait_phase, room, "Asleep")


def test_an_actor_in_a_sleeping_room_is_brought_to_a_sleeping_room(fleet: Running) -> None:
    async def play() -> None:
        await leaves_something(fleet, "ada", "alpha", 7)
        await asyncio.to_thread(fleet.wait_phase, "open", "Asleep")
        async with player(fleet, "ada") as ada:
            await ada.join("open", bring=True)
            await playing(ada, "open")
            assert state_of(ada)["kept"] == 7
            path = ada.actors["p:ada"]["path"]
            assert path[0][:2] == [100, 150], "at the entry"
            actor = stored_actors(fleet.data)["p:ada"]
            assert actor.room == "open"
            await ada.leave()
        async with player(fleet, "ada") as ada:
            await ada.join()
            await playing(ada, "open")

    asyncio.run(play())


def test_one_who_plays_elsewhere_hears_that_it_goes_on_from_another_window_and_the_docked_come_along(
    fleet: Running,
) -> None:
    async def play() -> None:
        async with player(fleet, "bob") as before, player(fleet, "bob") as now, player(fleet, "cy") as cy:
            await before.join("alpha")
            await cy.join("alpha")
            await before.call("tame", pets=2)
            await before.call("keep", value=3)
            await now.join("open", bring=True)
            await playing(now, "open")
            with pytest.raises(SessionEnded) as ended:
                await before.wait_for(lambda _: False, 10)
            assert ended.value.code == ByeCode.REPLACED
            assert state_of(now)["kept"] == 3
            await now.wait_for(lambda p: names(p.actors.values()) == ["bob", "bob's 0", "bob's 1"], 10)
            await cy.wait_for(lambda p: list(p.actors) == ["p:cy"], 10)

    asyncio.run(play())


def test_before_a_full_room_the_player_waits_and_the_actor_stays_where_it_is(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "dan") as dan, player(fleet, "eve") as old, player(fleet, "eve") as new:
            await dan.join("tiny")
            await old.join("alpha")
            coming = asyncio.ensure_future(new.join("tiny", bring=True))
            await new.wait_for(lambda p: p.state is State.WAITING, 10)
            assert (new.change.room, new.change.position) == ("tiny", 1)
            assert await old.call("keep", value=5) == 5, "she lives on where she is"
            await dan.leave()
            await coming
            await playing(new, "tiny")
            assert state_of(new)["kept"] == 5

    asyncio.run(play())


@pytest.mark.parametrize(
    ("room", "refusal", "words"),
    [("alpha", "doors-only", "arrivals: Doors"), ("closed", "room-closed", "keep: Never")],
)
def test_who_cannot_be_brought_hears_why_and_stays(
    fleet: Running, room: str, refusal: str, words: str
) -> None:
    async def play() -> None:
        async with player(fleet, "fay") as fay:
            await fay.join("open")
            await fay.leave()
        async with player(fleet, "fay") as fay:
            with pytest.raises(Refused) as refused:
                await fay.join(room, bring=True)
            assert refused.value.problem.refusal == refusal
            assert words in str(refused.value)
        async with player(fleet, "fay") as fay:
            await fay.join(room if room == "alpha" else None)
            await playing(fay, "open")

    asyncio.run(play())


def test_by_rest_it_is_the_same(fleet: Running) -> None:
    async def play() -> None:
        await leaves_something(fleet, "gus", "alpha", 9)
        joins = f"{fleet.url}/v1/games/{GAME}/joins"
        body = {"room": "open", "bring": True}
        answer = await asyncio.to_thread(ask, joins, method="POST", player="gus", body=body)
        assert answer.json["room"] == "open"

        def admitted() -> Any:
            found = ask(f"{joins}/{answer.json['id']}", player="gus").json
            return found if found["state"] == "admitted" else None

        place = await until(admitted, "gus is let in")
        async with connected(place["url"]) as raw:
            await raw.say({"type": "hello", "ticket": place["ticket"]})
            welcome = await raw.until("welcome")
            assert welcome["room"]["name"] == "open"
            snapshot = await raw.until("snapshot")
            assert snapshot["actors"]["p:gus"]["state"]["kept"] == 9
            await raw.say({"type": "leave"})
            await raw.rest()

    asyncio.run(play())
