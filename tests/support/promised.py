"""What promises are tried with on a fleet of any kind: `roomfleet up`, or an operator and its nodes."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

from roomfleet.client import CallError, Client, State
from support.running import eventually, is_stopped
from support.scraped import Scraped, scraped
from support.trial_game import answer, playing, state_of, stored_epoch, stored_state, until


class Fleet(Protocol):
    """`support.running.Running` or `support.operating.Operated`, with the trial game on it."""

    @property
    def url(self) -> str: ...

    @property
    def game(self) -> str: ...

    @property
    def data(self) -> Path:
        """Where store.db is."""

    def node_of(self, room: str) -> str: ...

    def pid_of(self, node: str) -> int: ...

    def signal_node(self, name: str, number: signal.Signals) -> int: ...

    def view(self, room: str) -> dict[str, Any]: ...

    def log(self) -> str: ...

    def get(self, path: str) -> Any: ...


def pause(fleet: Fleet, node: str) -> int:
    """SIGSTOP of a node, while it does not write: one that stands still in the middle of a write to SQLite
    keeps all others from writing. Its process id.
    """
    with closing(sqlite3.connect(fleet.data / "store.db", isolation_level=None, timeout=20)) as db:
        db.execute("BEGIN IMMEDIATE")
        pid = fleet.signal_node(node, signal.SIGSTOP)
        eventually(lambda: is_stopped(pid), what="it stops")
        db.execute("ROLLBACK")
    return pid


# -- P1


async def a_paused_node_changes_nothing_that_counts(fleet: Fleet) -> str:
    """Pause the node of alpha, where a player is, until the room runs elsewhere, and let it go on: nothing
    that it does afterwards counts, and it finds out. The name of the node.
    """
    async with Client(fleet.url, game=fleet.game, token="ada") as ada:
        await ada.join("alpha")
        assert await ada.call("keep", value=1) == 1
        first, epoch = fleet.node_of("alpha"), fleet.view("alpha")["epoch"]
        paused = pause(fleet, first)
        # It will find these when it wakes, and think that the room is still its own.
        stale = [asyncio.ensure_future(answer(ada.call(name, value=99))) for name in ("note", "keep")]
        room = await until(
            lambda: (room := fleet.view("alpha"))["phase"] == "Running" and room["node"] != first and room,
            "alpha on the other node",
        )
        assert room["epoch"] > epoch
        assert fleet.pid_of(first) == paused
        before, seq, owner = stored_epoch(fleet.data, "alpha", game=fleet.game)
        assert (before, owner) == (room["epoch"], room["node"])
        fleet.signal_node(first, signal.SIGCONT)
        for found in await asyncio.gather(*stale):
            assert found == 99 or isinstance(found, CallError)
        # The save that was awaited was never acknowledged.
        assert isinstance(stale[1].result(), CallError)
        await playing(ada, "alpha")
        assert state_of(ada)["kept"] == 1
        assert state_of(ada)["noted"] == 0
        assert await ada.call("keep", value=2) == 2
        assert stored_state(fleet.data, "p:ada")["kept"] == 2
        assert stored_state(fleet.data, "p:ada")["noted"] == 0
        after, later, owner = stored_epoch(fleet.data, "alpha", game=fleet.game)
        assert (after, owner) == (before, room["node"])
        assert later > seq
        fenced = f"room alpha at epoch {epoch} was taken over (found epoch {before})"
        await until(lambda: fenced in fleet.log(), "the first node finds out")
        lost = re.search(rf"{re.escape(fenced)}; (\d+) actors had changes that were not saved", fleet.log())
        assert lost is not None
        done = isinstance(stale[0].result(), int)
        assert int(lost[1]) >= done, "what it had done and not saved is said"
        metrics = await until(lambda: node_metrics(fleet, first), "the first node is connected again")
        assert metrics["roomfleet_node_rooms_fenced_total"][()] == 1
        assert metrics["roomfleet_node_changes_lost_total"][()] == int(lost[1])
        assert fleet.view("alpha")["epoch"] == before, "the takeover was the only one"
    return first


def node_metrics(fleet: Fleet, name: str) -> Scraped | None:
    """What a node shows at `/metrics`; None while the master does not know it."""
    nodes = {node["name"]: node for node in fleet.get(f"/v1/games/{fleet.game}/nodes")["nodes"]}
    if name not in nodes or not nodes[name]["url"]:
        return None
    with urllib.request.urlopen(nodes[name]["url"].replace("ws://", "http://") + "/metrics") as answer:
        return scraped(answer.read())


# -- P2


class Diary:
    """What one player was told is saved."""

    def __init__(self) -> None:
        self.asked = 0
        self.acknowledged = 0

    async def keep_on(self, player: Client) -> None:
        """Save by hand without a pause, for ever, through whatever happens."""
        while True:
            await playing(player)
            # What one was told is saved is there, whatever happened meanwhile.
            assert state_of(player)["kept"] >= self.acknowledged
            try:
                while True:
                    self.asked += 1
                    self.acknowledged = await player.call("keep", value=self.asked)
            except CallError:
                continue


class Diaries:
    """Of several players, by name."""

    def __init__(self, data: Path, names: list[str]) -> None:
        self._data = data
        self.of = {name: Diary() for name in names}

    def check(self) -> None:
        """The store has what was acknowledged, and nothing that was not asked for."""
        for name, diary in self.of.items():
            kept = stored_state(self._data, f"p:{name}")["kept"]
            assert diary.acknowledged <= kept <= diary.asked, name

    async def more(self, count: int, what: str) -> None:
        """Wait until everybody was told so often more."""
        before = {name: diary.acknowledged for name, diary in self.of.items()}
        await until(
            lambda: all(diary.acknowledged >= before[name] + count for name, diary in self.of.items()),
            what,
            within=40,
        )


@asynccontextmanager
async def keeping_on(fleet: Fleet, rooms: Mapping[str, str]) -> AsyncIterator[Diaries]:
    """Players, by name with their rooms, who save all the time for the length of a block. At its end each
    of them is back, and saves again; and after that nothing that was acknowledged is lost.
    """
    diaries = Diaries(fleet.data, list(rooms))
    players = {name: Client(fleet.url, game=fleet.game, token=name, keep_alive_seconds=1) for name in rooms}
    writing: list[asyncio.Future[None]] = []
    try:
        for name, player in players.items():
            await player.join(rooms[name])
        writing = [asyncio.ensure_future(diaries.of[name].keep_on(players[name])) for name in rooms]
        yield diaries
        failed = [task for task in writing if task.done()]
        assert not failed, failed
        await diaries.more(1, "everybody saves again")
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await asyncio.gather(*(player.leave() for player in players.values()))
    diaries.check()


# -- P6


async def move(player: Client, room: str) -> None:
    """Through a door to a running room."""
    moving = asyncio.ensure_future(answer(player.call("go", room=room)))
    await playing(player, room)
    await moving


async def watch(player: Client, left: list[State]) -> None:
    """Note each state that is not playing."""
    while True:
        await player.wait_for(lambda p: p.state is not State.PLAYING, 600)
        left.append(player.state)
        await playing(player, within=600)


async def two_live_on_while_the_master_is_away(
    fleet: Fleet,
    go_away: Callable[[], Awaitable[None]],
    is_missed: Callable[[], Awaitable[object]],
    come_back: Callable[[], Awaitable[None]],
) -> None:
    """Ada in alpha and bob in beta, on two nodes: calls are answered and saved, ada moves there and back;
    bob notices nothing, and no room is started anew. Afterwards moves go by the master again.
    """
    ada = Client(fleet.url, game=fleet.game, token="ada")
    bob = Client(fleet.url, game=fleet.game, token="bob")
    async with ada, bob:
        await ada.join("alpha")
        await bob.join("beta")
        nodes = {name: fleet.node_of(name) for name in ("alpha", "beta")}
        assert nodes["alpha"] != nodes["beta"]
        epochs = {name: fleet.view(name)["epoch"] for name in nodes}
        noticed: list[State] = []
        watching = asyncio.ensure_future(watch(bob, noticed))
        await go_away()
        try:
            # Calls are answered, and saved.
            assert await ada.call("keep", value=1) == 1
            assert stored_state(fleet.data, "p:ada")["kept"] == 1
            await is_missed()
            # A move between running rooms goes on, to the other node; patches flow there; and back again.
            await move(ada, "beta")
            await bob.wait_for(lambda p: "p:ada" in p.actors, 10)
            assert await ada.call("note", value=3) == 3
            await bob.wait_for(lambda p: state_of(p, "ada")["noted"] == 3, 10)
            await move(ada, "alpha")
            assert await ada.call("keep", value=4) == 4
        finally:
            await come_back()
        for name in nodes:
            await until(
                lambda name=name: fleet.view(name)["players"] == 1,  # type: ignore[misc]
                f"the master counts the player of {name}",
            )
        watching.cancel()
        assert not noticed, "bob's connection was never lost"
        for name, epoch in epochs.items():
            view, stored = fleet.view(name), stored_epoch(fleet.data, name, game=fleet.game)
            assert (view["epoch"], view["node"]) == (epoch, nodes[name]), view
            assert stored[0] == epoch, stored
        assert await ada.call("keep", value=5) == 5
        await ada.wait_for(lambda p: state_of(p)["kept"] == 5, 10)
        await move(bob, "alpha")
        await ada.wait_for(lambda p: "p:bob" in p.actors, 10)


# -- P7


async def walked(player: Client, x: float, y: float) -> None:
    """The hero stands there, saved."""
    assert await player.call("walk", x=x, y=y)
    await player.call("keep", value=1)


def stands(player: Client, x: float, y: float) -> bool:
    """Whether the player sees its hero there."""
    here = player.position_of(player.you.id) if player.you is not None else None
    return here is not None and abs(here[0] - x) < 1 and abs(here[1] - y) < 1


async def a_player_is_led_on_when(fleet: Fleet, room: str, lost: Callable[[], Awaitable[object]]) -> None:
    """A player who stands somewhere in the room, saved, is back there by itself after `lost`."""
    async with Client(fleet.url, game=fleet.game, token="ada") as ada:
        await ada.join(room)
        await walked(ada, 222, 111)
        left = asyncio.ensure_future(ada.wait_for(lambda p: p.state is not State.PLAYING, 60))
        await lost()
        await left
        await playing(ada, room)
        assert stands(ada, 222, 111)
        assert state_of(ada)["kept"] == 1
        assert await ada.call("keep", value=2) == 2
