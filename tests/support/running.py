"""A fleet that really runs: `roomfleet up` as a process, with its nodes, on a free port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

REPOSITORY = Path(__file__).resolve().parents[2]
WALKABOUT = REPOSITORY / "examples" / "walkabout"

ROOMFLEET = str(Path(sys.executable).with_name("roomfleet"))
"""The installed command."""

T = TypeVar("T")

ERROR_LINE = re.compile(r"^\S+ \S+ (ERROR|CRITICAL) ")


def eventually(look: Callable[[], T], *, within: float = 20, what: str = "") -> T:
    """The first true result of `look`, asked again and again. Fails when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or look}; last seen: {found!r}")
        time.sleep(0.02)


def is_stopped(pid: int) -> bool:
    """Whether each thread of the process stands still: that takes a moment after SIGSTOP."""
    return all(") T " in (task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir())


class Running:
    """One embedded fleet: its process, its nodes, its URL, its data."""

    def __init__(self, game_dir: Path, data: Path, environment: Mapping[str, str], port: int) -> None:
        self.game_dir = game_dir
        self.game = game_dir.name
        self.data = data
        self.environment = dict(environment)
        self.port = port
        self.output: list[str] = []
        self.url = ""
        """Where it answers on this machine."""
        self.page = ""
        """Where players open it: the same, unless it has a public URL."""
        self.expected_errors: list[str] = []
        self.options: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it can be played. Fails with what it said when it does not start."""
        command = [
            *(sys.executable, "-m", "roomfleet.master.embedded", str(self.game_dir)),
            *("--port", str(self.port), "--data", str(self.data)),
            *self.options,
        ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if "ROOMFLEET_SERVER=" in line:
                self.url = line.split("ROOMFLEET_SERVER=")[1].split()[0]
            if "play:" in line:
                self.page = line.split("play:")[1].strip()
                self.url = self.url or self.page
                self.port = int(self.url.rsplit(":", 1)[1])  # the same again at the next start
                return
        raise AssertionError(f"it did not start: {self.output}; exit code {self.process.wait()}")

    # -- processes -----------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def node_pids(self) -> dict[str, int]:
        """Process ids of the running nodes, by node name."""
        found = {}
        for pid in _children(self.pid):
            arguments = _arguments(pid)
            if "--name" in arguments:
                found[arguments[arguments.index("--name") + 1]] = pid
        return found

    def node_of(self, room: str) -> str:
        """The node that runs the room."""
        node: str = eventually(lambda: self.room(room)["node"], what=f"{room} on a node")
        return node

    def pid_of(self, node: str) -> int:
        """The node's process id."""
        return self.node_pids()[node]

    def signal_node(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a node; its process id."""
        pid = self.pid_of(name)
        os.kill(pid, number)
        return pid

    def pause_master(self) -> None:
        """SIGSTOP of the master alone; its nodes run on."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume_master(self) -> None:
        """And on again."""
        os.kill(self.pid, signal.SIGCONT)

    def interrupt(self, within: float = 40) -> int:
        """Ctrl-C, and wait: the exit code. Whatever it said is in `output`."""
        assert self.process is not None
        nodes = self.node_pids()
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=within)
        self.output += rest.splitlines()
        left = {name: pid for name, pid in nodes.items() if is_alive(pid)}
        assert not left, f"processes left behind: {left}"
        return self.process.returncode

    def kill(self, *, nodes: bool) -> None:
        """kill -9 of the master, with its nodes if asked; returns when none of them is left."""
        assert self.process is not None
        children = list(self.node_pids().values())
        self.process.kill()
        for pid in children if nodes else ():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()
        eventually(lambda: not any(is_alive(pid) for pid in children), within=40, what="the nodes to be gone")

    def clean_up(self) -> None:
        """End everything of it that still lives, and look for errors in its logs."""
        if self.process is not None and self.process.poll() is None:
            for pid in (self.pid, *self.node_pids().values()):
                os.kill(pid, signal.SIGCONT)
            try:
                self.interrupt()
            except subprocess.TimeoutExpired:
                self.kill(nodes=True)
                raise
        errors = [
            line
            for line in self.log().splitlines()
            if ERROR_LINE.match(line) and not any(part in line for part in self.expected_errors)
        ]
        assert not errors, f"unexpected ERROR in the logs: {errors}"

    # -- looking -------------------------------------------------------------------------------------------

    def log(self) -> str:
        """Everything that master and nodes have logged."""
        return "\n".join(path.read_text() for path in sorted((self.data / "log").glob("*.log")))

    def get(self, path: str) -> Any:
        """JSON from the API."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def room(self, name: str) -> dict[str, Any]:
        """The room as the API shows it."""
        found: dict[str, Any] = self.get(f"/v1/games/{self.game}/rooms/{name}")
        return found

    view = room
    """As `support.operating` calls it, where a room is an object of Kubernetes too."""

    def wait_phase(self, name: str, phase: str, within: float = 20) -> dict[str, Any]:
        """Wait until the room is in this phase."""
        what = f"room {name} {phase}"

        def look() -> dict[str, Any] | None:
            room = self.room(name)
            return room if room["phase"] == phase else None

        found = eventually(look, within=within, what=what)
        assert found is not None
        return found

    def roomfleet(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The command line, pointed at this fleet."""
        return subprocess.run(
            [ROOMFLEET, "--server", self.url, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def running(
    game_dir: Path,
    data: Path,
    *,
    environment: Mapping[str, str] | None = None,
    port: int = 0,
    start: bool = True,
    options: Sequence[str] = (),
) -> Iterator[Running]:
    """A fleet for the length of a block; ended and looked over at its end."""
    fleet = Running(game_dir, data, environment or {}, port)
    fleet.options = list(options)
    try:
        if start:
            fleet.start()
        yield fleet
    finally:
        fleet.clean_up()


def game_copy(target: Path, *, source: Path = WALKABOUT) -> Path:
    """A copy of a game, to be changed."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__")))


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return []


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that waits to be reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
