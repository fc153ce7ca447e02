"""The node's end of the control link: dial the master, say hello, dial again (INTERFACES, Control link)."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Protocol

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from roomfleet.wire.codec import encode
from roomfleet.wire.errors import WireError
from roomfleet.wire.link import SUBPROTOCOL, FromNode, Hello, Load, Ping, Pong, ToNode, to_node
from roomfleet.wire.version import __version__

log = logging.getLogger(__name__)

REDIAL_SECONDS = 3.0
"""A lost link is dialled again within this, with jitter."""

SILENT_PINGS = 2.5
"""A master that has said nothing for as many pings is away: not even a `pong` came."""


class LinkEvents(Protocol):
    """What the link tells its node."""

    def hello(self) -> Hello:
        """Who the node is and what it runs now."""

    def measure(self) -> Load:
        """What it has to do, for the next ping."""

    def told(self, message: ToNode) -> None:
        """The master said something."""

    def link_down(self) -> None:
        """The link is lost; it is being dialled again."""


class Link:
    """A connection to the master that comes back by itself."""

    def __init__(self, url: str, events: LinkEvents, ping_seconds: float, rng: random.Random) -> None:
        self._url = url
        self._events = events
        self._ping_seconds = ping_seconds
        self._rng = rng
        self._connection: WebSocketClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._refusal = ""
        self.up = False
        """Whether the master has accepted this node and the connection stands."""

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="link")

    async def stop(self) -> None:
        """Close the link for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._connection is not None:
            self._connection.close()

    def send(self, message: FromNode) -> bool:
        """Send, if the link is up. What is lost is said again by the next hello."""
        if self._connection is None or not self.up:
            return False
        self._write(self._connection, message)
        return True

    def _write(self, connection: WebSocketClientConnection, message: FromNode) -> None:
        try:
            written = connection.write_message(encode(message))
        except WebSocketClosedError:
            return  # the reader sees it too, and dials again
        asyncio.ensure_future(written).add_done_callback(_retrieve)

    async def _keep(self) -> None:
        told = False
        while True:
            try:
                connection = await websocket_connect(
                    HTTPRequest(
                        self._url,
                        headers={"User-Agent": f"roomfleet-node/{__version__}"},
                        connect_timeout=5,
                        request_timeout=5,
                    ),
                    subprotocols=[SUBPROTOCOL],
                )
            except Exception as error:  # noqa: BLE001  whatever keeps us from the master: say it once, dial again
                if not told:
                    log.info("cannot reach the master at %s: %s; dialling again", self._url, error)
                    told = True
                await asyncio.sleep(self._rng.uniform(0.2, 1.0) * REDIAL_SECONDS)
                continue
            told = False
            await self._talk(connection)
            if self.up:
                log.info("the link to the master is lost; dialling again")
            self.up = False
            self._connection = None
            self._events.link_down()
            await asyncio.sleep(self._rng.uniform(0.05, 0.3) * REDIAL_SECONDS)

    async def _talk(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        if connection.protocol is not None:
            connection.protocol.set_nodelay(True)
        self._write(connection, self._events.hello())
        silence = SILENT_PINGS * self._ping_seconds
        pinging = asyncio.get_running_loop().create_task(self._ping(connection), name="link ping")
        try:
            while True:
                try:
                    async with asyncio.timeout(silence):
                        text = await connection.read_message()
                except TimeoutError:
                    log.info("the master has been silent for %.1f s", silence)
                    return
                if text is None:
                    self._ended(connection.close_reason or "")
                    return
                try:
                    message = to_node.decode(text)
                except WireError as error:
                    log.warning("the master said what is not understood here: %s", error)
                    continue
                self.up = True
                if not isinstance(message, Pong):
                    self._events.told(message)
        finally:
            pinging.cancel()
            connection.close()

    def _ended(self, reason: str) -> None:
        """The master closed the link. A refusal is said once, not at each dialling."""
        refusal = "" if self.up else reason
        if refusal and refusal != self._refusal:
            log.warning("the master refuses this node: %s; dialling again", refusal)
        self._refusal = refusal

    async def _ping(self, connection: WebSocketClientConnection) -> None:
        while True:
            await asyncio.sleep(self._ping_seconds)
            self._write(connection, Ping(load=self._events.measure()))


def _retrieve(future: asyncio.Future[None]) -> None:
    """A write that failed is of no interest: the reader sees the closed connection."""
    if not future.cancelled():
        future.exception()
