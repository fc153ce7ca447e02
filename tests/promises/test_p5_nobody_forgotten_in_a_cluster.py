"""P5 and P6 in a cluster: a master that is killed under load loses nobody's place, and no running room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from roomfleet.client import Client, State
from support.kube import Cluster
from support.operating import Operated, operated
from support.promised import move, watch
from support.raw import ask
from support.trial_game import SHORT, playing, stored_epoch, trial_game, until

PATIENT = {**SHORT, "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "10"}
"""Nodes dial a master that was started anew within 3 s: until then they are not to count as lost."""
ROOMS: dict[str, dict[str, Any]] = {"alpha": {"capacity": 1}, "beta": {}, "gamma": {}}
WAITING = 5


class Load:
    """What goes on all the time: a player goes to and fro between two rooms, others come and go."""

    def __init__(self, fleet: Operated) -> None:
        self._fleet = fleet
        self.moves = 0
        self.joins = 0

    async def travel(self, player: Client) -> None:
        while True:
            for room in ("gamma", "beta"):
                await move(player, room)
                self.moves += 1

    async def come_and_go(self, name: str) -> None:
        visit = 0
        while True:
            visit += 1
            async with Client(self._fleet.url, game=self._fleet.game, token=f"{name} {visit}") as player:
                await player.join("beta")
                self.joins += 1

    async def goes_on(self, joins: int, moves: int) -> None:
        joined, moved = self.joins + joins, self.moves + moves
        await until(lambda: self.joins >= joined and self.moves >= moved, "joins and moves go on", within=40)


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work without end, for the length of a block, in which it must not fail."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
        failed = [task for task in tasks if task.done()]
        assert not failed, failed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def epochs(fleet: Operated) -> dict[str, tuple[int, str]]:
    """Which epoch of each room counts, and which node has it: in the store, which knows best."""
    found = {name: stored_epoch(fleet.data, name, game=fleet.game) for name in ROOMS}
    return {name: (epoch, owner) for name, (epoch, _, owner) in found.items()}


def test_a_master_killed_under_load_keeps_the_line_and_starts_no_room_anew(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        async with AsyncExitStack() as stack:

            async def client(name: str) -> Client:
                return await stack.enter_async_context(Client(fleet.url, game=fleet.game, token=name))

            sitting, resident, traveller = [await client(name) for name in ("ada", "bob", "cid")]
            await sitting.join("alpha")
            await resident.join("gamma")
            await traveller.join("beta")
            line = [await client(f"waiting {number}") for number in range(WAITING)]
            entered: list[int] = []

            async def wait_in_line(number: int, player: Client) -> None:
                await player.join("alpha")
                entered.append(number)

            waits = []
            for number, player in enumerate(line):
                waits.append(asyncio.ensure_future(wait_in_line(number, player)))
                await player.wait_for(lambda p, number=number: p.change.position == number + 1, 20)  # type: ignore[misc]
            noticed: list[State] = []
            load = Load(fleet)
            async with beside(
                watch(sitting, noticed),
                watch(resident, noticed),
                load.travel(traveller),
                *(load.come_and_go(f"visitor {number}") for number in range(3)),
            ):
                await load.goes_on(joins=5, moves=2)
                before = epochs(fleet)
                await asyncio.to_thread(fleet.kill, "operator")
                began = time.monotonic()
                await asyncio.to_thread(fleet.start_operator)
                print(f"\nready {time.monotonic() - began:.1f} s after the start")
                await load.goes_on(joins=5, moves=2)
                for number, player in enumerate(line):
                    await player.wait_for(
                        lambda p, number=number: p.state is State.WAITING and p.change.position == number + 1,  # type: ignore[misc]
                        40,
                    )
                assert epochs(fleet) == before, "no room was placed anew"
                assert noticed == [], "who was in a room noticed nothing"
            assert entered == []
            inside = sitting
            for number, player in enumerate(line):
                await inside.leave()
                await waits[number]
                assert entered == list(range(number + 1)), "in the order in which they came"
                inside = player
            await playing(line[-1], "alpha")
            assert epochs(fleet) == before

    game = trial_game(tmp_path, rooms=ROOMS)
    with operated(cluster, tmp_path, source=game, environment=PATIENT) as fleet:
        asyncio.run(play(fleet))


def test_a_place_that_led_in_is_not_given_back_by_a_master_that_has_started_since(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        joins = f"{fleet.url}/v1/games/{fleet.game}/joins"
        clients = [Client(fleet.url, game=fleet.game, token=name) for name in ("ada", "bob", "cid", "dan")]
        ada, bob, cid, dan = clients
        async with ada, bob, cid, dan:
            await ada.join("alpha")
            waits = []
            for number, player in enumerate((bob, cid, dan), 1):
                waits.append(asyncio.ensure_future(player.join("alpha")))
                await player.wait_for(lambda p, number=number: p.change.position == number, 20)  # type: ignore[misc]
            used = bob._session.line_token
            assert used
            await ada.leave()
            await waits[0]
            await bob.leave()
            await waits[1]
            await dan.wait_for(lambda p: p.change.position == 1, 20)
            await asyncio.to_thread(fleet.kill, "operator")
            await asyncio.to_thread(fleet.start_operator)
            # The token of one who was not in since would lead before dan, who came later.
            again = {"room": "alpha", "line_token": used}
            answer = await asyncio.to_thread(ask, joins, method="POST", body=again, player="bob")
            assert answer.status == 202, answer.json

            def position() -> int:
                found = ask(f"{joins}/{answer.json['id']}", player="bob")
                assert found.status == 202, found.json
                return int(found.json["position"])

            await dan.wait_for(lambda p: p.state is State.WAITING and p.change.position == 1, 40)
            await until(lambda: position() == 2, "bob to be behind dan", within=20)
            await cid.leave()
            await waits[2]
            await playing(dan, "alpha")

    game = trial_game(tmp_path, rooms=ROOMS)
    with operated(cluster, tmp_path, source=game, environment=PATIENT) as fleet:
        asyncio.run(play(fleet))
