"""A store of objects in a folder, and a server over it in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roomfleet.master.local.objects import Objects
from support.served import Served

GAME = "walkabout"
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def reopen(folder: Path) -> Callable[[], Objects]:
    """Opens the store, as each start does."""
    return lambda: Objects(folder, game=GAME, now=lambda: START)


@pytest.fixture
def objects(reopen: Callable[[], Objects]) -> Objects:
    return reopen()


@pytest.fixture
def served(objects: Objects) -> Iterator[Served]:
    server = Served(objects)
    yield server
    server.close()
