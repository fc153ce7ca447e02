"""A store of objects behind the Kubernetes-shaped API, on a real port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from roomfleet.master.local.kubeapi.urls import local_api_handlers
from roomfleet.master.local.objects import Objects


class Served:
    """A server in its own thread and loop: `run` does something to the objects there."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._sockets = bind_sockets(0, "127.0.0.1")
        self.port: int = self._sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.games = [objects.game]
        self._server = self._call(self._listen())

    def run(self, change: Callable[[Objects], Any]) -> Any:
        """What the change returns."""

        async def on_loop() -> Any:
            return change(self._objects)

        return self._call(on_loop())

    def close(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _listen(self) -> HTTPServer:
        served = self

        class Games(RequestHandler):
            def get(self) -> None:
                self.write({"games": served.games})

        application = Application([("/v1/games", Games), *local_api_handlers(self._objects)])
        server = HTTPServer(application)
        server.add_sockets(self._sockets)
        return server

    async def _stop(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()
