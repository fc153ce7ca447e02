"""P4 and P6, moving: wherever the target is, and whether there is a master or not, nobody is lost or doubled.

Every row of the table in docs/moving.md, on real nodes: all rows of one column happen in one fleet, at once.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from roomfleet.client import CallError, Client, Watching
from roomfleet.wire.session import Waiting
from support.faults import Faults
from support.promised import pause
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, playing, stored_actors, trial_game, until

TARGETS = ("here", "elsewhere", "asleep", "starting", "stopping", "failed", "deleted", "full", "lost")
ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"fleet": "one", "keep": "Always"},
    "here": {"fleet": "one", "keep": "Always"},
    "elsewhere": {"fleet": "two", "keep": "Always"},
    "asleep": {"fleet": "two"},
    "starting": {"fleet": "two"},
    "stopping": {"fleet": "two", "boredAfterSeconds": 0},
    "failed": {"fleet": "two", "script": "trial.rooms:Broken"},
    "deleted": {"fleet": "two"},
    "full": {"fleet": "two", "capacity": 1},
    "lost": {"fleet": "three", "keep": "Always"},
}
FLEETS: dict[str, dict[str, Any]] = {
    "one": {"minNodes": 1, "maxNodes": 1},
    "two": {"minNodes": 1, "maxNodes": 1},
    "three": {"minNodes": 1, "maxNodes": 2},
}
NO_NODES = {"minNodes": 0, "maxNodes": 1}


@dataclass
class Row:
    """What became of one traveller."""

    waited: list[int] = field(default_factory=list)
    """The places in line that a player was told."""
    room_without_master: str = ""
    room: str = ""
    reason: str = ""
    stored: list[tuple[str, bool]] = field(default_factory=list)
    """The room of each actor of that name in the store, and whether it is still on its way there."""
    seen: list[str] = field(default_factory=list)
    """Rooms in which it is seen, once for each time."""


@contextmanager
def made(folder: Path) -> Iterator[tuple[Running, Faults]]:
    faults = Faults(folder / "faults")
    game = trial_game(folder, rooms=ROOMS, fleet=NO_NODES, fleets=FLEETS, faults=True)
    with running(game, folder / "data", environment={**SHORT, **faults.environment}) as fleet:
        yield fleet, faults


async def listen(player: Client, row: Row) -> None:
    async for event in player.events():
        if isinstance(event, Waiting):
            row.waited.append(event.position)


class Column:
    """All targets with a master, or all without."""

    def __init__(self, fleet: Running, faults: Faults, *, master: bool) -> None:
        self.fleet, self.faults, self.master = fleet, faults, master
        self.players = {target: Row() for target in TARGETS}
        self.npcs = {target: Row() for target in TARGETS}
        self.clients: dict[str, Client] = {}
        self.going: dict[str, asyncio.Future[Any]] = {}
        self.tasks: list[asyncio.Future[Any]] = []

    def client(self, name: str) -> Client:
        return Client(self.fleet.url, game=GAME, token=name, keep_alive_seconds=1)

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            for target in TARGETS:
                client = await stack.enter_async_context(self.client(f"to {target}"))
                await client.join("alpha")
                self.clients[target] = client
                self.tasks.append(asyncio.ensure_future(listen(client, self.players[target])))
            sender = await stack.enter_async_context(self.client("sender"))
            await sender.join("alpha")
            sitter = await stack.enter_async_context(self.client("sitter"))
            starter = await stack.enter_async_context(self.client("starter"))
            await self.prepare(sitter, starter)
            if not self.master:
                self.fleet.pause_master()
            try:
                await self.depart(sender)
                await self.let_go(sitter)
                if not self.master:
                    await self.without_master()
            finally:
                self.fleet.resume_master()
            await self.arrive()
            await self.look(stack)
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def prepare(self, sitter: Client, starter: Client) -> None:
        """Bring each target into its state."""
        phase = self.fleet.wait_phase
        await sitter.join("full")
        async with self.client("visitor") as visitor:
            with_error = asyncio.ensure_future(answer_of_join(visitor, "failed"))
            await asyncio.to_thread(phase, "failed", "Failed")
            await with_error
        self.faults.hold_stop("stopping")
        async with self.client("visitor") as visitor:
            await visitor.join("stopping")
            await visitor.leave()
        await asyncio.to_thread(phase, "stopping", "Stopping")
        await until(lambda: self.faults.is_held("stop", "stopping"), "it is being saved")
        self.faults.hold_start("starting")
        self.tasks.append(asyncio.ensure_future(starter.join("starting")))
        await until(lambda: self.faults.is_held("start", "starting"), "it is being claimed")
        await asyncio.to_thread(phase, "starting", "Starting")
        deleted = await asyncio.to_thread(self.fleet.roomfleet, "delete", "room", "deleted")
        assert deleted.returncode == 0, deleted.stderr
        for room in ("here", "elsewhere", "lost"):
            await asyncio.to_thread(phase, room, "Running")
        assert self.fleet.node_of("here") == self.fleet.node_of("alpha")
        assert self.fleet.node_of("elsewhere") != self.fleet.node_of("alpha")
        pause(self.fleet, self.fleet.node_of("lost"))

    async def depart(self, sender: Client) -> None:
        """Everybody at once."""
        for target in TARGETS:
            self.going[target] = asyncio.ensure_future(answer(self.clients[target].call("go", room=target)))
        for target in TARGETS:
            await sender.call("send", name=f"npc {target}", room=target, wake=target == "asleep")
        # The NPCs' moves are decided: whatever else, they are on their way.
        await until(
            lambda: {f"npc {t}" for t in TARGETS} <= {a.body["name"] for a in self.actors()}, "all sent"
        )
        for target in ("full", "starting", "stopping"):
            await until(lambda t=target: self.players[t].waited, f"{target}: the player waits")  # type: ignore[misc]
            assert not self.going[target].done()

    async def let_go(self, sitter: Client) -> None:
        await sitter.leave()
        self.faults.let_go("start", "starting")
        self.faults.let_go("stop", "stopping")

    async def without_master(self) -> None:
        """These need none."""
        for target in ("here", "elsewhere", "full", "starting"):
            await playing(self.clients[target], target)
        for target in ("asleep", "failed", "deleted", "lost", "stopping"):
            await until(lambda t=target: self.players[t].waited, f"{target}: the player waits")  # type: ignore[misc]
            assert not self.going[target].done()
        for target in TARGETS:
            room = self.clients[target].room
            self.players[target].room_without_master = room.name if room is not None else ""

    async def arrive(self) -> None:
        """Each player comes somewhere, or hears why not."""
        for target in TARGETS:
            row, client = self.players[target], self.clients[target]
            if target in ("failed", "deleted"):
                found = await self.going[target]
                assert isinstance(found, CallError), found
                row.reason = found.message
            else:
                await playing(client, target)
            assert client.room is not None
            row.room = client.room.name

    async def look(self, stack: AsyncExitStack) -> None:
        """Where the store has everybody, and where they are seen."""
        watched = [room for room in ROOMS if room not in ("failed", "deleted")]
        rooms = {
            room: await stack.enter_async_context(Watching(self.fleet.url, game=GAME, room=room))
            for room in watched
        }

        def seen() -> Counter[tuple[str, str]]:
            return Counter(
                (actor["name"], room)
                for room, watching in rooms.items()
                for actor in watching.actors.values()
            )

        def settled() -> bool:
            names = {name for name, _ in seen()}
            wanted = {f"to {target}" for target in TARGETS}
            wanted |= {f"npc {target}" for target in TARGETS if target != "failed"}
            return wanted <= names

        await until(settled, "everybody is seen somewhere", within=20)
        await until(
            lambda: all(a.transit is None or a.room == "failed" for a in self.actors()), "all have arrived"
        )
        for rows, kind in ((self.players, "to"), (self.npcs, "npc")):
            for target, row in rows.items():
                name = f"{kind} {target}"
                row.stored = [
                    (a.room, a.transit is not None) for a in self.actors() if a.body["name"] == name
                ]
                row.seen = [
                    room for (who, room), times in seen().items() if who == name for _ in range(times)
                ]

    def actors(self) -> list[Any]:
        return list(stored_actors(self.fleet.data).values())


async def answer_of_join(player: Client, room: str) -> None:
    with pytest.raises(Exception, match="failed"):
        await player.join(room)


@cache
def column(master: bool) -> Column:
    """Tried once for all rows."""
    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as (fleet, faults):
        found = Column(fleet, faults, master=master)
        asyncio.run(found.run())
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("master", [True, False], ids=["master up", "master down"])
def test_a_player_ends_in_a_room_or_hears_why_not(target: str, master: bool) -> None:
    row = column(master).players[target]
    stays = target in ("failed", "deleted")
    assert row.room == ("alpha" if stays else target)
    assert row.stored == [(row.room, False)], "one actor, in that room"
    assert row.seen == [row.room], "seen once"
    if stays:
        assert target in row.reason
        assert ("this room cannot be" if target == "failed" else "no room") in row.reason
    if not master:
        goes = target in ("here", "elsewhere", "full", "starting")
        assert row.room_without_master == (target if goes else "alpha")
        assert (0 in row.waited) == (target not in ("here", "elsewhere"))
    elif target in ("starting", "stopping", "full"):
        assert row.waited[0] == (2 if target == "starting" else 1), "behind who had it started"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("master", [True, False], ids=["master up", "master down"])
def test_an_npc_ends_in_the_target_or_waits_for_it_or_comes_back(target: str, master: bool) -> None:
    row = column(master).npcs[target]
    if target == "failed":
        assert row.stored == [("failed", True)], "in the store, until the room is mended"
        assert row.seen == []
        return
    room = "alpha" if target == "deleted" else target
    assert row.stored == [(room, False)]
    assert row.seen == [room]
