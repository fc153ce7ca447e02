"""Clients that follow their room from node to node, at so little cost that a hundred of them share a core.

They read frames without decoding what they do not need (RFC 6455: frames of a server are unmasked).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

from roomfleet.wire.codec import JSON

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_KIND_BYTES = 24
"""The type is the first field of a message."""


class Follower:
    """One player in a room, through each of its moves."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        """Seconds between the last frame of the room on a node and its first snapshot on the next."""
        self.lost = 0
        """How often a connection ended without a way on."""
        self.is_in = asyncio.Event()
        self._calls = 0
        self._last = 0.0
        self._moving_since: float | None = None
        self._link: _Link | None = None
        self._opening: asyncio.Future[None] | None = None

    async def enter(self, url: str, ticket: str) -> None:
        """Returns with the first snapshot."""
        self.is_in.clear()
        await self._open(url, ticket)
        await self.is_in.wait()

    async def _open(self, url: str, ticket: str) -> None:
        before, where = self._link, urlsplit(url)
        assert where.hostname is not None
        loop = asyncio.get_running_loop()
        self._link = _Link(self, where.path, where.netloc)
        await loop.create_connection(lambda: self._link, where.hostname, where.port)  # type: ignore[arg-type, return-value]
        self._link.say({"type": "hello", "ticket": ticket})
        if before is not None:
            before.close()

    def call(self, method: str, **args: Any) -> None:
        """Nobody waits for the result."""
        self._calls += 1
        if self._link is not None and self.is_in.is_set():
            self._link.say({"type": "call", "id": self._calls, "method": method, "args": args})

    def leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.say({"type": "leave"})
            link.close()

    def heard(self, link: _Link, text: bytes) -> None:
        """A message of the server."""
        if link is not self._link:
            return
        kind, now = text[:_KIND_BYTES], time.perf_counter()
        if b'"travel"' in kind:
            self._moving_since = self._last
            self.is_in.clear()
            travel = json.loads(text)
            self._opening = asyncio.ensure_future(self._open(travel["url"], travel["ticket"]))
            return
        if b'"snapshot"' in kind:
            self.is_in.set()
            if self._moving_since is not None:
                self.seen.append(now - self._moving_since)
                self._moving_since = None
        elif b'"rejoin"' in kind or b'"bye"' in kind:
            self.lost += 1
        if b'"patch"' in kind or b'"snapshot"' in kind:
            self._last = now


class _Link(asyncio.Protocol):
    """A websocket connection."""

    def __init__(self, follower: Follower, path: str, host: str) -> None:
        self._follower, self._path, self._host = follower, path, host
        self._unread = bytearray()
        self._upgraded = False
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            *(f"GET {self._path} HTTP/1.1", f"Host: {self._host}", "Upgrade: websocket"),
            *("Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"),
            *(f"Sec-WebSocket-Protocol: {JSON.subprotocol}", "", ""),
        )
        transport.write("\r\n".join(lines).encode())

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._upgraded:
            end = self._unread.find(b"\r\n\r\n")
            if end < 0:
                return
            del self._unread[: end + 4]
            self._upgraded = True
            for frame in self._unsent:
                self._write(frame)
        while (frame_end := self._frame_end()) is not None:
            opcode, start, end = frame_end
            payload = bytes(self._unread[start:end])
            del self._unread[:end]
            if opcode == _TEXT:
                self._follower.heard(self, payload)
            elif opcode == _PING:
                self._write(_masked(_PONG, payload))

    def _frame_end(self) -> tuple[int, int, int] | None:
        """Opcode, and where the payload of the first frame begins and ends; None: it is not all there."""
        have = self._unread
        if len(have) < 2:
            return None
        size, start = have[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(have[2:start], "big")
        return None if len(have) < start + size else (have[0] & 0x0F, start, start + size)

    def say(self, message: dict[str, Any]) -> None:
        frame = _masked(_TEXT, json.dumps(message).encode())
        if self._upgraded:
            self._write(frame)
        else:
            self._unsent.append(frame)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        self._write(_masked(_CLOSE, b""))
        if self._transport is not None:
            self._transport.close()


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame. Masked with zeros, which changes nothing."""
    size = len(payload)
    assert size < 65_536
    head = bytes((0x80 | opcode, 0x80 | min(size, 126)))
    return head + (size.to_bytes(2, "big") if size >= 126 else b"") + bytes(4) + payload
