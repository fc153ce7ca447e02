"""A room node without a fleet: told what to run by a master that does nothing else.

With ten thousand Room objects the embedded fleet would be what is measured.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from roomfleet.wire.codec import encode
from roomfleet.wire.link import SUBPROTOCOL, Accepted, Desired, DesiredRoom, Hello, Ping, Pong, from_node
from roomfleet.wire.options import LINK_SECRET


class _Link(WebSocketHandler):
    def initialize(self, desired: Desired, urls: list[str]) -> None:
        self._desired = desired
        self._urls = urls

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def on_message(self, text: str | bytes) -> None:
        match from_node.decode(text):
            case Hello(url=url):
                self._say(Accepted(keys={}, origins=[]))
                self._say(self._desired)
                self._urls.append(url)
            case Ping():
                self._say(Pong())

    def _say(self, message: Any) -> None:
        self.write_message(encode(message))


@contextmanager
def bare_node(game_dir: Path, data: Path, rooms: Sequence[DesiredRoom]) -> Iterator[tuple[int, str]]:
    """A node process that runs these rooms: its process id, and its URL once it has said hello."""
    urls: list[str] = []
    sockets = bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        application = Application([("/link", _Link, {"desired": Desired(rooms=list(rooms)), "urls": urls})])
        HTTPServer(application).add_sockets(sockets)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    data.mkdir(parents=True, exist_ok=True)
    with open(data / "node.log", "w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "roomfleet.node", str(game_dir), "--parent-pipe"),
                *("--master", f"ws://127.0.0.1:{port}/link", "--capacity", str(max(1, len(rooms)))),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, LINK_SECRET: "bench", "ROOMFLEET_STORE": f"sqlite://{data / 'store.db'}"},
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        waited = threading.Event()
        while not urls:
            if process.poll() is not None:
                raise RuntimeError(f"the node ended: {(data / 'node.log').read_text()}")
            waited.wait(0.05)
        yield process.pid, urls[0]
    finally:
        process.stdin.close()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
