"""P6, no master, no harm, with rooms in a cluster: neither the operator nor the API server is missed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roomfleet.client import Client, State
from support.kube import Cluster
from support.operating import Operated, operated
from support.trial_game import (
    SHORT,
    answer,
    playing,
    state_of,
    stored_epoch,
    stored_state,
    trial_game,
    until,
)


async def move(player: Client, room: str) -> None:
    """Through a door to a running room."""
    moving = asyncio.ensure_future(answer(player.call("go", room=room)))
    await playing(player, room)
    await moving


async def lived(fleet: Operated, cluster: Cluster, folder: Path, *, without_api_server: bool) -> None:
    ada = Client(fleet.url, game=fleet.game, token="ada")
    bob = Client(fleet.url, game=fleet.game, token="bob")
    async with ada, bob:
        await ada.join("alpha")
        await bob.join("beta")
        nodes = {name: fleet.node_of(name) for name in ("alpha", "beta")}
        assert nodes["alpha"] != nodes["beta"]
        for name in nodes:
            await asyncio.to_thread(fleet.wait_phase, name, "Running")
        epochs = {name: fleet.view(name)["epoch"] for name in nodes}
        bobs: list[State] = []  # what bob, who stays where he is, notices
        watching = asyncio.ensure_future(watch(bob, bobs))
        if without_api_server:
            await asyncio.to_thread(cluster.kill_apiserver)
        try:
            await asyncio.to_thread(fleet.kill, "operator")
            # Calls are answered, and saved.
            assert await ada.call("keep", value=1) == 1
            assert stored_state(folder, "p:ada")["kept"] == 1
            # A move between running rooms goes on, to the other node; patches flow there; and back again.
            await move(ada, "beta")
            await bob.wait_for(lambda p: "p:ada" in p.actors, 10)
            assert await ada.call("note", value=3) == 3
            await bob.wait_for(lambda p: state_of(p, "ada")["noted"] == 3, 10)
            await move(ada, "alpha")
            assert await ada.call("keep", value=4) == 4
        finally:
            if without_api_server:
                await asyncio.to_thread(cluster.start_apiserver)
        await asyncio.to_thread(fleet.start_operator)
        await until(lambda: len(fleet.connected()) == 2, "the nodes are back")
        for name in nodes:
            await until(
                lambda name=name: fleet.view(name)["players"] == 1,  # type: ignore[misc]
                f"the master counts the player of {name}",
            )
        watching.cancel()
        assert not bobs, "bob's connection was never lost"
        # Nothing was started anew, and everything goes on by the master again.
        assert {name: stored_epoch(folder, name, game=fleet.game)[0] for name in nodes} == epochs
        assert {name: fleet.status(name)["epoch"] for name in nodes} == epochs
        assert {name: fleet.node_of(name) for name in nodes} == nodes
        await move(bob, "alpha")
        await ada.wait_for(lambda p: "p:bob" in p.actors, 10)


async def watch(player: Client, left: list[State]) -> None:
    """Note each state that is not playing."""
    while True:
        await player.wait_for(lambda p: p.state is not State.PLAYING, 600)
        left.append(player.state)
        await playing(player, within=600)


def test_while_the_operator_is_gone_players_notice_nothing_and_no_room_is_started_anew(
    cluster: Cluster, tmp_path: Path
) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        asyncio.run(lived(fleet, cluster, tmp_path, without_api_server=False))


def test_nor_do_they_while_the_api_server_is_gone_too(cluster: Cluster, tmp_path: Path) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        fleet.expected_errors.append("Request attempt")  # kopf says of each watch that it is refused
        asyncio.run(lived(fleet, cluster, tmp_path, without_api_server=True))
