"""A master as an operator on a real API server, with room nodes beside it: all of them processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.kube import Cluster
from support.running import WALKABOUT, eventually, game_copy

ERROR_LINE = re.compile(r"^\S+ \S+ (ERROR|CRITICAL) |\[(ERROR|CRITICAL) *\]")
"""As nodes log, and as kopf does."""

SECRET = "a link secret of tests"


class Operated:
    """One game (a namespace of its own), one operator, and its nodes."""

    def __init__(self, cluster: Cluster, folder: Path, source: Path, environment: Mapping[str, str]) -> None:
        self.cluster = cluster
        self.folder = folder
        self.game = cluster.namespace()
        self.game_dir = game_copy(folder / self.game, source=source)
        self.store = f"sqlite:///{folder}/store.db"
        self.port, self.link_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.kubeconfig = cluster.kubeconfig
        self.environment = dict(environment)
        self.expected_errors: list[str] = []
        self.operator: subprocess.Popen[bytes] | None = None
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def data(self) -> Path:
        """Where the store is."""
        return self.folder

    # -- processes -----------------------------------------------------------------------------------------

    def start_operator(self, *, ready: bool = True) -> None:
        """`kopf run`; returns when it has listed every object."""
        command = [sys.executable, "-m", "kopf", "run", "-n", self.game, "-m", "roomfleet.master.operator"]
        environment = {
            "KUBECONFIG": str(self.kubeconfig),
            "POD_NAMESPACE": self.game,
            "ROOMFLEET_NAMESPACES": self.game,
            "ROOMFLEET_DATA": str(self.folder / "master"),
            "ROOMFLEET_PORT": str(self.port),
            "ROOMFLEET_LINK_PORT": str(self.link_port),
            **self.environment,
        }
        self.operator = self._spawn("operator", [*command, "--log-format=full"], environment)
        if ready:
            self.wait_ready()

    def wait_ready(self, within: float = 30) -> None:
        """Wait until the operator has listed every object."""
        self.wait_for(lambda: self.answer("/readyz") == 200, within, "the operator to be ready")

    def start_node(self, name: str) -> None:
        """A room node that dials the operator; returns at once."""
        command = [
            *(sys.executable, "-m", "roomfleet.node", str(self.game_dir), "--name", name),
            *("--master", f"ws://127.0.0.1:{self.link_port}/link", "--store", self.store),
        ]
        self.nodes[name] = self._spawn(name, command, self.environment)

    def start(self, nodes: int = 2) -> None:
        """The game's manifests, the operator and its nodes; returns when the nodes are connected."""
        self.kubectl("apply", "-f", str(self.game_dir / "k8s"))
        self.start_operator()
        for slot in range(nodes):
            self.start_node(f"default-{slot}")
        self.wait_for(lambda: len(self.connected()) >= nodes, 20, f"{nodes} nodes to be connected")

    def stop_operator(self, number: signal.Signals = signal.SIGTERM, within: float = 20) -> int:
        """A signal, and wait: the exit code."""
        assert self.operator is not None
        self.operator.send_signal(number)
        return self.operator.wait(within)

    def pid_of(self, node: str) -> int:
        """The node's process id."""
        return self.nodes[node].pid

    def signal_node(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a node; its process id."""
        self.nodes[name].send_signal(number)
        return self.pid_of(name)

    def kill(self, *names: str) -> None:
        """kill -9 of nodes, by name, and of the `operator`; returns when they are gone."""
        killed = [self.operator if name == "operator" else self.nodes[name] for name in names]
        for process in killed:
            assert process is not None
            process.kill()
        for process in killed:
            assert process is not None
            process.wait()

    def _spawn(
        self, name: str, command: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, "ROOMFLEET_LINK_SECRET": SECRET, **environment},
                start_new_session=True,
            )

    def clean_up(self) -> None:
        """End all of it, and look for errors in the logs."""
        # The operator first: with it, nodes would try to move their rooms before they end.
        for process in (self.operator, *self.nodes.values()):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    raise
        errors = [
            line
            for line in self.log().splitlines()
            if ERROR_LINE.search(line) and not any(part in line for part in self.expected_errors)
        ]
        assert not errors, f"unexpected ERROR in the logs: {errors}"

    def wait_for(self, look: Callable[[], bool], within: float, what: str) -> None:
        """Wait for a condition; fails with what the log says last."""
        try:
            eventually(look, within=within, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log ends: {self.log()[-3000:]}") from None

    # -- looking -------------------------------------------------------------------------------------------

    def log(self, name: str = "*") -> str:
        """What operator and nodes have logged."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob(f"{name}.log")))

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl says, in the game's namespace."""
        return self.cluster.kubectl("-n", self.game, *arguments, input=stdin, check=check).stdout

    def answer(self, path: str) -> int:
        """The status of the master's answer; 0: none."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def get(self, path: str) -> Any:
        """JSON from the master's API."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def connected(self) -> list[str]:
        """Names of the nodes that are connected."""
        nodes = self.get(f"/v1/games/{self.game}/nodes")["nodes"] if self.answer("/readyz") == 200 else []
        return [node["name"] for node in nodes if node["ready"]]

    def view(self, name: str) -> dict[str, Any]:
        """The room as the master's API shows it: what the core knows, written or not."""
        found: dict[str, Any] = self.get(f"/v1/games/{self.game}/rooms/{name}")
        return found

    def node_of(self, name: str) -> str:
        """The node that runs the room."""
        node: str = eventually(lambda: self.view(name)["node"], what=f"{name} on a node")
        return node

    def room(self, name: str) -> dict[str, Any]:
        """The Room object, from the API server."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "room", name, "-o", "json"))
        return found

    def status(self, name: str) -> dict[str, Any]:
        """The Room object's status."""
        found: dict[str, Any] = self.room(name).get("status", {})
        return found

    def wait_phase(self, name: str, phase: str, within: float = 20) -> dict[str, Any]:
        """Wait until the Room object says this phase; its status."""
        found: dict[str, Any] = {}

        def look() -> bool:
            nonlocal found
            found = self.status(name)
            return found.get("phase") == phase

        eventually(look, within=within, what=f"room {name} {phase}")
        return found


@contextmanager
def operated(
    cluster: Cluster,
    folder: Path,
    *,
    source: Path = WALKABOUT,
    nodes: int = 2,
    start: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Operated]:
    """An operator and its nodes for the length of a block; ended and looked over at its end."""
    fleet = Operated(cluster, folder, source, environment or {})
    try:
        if start:
            fleet.start(nodes)
        yield fleet
    finally:
        fleet.clean_up()


def free_port() -> int:
    """A port that nobody listens on just now: for servers that must come back on the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
