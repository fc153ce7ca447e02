"""The node's end of the control link, where the connection ends under it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from tornado.websocket import WebSocketClosedError

from roomfleet.node.linking import link as link_module
from roomfleet.node.linking.link import Link
from roomfleet.wire.codec import encode
from roomfleet.wire.link import Accepted, Hello, Ping, ToNode


class Ending:
    """A connection that says `accepted`, and then is closed without its reader knowing yet."""

    protocol = None

    def __init__(self) -> None:
        self.open = True
        self.read = asyncio.Event()

    async def read_message(self) -> Any:
        if self.open:
            self.open = False
            return encode(Accepted(keys={}, origins=[]))
        self.read.set()
        return await asyncio.get_running_loop().create_future()

    def write_message(self, message: bytes) -> Any:
        if not self.open:
            raise WebSocketClosedError
        return asyncio.sleep(0)

    def close(self) -> None: ...


class Node:
    """What the link tells."""

    def hello(self) -> Hello:
        return Hello(
            name="n-0",
            boot="b",
            game="g",
            fleet="n",
            capacity=1,
            url="ws://n",
            version="0",
            keys={},
            rooms=[],
        )

    def told(self, message: ToNode) -> None: ...

    def link_down(self) -> None: ...


def test_what_is_sent_while_the_connection_ends_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dial() -> None:
        connection = Ending()

        async def connect(*_: Any, **__: Any) -> Ending:
            return connection

        monkeypatch.setattr(link_module, "websocket_connect", connect)
        link = Link("ws://master/link", Node(), 10, random.Random(1))
        link.start()
        await connection.read.wait()
        assert link.up
        link.send(Ping())
        await link.stop()

    asyncio.run(dial())
