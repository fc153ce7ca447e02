"""P7, a lost node is repaired, with rooms in a cluster: its rooms start elsewhere, and players follow."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.kube import Cluster
from support.operating import Operated, operated
from support.promised import a_player_is_led_on_when
from support.trial_game import SHORT, trial_game, until


def test_a_killed_nodes_room_starts_on_the_other_and_its_player_is_led_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        first, epoch = "", 0

        async def kill() -> None:
            nonlocal first, epoch
            first, epoch = fleet.node_of("alpha"), fleet.view("alpha")["epoch"]
            await asyncio.to_thread(fleet.kill, first)
            killed = time.monotonic()
            await until(lambda: fleet.view("alpha")["node"] not in ("", first), "alpha elsewhere")
            await until(lambda: fleet.view("alpha")["phase"] == "Running", "alpha Running there")
            lost_after = SHORT["ROOMFLEET_NODE_LOST_AFTER_SECONDS"]
            print(
                f"\nkilled, and elsewhere after {time.monotonic() - killed:.1f} s; lost after {lost_after} s"
            )

        await a_player_is_led_on_when(fleet, "alpha", kill)
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
        async def kill() -> None:
            await asyncio.to_thread(fleet.kill, "default-0")
            await asyncio.to_thread(fleet.wait_phase, "alpha", "Queued")
            await asyncio.to_thread(fleet.start_node, "default-0")

        await a_player_is_led_on_when(fleet, "alpha", kill)

    game = trial_game(tmp_path, fleet={"minNodes": 1, "maxNodes": 1})
    with operated(cluster, tmp_path, source=game, nodes=1, environment=SHORT) as fleet:
        asyncio.run(play(fleet))
