"""Random lives of a fleet against an oracle: what the core promises holds under every fault and order."""

from __future__ import annotations

import pytest

from support.simulation.lives import Plan, explain, live, shrink
from support.simulation.run import seeds_of_the_day

EVENTS = 2_000


@pytest.mark.parametrize("seed", seeds_of_the_day(50))
def test_a_life_keeps_every_promise_and_comes_to_rest(seed: int) -> None:
    """Other seeds each day; the test's name says which."""
    life = live(Plan(seed, EVENTS))
    assert life.failure is None, explain(shrink(life, lives=100))
