"""Live moves in which somebody is killed (DESIGN 5): each room runs on, once, with all that was saved."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from support.promised import Diaries, keeping_on
from support.raw import ask
from support.running import Running, running
from support.trial_game import GAME, SHORT, stored_epoch, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {"alpha": {}, "beta": {}, "gamma": {}}
PLAYERS = {f"d-{name}": name for name in ROOMS}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Three rooms on two nodes of three that there may be."""
    folder = tmp_path_factory.mktemp("fire")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 2, "maxNodes": 2, "strategy": "Packed"})
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def cordon(fleet: Running, *slots: int) -> None:
    """Only those slots are cordoned from now on."""
    path = f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/roomfleets/default"
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": "default"},
        "spec": {"minNodes": 2, "maxNodes": 2, "strategy": "Packed", "cordoned": list(slots)},
    }
    answer = ask(
        f"{fleet.url}{path}?fieldManager=test&force=true",
        method="PATCH",
        body=json.dumps(manifest).encode(),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    assert answer.status == 200, answer.text


def all_run(fleet: Running) -> bool:
    """Each room runs where the store says, once."""
    for name in ROOMS:
        view = fleet.room(name)
        epoch, _, owner = stored_epoch(fleet.data, name, game=GAME)
        if view["phase"] != "Running" or (view["epoch"], view["node"]) != (epoch, owner):
            return False
    return True


async def all_go_on(fleet: Running, diaries: Diaries) -> None:
    await until(lambda: all_run(fleet), "every room runs", within=40)
    await diaries.more(2, "everybody saves again")


@pytest.mark.parametrize("who", ["the old node", "the new node"])
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06])
def test_a_node_is_killed_in_the_middle_of_moves(fleet: Running, who: str, delay: float) -> None:
    async def play() -> None:
        async with keeping_on(fleet, PLAYERS) as diaries:
            old = fleet.node_of("alpha")
            (new,) = set(fleet.node_pids()) - {old}
            pid = fleet.pid_of(old if who == "the old node" else new)
            cordon(fleet, int(old[-1]))
            await asyncio.sleep(delay)
            os.kill(pid, signal.SIGKILL)
            await until(lambda: pid not in fleet.node_pids().values(), "it is gone")
            cordon(fleet)
            await all_go_on(fleet, diaries)
            await until(lambda: len(fleet.node_pids()) == 2, "both nodes are there", within=40)

    asyncio.run(play())


def test_the_master_is_killed_in_the_middle_of_moves(fleet: Running) -> None:
    async def play() -> None:
        async with keeping_on(fleet, PLAYERS) as diaries:
            cordon(fleet, int(fleet.node_of("alpha")[-1]))
            await asyncio.to_thread(fleet.kill, nodes=False)
            await asyncio.to_thread(fleet.start)  # one node is cordoned as before
            await all_go_on(fleet, diaries)
            cordon(fleet)

    asyncio.run(play())
