"""A room while it is torn down: offline for the master, closed for players, who wait, and for NPCs, who stay
saved until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import yaml

from roomfleet.client import Client, State
from roomfleet.wire.session import Waiting
from support.faults import Faults
from support.raw import ask, connected
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, names, playing, stored_actors, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"fleet": "one", "keep": "Always"},
    "bored": {"fleet": "two", "boredAfterSeconds": 0},
    "changed": {"fleet": "two", "keep": "Always"},
}
FLEETS: dict[str, dict[str, Any]] = {
    "one": {"minNodes": 1, "maxNodes": 1},
    "two": {"minNodes": 1, "maxNodes": 1},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Faults]]:
    folder = tmp_path_factory.mktemp("teardown")
    faults = Faults(folder / "faults")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 0, "maxNodes": 1}, fleets=FLEETS, faults=True)
    environment = {**SHORT, "ROOMFLEET_TICKET_SECONDS": "15", **faults.environment}
    with running(game, folder / "data", environment=environment) as fleet:
        yield fleet, faults


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


async def apply(fleet: Running, room: str, **spec: Any) -> None:
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "metadata": {"name": room},
        "spec": {"map": f"map1.{room}", "script": "trial.rooms:Place", **ROOMS[room], **spec},
    }
    done = await asyncio.to_thread(fleet.roomfleet, "apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    assert done.returncode == 0, done.stderr


@asynccontextmanager
async def torn_down(made: tuple[Running, Faults], room: str) -> Any:
    """In the block the room is being saved to be stopped."""
    _, faults = made
    await until(lambda: faults.is_held("stop", room), "it is being saved")
    try:
        yield
    finally:
        faults.let_go("stop", room)


def placed(fleet: Running, name: str) -> list[tuple[str, bool]]:
    """The rooms of the actors of that name, and whether each is still on its way."""
    return [
        (actor.room, actor.transit is not None)
        for actor in stored_actors(fleet.data).values()
        if actor.body["name"] == name
    ]


def test_the_master_shows_it_offline_and_who_wants_in_waits_and_gets_in(made: tuple[Running, Faults]) -> None:
    fleet, faults = made

    async def play() -> None:
        async with player(fleet, "ada") as ada, player(fleet, "bob") as bob, player(fleet, "cy") as cy:
            await cy.join("alpha")
            await ada.join("bored")
            assert await ada.call("keep", value=3) == 3
            faults.hold_stop("bored")
            await ada.leave()
            async with torn_down(made, "bored"):
                assert fleet.room("bored")["phase"] == "Stopping"
                listed = await asyncio.to_thread(fleet.roomfleet, "get", "rooms")
                assert "Stopping" in next(line for line in listed.stdout.splitlines() if "bored" in line)
                joining = asyncio.ensure_future(bob.join("bored"))
                await bob.wait_for(lambda p: p.state is State.WAITING, 10)
                assert (bob.change.room, bob.change.position) == ("bored", 1)
                events = cy.events()
                going = asyncio.ensure_future(answer(cy.call("go", room="bored")))
                told = await first_waiting(events)
                assert (told.room, told.position) == ("bored", 2)
                assert not joining.done()
                assert fleet.room("bored")["phase"] == "Stopping"
                assert fleet.room("bored")["waiting"] == 2
            await joining
            await playing(cy, "bored")
            await going
            await bob.wait_for(lambda p: names(p.actors.values()) == ["bob", "cy"], 10)
            # What was there was saved before.
            async with player(fleet, "ada") as again:
                await again.join()
                await playing(again, "bored")
                assert again.actors["p:ada"]["state"]["kept"] == 3

    asyncio.run(play())


async def first_waiting(events: Any) -> Waiting:
    async with asyncio.timeout(15):
        async for event in events:
            if isinstance(event, Waiting):
                return event
    raise AssertionError("nothing was said")


def test_players_requests_at_its_node_are_bounced_to_the_master_and_they_are_led_back(
    made: tuple[Running, Faults],
) -> None:
    fleet, faults = made

    async def play() -> None:
        async with AsyncExitStack() as stack:
            inside = await stack.enter_async_context(player(fleet, "dan"))
            await inside.join("changed")
            assert await inside.call("keep", value=4) == 4
            joins = f"{fleet.url}/v1/games/{GAME}/joins"
            admitted = await asyncio.to_thread(
                ask, joins, method="POST", player="eve", body={"room": "changed"}
            )
            place = admitted.json
            assert place["state"] == "admitted"
            faults.hold_stop("changed")
            await apply(fleet, "changed", script="trial.rooms:Annex")
            async with torn_down(made, "changed"):
                assert fleet.room("changed")["phase"] == "Stopping"
                # Who was inside is in line at the master.
                await inside.wait_for(lambda p: p.state is State.WAITING, 10)
                # So is sent there who comes with a good ticket.
                async with connected(place["url"]) as raw:
                    await raw.say({"type": "hello", "ticket": place["ticket"]})
                    bounced = await raw.until("rejoin")
                    assert bounced["room"] == "changed"
                    await raw.rest()
                assert inside.state is State.WAITING
                assert fleet.room("changed")["phase"] == "Stopping"
            await playing(inside, "changed")
            assert inside.actors["p:dan"]["state"]["kept"] == 4
            eve = await stack.enter_async_context(player(fleet, "eve"))
            await eve.join("changed")

    asyncio.run(play())


def test_npcs_on_their_way_to_it_are_left_alone_and_are_there_when_it_is_back(
    made: tuple[Running, Faults],
) -> None:
    fleet, faults = made

    async def play() -> None:
        async with player(fleet, "fay") as fay, player(fleet, "gus") as gus:
            await gus.join("alpha")
            await fay.join("bored")
            await fay.call("tame", pets=1)
            epoch = fleet.room("bored")["epoch"]
            faults.hold_stop("bored")
            await fay.leave()
            async with torn_down(made, "bored"):
                await gus.call("send", name="late", room="bored", wake=False)
                await until(lambda: placed(fleet, "late") == [("bored", True)], "it is saved, on its way")
                assert fleet.room("bored")["phase"] == "Stopping"
            await asyncio.to_thread(fleet.wait_phase, "bored", "Asleep")
            assert placed(fleet, "late") == [("bored", True)], "nobody took it in"
            assert fleet.room("bored")["epoch"] == epoch, "nor was the room started for it"
            async with player(fleet, "hal") as hal:
                await hal.join("bored")
                await hal.wait_for(lambda p: {"late", "fay's 0"} <= set(names(p.actors.values())), 10)
                assert names(hal.actors.values()).count("late") == 1
            await until(lambda: placed(fleet, "late") == [("bored", False)], "it lives there")

    asyncio.run(play())


def test_an_npc_that_wakes_its_target_has_it_started_again_once_it_has_stopped(
    made: tuple[Running, Faults],
) -> None:
    fleet, faults = made

    async def play() -> None:
        async with player(fleet, "ida") as ida, player(fleet, "jon") as jon:
            await jon.join("alpha")
            await ida.join("bored")
            epoch = fleet.room("bored")["epoch"]
            faults.hold_stop("bored")
            await ida.leave()
            async with torn_down(made, "bored"):
                await jon.call("send", name="waker", room="bored", wake=True)
                await until(lambda: placed(fleet, "waker") == [("bored", True)], "it is on its way")
                assert fleet.room("bored")["phase"] == "Stopping"
            await until(lambda: placed(fleet, "waker") == [("bored", False)], "it lives there")
            assert fleet.room("bored")["epoch"] == epoch + 1

    asyncio.run(play())
