"""Players' connections are kept alive by pings: who answers stays, who is silent is cut off."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit

from roomfleet.wire.codec import JSON
from roomfleet.wire.link import Accepted
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey, Ticket
from roomfleet.wire.urls import session_path
from support.hosted import hosted, soon
from support.raw import connected
from support.trial_game import trial_game

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
PING = b"\x89\x00"


def test_a_client_that_answers_pings_stays_and_one_that_does_not_is_cut_off_and_may_resume(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        game = trial_game(tmp_path)
        async with (
            asyncio.timeout(40),
            hosted(game, tmp_path / "store.db", keep_alive_seconds=0.3) as on,
        ):
            key = SigningKey.from_seed(bytes(32))
            on.node.told(Accepted(keys={key.id: key.public}, origins=[]))
            room = await on.runs("alpha", ALPHA)
            url = on.node.url + session_path("trial", "alpha")
            exp = time.time() + 15
            ticket = key.sign(
                Ticket(sub="ada", game="trial", room="alpha", aud=on.node.boot, exp=exp, jti="1")
            )
            async with connected(url) as ada:
                pings: list[bytes] = []
                ada.connection.on_ping = pings.append  # type: ignore[method-assign]
                await ada.say({"type": "hello", "ticket": ticket})
                await ada.until("snapshot")
                await soon(lambda: len(pings) >= 4)
                assert room.visits.players.connected == 1

                # From now on its answers are lost.
                assert ada.connection.protocol is not None
                ada.connection.protocol.stream.close()
                reader, writer = await _silent(url)
                heard = await reader.read()
                assert heard.endswith(PING), "no goodbye: who does not answer would not read it"
                writer.close()
                await writer.wait_closed()
            await soon(lambda: room.visits.players.connected == 0)
            assert room.visits.resumable == 1

    asyncio.run(play())


async def _silent(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that says nothing after the upgrade, and answers no ping."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {JSON.subprotocol}\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer
