"""A room node within the test's own process, with a store that can be held up and clients that listen."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from roomfleet.game.loader import Game
from roomfleet.node.node import Node
from roomfleet.node.options import NodeOptions
from roomfleet.node.running.room import HostedRoom
from roomfleet.store import Store, open_store
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.link import Desired, DesiredRoom, RoomPhase
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec


class WatchedStore:
    """A store whose operations are counted, and held up or refused as the test wants it."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.calls: Counter[str] = Counter()
        self.held: dict[str, asyncio.Event] = {}
        """Operations of that name wait for the event."""
        self.trouble: Callable[[str, tuple[Any, ...]], BaseException | None] = lambda name, args: None

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.inner, name)
        if name.startswith("_") or name in ("close", "path", "place"):
            return operation

        async def watched(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            if name in self.held:
                await self.held[name].wait()
            error = self.trouble(name, args)
            if error is not None:
                raise error
            return await operation(*args, **kwargs)

        return watched

    def hold(self, name: str) -> asyncio.Event:
        """From now on operations of that name wait until the event is set."""
        self.held[name] = asyncio.Event()
        return self.held[name]


def payload(frame: bytes) -> bytes:
    """What a server's websocket frame carries."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


class Listener:
    """A client's connection as the room sees it."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.ended = False
        self.busy = False
        self.format: Format = JSON

    def say(self, message: Any) -> None:
        self.heard.append(msgspec.json.decode(JSON.encode(message)))

    def offer(self, frame: bytes) -> bool:
        if self.busy:
            return False
        self.heard.append(msgspec.json.decode(payload(frame)))
        return True

    def end(self, last: Any | None) -> None:
        if not self.ended:
            self.ended = True
            if last is not None:
                self.say(last)

    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]

    def last(self, type: str) -> dict[str, Any]:
        """The last message of that type."""
        return [message for message in self.heard if message["type"] == type][-1]


class Hosted:
    """The node, told what to run by the test instead of by a master."""

    def __init__(self, node: Node, store: WatchedStore) -> None:
        self.node = node
        self.store = store
        self.wanted: dict[str, DesiredRoom] = {}

    def want(self, name: str, spec: RoomSpec, epoch: int = 1) -> None:
        """Have the node run the room."""
        self.wanted[name] = DesiredRoom(room=name, epoch=epoch, uid=f"uid {name}", spec=spec)
        self.node.told(Desired(rooms=list(self.wanted.values())))

    def unwant(self, *names: str) -> None:
        """Have the node stop the rooms."""
        for name in names:
            del self.wanted[name]
        self.node.told(Desired(rooms=list(self.wanted.values())))

    async def runs(self, name: str, spec: RoomSpec, epoch: int = 1) -> HostedRoom:
        """The room, started."""
        self.want(name, spec, epoch)
        await soon(lambda: self.phase(name) is RoomPhase.RUNNING)
        return self.room(name)

    def room(self, name: str) -> Any:
        return self.node.rooms.get(name)

    def phase(self, name: str) -> RoomPhase | None:
        """None: the node has no such room."""
        room = self.node.rooms.get(name)
        return room.phase if room is not None else None

    async def enters(self, room: HostedRoom, player: str) -> Listener:
        """The player's connection, after it was let in or sent away."""
        listener = Listener()
        await room.visits.enter(player, f"join of {player}", listener)
        return listener


async def soon(look: Callable[[], object], within: float = 20) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, f"not within {within:g} s"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def hosted(folder: Path, store: Path, **settings: Any) -> AsyncIterator[Hosted]:
    """A node of the game in `folder` with its store in that file; drained at the end."""
    watched = WatchedStore(open_store(f"sqlite:///{str(store).lstrip('/')}"))
    node = Node(
        # Nobody listens there: the node dials in vain, as while its master is away.
        options=NodeOptions(name="node-0", fleet="node", master="ws://127.0.0.1:9/link"),
        game=Game.load(folder),
        store=watched,  # type: ignore[arg-type]
        settings=Settings(**settings),
        wall=time.time,
        rng=random.Random(1),
    )
    await node.start()
    try:
        yield Hosted(node, watched)
    finally:
        for gate in watched.held.values():
            gate.set()
        watched.trouble = lambda name, args: None
        async with asyncio.timeout(30):
            await node.drain()
            await node.stopped.wait()
