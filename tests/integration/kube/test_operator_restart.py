"""The operator killed and started: what runs stays as it is, and status that was lost or rewritten heals."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from roomfleet.client import Client, State
from support.kube import MERGE, Cluster
from support.kube_objects import create_rooms, list_rooms, phases, write_status
from support.many_rooms import FLEET, make_game
from support.operating import Operated, operated
from support.promised import watch
from support.trial_game import SHORT, playing, state_of, stored_epoch, trial_game, until

ROOMS, RUNNING = 1_000, 200
ORDERED = f"r{RUNNING}"
FULL = ("r10", "r11", "r12")
WAITING = 4
"""In line for each room that is full."""


class Line:
    """A room that is full of one player, and those who wait for it."""

    def __init__(self, fleet: Operated, room: str) -> None:
        def client(name: str) -> Client:
            return Client(fleet.url, game=fleet.game, token=f"{name} of {room}")

        self.room = room
        self.inside = client("the one inside")
        self.waiting = [client(f"number {number}") for number in range(WAITING)]
        self.entered: list[int] = []
        self._joins: list[asyncio.Future[None]] = []

    async def form(self) -> None:
        await self.inside.join(self.room)
        for number in range(WAITING):
            self._joins.append(asyncio.ensure_future(self._join(number)))
            await self._stands(number)

    async def stands(self) -> None:
        """Everybody waits where they waited, or does so again."""
        for number in range(WAITING):
            await self._stands(number)
        assert self.entered == []

    async def moves_up(self) -> None:
        """One after the other gets in, in the order in which they came."""
        inside = self.inside
        for number, player in enumerate(self.waiting):
            await inside.leave()
            await self._joins[number]
            assert self.entered == list(range(number + 1))
            inside = player

    async def end(self) -> None:
        for join in self._joins:
            join.cancel()
        await asyncio.gather(*self._joins, return_exceptions=True)
        await asyncio.gather(*(player.leave() for player in (self.inside, *self.waiting)))

    async def _join(self, number: int) -> None:
        await self.waiting[number].join(self.room)
        self.entered.append(number)

    async def _stands(self, number: int) -> None:
        await self.waiting[number].wait_for(
            lambda p: p.state is State.WAITING and p.change.position == number + 1, 40
        )


def stored_epochs(folder: Path) -> dict[str, tuple[int, str]]:
    """Epoch and node of each room in the store: which claims the nodes hold."""
    with closing(sqlite3.connect(folder / "store.db")) as db:
        rows = db.execute("SELECT id, epoch, node FROM rooms").fetchall()
    return {id.partition("/")[2]: (epoch, node) for id, epoch, node in rows}


def placed(rooms: dict[str, dict[str, Any]]) -> dict[str, tuple[int, str, str]]:
    """Epoch, node and time of start, as the objects have them, of rooms that are on a node."""
    found = {}
    for name, room in rooms.items():
        status = room.get("status", {})
        if status.get("node"):
            found[name] = (status["epoch"], status["node"], status.get("startedAt", ""))
    return found


def keep_always(cluster: Cluster, fleet: Operated, room: str) -> None:
    """Have the room run, as an admin would."""
    path = f"/apis/roomfleet.io/v1alpha1/namespaces/{fleet.game}/rooms/{room}"
    assert cluster.request("PATCH", path, {"spec": {"keep": "Always"}}, content_type=MERGE).ok


def test_none_of_two_hundred_running_rooms_among_a_thousand_is_started_anew_and_lines_stay_as_they_are(
    cluster: Cluster, tmp_path: Path
) -> None:
    game = make_game(tmp_path / "many", 1)
    (game / "k8s" / "all.yaml").write_text(FLEET.format(nodes=2, rooms=ROOMS))
    specs: dict[str, dict[str, Any]] = {
        f"r{number}": {"map": "map1.room", "keep": "Always" if number < RUNNING else "WhenWanted"}
        for number in range(ROOMS)
    }
    for room in FULL:
        specs[room]["capacity"] = 1

    async def play(fleet: Operated) -> None:
        players = [Client(fleet.url, game=fleet.game, token=f"player {number}") for number in range(3)]
        lines = [Line(fleet, room) for room in FULL]
        left: list[State] = []
        try:
            await asyncio.gather(*(line.form() for line in lines))
            for number, player in enumerate(players):
                await player.join(f"r{number}")
            inside = [*players, *(line.inside for line in lines)]
            watching = [asyncio.ensure_future(watch(player, left)) for player in inside]
            for number in range(len(players)):
                await until(
                    lambda number=number: fleet.status(f"r{number}").get("players") == 1,  # type: ignore[misc]
                    f"the player of r{number} to be counted",
                )
            before = placed(list_rooms(cluster, fleet.game))
            epochs = stored_epochs(tmp_path)
            assert len(before) == RUNNING
            await asyncio.to_thread(fleet.kill, "operator")
            # Ordered while nobody looks.
            await asyncio.to_thread(keep_always, cluster, fleet, ORDERED)
            began = time.monotonic()
            await asyncio.to_thread(fleet.start_operator)
            ready = time.monotonic() - began
            running = asyncio.create_task(
                until(
                    lambda: fleet.view(ORDERED)["phase"] == "Running" and time.monotonic() - began,
                    "what was ordered runs",
                )
            )
            # A room that slept can be started: the lease is held, and a node is connected.
            async with Client(fleet.url, game=fleet.game, token="somebody else") as new:
                await new.join(f"r{ROOMS - 1}")
                joined = time.monotonic() - began
                await until(lambda: len(fleet.connected()) == 2, "both nodes are back")
                print(
                    f"\n{ROOMS} Rooms, {RUNNING} running, operator killed and started:"
                    f" /readyz after {ready:.1f} s, a sleeping room joined after {joined:.1f} s,"
                    f" a room ordered meanwhile Running after {await running:.1f} s"
                )
                after = placed(list_rooms(cluster, fleet.game))
                assert after.pop(f"r{ROOMS - 1}")
                assert after.pop(ORDERED)
                assert after == before
                await asyncio.gather(*(line.stands() for line in lines))
                now = stored_epochs(tmp_path)
                assert {name: now[name] for name in epochs} == epochs
            for task in watching:
                assert not task.done(), task
                task.cancel()
            assert not left, "no player's connection was lost"
            await asyncio.gather(*(line.moves_up() for line in lines))
        finally:
            await asyncio.gather(*(line.end() for line in lines))
            await asyncio.gather(*(player.leave() for player in players))

    environment = {"ROOMFLEET_CAPACITY": str(ROOMS)}
    with operated(cluster, tmp_path, source=game, start=False, environment=environment) as fleet:
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        create_rooms(cluster, fleet.game, specs)
        fleet.start(nodes=2)
        fleet.wait_for(
            lambda: phases(list_rooms(cluster, fleet.game).values()).count("Running") == RUNNING,
            60,
            f"{RUNNING} rooms Running",
        )
        asyncio.run(play(fleet))


def test_status_that_was_lost_or_rewritten_while_the_operator_was_down_heals(
    cluster: Cluster, tmp_path: Path
) -> None:
    def right(fleet: Operated, name: str) -> bool:
        """The object says what the store says."""
        status = fleet.status(name)
        epoch, _, node = stored_epoch(tmp_path, name, game=fleet.game)
        return (status.get("phase"), status.get("node"), status.get("epoch")) == ("Running", node, epoch)

    async def play(fleet: Operated) -> None:
        ada = Client(fleet.url, game=fleet.game, token="ada")
        bob = Client(fleet.url, game=fleet.game, token="bob")
        async with ada, bob:
            # Rooms that sleep, and were started before.
            for name in ("gamma", "delta", "gamma"):
                async with Client(fleet.url, game=fleet.game, token=f"once in {name}") as once:
                    await once.join(name)
                await asyncio.to_thread(fleet.wait_phase, name, "Asleep")
            await ada.join("alpha")
            await bob.join("beta")
            for player in (ada, bob):
                assert await player.call("keep", value=7) == 7
            for name in ("alpha", "beta"):
                await until(lambda name=name: right(fleet, name), f"{name} Running")  # type: ignore[misc]
            slept, _, _ = stored_epoch(tmp_path, "gamma", game=fleet.game)
            assert slept == 2
            await asyncio.to_thread(fleet.kill, "operator")
            ahead = {"phase": "Running", "node": "default-1", "epoch": 50}
            write_status(cluster, fleet.game, "alpha", None)
            write_status(cluster, fleet.game, "beta", {"phase": "Asleep", "node": "default-7", "epoch": 1})
            write_status(cluster, fleet.game, "gamma", None)
            write_status(cluster, fleet.game, "delta", ahead)
            await asyncio.to_thread(fleet.start_operator)
            for player, name in ((ada, "alpha"), (bob, "beta")):
                await until(lambda name=name: right(fleet, name), f"{name} heals")  # type: ignore[misc]
                await playing(player, name)
                assert state_of(player)["kept"] == 7
                assert await player.call("keep", value=8) == 8
            # Nobody wants it, and no node has it.
            delta = await asyncio.to_thread(fleet.wait_phase, "delta", "Asleep")
            assert delta["node"] == ""
            # The status says that it never ran; the store knows better.
            async with Client(fleet.url, game=fleet.game, token="carol") as carol:
                await carol.join("gamma")
                await until(lambda: right(fleet, "gamma"), "gamma Running")
                assert fleet.status("gamma")["epoch"] == slept + 1
            # Epochs never go down, by whomever they were raised.
            async with Client(fleet.url, game=fleet.game, token="dora") as dora:
                await dora.join("delta")
                await until(lambda: right(fleet, "delta"), "delta Running")
                assert fleet.status("delta")["epoch"] == 51

    rooms = {
        "alpha": {"keep": "Always"},
        "beta": {},
        "gamma": {"boredAfterSeconds": 0},
        "delta": {"boredAfterSeconds": 0},
    }
    with operated(cluster, tmp_path, source=trial_game(tmp_path, rooms=rooms), environment=SHORT) as fleet:
        asyncio.run(play(fleet))
