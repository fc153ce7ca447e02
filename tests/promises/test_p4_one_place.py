"""P4, one place, all or nothing: whatever is killed, each actor is in one room or on its way to one, and what
was changed together stays together.
"""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from roomfleet.client import CallError, Client
from support.running import Running, running
from support.trial_game import GAME, SHORT, Stored, answer, playing, stored_actors, trial_game, until

CARTS = 4
HEROES = ("ada", "bob", "cy")
OTHER = {"alpha": "beta", "beta": "alpha"}
ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"keep": "Always", "state": {"carts": CARTS}},
    "beta": {"keep": "Always", "state": {"carts": CARTS}},
}


def state(actor: Stored) -> dict[str, Any]:
    return {field: value for tier in actor.body["state"].values() for field, value in tier.items()}


def trips(fleet: Running) -> dict[str, int]:
    """How often each cart has gone, as committed."""
    return {
        id_: state(actor)["trips"]
        for id_, actor in stored_actors(fleet.data).items()
        if actor.body["script"].endswith(":Cart")
    }


def stored_in(fleet: Running, room: str) -> set[str]:
    """Whom the store has in that room, as present."""
    return {
        id_
        for id_, actor in stored_actors(fleet.data).items()
        if actor.room == room and actor.presence == "present"
    }


def check_loads(fleet: Running) -> None:
    """Every load is docked to its cart, and where its cart is."""
    actors = stored_actors(fleet.data)
    loads = [actor for actor in actors.values() if actor.body["script"].endswith(":Load")]
    assert len(loads) == 2 * CARTS
    for load in loads:
        cart = actors[load.body["parent"]]
        assert (load.room, load.transit is None) == (cart.room, cart.transit is None)
        assert load.body["name"].split()[1] == cart.body["name"].split()[1]


async def wander(player: Client, count: list[int]) -> None:
    """Through the door to the other room, and back, for ever."""
    while True:
        await playing(player)
        assert player.room is not None
        here = player.room.name
        found = await answer(player.call("enter_door", door="on"))
        if isinstance(found, CallError) and found.code not in ("dropped", "not-connected"):
            await asyncio.sleep(0.05)  # refused: its target has no place at the moment
            continue
        try:
            await playing(player, OTHER[here], within=5)
            count[0] += 1
        except TimeoutError:
            continue  # the node was killed before the travel was committed


def test_heroes_and_carts_that_travel_while_nodes_are_killed_are_in_one_place_each(tmp_path: Path) -> None:
    rng = random.Random(11)

    async def play(fleet: Running) -> None:
        async with AsyncExitStack() as stack:
            heroes = []
            for number, name in enumerate(HEROES):
                hero = await stack.enter_async_context(
                    Client(fleet.url, game=GAME, token=name, keep_alive_seconds=1)
                )
                await hero.join(("alpha", "beta")[number % 2])
                heroes.append(hero)
            counts = [[0] for _ in heroes]
            going = [
                asyncio.ensure_future(wander(hero, count)) for hero, count in zip(heroes, counts, strict=True)
            ]
            try:
                for _ in range(4):
                    heroes_before, carts_before = [count[0] for count in counts], trips(fleet)
                    more = rng.randint(1, 3)
                    await until(
                        lambda h=heroes_before, c=carts_before, m=more: (  # type: ignore[misc]
                            all(count[0] >= before + m for count, before in zip(counts, h, strict=True))
                            and sum(trips(fleet).values()) >= sum(c.values()) + m * CARTS
                        ),
                        "everybody travels",
                        within=30,
                    )
                    nodes = sorted(fleet.node_pids())
                    fleet.signal_node(rng.choice(nodes), signal.SIGKILL)
                    check_loads(fleet)
                # All come to rest where they are.
                failed = [task for task in going if task.done()]
                assert not failed, failed
            finally:
                for task in going:
                    task.cancel()
                await asyncio.gather(*going, return_exceptions=True)
            await rest(fleet, heroes)
            await look(fleet, heroes)

    async def rest(fleet: Running, heroes: list[Client]) -> None:
        for name in OTHER:
            async with Client(fleet.url, game=GAME, token=f"warden of {name}") as warden:
                await warden.join(name)
                await warden.call("rest")
        for hero in heroes:
            await playing(hero)
        await until(
            lambda: not any(actor.transit is not None for actor in stored_actors(fleet.data).values()),
            "everybody has arrived",
            within=30,
        )

    async def look(fleet: Running, heroes: list[Client]) -> None:
        """Two watchers see each actor once, where the store has it."""
        seen: list[str] = []
        for name in OTHER:
            async with Client(fleet.url, game=GAME, token=f"watcher of {name}") as watcher:
                await watcher.join(name)
                assert watcher.you is not None
                you = watcher.you.id
                # One who came back a moment ago is saved as present with the next interval.
                try:
                    await until(
                        lambda w=watcher, n=name: set(w.actors) == stored_in(fleet, n),
                        f"the store has in {name} who is seen there",
                        within=10,
                    )
                except AssertionError as error:
                    stored = stored_in(fleet, name)
                    only_seen, only_stored = watcher.actors.keys() - stored, stored - watcher.actors.keys()
                    actors = stored_actors(fleet.data)
                    told = {id_: str(actors.get(id_))[:300] for id_ in only_seen | only_stored}
                    raise AssertionError(
                        f"{error}; only seen: {only_seen}; only stored: {only_stored}; stored as: {told}"
                    ) from error
                seen += watcher.actors.keys() - {you}
        assert len(seen) == len(set(seen))
        assert len([id_ for id_ in seen if not id_.startswith("p:")]) == 4 * CARTS
        assert {id_ for id_ in seen if id_.startswith("p:")} == {f"p:{name}" for name in HEROES}
        check_loads(fleet)
        for hero, name in zip(heroes, HEROES, strict=True):
            assert hero.room is not None
            assert stored_actors(fleet.data)[f"p:{name}"].room == hero.room.name

    with running(trial_game(tmp_path, rooms=ROOMS), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_a_trade_is_saved_for_both_or_for_none_wherever_the_kill_falls(tmp_path: Path) -> None:
    async def trade(giver: Client, to: str, done: list[int]) -> None:
        while True:
            await playing(giver)
            found = await answer(giver.call("give", to=to, coins=1))
            if isinstance(found, CallError):
                await asyncio.sleep(0.02)
            else:
                done[0] += 1

    def purse(fleet: Running) -> list[int]:
        actors = stored_actors(fleet.data)
        return [state(actors[f"p:{name}"])["coins"] for name in ("ada", "bob")]

    async def play(fleet: Running) -> None:
        ada = Client(fleet.url, game=GAME, token="ada", keep_alive_seconds=1)
        bob = Client(fleet.url, game=GAME, token="bob", keep_alive_seconds=1)
        async with ada, bob:
            await ada.join("alpha")
            await bob.join("alpha")
            counts = [[0], [0]]
            trading = [
                asyncio.ensure_future(trade(ada, "bob", counts[0])),
                asyncio.ensure_future(trade(bob, "ada", counts[1])),
            ]
            try:
                for number in range(4):
                    before = [count[0] for count in counts]
                    await until(
                        lambda b=before, n=number: all(  # type: ignore[misc]
                            count[0] >= was + 3 + 2 * n for count, was in zip(counts, b, strict=True)
                        ),
                        "both trade",
                        within=30,
                    )
                    fleet.signal_node(fleet.node_of("alpha"), signal.SIGKILL)
                    assert sum(purse(fleet)) == 20
                failed = [task for task in trading if task.done()]
                assert not failed, failed
            finally:
                for task in trading:
                    task.cancel()
                await asyncio.gather(*trading, return_exceptions=True)
            await playing(ada, "alpha")
            await ada.wait_for(lambda p: {"p:ada", "p:bob"} <= p.actors.keys(), 20)
            await until(lambda: sum(purse(fleet)) == 20, "the coins are all there")

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
