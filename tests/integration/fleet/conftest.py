"""Fleets that really run, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.running import WALKABOUT, Running, running


@pytest.fixture
def walkabout(tmp_path: Path) -> Iterator[Running]:
    """The sample game, just started."""
    with running(WALKABOUT, tmp_path / "data") as fleet:
        yield fleet
