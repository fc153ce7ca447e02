"""Tornado's websocket protocol, except that bad messages are named where it would cut the connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Protocol

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketProtocol13

READ_BYTES = 4096
"""Read from a player's socket at a time: what comes is small, and each read makes a buffer of this size."""

TOO_LARGE = 1009
"""Websocket close code: a message over the limit (RFC 6455, 7.4.1)."""

_TEXT, _BINARY = 0x1, 0x2
"""Opcodes of websocket frames (RFC 6455, 5.2)."""

_CHUNK_BYTES = 65_536


class Hears(Protocol):
    """What the protocol tells whoever has the connection."""

    def frame_is(self, *, binary: bool) -> None:
        """The message that follows came in such a frame."""

    def too_large(self) -> None:
        """A message over the limit is on its way in: name it before the connection ends."""


class NamingProtocol(WebSocketProtocol13):
    """Tornado's protocol for one connection."""

    def __init__(self, hears: Hears, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._hears = hears
        self._oversized = False
        self._swallowing: asyncio.Task[None] | None = None
        self._ahead = b""
        """What has come and was not asked for yet."""

    async def _read_bytes(self, n: int) -> bytes:
        # All that has come, at once: with a read for each part of a frame the socket is taken off the event
        # loop's watch and put on it again for each message.
        ahead = self._ahead
        while len(ahead) < n:
            ahead += await self.stream.read_bytes(max(READ_BYTES, n - len(ahead)), partial=True)
        self._ahead = ahead[n:]
        self._wire_bytes_in += n
        return ahead[:n]

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        self._hears.frame_is(binary=opcode == _BINARY)
        # Text that is not UTF-8 is found by whoever decodes the message.
        return super()._handle_message(_BINARY if opcode == _TEXT else opcode, data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if code == TOO_LARGE and not self._oversized:
            self._oversized = True
            self._hears.too_large()
        super().close(code, reason)

    def _abort(self) -> None:
        if self._oversized and not self.client_terminated:
            # Closed with bytes unread the connection would be reset, and the client not learn why.
            self.client_terminated = True
            self._swallowing = asyncio.get_running_loop().create_task(self._swallow())
            return
        super()._abort()

    async def _swallow(self) -> None:
        """Drop what else comes, until either side closes."""
        with contextlib.suppress(StreamClosedError):
            while True:
                await self.stream.read_bytes(_CHUNK_BYTES, partial=True)
