"""P4, all or nothing: a node that dies at any step of a save leaves all of it behind, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from roomfleet.client import CallError, Client, Watching
from support.faults import POINTS, Faults
from support.running import Running, running
from support.trial_game import (
    GAME,
    SHORT,
    Stored,
    answer,
    playing,
    state_of,
    stored_actors,
    stored_room_state,
    trial_game,
    until,
)

FAR = {point: point.replace(" ", "-") for point in POINTS}
"""Rooms that sleep until a caravan comes."""
ROOMS: dict[str, dict[str, Any]] = {"alpha": {"keep": "Always"}, **{room: {} for room in FAR.values()}}
DECIDED = POINTS[1:]
"""Where the batch is committed."""


@pytest.fixture(scope="module", params=POINTS)
def point(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def made(point: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Faults]]:
    """Nodes enough for rooms to go on at once when one dies and starts again; new ones for each point, since
    a node that dies often starts again later and later."""
    folder = tmp_path_factory.mktemp("kills")
    faults = Faults(folder / "faults")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 3, "maxNodes": 3}, faults=True)
    with running(game, folder / "data", environment={**SHORT, **faults.environment}) as fleet:
        yield fleet, faults


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name, keep_alive_seconds=1)


def state(actor: Stored) -> dict[str, Any]:
    return {field: value for tier in actor.body["state"].values() for field, value in tier.items()}


def named(fleet: Running, *names: str) -> dict[str, Stored]:
    """By name; each at most once."""
    found = [actor for actor in stored_actors(fleet.data).values() if actor.body["name"] in names]
    by_name = {actor.body["name"]: actor for actor in found}
    assert len(by_name) == len(found), f"doubled: {found}"
    return by_name


async def killed(fleet: Running, faults: Faults, point: str, client: Client, call: Any) -> None:
    """The call's node dies at that point; returns when the client plays on elsewhere."""
    node = fleet.node_of("alpha")
    pid = fleet.pid_of(node)
    before = client.welcome
    found = await answer(call)
    # What is decided is acknowledged while the actors' documents are still being written.
    assert isinstance(found, CallError) or point in POINTS[2:], found
    await until(lambda: not faults.is_pending(point), f"killed {point}")
    await until(lambda: fleet.node_pids().get(node) != pid, "it is dead")
    await client.wait_for(lambda p: p.welcome is not before, 30)
    await playing(client, "alpha")


def test_a_caravan_travels_as_one_wherever_its_node_dies(made: tuple[Running, Faults], point: str) -> None:
    fleet, faults = made
    far, lead = FAR[point], f"porter {point}"
    names = (lead, f"{lead}'s first", f"{lead}'s second")

    def together() -> dict[str, Stored] | None:
        """All of them in one room, taken in there, docked as they were."""
        actors = named(fleet, *names)
        places = {(actor.room, actor.transit is None) for actor in actors.values()}
        return actors if len(places) == 1 and places.pop()[1] and len(actors) == 3 else None

    async def play() -> None:
        async with AsyncExitStack() as stack:
            ada = await stack.enter_async_context(player(fleet, "ada"))
            await ada.join("alpha")
            assert fleet.room(far)["phase"] == "Asleep"
            faults.kill(point, f"{lead} to {far}")
            going = ada.call("caravan", name=lead, room=far)
            node = fleet.node_of("alpha")
            pid = fleet.pid_of(node)
            await answer(going)
            await until(lambda: not faults.is_pending(point), f"killed {point}")
            await until(lambda: fleet.node_pids().get(node) != pid, "it is dead")
            await playing(ada, "alpha")
            actors = await until(together, "they have arrived, or never went")
            assert actors is not None
            room = far if point in DECIDED else "alpha"
            assert {actor.room for actor in actors.values()} == {room}
            by_id = {actor.id: name for name, actor in actors.items()}
            docked = {name: by_id.get(actor.body["parent"]) for name, actor in actors.items()}
            assert docked == {names[0]: None, names[1]: names[0], names[2]: names[1]}
            async with player(fleet, "bob") as bob:
                await bob.join(far)
                watchers = [
                    await stack.enter_async_context(Watching(fleet.url, game=GAME, room=each))
                    for each in ("alpha", far)
                ]
                for name in names:
                    seen = [
                        each["name"] for w in watchers for each in w.actors.values() if each["name"] == name
                    ]
                    assert seen == [name], "seen once"

    asyncio.run(play())


def test_a_trade_is_for_both_or_for_none_wherever_their_node_dies(
    made: tuple[Running, Faults], point: str
) -> None:
    fleet, faults = made
    ada, bob = f"ada {point}", f"bob {point}"

    def purses() -> tuple[int, int]:
        actors = named(fleet, ada, bob)
        return state(actors[ada])["coins"], state(actors[bob])["coins"]

    async def play() -> None:
        async with player(fleet, ada) as giver, player(fleet, bob) as taker:
            await giver.join("alpha")
            await taker.join("alpha")
            assert await giver.call("keep", value=1) == 1
            assert await taker.call("keep", value=1) == 1
            faults.kill(point, '"coins":7')
            await killed(fleet, faults, point, giver, giver.call("give", to=bob, coins=3))
            await playing(taker, "alpha")
            expected = (7, 13) if point in DECIDED else (10, 10)
            assert purses() == expected
            await giver.wait_for(lambda p: f"p:{bob}" in p.actors, 20)
            assert (state_of(giver)["coins"], state_of(giver, bob)["coins"]) == expected

    asyncio.run(play())


@pytest.mark.parametrize("how", ["dropped", "picked"])
def test_a_stone_is_in_one_hand_or_on_one_ground_wherever_its_node_dies(
    made: tuple[Running, Faults], point: str, how: str
) -> None:
    fleet, faults = made
    who, stone = f"dan {how} {point}", f"stone {how} {point}"
    label = f"{how} it {point}"

    async def play() -> None:
        async with player(fleet, who) as dan:
            await dan.join("alpha")
            if how == "picked":
                await dan.call("drop", label=stone)
            else:
                assert await dan.call("keep", value=1) == 1
            hand = state(named(fleet, who)[who])["stones"]
            pile = stored_room_state(fleet.data, "alpha")["pile"]
            faults.kill(point, label)
            call = (
                dan.call("pick", name=stone, label=label)
                if how == "picked"
                else dan.call("drop", label=label)
            )
            await killed(fleet, faults, point, dan, call)
            done = point in DECIDED
            found = named(fleet, who, label, stone)
            in_hand = state(found[who])["stones"]
            on_ground = [name for name in found if name != who]
            piled = stored_room_state(fleet.data, "alpha")["pile"] - pile
            assert in_hand == hand + done * (1 if how == "picked" else -2)
            assert piled == (1 if how == "dropped" and done else 0), "one of the two"
            assert len(on_ground) == (int(done) if how == "dropped" else int(not done))
            assert state_of(dan)["stones"] == in_hand
            seen = [each["name"] for each in dan.actors.values() if each["name"] in (label, stone)]
            assert seen == on_ground, "as it is saved it is seen"

    asyncio.run(play())
