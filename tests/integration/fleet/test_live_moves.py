"""Live moves on a running fleet (DESIGN 5): rooms leave a node, and their players follow."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from roomfleet.client import Client
from support.raw import ask
from support.running import Running, running
from support.scraped import scraped
from support.trial_game import GAME, SHORT, playing, state_of, stored_state, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {"alpha": {}, "beta": {}, "gamma": {}, "delta": {}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Four rooms spread over two nodes."""
    folder = tmp_path_factory.mktemp("moves")
    game = trial_game(folder, rooms=ROOMS)
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


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
                assert state_of(players[name], f"p-{name}")["noted"] == number
                assert await players[name].call("keep", value=number) == number
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
