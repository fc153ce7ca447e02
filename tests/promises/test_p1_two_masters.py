"""P1, P5 and P6 with two masters at once under load: one stands still past its Lease and goes on then."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from roomfleet.client import Client, State
from support.kube import Cluster
from support.kube_proxy import proxied_cluster
from support.operating import Operated, operated
from support.promised import move, watch
from support.room_watch import RoomWatch, placed_once_each, watched_rooms
from support.service import Service, another, holder, service
from support.trial_game import SHORT, playing, stored_epoch, trial_game, until

PATIENT = {**SHORT, "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "10"}
"""Nodes notice within that a master that stands still: until then they are not to count as lost."""
RUNNING = ("alpha", "beta")
SLEEPING = tuple(f"s{number}" for number in range(10))
VISITORS = 20
ROOMS: dict[str, dict[str, Any]] = {
    **{name: {} for name in RUNNING},
    **{name: {"boredAfterSeconds": 0} for name in SLEEPING},
}
TAKEN = "another master has taken the lease"


class Load:
    """Players who stay in running rooms and save all the time, one who goes to and fro between these, and
    visitors who wake rooms that sleep, one after the other, and leave them to be bored.
    """

    def __init__(self, url: str, game: str) -> None:
        self.url, self._game = url, game
        self.traveller = self._client("traveller")
        self.residents = {room: [self._client(f"{n} of {room}") for n in range(2)] for room in RUNNING}
        self.noticed: list[State] = []
        self.saves = 0
        self.moves = 0
        self.visits = [0] * VISITORS
        self._tasks: list[asyncio.Future[None]] = []

    def _client(self, name: str) -> Client:
        return Client(self.url, game=self._game, token=name)

    async def begin(self) -> None:
        for room, players in self.residents.items():
            for player in players:
                await player.join(room)
                self._tasks += map(asyncio.ensure_future, (self._save(player), watch(player, self.noticed)))
        await self.traveller.join(RUNNING[0])
        self._tasks.append(asyncio.ensure_future(self._travel(self.traveller)))
        self._tasks += [asyncio.ensure_future(self._visit(number)) for number in range(VISITORS)]

    async def _save(self, player: Client) -> None:
        for value in itertools.count(1):
            assert await player.call("keep", value=value) == value
            self.saves += 1
            await asyncio.sleep(0.05)

    async def _travel(self, player: Client) -> None:
        while True:
            for room in reversed(RUNNING):
                await move(player, room)
                self.moves += 1

    async def _visit(self, number: int) -> None:
        for visit in itertools.count(1):
            room = SLEEPING[(number * 7 + visit) % len(SLEEPING)]
            async with self._client(f"visitor {number}.{visit}") as player:
                await player.join(room)  # raises if it is refused
                await playing(player, room)
            self.visits[number] = visit
            await asyncio.sleep(0.1)

    def check(self) -> None:
        """Nobody was refused, and who sits in a running room noticed nothing."""
        for task in self._tasks:
            if task.done():
                task.result()
        assert self.noticed == []

    async def goes_on(self, visits: int, what: str) -> None:
        """Wait until each visitor has been let in so often more, and saves went on."""
        before, saves, moves = list(self.visits), self.saves, self.moves

        def look() -> bool:
            self.check()
            further = all(new >= old + visits for new, old in zip(self.visits, before, strict=True))
            return further and self.saves > saves and self.moves > moves

        await until(look, what, within=60)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        residents = [player for players in self.residents.values() for player in players]
        await asyncio.gather(*(player.leave() for player in (*residents, self.traveller)))


async def wait(fleet: Operated, look: Callable[[], bool], within: float, what: str) -> None:
    await asyncio.to_thread(fleet.wait_for, look, within, what)


def test_a_master_that_stood_still_past_its_lease_changes_nothing_when_it_goes_on_under_load(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated, links: Service, doors: Service, rooms: RoomWatch) -> None:
        old = fleet.operator
        assert old is not None
        held = holder(fleet)
        load = Load(f"http://127.0.0.1:{doors.port}", fleet.game)
        try:
            await load.begin()
            await load.goes_on(2, "visits under the first master")
            await asyncio.to_thread(another, fleet)
            await load.goes_on(1, "visits while the second stands by")
            epochs = {room: stored_epoch(fleet.data, room, game=fleet.game) for room in RUNNING}

            old.send_signal(signal.SIGSTOP)
            try:
                await wait(fleet, lambda: holder(fleet) not in ("", held), 20, "the second to hold the lease")
                await asyncio.to_thread(fleet.wait_ready)
                # As a Service does it: connections that are open stay with the old one.
                links.point_at(fleet.link_port, cut=False)
                doors.point_at(fleet.port, cut=False)
                await wait(fleet, lambda: len(fleet.connected()) == 2, 30, "the nodes to come over")
                # Not all of them: who waits at the old one does so until it goes on, or was silent for long.
                visits = sum(load.visits)
                await until(lambda: sum(load.visits) >= visits + VISITORS, "visits under the second alone")
                load.check()
                said = len(proxy_of_old.requests)
            finally:
                old.send_signal(signal.SIGCONT)
            assert await asyncio.to_thread(old.wait, 30) != 0
            await load.goes_on(2, "visits after the first has gone on")
            load.check()
            # What the old one said to the API server since it went on: it looked, and wrote nothing; but for
            # one write at most that was past its look at the lease when the process was stopped. Like all
            # writes it states a resourceVersion: it counts only where nobody has touched the room since.
            late = [each for each in proxy_of_old.requests[said:] if each[0] != "GET" and each[2] < 300]
            assert len(late) <= 1, late
            assert TAKEN in fleet.log("operator")
            assert holder(fleet) not in ("", held)
            for room, (epoch, _, node) in epochs.items():
                now, _, owner = stored_epoch(fleet.data, room, game=fleet.game)
                assert (now, owner) == (epoch, node), f"{room} was started anew"
        finally:
            await load.end()
        await claims_are_as_recorded(fleet, load)
        placings = placed_once_each(await asyncio.to_thread(rooms.complete))
        print(
            f"\n{sum(load.visits)} joins of sleeping rooms, {placings} placings,"
            f" {load.saves} saves, {load.moves} moves"
        )

    game = trial_game(tmp_path, rooms=ROOMS)
    with ExitStack() as stack:
        proxy_of_old = stack.enter_context(proxied_cluster(cluster))
        fleet = stack.enter_context(
            operated(cluster, tmp_path, source=game, start=False, environment=PATIENT)
        )
        links, doors = stack.enter_context(service()), stack.enter_context(service())
        fleet.expected_errors.append(TAKEN)
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        rooms = stack.enter_context(watched_rooms(cluster, fleet.game))
        direct = fleet.kubeconfig
        fleet.kubeconfig = proxy_of_old.kubeconfig(tmp_path / "old", cluster.token, fleet.game)
        fleet.start_operator()
        fleet.kubeconfig = direct
        links.point_at(fleet.link_port)
        doors.point_at(fleet.port)
        port, fleet.link_port = fleet.link_port, links.port
        for slot in range(2):
            fleet.start_node(f"default-{slot}")
        fleet.link_port = port
        fleet.wait_for(lambda: len(fleet.connected()) == 2, 20, "the nodes to be connected")
        asyncio.run(play(fleet, links, doors, rooms))


async def claims_are_as_recorded(fleet: Operated, load: Load) -> None:
    """With somebody in each room, its object says what the store says."""
    players = [Client(load.url, game=fleet.game, token=f"last of {room}") for room in ROOMS]
    try:
        for player, room in zip(players, ROOMS, strict=True):
            await player.join(room)
        for room in ROOMS:

            def same(room: str = room) -> bool:
                epoch, _, node = stored_epoch(fleet.data, room, game=fleet.game)
                status = fleet.status(room)
                return (status["phase"], status["epoch"], status["node"]) == ("Running", epoch, node)

            await until(same, f"{room}: the object says what the store says")
    finally:
        await asyncio.gather(*(player.leave() for player in players))
