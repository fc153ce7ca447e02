"""P7, a lost node is repaired: its rooms start elsewhere, and open clients get back in by themselves."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from roomfleet.client import CallError, Client
from support.promised import a_player_is_led_on_when, pause
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, playing, state_of, trial_game, until


def test_a_killed_nodes_room_starts_elsewhere_and_its_player_is_where_it_was_saved(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        first, epoch, killed = "", 0, 0

        async def kill() -> None:
            nonlocal first, epoch, killed
            first, epoch = fleet.node_of("alpha"), fleet.room("alpha")["epoch"]
            killed = fleet.signal_node(first, signal.SIGKILL)

        await a_player_is_led_on_when(fleet, "alpha", kill)
        assert fleet.room("alpha")["epoch"] > epoch
        # The node itself is started again.
        await until(
            lambda: fleet.node_pids().get(first) not in (None, killed) and len(fleet.node_pids()) == 2,
            "the node runs again",
        )

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_who_acts_on_a_node_that_stands_still_is_led_on_without_waiting_for_the_next_ping(
    tmp_path: Path,
) -> None:
    async def play(fleet: Running) -> None:
        # So long between pings that they are not what finds out.
        async with Client(fleet.url, game=GAME, token="ada", keep_alive_seconds=600) as ada:
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            first = fleet.node_of("alpha")
            pause(fleet, first)
            try:
                found = await answer(ada.call("keep", value=2))
                assert isinstance(found, CallError)
                assert found.code == "dropped"
                await playing(ada, "alpha")
                assert fleet.node_of("alpha") != first
                assert state_of(ada)["kept"] == 1
                assert await ada.call("keep", value=3) == 3
            finally:
                fleet.signal_node(first, signal.SIGCONT)

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_the_only_node_killed_starts_again_and_takes_the_players_of_a_full_room_back(tmp_path: Path) -> None:
    """Nobody waits for a seat that is kept for them: long before such seats are given up all are back."""

    async def play(fleet: Running) -> None:
        async def kill() -> None:
            fleet.signal_node(fleet.node_of("alpha"), signal.SIGKILL)

        await a_player_is_led_on_when(fleet, "alpha", kill)

    full = {"alpha": {"capacity": 1}, "beta": {}}
    game = trial_game(tmp_path, rooms=full, fleet={"minNodes": 1, "maxNodes": 1})
    with running(
        game, tmp_path / "data", environment={**SHORT, "ROOMFLEET_RECONNECT_SECONDS": "60"}
    ) as fleet:
        asyncio.run(play(fleet))


def test_the_open_client_gets_back_in_after_the_master_was_killed_with_its_nodes(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        port = fleet.port
        restarting: list[asyncio.Future[None]] = []

        async def kill() -> None:
            await asyncio.to_thread(fleet.kill, nodes=True)
            restarting.append(asyncio.ensure_future(asyncio.to_thread(fleet.start)))

        await a_player_is_led_on_when(fleet, "beta", kill)
        await restarting.pop()
        assert fleet.port == port

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_nodes_whose_master_was_killed_save_and_end_by_themselves(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            await ada.call("note", value=8)
            await asyncio.to_thread(fleet.kill, nodes=False)
            await asyncio.to_thread(fleet.start)
            await playing(ada, "alpha")
            assert state_of(ada)["noted"] == 8, "not saved by hand, but by the clean end of the node"

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
