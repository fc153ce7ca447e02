"""P2, acknowledged is saved, with rooms in a cluster: kill -9 of operator and nodes loses nothing of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.kube import Cluster
from support.operating import operated
from support.promised import keeping_on
from support.trial_game import SHORT, trial_game


def test_every_acknowledged_value_survives_kills_of_a_node_and_of_operator_and_nodes_together(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play() -> None:
        async with keeping_on(fleet, {"ada": "alpha", "bob": "beta"}) as diaries:
            await diaries.more(10, "some saves")
            # A node alone: the other one takes its room.
            node = fleet.node_of("alpha")
            await asyncio.to_thread(fleet.kill, node)
            diaries.check()
            await diaries.more(10, "saves on the node that is left")
            await asyncio.to_thread(fleet.start_node, node)
            # Operator and nodes together, in the middle of saves.
            await asyncio.to_thread(fleet.kill, "operator", *fleet.nodes)
            diaries.check()
            for name in list(fleet.nodes):
                await asyncio.to_thread(fleet.start_node, name)
            await asyncio.to_thread(fleet.start_operator)
            await diaries.more(10, "everybody saves again")

    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        asyncio.run(play())
