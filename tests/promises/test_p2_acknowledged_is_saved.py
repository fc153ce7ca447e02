"""P2, acknowledged is saved: what `await save()` acknowledged survives kill -9 of any process."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from roomfleet.client import CallError, Client
from support.running import Running, running
from support.trial_game import GAME, SHORT, playing, state_of, stored_state, trial_game, until

PLAYERS = 4


class Diary:
    """What one player was told is saved."""

    def __init__(self) -> None:
        self.asked = 0
        self.acknowledged = 0


async def keep_on(player: Client, diary: Diary) -> None:
    """Save by hand without a pause, for ever, through whatever happens."""
    while True:
        await playing(player)
        # What one was told is saved is there, whatever happened meanwhile.
        assert state_of(player)["kept"] >= diary.acknowledged
        try:
            while True:
                diary.asked += 1
                diary.acknowledged = await player.call("keep", value=diary.asked)
        except CallError:
            continue


@pytest.fixture
def fleet(tmp_path: Path):  # type: ignore[no-untyped-def]
    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as made:
        yield made


def check(fleet: Running, diaries: dict[str, Diary]) -> None:
    for name, diary in diaries.items():
        kept = stored_state(fleet.data, f"p:{name}")["kept"]
        assert diary.acknowledged <= kept <= diary.asked, name


async def disturbed(fleet: Running, disturb) -> dict[str, Diary]:  # type: ignore[no-untyped-def]
    """Players save all the time while `disturb` goes on; what they were told at the end."""
    names = [f"player {number}" for number in range(PLAYERS)]
    diaries = {name: Diary() for name in names}
    players = [Client(fleet.url, game=GAME, token=name, keep_alive_seconds=1) for name in names]
    writing: list[asyncio.Future[None]] = []
    try:
        for number, player in enumerate(players):
            await player.join(("alpha", "beta")[number % 2])
        writing = [
            asyncio.ensure_future(keep_on(player, diary))
            for player, diary in zip(players, diaries.values(), strict=True)
        ]
        await disturb(diaries)
        failed = [task for task in writing if task.done()]
        assert not failed, failed
        # At the end every player is back, and sees what was acknowledged.
        before = {name: diary.acknowledged for name, diary in diaries.items()}
        await until(
            lambda: all(diary.acknowledged > before[name] for name, diary in diaries.items()),
            "everybody saves again",
            within=40,
        )
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await asyncio.gather(*(player.leave() for player in players))
    return diaries


def test_every_acknowledged_value_survives_kills_of_nodes_in_the_middle_of_commits(fleet: Running) -> None:
    rng = random.Random(7)

    async def kills(diaries: dict[str, Diary]) -> None:
        for _ in range(4):
            before = {name: diary.acknowledged for name, diary in diaries.items()}
            count = rng.randint(3, 40)
            await until(
                lambda before=before, count=count: all(  # type: ignore[misc]
                    diary.acknowledged >= before[name] + count for name, diary in diaries.items()
                ),
                "saves before the next kill",
                within=40,
            )
            # A whole node's saves are in flight: two players do nothing else.
            node = fleet.node_of(rng.choice(("alpha", "beta")))
            if node in fleet.node_pids():
                fleet.signal_node(node, signal.SIGKILL)
            check(fleet, diaries)

    check(fleet, asyncio.run(disturbed(fleet, kills)))


def test_every_acknowledged_value_survives_the_kill_of_master_and_nodes_together(fleet: Running) -> None:
    async def kill_all(diaries: dict[str, Diary]) -> None:
        await until(lambda: all(diary.acknowledged >= 10 for diary in diaries.values()), "some saves")
        await asyncio.to_thread(fleet.kill, nodes=True)
        check(fleet, diaries)
        await asyncio.to_thread(fleet.start)

    check(fleet, asyncio.run(disturbed(fleet, kill_all)))
