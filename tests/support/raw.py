"""Plain HTTP and websockets: what is said and heard, message by message, without a client's help."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from roomfleet.wire.codec import JSON, MSGPACK, Format

PLAY = "roomfleet.play.v1"
SESSION = JSON.subprotocol

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    """By name, in any case."""
    text: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(
    url: str,
    *,
    method: str = "GET",
    player: str | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One HTTP request. `player` goes percent-encoded into Authorization; bytes go as they are."""
    parts = urlsplit(url)
    sent = dict(headers or {})
    if player is not None:
        sent["Authorization"] = f"Bearer {quote(player)}"
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), content, sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Raw:
    """A websocket, in the format of its subprotocol."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection
        self.heard: list[Json] = []
        """Everything so far."""
        self.closed = False
        self._binary = connection.selected_subprotocol == MSGPACK.subprotocol

    @property
    def close_code(self) -> int | None:
        return self.connection.close_code

    async def say(self, message: object) -> None:
        """Text and bytes as they are, in a frame of their kind; anything else in the format."""
        if isinstance(message, bytes):
            await self.connection.write_message(message, binary=True)
        elif self._binary and not isinstance(message, str):
            await self.connection.write_message(msgspec.msgpack.encode(message), binary=True)
        else:
            await self.connection.write_message(message if isinstance(message, str) else json.dumps(message))

    async def hear(self, within: float = 10) -> Json | None:
        """The next message; None when the connection is closed."""
        if self.closed:
            return None
        text = await asyncio.wait_for(self.connection.read_message(), within)
        if text is None:
            self.closed = True
            return None
        assert isinstance(text, bytes) is self._binary
        message: Json = msgspec.msgpack.decode(text) if isinstance(text, bytes) else json.loads(text)
        self.heard.append(message)
        return message

    async def until(self, *types: str, within: float = 10) -> Json:
        """The next message of one of these types; others are passed over."""
        async with asyncio.timeout(within):
            while (message := await self.hear(within)) is not None:
                if message["type"] in types:
                    return message
        raise AssertionError(f"closed ({self.close_code}) before {types}; heard {self.heard[-5:]}")

    async def rest(self, within: float = 10) -> list[Json]:
        """All messages until the connection is closed."""
        found = []
        async with asyncio.timeout(within):
            while (message := await self.hear(within)) is not None:
                found.append(message)
        return found

    async def call(self, id: int, method: str, **args: Any) -> Json:
        """Call a command; its result or error."""
        await self.say({"type": "call", "id": id, "method": method, "args": args})
        while True:
            answer = await self.until("result", "error")
            if answer["id"] == id:
                return answer


@asynccontextmanager
async def connected(
    url: str, protocols: Sequence[str] = (SESSION,), origin: str | None = None
) -> AsyncIterator[Raw]:
    """A websocket for the length of a block. Raises what Tornado raises when the upgrade is refused."""
    headers = {} if origin is None else {"Origin": origin}
    request = HTTPRequest(url, headers=headers, connect_timeout=10, request_timeout=10)
    connection = await websocket_connect(request, subprotocols=list(protocols), max_message_size=1 << 24)
    raw = Raw(connection)
    try:
        yield raw
    finally:
        connection.close()
        await raw.rest()


def play_url(url: str, game: str, query: str = "") -> str:
    """The play websocket of a game of the master at `url`."""
    return f"ws{url.removeprefix('http')}/v1/games/{game}/play{query}"


@asynccontextmanager
async def in_room(
    url: str, game: str, player: str, room: str | None = None, format: Format = JSON
) -> AsyncIterator[Raw]:
    """A player's session in a room: welcomed, with the first snapshot; left at the end."""
    body = {} if room is None else {"room": room}
    admitted = await asyncio.to_thread(
        ask, f"{url}/v1/games/{game}/joins", method="POST", player=player, body=body
    )
    place = admitted.json
    while place.get("state") == "waiting":
        await asyncio.sleep(0.02)
        again = await asyncio.to_thread(ask, f"{url}/v1/games/{game}/joins/{place['id']}", player=player)
        place = again.json
    async with connected(place["url"], [format.subprotocol]) as raw:
        await raw.say({"type": "hello", "ticket": place["ticket"]})
        await raw.until("snapshot")
        yield raw
        if not raw.closed:
            await raw.say({"type": "leave"})
            await raw.rest()
