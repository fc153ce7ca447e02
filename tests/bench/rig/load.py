"""The load generator: compiled when it is needed, driven by commands, answering with figures."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rig.cores import LOAD_CORE, pinned_to

REPOSITORY = Path(__file__).resolve().parents[3]
SOURCES = REPOSITORY / "tests" / "bench" / "load"
BUILD = REPOSITORY / "build" / "bench"


def load_program() -> Path:
    """The compiled program. Raises RuntimeError when there is no C compiler."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = BUILD / f"load-{digest}"
    if not program.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        code = [str(path) for path in sources if path.suffix == ".c"]
        try:
            subprocess.run(
                ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), *code, "-lm"], check=True
            )
        except FileNotFoundError:
            raise RuntimeError("there is no C compiler: install gcc, the load generator is in C") from None
    return program


class Load:
    """A running load generator."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def clients(self, count: int) -> dict[str, Any]:
        """Let so many be in; returns when they are: `joins_per_s`."""
        return self._ask(f"clients {count}")

    def stuck(self) -> dict[str, Any]:
        """One more, which reads nothing from now on."""
        return self._ask("stuck")

    def measure(self, seconds: float) -> dict[str, Any]:
        """The figures of a window."""
        row = self._ask(f"measure {seconds}")
        patches = row["patches_per_client_per_s"] * row["joined"]
        row["server_us_per_patch"] = row["server_cpu_pct"] * 1e4 / patches if patches else 0.0
        return row

    def idle(self, seconds: float) -> None:
        """Serve the clients without measuring."""
        self._say(f"idle {seconds}")

    def marks(self, hz: float) -> None:
        """From the next window on, so many changes a second are timed until another client sees them."""
        self._say(f"mark {hz}")

    def _say(self, command: str) -> None:
        try:
            self._in.write(command + "\n")
            self._in.flush()
        except BrokenPipeError:
            raise RuntimeError(f"the load generator ended before {command!r}; it said why above") from None

    def _ask(self, command: str) -> dict[str, Any]:
        self._say(command)
        line = self._out.readline()
        if not line:
            raise RuntimeError(f"the load generator ended at {command!r}; it said why above")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def load(**options: object) -> Iterator[Load]:
    """A load generator for the length of a block; options as `load/main.c` has them."""
    flags = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen(
        [str(load_program()), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned_to(LOAD_CORE),
    )
    try:
        yield Load(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
