"""A master and room nodes made of real websockets, whose every word a test decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

TIMEOUT = 10


class Peer(WebSocketHandler):
    """One client's websocket, seen from the server."""

    def initialize(self, fleet: FakeFleet) -> None:
        self._fleet = fleet
        self._inbox: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[0] if subprotocols else None

    def prepare(self) -> None:
        if self._fleet.answer_upgrades_with:
            self.set_status(self._fleet.answer_upgrades_with.pop(0))
            self.finish()

    def open(self, *args: str) -> None:
        self.set_nodelay(True)
        self._fleet.peers.put_nowait(self)

    def on_message(self, message: str | bytes) -> None:
        read = json.loads(message)
        if read["type"] != "ping":
            self._inbox.put_nowait(read)
        elif self._fleet.answers_pings:
            self.write_message(json.dumps({"type": "pong", "t": read["t"], "now": 50.0}))

    def on_close(self) -> None:
        self._inbox.put_nowait(None)

    async def hear(self) -> dict[str, Any] | None:
        """The next message but pings; None when the client has gone."""
        return await asyncio.wait_for(self._inbox.get(), TIMEOUT)

    async def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            await self.write_message(json.dumps(message))

    def cut(self) -> None:
        """As when the process is killed."""
        assert self.ws_connection is not None
        self.ws_connection._abort()  # type: ignore[attr-defined]


class FakeFleet:
    """Knows every client that has connected; `answer_upgrades_with` HTTP errors for the next ones."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.answer_upgrades_with: list[int] = []
        self.answers_pings = True

    async def peer(self) -> Peer:
        """The next client that connects."""
        return await asyncio.wait_for(self.peers.get(), TIMEOUT)

    def room(self, name: str) -> str:
        return f"{self.ws}/rooms/{name}"

    # -- whole stretches -------------------------------------------------------------------------------

    async def admit(self, room: str = "town", ticket: str = "ticket-1") -> Peer:
        """Play the master up to admitted; gives the master's end of the play socket."""
        play = await self.peer()
        assert play.request.path == "/v1/games/walkabout/play"
        await play.hear()
        await play.say(self.admitted(room, ticket))
        return play

    async def welcome(self, room: str = "town", resume: str = "secret-1") -> tuple[Peer, dict[str, Any]]:
        """Play the node up to the snapshot; gives its end, and the hello."""
        node = await self.peer()
        assert node.request.path == f"/rooms/{room}"
        hello = await node.hear()
        assert hello is not None
        await node.say(welcome(room, resume), snapshot())
        return node, hello

    async def let_in(self, room: str = "town") -> Peer:
        await self.admit(room)
        node, _ = await self.welcome(room)
        return node

    def admitted(self, room: str = "town", ticket: str = "ticket-1") -> dict[str, Any]:
        return {
            "type": "admitted",
            "id": "j1",
            "room": room,
            "url": self.room(room),
            "ticket": ticket,
            "expires_at": "2026-01-01T00:00:00Z",
        }


@asynccontextmanager
async def fake_fleet() -> AsyncIterator[FakeFleet]:
    sockets = bind_sockets(0, "127.0.0.1")
    fleet = FakeFleet(sockets[0].getsockname()[1])
    server = HTTPServer(
        Application(
            [
                ("/v1/games/walkabout/play", Peer, {"fleet": fleet}),
                ("/rooms/.*", Peer, {"fleet": fleet}),
            ],
            log_function=lambda handler: None,
        )
    )
    server.add_sockets(sockets)
    try:
        yield fleet
    finally:
        server.stop()
        await server.close_all_connections()


def welcome(room: str = "town", resume: str = "secret-1") -> dict[str, Any]:
    return {
        "type": "welcome",
        "now": 50.0,
        "game": "walkabout",
        "room": {"name": room, "map": "map1.room1", "width": 800, "height": 600},
        "you": {"id": "p:ada", "commands": ["walk", "say"]},
        "resume": resume,
        "tick": 20,
        "version": "0.1.0",
        "geography": {},
        "doors": [],
        "tags": [],
        "objects": [],
    }


def hero(x: float = 10, y: float = 20) -> dict[str, Any]:
    return {
        "id": "p:ada",
        "type": "Hero",
        "name": "ada",
        "player": True,
        "parent": None,
        "speed": 100,
        "path": [[x, y, 0]],
        "state": {"hp": 10},
    }


def snapshot(actors: dict[str, Any] | None = None) -> dict[str, Any]:
    there = {"p:ada": hero()} if actors is None else actors
    return {"type": "snapshot", "seq": 1, "now": 50.0, "actors": there, "room": {"state": {}}}
