"""A master that stood still, or was busy for long, takes nobody for silent whom it has not listened to."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from roomfleet.master.api import play
from roomfleet.wire import joining
from roomfleet.wire.codec import encode
from support.lone_master import Master, serving


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "FIRST_MESSAGE_SECONDS", 0.2)
    monkeypatch.setattr(play, "UNREAD_SECONDS", 0.1)


async def answer(socket: WebSocketClientConnection) -> Any:
    async with asyncio.timeout(10):
        text = await socket.read_message()
    assert text is not None
    return joining.to_player.decode(text)


async def ended(socket: WebSocketClientConnection) -> None:
    socket.close()
    async with asyncio.timeout(10):
        while await socket.read_message() is not None:
            pass


def test_who_asked_in_time_is_not_refused_for_the_masters_own_silence() -> None:
    async def test() -> None:
        master = Master()
        async with serving(master):
            socket = await websocket_connect(master.play_url, subprotocols=[joining.SUBPROTOCOL])
            asked = asyncio.ensure_future(socket.write_message(encode(joining.Join(token="ada"))))
            time.sleep(0.5)  # noqa: ASYNC251 - nothing is done meanwhile, as if the process were stopped
            await asked
            found = await answer(socket)
            assert isinstance(found, joining.Waiting), found
            await ended(socket)

    asyncio.run(test())


def test_who_says_nothing_is_refused() -> None:
    async def test() -> None:
        master = Master()
        async with serving(master):
            socket = await websocket_connect(master.play_url, subprotocols=[joining.SUBPROTOCOL])
            found = await answer(socket)
            assert isinstance(found, joining.Refused), found
            assert found.problem.status == 401
            async with asyncio.timeout(10):
                assert await socket.read_message() is None
            socket.close()

    asyncio.run(test())
