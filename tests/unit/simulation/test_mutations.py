"""The oracle can fail: each of some small mistakes in the core is caught within a few lives."""

from __future__ import annotations

import pytest

from support.simulation.lives import Plan, live
from support.simulation.mutations import MUTATIONS, Mutation, made

SEEDS = range(50)
EVENTS = 2_000


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_in_the_core_is_caught_within_a_few_lives(mutation: Mutation) -> None:
    with made(mutation):
        assert any(live(Plan(seed, EVENTS)).failure for seed in SEEDS)
