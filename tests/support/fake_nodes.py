"""Nodes that say at once that every room runs which they are told to: for measuring a master alone."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Coroutine
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

from roomfleet.wire.codec import encode
from roomfleet.wire.link import SUBPROTOCOL, Desired, Hello, Ping, Report, RoomPhase, to_node
from roomfleet.wire.version import __version__


class FakeNodes:
    """`count` nodes of the fleet `default`, on a thread of their own. They dial until somebody answers."""

    def __init__(self, link_port: int, game: str, secret: str, count: int, capacity: int) -> None:
        self._url = f"ws://127.0.0.1:{link_port}/link"
        self._game, self._secret, self._capacity = game, secret, capacity
        self._running: list[dict[str, int]] = [{} for _ in range(count)]
        self._sockets: dict[int, WebSocketClientConnection] = {}
        self.told: dict[str, float] = {}
        """When a node first heard of the room: its place was recorded by then. By time.monotonic."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks = [self._run(self._live(number)) for number in range(count)]

    @property
    def connected(self) -> int:
        return len(self._sockets)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def come_and_go(self, a_second: int, seconds: float) -> int:
        """Report a changed number of players, so often a second; how often it was."""
        return int(self._run(self._come_and_go(a_second, seconds)).result())

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _live(self, number: int) -> None:
        while True:
            try:
                request = HTTPRequest(self._url, connect_timeout=2, request_timeout=2)
                socket = await websocket_connect(request, subprotocols=[SUBPROTOCOL])
            except (OSError, HTTPClientError, WebSocketError):
                await asyncio.sleep(0.05)
                continue
            await self._linked(number, socket)

    async def _linked(self, number: int, socket: WebSocketClientConnection) -> None:
        running = self._running[number]
        hello = Hello(
            name=f"default-{number}",
            boot=secrets.token_hex(4),
            game=self._game,
            fleet="default",
            capacity=self._capacity,
            url="ws://127.0.0.1:9",
            version=__version__,
            keys={},
            rooms=[_report(room, epoch, 0) for room, epoch in running.items()],
            secret=self._secret,
        )
        await socket.write_message(encode(hello))
        self._sockets[number] = socket
        pinging = asyncio.ensure_future(_ping(socket))
        while (text := await socket.read_message()) is not None:
            message = to_node.decode(text)
            if isinstance(message, Desired):
                await self._obey(socket, running, message)
        pinging.cancel()
        del self._sockets[number]

    async def _obey(
        self, socket: WebSocketClientConnection, running: dict[str, int], desired: Desired
    ) -> None:
        now = time.monotonic()
        wanted = {room.room: room.epoch for room in desired.rooms}
        for room, epoch in wanted.items():
            if running.get(room) != epoch:
                self.told.setdefault(room, now)
                running[room] = epoch
                await socket.write_message(encode(_report(room, epoch, 0)))
        for room in [room for room in running if room not in wanted]:
            epoch = running.pop(room)
            gone = Report(room=room, epoch=epoch, phase=RoomPhase.STOPPED)
            await socket.write_message(encode(gone))

    async def _come_and_go(self, a_second: int, seconds: float) -> int:
        rooms = [
            (number, room, epoch)
            for number, running in enumerate(self._running)
            for room, epoch in running.items()
        ]
        began, sent = self._loop.time(), 0
        while (due := began + sent / a_second) < began + seconds:
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            number, room, epoch = rooms[sent * 7919 % len(rooms)]
            await self._sockets[number].write_message(encode(_report(room, epoch, 1 + sent % 7)))
            sent += 1
        return sent


def _report(room: str, epoch: int, players: int) -> Report:
    return Report(room=room, epoch=epoch, phase=RoomPhase.RUNNING, players=players)


async def _ping(socket: WebSocketClientConnection) -> None:
    while True:
        await asyncio.sleep(1.0)
        await socket.write_message(encode(Ping()))
