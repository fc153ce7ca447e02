"""Connections to a node that come to nothing."""

from __future__ import annotations

import socket
import struct
from typing import Any
from urllib.parse import urlsplit

from roomfleet.wire.urls import session_path
from support.hosted import Hosted
from support.raw import connected

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: roomfleet.v1\r\n\r\n"
)


def test_clients_that_gave_up_while_the_node_stood_still_do_no_harm(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        path = session_path("trial", "alpha")
        address = urlsplit(on.node.url)
        assert address.hostname is not None
        assert address.port is not None
        for _ in range(5):  # the node's loop does not turn meanwhile
            with socket.create_connection((address.hostname, address.port)) as gone:
                gone.sendall(UPGRADE.format(path=path).encode())
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        async with connected(on.node.url + path) as raw:
            await raw.say({"type": "hello", "ticket": "none"})
            assert (await raw.until("error"))["code"] == "bad-ticket"

    on_a_node(test)
