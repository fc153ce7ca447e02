"""P2, acknowledged is saved, with rooms in a cluster: kill -9 of operator and nodes loses nothing of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roomfleet.client import CallError, Client
from support.kube import Cluster
from support.operating import Operated, operated
from support.trial_game import SHORT, playing, state_of, stored_state, trial_game, until

ROOMS = {"ada": "alpha", "bob": "beta"}


class Diary:
    """What one player was told is saved."""

    def __init__(self) -> None:
        self.asked = 0
        self.acknowledged = 0


async def keep_on(player: Client, diary: Diary) -> None:
    """Save by hand without a pause, for ever, through whatever happens."""
    while True:
        await playing(player)
        assert state_of(player)["kept"] >= diary.acknowledged
        try:
            while True:
                diary.asked += 1
                diary.acknowledged = await player.call("keep", value=diary.asked)
        except CallError:
            continue


async def disturbed(fleet: Operated, folder: Path) -> None:
    diaries = {name: Diary() for name in ROOMS}
    players = {name: Client(fleet.url, game=fleet.game, token=name, keep_alive_seconds=1) for name in ROOMS}

    def check() -> None:
        for name, diary in diaries.items():
            kept = stored_state(folder, f"p:{name}")["kept"]
            assert diary.acknowledged <= kept <= diary.asked, name

    async def more(count: int, what: str) -> None:
        before = {name: diary.acknowledged for name, diary in diaries.items()}
        await until(
            lambda: all(diary.acknowledged >= before[name] + count for name, diary in diaries.items()),
            what,
            within=40,
        )

    writing: list[asyncio.Future[None]] = []
    try:
        for name, player in players.items():
            await player.join(ROOMS[name])
        writing = [asyncio.ensure_future(keep_on(players[name], diary)) for name, diary in diaries.items()]
        await more(10, "some saves")
        # A node alone: the other one takes its room.
        node = fleet.node_of("alpha")
        await asyncio.to_thread(fleet.kill, node)
        check()
        await more(10, "saves on the node that is left")
        await asyncio.to_thread(fleet.start_node, node)
        # Operator and nodes together, in the middle of saves.
        await asyncio.to_thread(fleet.kill, "operator", *fleet.nodes)
        check()
        for name in list(fleet.nodes):
            await asyncio.to_thread(fleet.start_node, name)
        await asyncio.to_thread(fleet.start_operator)
        await more(10, "everybody saves again")
        failed = [task for task in writing if task.done()]
        assert not failed, failed
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await asyncio.gather(*(player.leave() for player in players.values()))
    check()


def test_every_acknowledged_value_survives_kills_of_a_node_and_of_operator_and_nodes_together(
    cluster: Cluster, tmp_path: Path
) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        asyncio.run(disturbed(fleet, tmp_path))
