"""A node process with the benchmark as its master: it runs exactly the rooms that it is told to."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from roomfleet.wire.codec import encode
from roomfleet.wire.link import (
    Accepted,
    Desired,
    DesiredRoom,
    Hello,
    Ping,
    Pong,
    Report,
    RoomPhase,
    from_node,
)


class Alone:
    """The node: its process id, and how many of its rooms run."""

    def __init__(self, rooms: Sequence[DesiredRoom]) -> None:
        self.rooms = list(rooms)
        self.running: set[str] = set()
        self.all_run = asyncio.Event()
        self.pid = 0

    def reported(self, report: Report) -> None:
        if report.phase is RoomPhase.RUNNING:
            self.running.add(report.room)
        assert report.phase not in (RoomPhase.FAILED, RoomPhase.FENCED), report
        if len(self.running) == len(self.rooms):
            self.all_run.set()


class _Link(WebSocketHandler):
    def initialize(self, node: Alone) -> None:
        self._node = node

    def select_subprotocol(self, subprotocols: list[str]) -> str:
        return subprotocols[0]

    async def on_message(self, message: str | bytes) -> None:
        match from_node.decode(message):
            case Hello():
                await self.write_message(encode(Accepted(keys={}, origins=[])))
                await self.write_message(encode(Desired(rooms=self._node.rooms)))
            case Report() as report:
                self._node.reported(report)
            case Ping():
                await self.write_message(encode(Pong()))


@asynccontextmanager
async def node_alone(game: Path, store: Path, rooms: Sequence[DesiredRoom]) -> AsyncIterator[Alone]:
    """A node of the game in that folder, with its store in that file; stopped well at the end."""
    node = Alone(rooms)
    if not rooms:
        node.all_run.set()
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/link", _Link, {"node": node})]))
    server.add_sockets(sockets)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roomfleet.node", str(game), "--parent-pipe"),
        *("--master", f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/link"),
        *("--store", f"sqlite:///{str(store).lstrip('/')}", "--capacity", str(max(1, len(rooms)))),
        stdin=PIPE,
        env={**os.environ, "ROOMFLEET_LINK_SECRET": "benchmark"},
    )
    node.pid = process.pid
    try:
        yield node
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it saves and ends when its parent's pipe closes
        assert await process.wait() == 0
        server.stop()
        await server.close_all_connections()
