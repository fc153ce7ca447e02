"""What a storm can blow over: `roomfleet up`, or an operator on a real API server with nodes beside it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from support.faults import Faults as Orders
from support.kube import APPLY, Cluster, find_binaries
from support.nx import Nx
from support.operating import Operated
from support.raw import ask
from support.running import Running
from support.storm.game import make_game
from support.storm.stores import Mongo, Sqlite, Store

STARTS_AGAIN_SECONDS = 0.5
"""After that whoever looks after the nodes of a cluster starts one again that has ended."""


class Fleet(Protocol):
    """The fleet of a storm, with all its processes."""

    game: str
    url: str
    lost_after: float
    """Seconds of silence after which a node is lost."""
    has_api_server: bool
    """Whether the API server is a process of its own, which can be away."""

    database: Store
    orders: Orders | None
    """Of deaths at the steps of a save; None where the store cannot be told."""

    def get(self, path: str) -> Any: ...
    def view(self, room: str) -> dict[str, Any]: ...
    def node_pids(self) -> dict[str, int]: ...
    def master_pid(self) -> int: ...
    def log_of(self, node: str) -> Path: ...
    def start(self) -> None: ...

    def tend(self) -> None:
        """Start again what has ended, where the fleet does not do that itself."""

    async def kill_master(self, seconds: float) -> None:
        """kill -9; returns when there is a master again, which is started after so many seconds."""

    def ask(self, method: str, plural: str, name: str, manifest: object = None) -> int:
        """Apply (PATCH) or DELETE an object; the status, with 5xx or OSError where it is not answered now."""

    def rooms(self) -> list[str]:
        """The names of all Room objects."""

    @contextmanager
    def api_away(self) -> Iterator[None]:
        """The API server does not answer for the length of the block."""

    def clean_up(self) -> None:
        """End all of it. Raises AssertionError for errors in the logs."""


class Laptop(Running):
    """`roomfleet up`: the nodes are the master's children, save and end when it is killed."""

    lost_after = 2.0
    has_api_server = False

    def __init__(self, folder: Path, nodes: int, settings: dict[str, str], mongo: Nx | None = None) -> None:
        """`mongo`: a server to keep it all on, instead of a file."""
        super().__init__(make_game(folder, nodes), folder / "data", settings, 0)
        self.database: Store = Sqlite(self.data / "store.db")
        self.orders: Orders | None = Orders(folder / "faults")
        self.environment |= self.orders.environment
        if mongo is not None:
            self.database, self.orders = Mongo(mongo), None
            self.options += ["--store", self.database.url]
        self.environment["ROOMFLEET_NODE_LOST_AFTER_SECONDS"] = f"{self.lost_after}"

    def master_pid(self) -> int:
        return self.pid

    def log_of(self, node: str) -> Path:
        return self.data / "log" / f"{node}.log"

    def tend(self) -> None:
        pass

    async def kill_master(self, seconds: float) -> None:
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.communicate)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.start)

    def ask(self, method: str, plural: str, name: str, manifest: object = None) -> int:
        path = f"/apis/roomfleet.io/v1alpha1/namespaces/{self.game}/{plural}/{name}"
        answer = ask(
            f"{self.url}{path}{'?fieldManager=storm&force=true' if method == 'PATCH' else ''}",
            method=method,
            body=None if manifest is None else json.dumps(manifest).encode(),
            headers={"Content-Type": APPLY} if method == "PATCH" else None,
        )
        return answer.status

    def rooms(self) -> list[str]:
        found = self.get(f"/apis/roomfleet.io/v1alpha1/namespaces/{self.game}/rooms")
        return [item["metadata"]["name"] for item in found["items"]]

    @contextmanager
    def api_away(self) -> Iterator[None]:
        raise AssertionError("it is the master itself")
        yield


class Beside(Operated):
    """An operator, and nodes that live on when it is killed."""

    lost_after = 4.0
    """Nodes dial a new master within 3 s."""
    has_api_server = True

    def __init__(self, cluster: Cluster, folder: Path, nodes: int, settings: dict[str, str]) -> None:
        lost = {"ROOMFLEET_NODE_LOST_AFTER_SECONDS": f"{self.lost_after}"}
        self.orders: Orders | None = Orders(folder / "faults")
        environment = {**settings, **lost, **self.orders.environment}
        super().__init__(cluster, folder, make_game(folder, nodes), environment)
        self.database: Store = Sqlite(folder / "store.db")
        self.expected_errors.append("Request attempt")  # kopf says of each watch that it is refused
        self._count = nodes
        self._ended: dict[str, float] = {}

    def start(self, nodes: int = 0) -> None:
        super().start(nodes or self._count)

    def master_pid(self) -> int:
        assert self.operator is not None
        return self.operator.pid

    def node_pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.nodes.items() if process.poll() is None}

    def log_of(self, node: str) -> Path:
        return self.folder / f"{node}.log"

    def tend(self) -> None:
        for name in set(self.nodes) - set(self.node_pids()):
            if time.monotonic() > self._ended.setdefault(name, time.monotonic()) + STARTS_AGAIN_SECONDS:
                del self._ended[name]
                self.start_node(name)

    async def kill_master(self, seconds: float) -> None:
        await asyncio.to_thread(self.kill, "operator")
        await asyncio.sleep(seconds)
        self.start_operator(ready=False)
        await asyncio.to_thread(self.wait_ready)

    def ask(self, method: str, plural: str, name: str, manifest: object = None) -> int:
        query = "?fieldManager=storm&force=true" if method == "PATCH" else ""
        path = f"{self._path(plural)}/{name}{query}"
        return self.cluster.request(method, path, manifest, content_type=APPLY).status

    def rooms(self) -> list[str]:
        found = self.cluster.request("GET", self._path("rooms"))
        return [item["metadata"]["name"] for item in found.object["items"]]

    def _path(self, plural: str) -> str:
        return f"/apis/roomfleet.io/v1alpha1/namespaces/{self.game}/{plural}"

    @contextmanager
    def api_away(self) -> Iterator[None]:
        self.cluster.pause_apiserver()
        try:
            yield
        finally:
            self.cluster.resume_apiserver()

    def clean_up(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.master_pid(), signal.SIGCONT)
        super().clean_up()


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    """A real API server with the project's CRDs, for the length of a block."""
    binaries = find_binaries(print)
    assert binaries is not None, "no kube binaries"
    cluster = Cluster(folder, binaries)
    cluster.start()
    try:
        cluster.apply_crds()
        yield cluster
    finally:
        cluster.stop()
