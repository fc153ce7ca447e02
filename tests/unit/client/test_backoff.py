"""The pauses between attempts."""

from __future__ import annotations

from random import Random

from roomfleet.client.backoff import FIRST_SECONDS, MOST_SECONDS, backoff


def test_pauses_grow_to_a_bound() -> None:
    for attempt in range(2000):
        pause = backoff(attempt, Random(attempt))
        assert FIRST_SECONDS / 2 <= pause <= MOST_SECONDS
    assert backoff(10, Random(1)) >= MOST_SECONDS / 2


def test_chance_spreads_those_who_lost_the_same_node() -> None:
    pauses = {round(backoff(3, Random(seed)), 3) for seed in range(100)}
    assert len(pauses) > 80
