"""Behind TLS and a path prefix of a proxy: joined, walked and travelled in, whether it strips the prefix."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from support.proxied import Proxied, proxied
from support.raw import PLAY, SESSION

PLAYER = """
import asyncio, sys
from roomfleet.client import Client

async def main():
    async with Client(sys.argv[1], game="walkabout", token="ada") as player:
        await player.join()
        print(player.room.name)
        assert await player.call("walk", x=690, y=250)
        await player.call("enter_door", door="east gate")
        await player.wait_for(lambda player: player.room.name == "meadow")
        print(player.room.name)

asyncio.run(asyncio.wait_for(main(), 60))
"""
"""A process of its own: whom it trusts is said by its environment."""


def fetch(proxy: Proxied, path: str) -> tuple[str, bytes]:
    """The final URL, after redirections, and what is there."""
    trust = ssl.create_default_context(cafile=proxy.certificate)
    with urllib.request.urlopen(proxy.url + path, timeout=10, context=trust) as answer:
        return answer.url, answer.read()


@pytest.mark.parametrize("strip", [False, True], ids=["kept", "stripped"])
def test_a_player_joins_walks_and_travels(tmp_path: Path, strip: bool) -> None:
    with proxied(tmp_path, strip=strip) as proxy:
        done = subprocess.run(
            [sys.executable, "-c", PLAYER, proxy.url],
            env={**os.environ, "SSL_CERT_FILE": str(proxy.certificate)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["town", "meadow"]
        assert proxy.fleet.node_pids() == {}, "the nodes are those that dialled in"
        _, text = fetch(proxy, "/openapi.json")
        assert json.loads(text)["servers"] == [{"url": proxy.url}]
        if strip:
            return
        assert b"<!doctype html>" in fetch(proxy, "/")[1]
        assert fetch(proxy, "?room=town")[0] == proxy.url + "/?room=town", "led to the page, query kept"
        for path in ("/js/src/index.js", "/style.css", "/healthz", "/nodes/default-0/healthz"):
            assert fetch(proxy, path)[1]
        with pytest.raises(HTTPError, match="404"):
            fetch(proxy, "/apis/roomfleet.io/v1alpha1/rooms")


def test_pages_of_the_public_url_may_connect_and_no_others(tmp_path: Path) -> None:
    async def answer(url: str, origin: str) -> int:
        """The status that the upgrade is answered with."""
        request = HTTPRequest(url, headers={"Origin": origin}, ca_certs=str(proxy.certificate))
        try:
            connection = await websocket_connect(request, subprotocols=[PLAY, SESSION])
        except HTTPClientError as error:
            return error.code
        connection.close()
        await connection.read_message()
        return 101

    with proxied(tmp_path) as proxy:
        own = proxy.url.removesuffix("/games")
        base = proxy.url.replace("https", "wss")
        for path in ("/v1/games/walkabout/play", "/nodes/default-0/v1/games/walkabout/rooms/town/session"):
            for origin, status in ((own, 101), ("https://elsewhere.example", 403), (proxy.fleet.url, 403)):
                assert asyncio.run(answer(base + path, origin)) == status
