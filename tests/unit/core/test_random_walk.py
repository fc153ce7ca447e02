"""Random lives of a fleet against an oracle: what the core promises holds under every fault and order."""

from __future__ import annotations

import pytest

from unit.core.bookkeeping import check_bookkeeping
from unit.core.fleet_simulation import Simulation


@pytest.mark.parametrize("seed", range(30))
def test_a_random_life_keeps_every_promise_and_comes_to_rest(seed: int) -> None:
    life = Simulation(seed)
    for number in range(1_000):
        life.step()
        if number % 20 == 0:
            check_bookkeeping(life.core)
    life.calm()
    check_bookkeeping(life.core)
    life.check_rest()
    life.check_wakes()
