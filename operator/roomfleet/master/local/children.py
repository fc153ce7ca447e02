"""Room nodes as child processes of the embedded fleet (INTERFACES, The embedded fleet).

A child saves and exits when its standard input ends, so it does not outlive a parent that was killed. It
has a process group of its own: a terminal's Ctrl-C reaches the parent only, which stops its children in
order. A child that exits by itself is started again, with backoff.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 10.0
STEADY_SECONDS = 20.0
"""A child that lived that long starts again without backoff."""

STOP_SECONDS = 30.0
"""A child that has not saved by then is killed."""

KEPT_LOG_BYTES = 5 * 1024 * 1024

CANNOT_START = 1
"""A node's exit code when its options or its store are of no use: starting it again would not help."""


@dataclass(slots=True)
class _Child:
    name: str
    fleet: str
    former: asyncio.Task[None] | None = None
    """One of the same name that may still be saving."""
    task: asyncio.Task[None] | None = None
    process: asyncio.subprocess.Process | None = None
    backoff: float = FIRST_BACKOFF_SECONDS
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def wanted(self) -> bool:
        return not self.unwanted.is_set()


class Children:
    """The node processes, by name."""

    def __init__(
        self,
        command: Callable[[str, str], Sequence[str]],
        environment: Mapping[str, str],
        logs: Path,
        gone: Callable[[str], None],
        hopeless: Callable[[str, str], None],
    ) -> None:
        """`command(name, fleet)` starts a node; `gone(name)` is called at each exit.

        `hopeless(name, why)`: the node cannot start at all, and says why.
        """
        self._command = command
        self._environment = dict(environment)
        self._logs = logs
        self._gone = gone
        self._hopeless = hopeless
        self._children: dict[str, _Child] = {}
        self._closing = False

    def start(self, name: str, fleet: str) -> None:
        """Run the node from now on."""
        known = self._children.get(name)
        if self._closing or (known is not None and known.wanted):
            return
        child = _Child(name, fleet, former=None if known is None else known.task)
        self._children[name] = child
        child.task = asyncio.get_running_loop().create_task(self._keep(child), name=f"child {name}")

    def stop(self, name: str) -> None:
        """Have the node save and exit; it is not started again."""
        child = self._children.get(name)
        if child is not None:
            child.unwanted.set()
            _close_input(child)

    async def stop_all(self) -> bool:
        """Stop every node and wait. False: one had to be killed."""
        self._closing = True
        for child in self._children.values():
            self.stop(child.name)
        tasks = [child.task for child in self._children.values() if child.task is not None]
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for child in self._children.values():
            if child.task in late and child.process is not None:
                log.error("node %s did not stop within %g s and is killed", child.name, STOP_SECONDS)
                child.process.send_signal(signal.SIGKILL)
        if late:
            await asyncio.wait(late)
        return not late

    def names(self) -> set[str]:
        """The nodes that should be running."""
        return {child.name for child in self._children.values() if child.wanted}

    def pids(self) -> dict[str, int]:
        """The running processes, by node name."""
        return {
            child.name: child.process.pid
            for child in self._children.values()
            if child.process is not None and child.process.returncode is None
        }

    async def _keep(self, child: _Child) -> None:
        loop = asyncio.get_running_loop()
        if child.former is not None:
            await asyncio.wait([child.former])
        while child.wanted:
            began = loop.time()
            code = await self._run(child)
            self._gone(child.name)
            if not child.wanted:
                return
            if code == CANNOT_START:
                child.unwanted.set()
                self._hopeless(child.name, self._last_line(child.name))
                return
            if loop.time() - began > STEADY_SECONDS:
                child.backoff = FIRST_BACKOFF_SECONDS
            log.warning(
                "node %s ended with code %s; it starts again in %g s", child.name, code, child.backoff
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.unwanted.wait(), child.backoff)
            child.backoff = min(child.backoff * 2, LAST_BACKOFF_SECONDS)

    async def _run(self, child: _Child) -> int:
        with self._log_file(child.name) as output:
            child.process = await asyncio.create_subprocess_exec(
                *self._command(child.name, child.fleet),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,
            )
        if not child.wanted:
            _close_input(child)
        code = await child.process.wait()
        _close_input(child)
        return code

    def _log_file(self, name: str) -> BinaryIO:
        path = self._logs / f"{name}.log"
        if path.exists() and path.stat().st_size > KEPT_LOG_BYTES:
            os.replace(path, path.with_suffix(".log.1"))
        return open(path, "ab")

    def _last_line(self, name: str) -> str:
        try:
            lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        except OSError as error:
            return f"its log cannot be read: {error.strerror}"
        return lines[-1] if lines else "it said nothing"


def _close_input(child: _Child) -> None:
    if child.process is not None and child.process.stdin is not None:
        child.process.stdin.close()
