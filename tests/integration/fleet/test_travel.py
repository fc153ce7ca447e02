"""Moving between rooms on a running fleet (DESIGN 8): nobody is lost, nobody is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from roomfleet.client import CallError, Client
from roomfleet.wire.session import Waiting
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, names, playing, stored_actors, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"boredAfterSeconds": 1},
    "beta": {"boredAfterSeconds": 1},
    "small": {"capacity": 1, "boredAfterSeconds": 1},
    "doomed": {"boredAfterSeconds": 1},
}


@pytest.fixture(scope="module", params=[1, 2], ids=["same node", "other node"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Rooms on one node, or spread over two."""
    folder = tmp_path_factory.mktemp("travel")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": request.param, "maxNodes": request.param})
    with running(game, folder / "data", environment=SHORT) as made:
        made.nodes = request.param  # type: ignore[attr-defined]
        yield made


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


async def through(who: Client, door: str, room: str) -> None:
    """Go through a door; returns when the player is in the room behind it."""
    going = asyncio.ensure_future(answer(who.call("enter_door", door=door)))
    await playing(who, room)
    found = await going
    # The room may have been left before the call's answer came.
    assert not isinstance(found, CallError) or found.code == "dropped", found


def pets_of(who: Client) -> list[str]:
    """Names of the actors that are docked to the player's own."""
    assert who.you is not None
    return names(actor for actor in who.actors.values() if actor["parent"] == who.you.id)


async def asleep(fleet: Running, room: str) -> None:
    await asyncio.to_thread(fleet.wait_phase, room, "Asleep")


def is_in(fleet: Running, name: str, room: str) -> bool:
    """Whether the actor of that name is the room's, and has been taken in there."""
    found = [actor for actor in stored_actors(fleet.data).values() if actor.body["name"] == name]
    return [(actor.room, actor.transit) for actor in found] == [(room, None)]


def test_a_player_goes_with_all_that_is_docked_through_doors_both_ways(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "ada") as ada, player(fleet, "bob") as bob:
            await ada.join("alpha")
            await asleep(fleet, "beta")
            await ada.call("tame", pets=2)
            await through(ada, "to beta", "beta")  # it sleeps: she wakes it
            same = fleet.node_of("alpha") == fleet.node_of("beta")
            assert same == (fleet.nodes == 1)  # type: ignore[attr-defined]
            await ada.wait_for(lambda p: pets_of(p) == ["ada's 0", "ada's 1"], 10)
            await bob.join("alpha")
            assert bob.you is not None
            assert set(bob.actors) == {bob.you.id}, "nobody was left behind"
            await through(ada, "to alpha", "alpha")  # it runs
            await ada.wait_for(lambda p: pets_of(p) == ["ada's 0", "ada's 1"], 10)
            await bob.wait_for(lambda p: "p:ada" in p.actors and len(p.actors) == 4, 10)
            await through(bob, "to beta", "beta")
            await bob.wait_for(lambda p: list(p.actors) == ["p:bob"], 10)
            stored = stored_actors(fleet.data)
            assert {id_: actor.room for id_, actor in stored.items() if id_ != "p:bob"} == dict.fromkeys(
                ["p:ada", *(id_ for id_ in stored if not id_.startswith("p:"))], "alpha"
            )

    asyncio.run(play())


def test_an_npc_arrives_in_a_running_room_at_once(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "cy") as cy, player(fleet, "dan") as dan:
            await cy.join("alpha")
            await dan.join("beta")
            await cy.call("send", name="runner", room="beta", wake=False)
            await dan.wait_for(lambda p: "runner" in names(p.actors.values()), 10)
            await cy.wait_for(lambda p: "runner" not in names(p.actors.values()), 10)
            await until(lambda: is_in(fleet, "runner", "beta"), "it is beta's")

    asyncio.run(play())


def test_an_npc_waits_for_a_sleeping_room_and_wakes_it_only_if_it_is_to(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "eve") as eve:
            await eve.join("alpha")
            await asleep(fleet, "small")
            epoch = fleet.room("small")["epoch"]
            await eve.call("send", name="sleeper", room="small", wake=False)
            await until(lambda: stored_room(fleet, "sleeper") == "small", "it is on its way")
            await eve.call("keep", value=1)
            assert fleet.room("small")["epoch"] == epoch, "the room was not woken"
            assert not is_in(fleet, "sleeper", "small")
            await eve.call("send", name="waker", room="small", wake=True)
            await until(lambda: is_in(fleet, "waker", "small"), "it was let in")
            await until(lambda: is_in(fleet, "sleeper", "small"), "so was the one that waited")
            assert fleet.room("small")["epoch"] == epoch + 1
            async with player(fleet, "flo") as flo:
                await flo.join("small")
                assert {"sleeper", "waker"} <= set(names(flo.actors.values()))

    asyncio.run(play())


def stored_room(fleet: Running, name: str) -> str:
    found = [actor.room for actor in stored_actors(fleet.data).values() if actor.body["name"] == name]
    return found[0] if found else ""


async def waiting_at(who: Client, door: str) -> tuple[asyncio.Future[Any], Waiting]:
    """Wait before a full room: the call under way, and what the player was told."""
    events = who.events()
    going = asyncio.ensure_future(answer(who.call("enter_door", door=door)))
    async with asyncio.timeout(15):
        async for event in events:
            if isinstance(event, Waiting):
                return going, event
    raise AssertionError("nothing was said")


def test_before_a_full_room_a_player_waits_at_the_door_and_gets_the_next_seat(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "gus") as gus, player(fleet, "hal") as hal:
            await gus.join("small")
            await hal.join("alpha")
            going, told = await waiting_at(hal, "to small")
            assert (told.room, told.position) == ("small", 1)
            assert not going.done()
            assert await hal.call("keep", value=3) == 3, "the player lives on here meanwhile"
            await gus.leave()
            await playing(hal, "small")
            await going
            assert "p:gus" not in hal.actors

    asyncio.run(play())


def test_who_walks_away_from_the_door_gives_up_the_place_in_line(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "ida") as ida, player(fleet, "jon") as jon, player(fleet, "kim") as kim:
            await ida.join("small")
            await jon.join("alpha")
            await kim.join("alpha")
            going, _ = await waiting_at(jon, "to small")
            behind, told = await waiting_at(kim, "to small")
            assert told.position == 2
            await jon.call("walk", x=50, y=50)
            assert await going is False, "the way through the door was given up"
            await ida.leave()
            await playing(kim, "small")
            await behind
            assert jon.room is not None
            assert jon.room.name == "alpha"
            assert stored_room(fleet, "jon") == "alpha"

    asyncio.run(play())


def test_who_leaves_the_game_before_the_door_is_where_they_were(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "lea") as lea:
            await lea.join("small")
            async with player(fleet, "max") as left:
                await left.join("alpha")
                going, _ = await waiting_at(left, "to small")
                await left.leave()
                assert isinstance(await going, CallError)
        async with player(fleet, "max") as back:
            await back.join()
            assert back.room is not None
            assert back.room.name == "alpha"
        await until(lambda: fleet.room("small")["players"] == 0, "nobody took the seat")

    asyncio.run(play())


def test_a_door_to_a_deleted_room_refuses_players_and_loses_no_npc(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "ned") as ned:
            await ned.join("alpha")
            deleted = await asyncio.to_thread(fleet.roomfleet, "delete", "room", "doomed")
            assert deleted.returncode == 0, deleted.stderr
            refused = await answer(ned.call("enter_door", door="to doomed"))
            assert isinstance(refused, CallError)
            assert "doomed" in refused.message
            assert ned.room is not None
            assert ned.room.name == "alpha"
            await ned.call("send", name="pilgrim", room="doomed", wake=True)
            await until(lambda: is_in(fleet, "pilgrim", "alpha"), "it is back where it came from")
            await ned.wait_for(lambda p: "pilgrim" in names(p.actors.values()), 10)
            assert await ned.call("keep", value=4) == 4
            applied = await asyncio.to_thread(fleet.roomfleet, "apply", "-f", str(fleet.game_dir / "k8s"))
            assert applied.returncode == 0, applied.stderr
            await through(ned, "to doomed", "doomed")
            await ned.call("send", name="second", room="alpha", wake=True)
            await until(lambda: is_in(fleet, "second", "alpha"), "it has arrived")

    asyncio.run(play())


def test_the_sample_games_gate_leads_to_the_other_node_and_back(walkabout: Running) -> None:
    async def play() -> None:
        async with Client(walkabout.url, game="walkabout", token="ada") as ada:
            await ada.join()
            assert ada.room is not None
            assert ada.room.name == "town"
            assert walkabout.room("meadow")["phase"] == "Asleep"
            await through(ada, "east gate", "meadow")
            assert walkabout.node_of("meadow") != walkabout.node_of("town")
            assert ada.you is not None
            assert ada.actors[ada.you.id]["state"]["visited"] == ["town", "meadow"]
            await through(ada, "west gate", "town")
            assert ada.actors[ada.you.id]["state"]["visited"] == ["town", "meadow"]

    asyncio.run(play())
