"""P6, no master, no harm, with rooms in a cluster: neither the operator nor the API server is missed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.kube import Cluster
from support.operating import Operated, operated
from support.promised import two_live_on_while_the_master_is_away
from support.trial_game import SHORT, stored_epoch, trial_game, until

PATIENT = {**SHORT, "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "10"}
"""Nodes dial a master that was started anew within 3 s: until then they are not to count as lost."""


async def lived(fleet: Operated, cluster: Cluster, *, without_api_server: bool) -> None:
    async def go_away() -> None:
        for name in ("alpha", "beta"):
            await asyncio.to_thread(fleet.wait_phase, name, "Running")
        if without_api_server:
            await asyncio.to_thread(cluster.kill_apiserver)
        await asyncio.to_thread(fleet.kill, "operator")

    async def is_missed() -> None:
        assert fleet.answer("/readyz") == 0

    async def come_back() -> None:
        if without_api_server:
            await asyncio.to_thread(cluster.start_apiserver)
        await asyncio.to_thread(fleet.start_operator)
        await until(lambda: len(fleet.connected()) == 2, "the nodes are back")

    await two_live_on_while_the_master_is_away(fleet, go_away, is_missed, come_back)
    for name in ("alpha", "beta"):
        epoch, _, _ = stored_epoch(fleet.data, name, game=fleet.game)
        assert fleet.status(name)["epoch"] == epoch


def test_while_the_operator_is_gone_players_notice_nothing_and_no_room_is_started_anew(
    cluster: Cluster, tmp_path: Path
) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=PATIENT) as fleet:
        asyncio.run(lived(fleet, cluster, without_api_server=False))


def test_nor_do_they_while_the_api_server_is_gone_too(cluster: Cluster, tmp_path: Path) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=PATIENT) as fleet:
        fleet.expected_errors.append("Request attempt")  # kopf says of each watch that it is refused
        asyncio.run(lived(fleet, cluster, without_api_server=True))
