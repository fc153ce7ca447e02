"""P2, acknowledged is saved: what `await save()` acknowledged survives kill -9 of any process."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.promised import keeping_on
from support.running import Running, running
from support.trial_game import SHORT, trial_game

ROOMS = {f"player {number}": ("alpha", "beta")[number % 2] for number in range(4)}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Running]:
    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as made:
        yield made


def test_every_acknowledged_value_survives_kills_of_nodes_in_the_middle_of_commits(fleet: Running) -> None:
    rng = random.Random(7)

    async def play() -> None:
        async with keeping_on(fleet, ROOMS) as diaries:
            for _ in range(4):
                await diaries.more(rng.randint(3, 40), "saves before the next kill")
                # A whole node's saves are in flight: two players do nothing else.
                node = fleet.node_of(rng.choice(("alpha", "beta")))
                if node in fleet.node_pids():
                    fleet.signal_node(node, signal.SIGKILL)
                diaries.check()

    asyncio.run(play())


def test_every_acknowledged_value_survives_the_kill_of_master_and_nodes_together(fleet: Running) -> None:
    async def play() -> None:
        async with keeping_on(fleet, ROOMS) as diaries:
            await diaries.more(10, "some saves")
            await asyncio.to_thread(fleet.kill, nodes=True)
            diaries.check()
            await asyncio.to_thread(fleet.start)

    asyncio.run(play())
