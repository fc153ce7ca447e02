"""Live moves on a running fleet (DESIGN 5): rooms leave a node, and their players follow."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from roomfleet.client import Client, State
from support.promised import keeping_on
from support.raw import ask
from support.running import Running, running
from support.scraped import scraped
from support.trial_game import GAME, SHORT, kept, playing, state_of, stored_state, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {"alpha": {}, "beta": {}, "gamma": {}, "delta": {}}
NODES = {"minNodes": 2, "maxNodes": 2, "strategy": "Distributed"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Four rooms spread over two nodes."""
    folder = tmp_path_factory.mktemp("moves")
    game = trial_game(folder, rooms=ROOMS)
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def apply_fleet(fleet: Running, **spec: Any) -> None:
    """The RoomFleet as it is to be from now on."""
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": "default"},
        "spec": {**NODES, **spec},
    }
    done = fleet.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    assert done.returncode == 0, done.stderr


def fleet_object(fleet: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.roomfleet("get", "rfleet", "default", "-o", "json").stdout)
    return found


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


def rooms_on(fleet: Running, node: str) -> list[str]:
    return [name for name in ROOMS if fleet.room(name)["node"] == node]


def both_up(fleet: Running) -> bool:
    nodes = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"]
    return len(nodes) == 2 and all(node["ready"] for node in nodes)


def test_players_follow_the_rooms_of_a_node_that_is_told_to_end(fleet: Running) -> None:
    async def play() -> None:
        players = {name: player(fleet, f"p-{name}") for name in ROOMS}
        try:
            for name, each in players.items():
                await each.join(name)
            first = fleet.node_of("alpha")
            leaving = rooms_on(fleet, first)
            assert len(leaving) == 2, "the rooms are spread"
            epochs = {name: fleet.room(name)["epoch"] for name in ROOMS}
            for number, name in enumerate(ROOMS):
                await players[name].call("note", value=number)  # not saved by hand
            pid = fleet.signal_node(first, signal.SIGTERM)
            for name in leaving:
                await until(lambda name=name: fleet.room(name)["node"] not in ("", first), f"{name} moved")
                await playing(players[name], name)
            for number, name in enumerate(ROOMS):
                await playing(players[name], name)
                assert await kept(players[name], number) == number
                assert state_of(players[name], f"p-{name}")["noted"] == number
                assert stored_state(fleet.data, f"p:p-{name}")["kept"] == number
                view = fleet.room(name)
                assert view["epoch"] == epochs[name] + (name in leaving), view
                assert view["players"] == 1
            await until(lambda: fleet.node_pids().get(first) not in (None, pid), "the node is back")
            await until(lambda: both_up(fleet), "it takes rooms again")
        finally:
            for each in players.values():
                await each.leave()

    asyncio.run(play())
    assert "frozen for" in fleet.log()
    assert scraped(ask(fleet.url + "/metrics").text)["roomfleet_moves_total"][(GAME, "moved")] >= 2
    nodes = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"]
    pages = [scraped(ask(node["url"].replace("ws:", "http:") + "/metrics").text) for node in nodes]
    assert sum(page["roomfleet_node_move_frozen_seconds_count"][()] for page in pages) >= 2


def test_nothing_saved_is_lost_while_rooms_go_to_and_fro_between_cordoned_nodes(fleet: Running) -> None:
    async def play() -> None:
        async with keeping_on(fleet, {f"d-{name}": name for name in ROOMS}) as diaries:
            for slot in (0, 1, 0):
                await asyncio.to_thread(apply_fleet, fleet, cordoned=[slot])
                other = f"default-{1 - slot}"
                for name in ROOMS:
                    await until(
                        lambda name=name, other=other: fleet.room(name)["node"] == other, f"{name} on {other}"
                    )
                await diaries.more(3, "everybody saves on the other node")
            await asyncio.to_thread(apply_fleet, fleet)

    asyncio.run(play())
    assert len(fleet.node_pids()) == 2, "a cordoned node stays"


def test_a_cordoned_node_is_shown_as_one_that_is_emptied(fleet: Running) -> None:
    apply_fleet(fleet, cordoned=[1])

    async def shown() -> None:
        await until(
            lambda: (
                "default-1 is being emptied, it is cordoned: 0 rooms are left"
                in fleet_object(fleet)["status"].get("message", "")
            ),
            "the fleet says so",
        )

    asyncio.run(shown())
    assert "default-1 is being emptied" in fleet.roomfleet("describe", "rfleet", "default").stdout
    nodes = {node["name"]: node for node in fleet.get(f"/v1/games/{GAME}/nodes")["nodes"]}
    assert (nodes["default-1"]["ready"], nodes["default-1"]["leaving"]) == (False, "it is cordoned")
    apply_fleet(fleet)
    asyncio.run(until(lambda: both_up(fleet), "it takes rooms again"))


def test_scaled_down_the_rooms_of_the_node_that_goes_are_led_over_first(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "ada") as ada, player(fleet, "bob") as bob:
            await ada.join("alpha")
            await bob.join("beta")
            states: list[State] = []
            seeing = [asyncio.ensure_future(see(each, states)) for each in (ada, bob)]
            for each in (ada, bob):
                await each.call("keep", value=7)
            await asyncio.to_thread(apply_fleet, fleet, minNodes=1, maxNodes=1)
            await until(lambda: list(fleet.node_pids()) == ["default-0"], "the node above maxNodes is gone")
            for each, name in ((ada, "alpha"), (bob, "beta")):
                await playing(each, name)
                assert fleet.room(name)["node"] == "default-0"
                assert await kept(each, 8) == 8
            for task in seeing:
                task.cancel()
            assert set(states) <= {State.PLAYING, State.TRAVELLING}, "nobody had to ask the master"

    asyncio.run(play())


def test_without_space_elsewhere_the_node_ends_at_its_deadline_and_players_come_back(fleet: Running) -> None:
    """One node is left: see the test before."""

    async def play() -> None:
        await asyncio.to_thread(apply_fleet, fleet, minNodes=1, maxNodes=1, drainSeconds=1)
        async with player(fleet, "ada") as ada:
            await ada.join("alpha")
            await ada.call("keep", value=9)
            epoch = fleet.room("alpha")["epoch"]
            fleet.signal_node("default-0", signal.SIGTERM)
            await until(lambda: fleet.room("alpha")["epoch"] > epoch, "alpha is placed again")
            assert await kept(ada, 10) == 10

    asyncio.run(play())
    assert "not every room could be moved within 1 s" in fleet.log()


async def see(who: Client, states: list[State]) -> None:
    """Note each state that the player is in."""
    while True:
        now = who.state
        states.append(now)
        await who.wait_for(lambda p, now=now: p.state is not now, 600)  # type: ignore[misc]
