"""Two operators and what stands before them: a Service with one port, and the Lease that they are after."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from support.operating import Operated, free_port


class Service:
    """What a Service does: one port, behind it whichever master is ready."""

    def __init__(self) -> None:
        self._target = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def point_at(self, target: int, *, cut: bool = True) -> None:
        """New connections go there; those that are open are cut, or stay as they are."""
        self._target = target
        if cut:
            self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _cut(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            master, master_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, master_writer}
        self._ends |= ends
        await asyncio.gather(self._copy(reader, master_writer), self._copy(master, writer))
        self._ends -= ends

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.transport.abort()


@contextmanager
def service() -> Iterator[Service]:
    made = Service()
    try:
        yield made
    finally:
        made.close()


def holder(fleet: Operated) -> str:
    """Who holds the Lease; empty: nobody."""
    lease = json.loads(fleet.kubectl("get", "lease", "roomfleet-master", "-o", "json"))
    return str(lease["spec"].get("holderIdentity", ""))


def another(fleet: Operated) -> None:
    """From now on the fleet's operator is a second one, on ports of its own."""
    fleet.port, fleet.link_port = free_port(), free_port()
    fleet.url = f"http://127.0.0.1:{fleet.port}"
    fleet.start_operator(ready=False)
    fleet.wait_for(lambda: fleet.answer("/healthz") == 200, 20, "it to stand by")
