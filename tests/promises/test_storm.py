"""P1 to P7 together: a short storm of faults over real processes breaks none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.storm.fleets import Laptop
from support.storm.run import seed_of_the_day
from support.storm.storm import NODES, SETTINGS, Storm

SECONDS = 12.0
PLAYERS = 12


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [seed_of_the_day()])
def test_a_storm_breaks_no_promise(seed: int, tmp_path: Path) -> None:
    """Another seed each day; the test's name says which."""
    storm = Storm(seed, SECONDS, Laptop(tmp_path, NODES, SETTINGS), tmp_path, players=PLAYERS)
    try:
        storm.blow()
    except BaseException:
        print("\n".join(storm.chronicle.lines))
        raise
