"""Real clients of either side beside the load, and how wrong what they show is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rig.cores import LOAD_CORE, pinned_to
from rig.drawn import drawn_errors
from rig.errors import Errors
from rig.sides import Side, colyseus_dir, node_program

CLIENTS = 2
RIG = Path(__file__).resolve().parent


class Watch(Protocol):
    """Clients that are in."""

    def begin(self, seconds: float) -> None:
        """Look for so long, from now on."""

    def result(self) -> dict[str, float]:
        """What came of it: `error_mean`, `error_p99`, `error_max`, in world units."""


class _Process:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        if self._out.readline().strip() != "ready":
            raise RuntimeError("the clients that watch did not get in; they said why above")

    def begin(self, seconds: float) -> None:
        self._in.write(f"{seconds}\n")
        self._in.flush()

    def _answer(self) -> Any:
        line = self._out.readline()
        if not line:
            raise RuntimeError("the clients that watch ended; they said why above")
        return json.loads(line)


class _Roomfleet(_Process):
    def result(self) -> dict[str, float]:
        found: dict[str, float] = self._answer()
        return found


class _Colyseus(_Process):
    def result(self) -> dict[str, float]:
        errors = Errors()
        for client in self._answer():
            drawn_errors(client["came"], client["drawn"], errors)
        return errors.summary()


@contextmanager
def watching_roomfleet(side: Side, room: str) -> Iterator[Watch]:
    """The Python client, which interpolates courses by its own estimate of room time."""
    assert side.fleet is not None
    script = str(RIG / "watch_roomfleet.py")
    command = [sys.executable, script, side.fleet.url, side.fleet.game, room, str(CLIENTS)]
    with _running(command) as process:
        yield _Roomfleet(process)


@contextmanager
def watching_colyseus(port: int) -> Iterator[Watch]:
    """Colyseus' SDK; what it draws is the last patch. Raises NoPeer."""
    folder = colyseus_dir()
    script = str(RIG / "watch_colyseus.mjs")
    with _running([node_program(folder), script, str(folder), str(port), str(CLIENTS)]) as process:
        yield _Colyseus(process)


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned_to(LOAD_CORE),
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
