"""Real websockets for the session's links: Open, Send and Close in, what became of them out."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import Protocol

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    websocket_connect,
)

from roomfleet.client.actions import Close, Open, Send
from roomfleet.client.links import OPEN_SECONDS
from roomfleet.wire.version import __version__

USER_AGENT = f"roomfleet-python/{__version__}"
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Of one message from a node: a snapshot of a big room."""

_TIMEOUT = 599
"""Tornado's own code, where there was no answer."""


class Listener(Protocol):
    """Hears what becomes of links. `link_lost` comes once, and for a closed link never."""

    def link_opened(self, link: int) -> None: ...
    def link_failed(self, link: int, reason: str, status: int | None) -> None: ...
    def link_heard(self, link: int, data: str | bytes) -> None: ...
    def link_lost(self, link: int, reason: str) -> None: ...


@dataclass(eq=False, slots=True)
class _Socket:
    link: int
    connection: WebSocketClientConnection | None = None
    unwanted: bool = False
    closed: asyncio.Event = field(default_factory=asyncio.Event)


class Sockets:
    """The websockets of one client."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._sockets: dict[int, _Socket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, action: Open) -> None:
        socket = self._sockets[action.link] = _Socket(action.link)
        task = asyncio.create_task(self._run(socket, action))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def send(self, action: Send) -> None:
        connection = self._sockets[action.link].connection
        assert connection is not None, "nothing is sent before the link is open"
        try:
            sent = connection.write_message(action.data, binary=action.binary)
        except WebSocketClosedError:
            return  # Its end is about to be heard.
        sent.add_done_callback(_sent)

    def close(self, action: Close) -> None:
        socket = self._sockets.pop(action.link)
        socket.unwanted = True
        if socket.connection is not None:
            socket.connection.close()

    async def all_closed(self) -> None:
        """Returns when every websocket is closed on both sides, or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, socket: _Socket, action: Open) -> None:
        """One websocket's life."""
        if socket.unwanted:
            return
        request = HTTPRequest(
            action.url,
            headers={"User-Agent": USER_AGENT},
            connect_timeout=OPEN_SECONDS,
            request_timeout=OPEN_SECONDS,
        )
        try:
            connection = await websocket_connect(
                request,
                on_message_callback=functools.partial(self._heard, socket),
                subprotocols=[action.subprotocol],
                max_message_size=MAX_MESSAGE_BYTES,
            )
        except (HTTPClientError, WebSocketError, OSError, ValueError) as error:
            if not socket.unwanted:
                del self._sockets[socket.link]
                status = error.code if isinstance(error, HTTPClientError) and error.code < _TIMEOUT else None
                self._listener.link_failed(socket.link, str(error) or type(error).__name__, status)
            return
        socket.connection = connection
        if connection.protocol is not None:
            # Small messages in a row would wait for acknowledgements, 40 ms each.
            connection.protocol.set_nodelay(True)
        if socket.unwanted:
            connection.close()
        elif socket.closed.is_set():
            self._lost(socket, connection)
        else:
            self._listener.link_opened(socket.link)
        await socket.closed.wait()
        # After the other side's close Tornado's own end stays half open until it is closed here too.
        connection.close()

    def _heard(self, socket: _Socket, data: str | bytes | None) -> None:
        if data is None:
            socket.closed.set()
            if socket.connection is not None:
                self._lost(socket, socket.connection)
        elif not socket.unwanted:
            self._listener.link_heard(socket.link, data)

    def _lost(self, socket: _Socket, connection: WebSocketClientConnection) -> None:
        if self._sockets.pop(socket.link, None) is not None:
            code = connection.close_code or "broken"
            self._listener.link_lost(
                socket.link, connection.close_reason or f"the connection was closed ({code})"
            )

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a connection of the Roomfleet client failed", "exception": error, "task": task}
            )


def _sent(sent: asyncio.Future[None]) -> None:
    """A failed write needs no care of its own: the link's end is heard as well."""
    if not sent.cancelled():
        sent.exception()
