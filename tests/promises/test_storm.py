"""P1 to P7 together: a short storm of faults over real processes breaks none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.storm.fleets import Laptop
from support.storm.storm import NODES, SETTINGS, Storm

SEED = 1
SECONDS = 12.0
PLAYERS = 12


@pytest.mark.timeout(300)
def test_a_storm_breaks_no_promise(tmp_path: Path) -> None:
    """One seed; `make storm` blows others."""
    storm = Storm(SEED, SECONDS, Laptop(tmp_path, NODES, SETTINGS), tmp_path, players=PLAYERS)
    try:
        storm.blow()
    except BaseException:
        print("\n".join(storm.chronicle.lines))
        raise
