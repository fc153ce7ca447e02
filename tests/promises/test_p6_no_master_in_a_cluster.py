"""P6, no master, no harm, with rooms in a cluster: neither the operator nor the API server is missed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from roomfleet.client import Client
from support.kube import Cluster
from support.operating import Operated, operated
from support.promised import two_live_on_while_the_master_is_away
from support.trial_game import SHORT, stored_epoch, trial_game, until

PATIENT = {**SHORT, "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "10"}
"""Nodes dial a master that was started anew within 3 s: until then they are not to count as lost."""


UNHURRIED = {**PATIENT, "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "60"}
"""A silent node is not lost as long as a test takes, however slow the machine is."""


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


def test_after_a_restart_only_rooms_wait_whose_node_has_not_spoken_yet(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        async with (
            Client(fleet.url, game=fleet.game, token="ada") as ada,
            Client(fleet.url, game=fleet.game, token="bob") as bob,
        ):
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            await asyncio.to_thread(fleet.wait_phase, "alpha", "Running")
            before, node = stored_epoch(fleet.data, "alpha", game=fleet.game), fleet.node_of("alpha")
            await asyncio.to_thread(fleet.kill, "operator")
            fleet.signal_node(node, signal.SIGSTOP)
            try:
                await asyncio.to_thread(fleet.start_operator)
                # A room of no node is placed on the one that is there; that of the silent one is left to it.
                await bob.join("gamma")
                assert fleet.view("gamma")["node"] != node
                assert fleet.view("alpha")["node"] == node
                assert stored_epoch(fleet.data, "alpha", game=fleet.game)[0] == before[0]
            finally:
                fleet.signal_node(node, signal.SIGCONT)
            await until(lambda: len(fleet.connected()) == 2, "both nodes are back")
            assert await ada.call("keep", value=2) == 2
            epoch, _, owner = stored_epoch(fleet.data, "alpha", game=fleet.game)
            assert (epoch, owner) == (before[0], node), "it was not started anew"

    game = trial_game(tmp_path, rooms={"alpha": {}, "beta": {}, "gamma": {}})
    with operated(cluster, tmp_path, source=game, environment=UNHURRIED) as fleet:
        asyncio.run(play(fleet))
