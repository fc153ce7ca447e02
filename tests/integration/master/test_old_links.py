"""What still comes over a link that its node has replaced by a newer one, over real websockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase
from roomfleet.wire.codec import encode
from roomfleet.wire.link import SUBPROTOCOL, Desired, FromNode, Hello, Ping, Pong, Report, RoomPhase, to_node
from support.lone_master import BORED_SECONDS, GAME, NODE, SECRET, Master, serving


class NodeLink:
    """One dialling of the node."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self.desired: list[list[str]] = []
        """Rooms that the node should run, as often as it was told."""
        self.ended = False

    async def say(self, message: FromNode) -> None:
        await self._socket.write_message(encode(message))

    async def pass_time(self, seconds: int, master: Master) -> None:
        """Time passes, and the node is heard each second."""
        for _ in range(seconds):
            master.now += 1
            master.runner.handle(ev.Tick())
            await self.heard()

    async def hello(self, players: int) -> None:
        await self.say(
            Hello(
                name=NODE,
                boot="boot",
                game=GAME,
                fleet="default",
                capacity=10,
                url="ws://127.0.0.1:9",
                version="1",
                keys={},
                rooms=[report(players)],
                secret=SECRET,
            )
        )
        await self.heard()

    async def heard(self) -> None:
        """What was said before this ping is done with."""
        await self.say(Ping())
        while not isinstance(message := to_node.decode(await self._read()), Pong):
            if isinstance(message, Desired):
                self.desired.append([room.room for room in message.rooms])

    async def _read(self) -> str | bytes:
        async with asyncio.timeout(10):
            text = await self._socket.read_message()
        assert text is not None, "the master closed this link"
        return text

    async def end(self) -> None:
        """Close it; what was said before is done with."""
        self._socket.close()
        async with asyncio.timeout(10):
            while not self.ended:
                self.ended = await self._socket.read_message() is None


def report(players: int) -> Report:
    return Report(room="town", epoch=3, phase=RoomPhase.RUNNING, players=players)


@asynccontextmanager
async def dialled_twice(master: Master) -> AsyncIterator[tuple[NodeLink, NodeLink]]:
    """An older link and a newer one."""
    request = HTTPRequest(master.link_url, connect_timeout=5, request_timeout=5)
    links = [NodeLink(await websocket_connect(request, subprotocols=[SUBPROTOCOL])) for _ in range(2)]
    try:
        yield links[0], links[1]
    finally:
        for link in links:
            await link.end()


def test_a_late_report_over_a_replaced_link_makes_no_room_look_empty() -> None:
    """It would be stopped as bored, with players in it."""

    async def play() -> None:
        master = Master()
        async with serving(master), dialled_twice(master) as (old, new):
            await old.hello(players=0)
            assert master.town.players == 0
            await new.hello(players=2)
            assert master.town.players == 2
            await old.say(report(players=0))
            await old.end()
            await new.heard()
            assert master.town.players == 2
            await new.pass_time(BORED_SECONDS + 5, master)
            assert master.town.phase is Phase.RUNNING
            assert all(rooms == ["town"] for rooms in new.desired), new.desired

    asyncio.run(play())


def test_the_end_of_a_replaced_link_is_not_that_of_the_newer_one() -> None:
    async def play() -> None:
        master = Master()
        async with serving(master), dialled_twice(master) as (old, new):
            await old.hello(players=1)
            await new.hello(players=1)
            await old.end()
            await new.say(report(players=2))
            await new.heard()
            assert master.town.players == 2
            (node,) = master.core.nodes(GAME)
            assert node.ready

    asyncio.run(play())
