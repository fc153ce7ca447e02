"""`HOST=0.0.0.0` lets others on the network in: they reach master and nodes by the address they came by."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.raw import PLAY, ask, connected
from support.running import WALKABOUT, running

# Another of this machine's own addresses, as a phone would come by one that is not 127.0.0.1.
ADDRESS = "127.0.0.2"


def test_a_page_served_at_another_address_of_ours_plays(tmp_path: Path) -> None:
    async def play(port: int) -> str:
        origin = f"http://{ADDRESS}:{port}"
        async with connected(f"ws://{ADDRESS}:{port}/v1/games/walkabout/play", (PLAY,), origin) as line:
            await line.say({"type": "join", "token": "ada"})
            admitted = await line.until("admitted")
        url: str = admitted["url"]
        assert url.startswith(f"ws://{ADDRESS}:")
        async with connected(url, origin=origin) as room:
            await room.say({"type": "hello", "ticket": admitted["ticket"]})
            await room.until("snapshot")
            await room.say({"type": "leave"})
            await room.rest()
        return url

    with running(WALKABOUT, tmp_path / "data", options=["--host", "0.0.0.0"]) as fleet:
        url = asyncio.run(play(fleet.port))
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        stranger = {"Origin": "http://elsewhere.example", **upgrade, **key}
        assert ask(url.replace("ws://", "http://"), headers=stranger).status == 403
