"""P7, a lost node is repaired, with rooms in a cluster: its rooms start elsewhere, and players follow."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roomfleet.client import Client
from support.kube import Cluster
from support.operating import Operated, operated
from support.trial_game import SHORT, playing, state_of, trial_game, until


def stands(player: Client, x: float, y: float) -> bool:
    here = player.position_of(player.you.id) if player.you is not None else None
    return here is not None and abs(here[0] - x) < 1 and abs(here[1] - y) < 1


async def walked(player: Client, x: float, y: float) -> None:
    """The hero stands there, saved."""
    assert await player.call("walk", x=x, y=y)
    await player.call("keep", value=1)


def test_a_killed_nodes_room_starts_on_the_other_and_its_player_is_led_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        async with Client(fleet.url, game=fleet.game, token="ada") as ada:
            await ada.join("alpha")
            await walked(ada, 222, 111)
            first, epoch = fleet.node_of("alpha"), fleet.view("alpha")["epoch"]
            await asyncio.to_thread(fleet.kill, first)
            await ada.wait_for(lambda p: p.state != "playing", 10)
            await playing(ada, "alpha")
            assert stands(ada, 222, 111)
            assert state_of(ada)["kept"] == 1
            assert await ada.call("keep", value=2) == 2
            status = await until(
                lambda: (found := fleet.status("alpha"))["phase"] == "Running" and found, "alpha Running"
            )
            assert status["epoch"] > epoch
            assert status["node"] != first

    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_the_only_node_killed_leaves_its_room_queued_until_one_comes_and_takes_the_player_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        async with Client(fleet.url, game=fleet.game, token="ada") as ada:
            await ada.join("alpha")
            await walked(ada, 222, 111)
            await asyncio.to_thread(fleet.kill, "default-0")
            await asyncio.to_thread(fleet.wait_phase, "alpha", "Queued")
            await asyncio.to_thread(fleet.start_node, "default-0")
            await playing(ada, "alpha")
            assert stands(ada, 222, 111)

    game = trial_game(tmp_path, fleet={"minNodes": 1, "maxNodes": 1})
    with operated(cluster, tmp_path, source=game, nodes=1, environment=SHORT) as fleet:
        asyncio.run(play(fleet))
