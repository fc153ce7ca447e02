"""Which core does what: the measured server has one to itself, everything else shares another."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1


def prepare() -> None:
    """This process and its children: on the other core, with all the open files they may have."""
    os.sched_setaffinity(0, {LOAD_CORE})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pin(pid: int, core: int = SERVER_CORE) -> None:
    """Put a running process with all its threads on a core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # a thread that has ended meanwhile
            os.sched_setaffinity(int(task.name), {core})


def pinned_to(core: int) -> Callable[[], None]:
    """For a child before it starts."""
    return lambda: os.sched_setaffinity(0, {core})
