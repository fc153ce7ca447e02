"""One master at a time: the second waits for the Lease, and who lost it writes nothing more and ends."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.kube import Cluster
from support.operating import Operated, free_port, operated
from support.small_game import small_game

ROOMS: dict[str, dict[str, Any]] = {"hall": {}, "kept": {"keep": "Always"}}


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

    def point_at(self, target: int) -> None:
        """New connections go there; those that are open are cut."""
        self._target = target
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
    lease = json.loads(fleet.kubectl("get", "lease", "roomfleet-master", "-o", "json"))
    return str(lease["spec"].get("holderIdentity", ""))


def another(fleet: Operated) -> None:
    """From now on the fleet's operator is a second one, on ports of its own."""
    fleet.port, fleet.link_port = free_port(), free_port()
    fleet.url = f"http://127.0.0.1:{fleet.port}"
    fleet.start_operator(ready=False)
    fleet.wait_for(lambda: fleet.answer("/healthz") == 200, 20, "it to stand by")


def took_over(fleet: Operated, before: str, kept: dict[str, Any], nodes: Service) -> None:
    """The second holds the lease and has the nodes; nothing was placed anew."""
    fleet.wait_for(lambda: holder(fleet) not in ("", before), 8, "another to hold the lease")
    fleet.wait_ready()
    nodes.point_at(fleet.link_port)
    fleet.wait_for(lambda: len(fleet.connected()) == 1, 20, "the node to come over")
    fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
    now = fleet.status("kept")
    assert (now["node"], now["epoch"], now["startedAt"]) == (kept["node"], kept["epoch"], kept["startedAt"])


def test_a_second_master_stands_by_and_takes_over_from_one_killed_and_from_one_paused(
    cluster: Cluster, tmp_path: Path
) -> None:
    source = small_game(tmp_path / "game", ROOMS)
    with operated(cluster, tmp_path, source=source, start=False) as fleet, service() as nodes:
        fleet.expected_errors.append("another master has taken the lease")
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        fleet.start_operator()
        first = fleet.operator
        nodes.point_at(fleet.link_port)
        fleet.link_port = nodes.port
        fleet.start_node("default-0")
        fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
        kept = fleet.status("kept")
        held = holder(fleet)

        another(fleet)
        second = fleet.operator
        assert fleet.answer("/readyz") == 503
        assert holder(fleet) == held
        assert first is not None
        assert second is not None
        first.kill()
        first.wait()
        took_over(fleet, held, kept, nodes)

        held = holder(fleet)
        another(fleet)
        second.send_signal(signal.SIGSTOP)
        try:
            took_over(fleet, held, kept, nodes)
            fleet.kubectl("patch", "room", "hall", "--type=merge", "-p", '{"spec":{"keep":"Always"}}')
            fleet.wait_phase("hall", "Running")
            before = fleet.room("hall")["metadata"]["resourceVersion"]
        finally:
            second.send_signal(signal.SIGCONT)
        assert second.wait(20) != 0
        assert holder(fleet) not in ("", held)
        hall = fleet.room("hall")
        assert (hall["status"]["epoch"], hall["metadata"]["resourceVersion"]) == (1, before)
        assert fleet.status("kept")["epoch"] == kept["epoch"]
