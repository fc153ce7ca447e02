"""P3, P2 and P5 over thirty seconds without a store, with the settings as they are delivered, on both stores:
rooms run on, nobody is disconnected, joins wait, and nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from roomfleet.client import CallError, Client, State, StateChanged
from roomfleet.store import open_store
from roomfleet.wire.settings import Settings
from support.nx import serving
from support.running import Running, eventually, running
from support.trial_game import GAME, playing, state_of, trial_game, until

OUTAGE_SECONDS = 30.0
ROOMS: dict[str, dict[str, Any]] = {
    **{name: {"state": {"guards": 1}} for name in ("alpha", "beta", "gamma")},
    "sleeping": {},
}
RUNNING = tuple(ROOMS)[:3]
ON_THE_WAY = {State.CONNECTING, State.WAITING, State.LOADING}


def guards_course(player: Client) -> object:
    """What is seen of the guard who walks there whatever players do."""
    return next(actor["path"] for actor in player.actors.values() if actor["name"] == "guard 0")


class Keeper:
    """Saves numbers by hand, for ever, and finds again what was acknowledged."""

    def __init__(self) -> None:
        self.done = 0
        """The last one that was acknowledged."""

    async def once(self, player: Client, number: int) -> None:
        assert state_of(player)["kept"] >= self.done
        self.done = await player.call("keep", value=number)


class Noter:
    """Notes numbers without saving them by hand, for ever."""

    def __init__(self) -> None:
        self.done = 0
        self.refused = False

    async def once(self, player: Client, number: int) -> None:
        try:
            self.done = await player.call("note", value=number)
        except CallError as error:
            self.refused = error.code == "not-saved" and "could not save" in error.message
            raise
        self.refused = False


class Walker:
    """Walks to and fro for ever."""

    def __init__(self) -> None:
        self.done = 0

    async def once(self, player: Client, number: int) -> None:
        await player.call("walk", x=100 + 200 * (number % 2), y=150)
        self.done = number


async def keep_on(work: Keeper | Noter | Walker, player: Client) -> None:
    for number in itertools.count(1):
        await playing(player)
        try:
            await work.once(player, number)
        except CallError as error:
            if error.code not in ("dropped", "not-connected", "not-saved"):
                raise
        await asyncio.sleep(0.1)  # players may call 20 times a second


class Outage:
    """A fleet with its store: `goes` and `comes_back` are the store's."""

    def __init__(
        self, fleet: Running, store: str, goes: Callable[[], object], comes_back: Callable[[], object]
    ) -> None:
        self.fleet, self.store, self.goes, self.comes_back = fleet, store, goes, comes_back

    async def stored(self, player: str, field: str) -> int:
        """What the store itself has, committed in a room's journal or applied to the actor."""
        actor = f"{GAME}/p:{player}"
        store = open_store(self.store)
        try:
            rooms = [await store.get_room(f"{GAME}/{room}") for room in ROOMS]
            record = await store.get_actor(actor)
        finally:
            await store.close()
        assert record is not None, f"{player} was never saved"
        ops = [op for room in rooms if room is not None for op in room.ops if op.id == actor]
        newest = max(ops, key=lambda op: op.v, default=None)
        body = record.body if newest is None or newest.v <= record.v else json.loads(bytes(newest.body))
        return int(body["state"]["public"][field])

    async def has_stored(self, player: str, field: str, value: int) -> None:
        """Wait until the store has that much."""
        async with asyncio.timeout(20):
            while await self.stored(player, field) < value:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.05)

    async def all_say(self, saved: str) -> None:
        """Wait until the condition Saved of each room, as an admin reads it, is that."""
        await until(lambda: self._saved() == dict.fromkeys(RUNNING, saved), f"all rooms say Saved={saved}")

    def _saved(self) -> dict[str, str]:
        found = {}
        for room in self.fleet.get(f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/rooms")["items"]:
            if (name := room["metadata"]["name"]) in RUNNING:
                conditions = room.get("status", {}).get("conditions", [])
                found[name] = {one["type"]: one["status"] for one in conditions}.get("Saved", "")
        return found


@contextmanager
def locked_file(folder: Path) -> Iterator[Outage]:
    """SQLite: another program holds the store's file for itself."""
    with running(trial_game(folder, rooms=ROOMS), folder / "data") as fleet, ExitStack() as stack:
        lock: list[sqlite3.Connection] = []

        def goes() -> None:
            store = fleet.data / "store.db"
            lock.append(sqlite3.connect(store, isolation_level=None, check_same_thread=False))
            stack.callback(lock[0].close)
            eventually(taken, what="the lock on the store's file")

        def taken() -> bool:
            try:
                lock[0].execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
            return True

        yield Outage(fleet, f"sqlite:///{fleet.data}/store.db", goes, lambda: lock[0].execute("ROLLBACK"))


@contextmanager
def stopped_server(folder: Path) -> Iterator[Outage]:
    """MongoDB's protocol: the server is killed, and started on its data again."""
    with serving(folder / "nx") as server:
        options = ["--store", server.url("fleet")]
        with running(trial_game(folder, rooms=ROOMS), folder / "data", options=options) as fleet:
            yield Outage(fleet, server.url("fleet"), server.kill, server.start)


@contextmanager
def silent_server(folder: Path) -> Iterator[Outage]:
    """MongoDB's protocol: connections stay, nothing is answered."""
    with serving(folder / "nx") as server:
        options = ["--store", server.url("fleet")]
        with running(trial_game(folder, rooms=ROOMS), folder / "data", options=options) as fleet:
            yield Outage(fleet, server.url("fleet"), server.pause, server.resume)


class Crowd:
    """Players of the rooms that run, three in each, at work without a pause."""

    def __init__(self, outage: Outage) -> None:
        def client(name: str) -> Client:
            return Client(outage.fleet.url, game=GAME, token=name)

        self.keepers = {room: Keeper() for room in RUNNING}
        self.noters = {room: Noter() for room in RUNNING}
        self.walkers = {room: Walker() for room in RUNNING}
        work: dict[str, dict[str, Any]] = {
            "keeper": self.keepers,
            "noter": self.noters,
            "walker": self.walkers,
        }
        self.players = {(room, kind): client(f"{kind} of {room}") for room in RUNNING for kind in work}
        self.left: list[StateChanged] = []
        self._work = work
        self._working: list[asyncio.Future[None]] = []
        self._watching: list[asyncio.Future[None]] = []

    async def begin(self) -> None:
        for (room, _), player in self.players.items():
            await player.join(room)
        for (room, kind), player in self.players.items():
            self._working.append(asyncio.ensure_future(keep_on(self._work[kind][room], player)))
            self._watching.append(asyncio.ensure_future(self._watch(player)))

    async def _watch(self, player: Client) -> None:
        while True:
            await player.wait_for(lambda p: p.state is not State.PLAYING)
            self.left.append(player.change)
            await playing(player, within=600)

    def check(self) -> bool:
        """All of them are still at work."""
        for task in self._working:
            if task.done():
                task.result()
        return True

    def stays_connected(self) -> None:
        """Nobody was disconnected so far; from now on it may happen."""
        assert self.left == []
        for task in self._watching:
            assert not task.done()
            task.cancel()

    def done(self) -> dict[str, tuple[int, ...]]:
        """How far everybody is, by room."""
        everybody = (self.keepers, self.noters, self.walkers)
        return {room: tuple(each[room].done for each in everybody) for room in RUNNING}

    async def goes_on(self, what: str) -> None:
        """Wait until everybody has saved, noted and walked once more."""
        before = self.done()

        def all_are_further() -> bool:
            now = self.done()
            return self.check() and all(
                new > old for room in RUNNING for new, old in zip(now[room], before[room], strict=True)
            )

        await until(all_are_further, what, within=40)

    async def end(self) -> None:
        tasks = [*self._working, *self._watching]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(player.leave() for player in self.players.values()))


async def lived_through(outage: Outage) -> None:
    fleet, crowd = outage.fleet, Crowd(outage)
    late = {room: Client(fleet.url, game=GAME, token=f"late for {room}") for room in ("sleeping", "alpha")}
    joins: list[asyncio.Future[None]] = []
    try:
        await crowd.begin()
        await crowd.goes_on("everybody plays")
        await outage.all_say("True")
        epochs = {room: fleet.room(room)["epoch"] for room in RUNNING}

        await asyncio.to_thread(outage.goes)
        began, before = time.monotonic(), crowd.done()
        joins += [asyncio.ensure_future(player.join(room)) for room, player in late.items()]
        # The rooms run on at first: commands are carried out, and who walks there anyway walks on.
        for room in RUNNING:
            noter, noted = crowd.players[room, "noter"], crowd.noters[room].done
            course = guards_course(noter)
            await noter.wait_for(lambda p, course=course: guards_course(p) != course, 20)  # type: ignore[misc]
            assert crowd.noters[room].done > noted
        await outage.all_say("False")
        await until(lambda: all(noter.refused for noter in crowd.noters.values()), "commands are refused")
        await asyncio.sleep(began + OUTAGE_SECONDS - time.monotonic())
        assert crowd.check()
        for room in RUNNING:
            told = crowd.keepers[room].done
            assert told <= before[room][0] + 1, "nothing is acknowledged that is not saved"
            assert crowd.noters[room].refused
        assert not any(join.done() for join in joins), joins
        assert {player.state for player in late.values()} <= ON_THE_WAY
        await outage.all_say("False")

        unsaved = crowd.done()
        await asyncio.to_thread(outage.comes_back)
        alpha = crowd.keepers["alpha"]
        await until(lambda: alpha.done > unsaved["alpha"][0], "alpha saves again", within=30)
        crowd.stays_connected()
        assert {room: fleet.room(room)["epoch"] for room in RUNNING} == epochs
        told, killed = alpha.done, fleet.node_of("alpha")
        others = [room for room in RUNNING if fleet.node_of(room) != killed]
        fleet.signal_node(killed, signal.SIGKILL)
        assert await outage.stored("keeper of alpha", "kept") >= told
        assert others
        for room in others:  # nobody saved these by hand
            await outage.has_stored(f"noter of {room}", "noted", unsaved[room][1])

        async with asyncio.timeout(Settings().join_timeout_seconds):
            await asyncio.gather(*joins)
        for room, player in late.items():
            await playing(player, room)
        await crowd.goes_on("everybody plays again")
        await outage.all_say("True")
        for room, keeper in crowd.keepers.items():
            told = keeper.done
            assert await outage.stored(f"keeper of {room}", "kept") >= told
    finally:
        for join in joins:
            join.cancel()
        await asyncio.gather(*joins, return_exceptions=True)
        await asyncio.gather(crowd.end(), *(player.leave() for player in late.values()))


def test_thirty_seconds_without_a_store_cost_neither_a_connection_nor_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    """Several fleets at once, so that the outage is waited for once."""

    async def play(outages: list[Outage]) -> None:
        async with asyncio.timeout(180):
            await asyncio.gather(*map(lived_through, outages))

    with ExitStack() as stack:
        outages = []
        for kind in (locked_file, stopped_server, silent_server):
            folder = tmp_path / kind.__name__
            folder.mkdir()
            outages.append(stack.enter_context(kind(folder)))
        asyncio.run(play(outages))
