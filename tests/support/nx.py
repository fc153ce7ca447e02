"""A server that speaks MongoDB's protocol, for tests: nx-27017, as a process on a free port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = str(Path(sys.executable).with_name("nx-27017"))


class Nx:
    """The server. Each database is a file of its own in its folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "") -> str:
        """The URL of a database of this server."""
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, on the port that it had before, and wait until it listens."""
        command = [
            *(_PROGRAM, "--data-dir", str(self.folder / "data"), "--port", str(self.port)),
            *("--log-file", str(self.folder / "log"), "--pid-file", str(self.folder / "pid")),
        ]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + 20
        while not _listens(self.port):
            assert self._process.poll() is None, (self.folder / "output").read_text()
            assert time.monotonic() < deadline, "nx-27017 does not listen"
            time.sleep(0.02)

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """And on again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def serving(folder: Path) -> Iterator[Nx]:
    """A server for the length of a block."""
    server = Nx(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
