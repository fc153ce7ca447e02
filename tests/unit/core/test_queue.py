"""The room queue: order, deduplication, ageing and backoff."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core.queue import (
    AGEING_SECONDS,
    BACKOFF_MOST_SECONDS,
    WEIGHT,
    Lane,
    RoomQueue,
    backoff,
)


def make() -> RoomQueue[str]:
    return RoomQueue(random.Random(1), 0.0)


def drain(queue: RoomQueue[str], now: float) -> list[str]:
    taken = []
    while (key := queue.take(now)) is not None:
        taken.append(key)
        queue.done(now)
    return taken


def test_a_key_that_waits_is_not_added_again() -> None:
    queue = make()
    for _ in range(3):
        queue.add("a", Lane.HOUSEKEEPING, 0.0)
    assert len(queue) == 1
    assert drain(queue, 0.0) == ["a"]


def test_a_key_that_changes_while_it_is_worked_on_goes_round_once_more() -> None:
    queue = make()
    queue.add("a", Lane.URGENT, 0.0)
    assert queue.take(0.0) == "a"
    queue.add("a", Lane.URGENT, 0.0)
    queue.add("a", Lane.URGENT, 0.0)
    assert len(queue) == 0
    queue.done(0.0)
    assert drain(queue, 0.0) == ["a"]


def test_a_waiting_key_may_become_urgent_and_keeps_its_age() -> None:
    queue = make()
    queue.add("slow", Lane.HOUSEKEEPING, 0.0)
    queue.add("b", Lane.HOUSEKEEPING, 1.0)
    queue.add("b", Lane.URGENT, 2.0)
    assert queue.health(3.0).oldest_age == 3.0
    assert drain(queue, 3.0) == ["b", "slow"]


def test_urgent_keys_come_four_to_one_before_housekeeping() -> None:
    queue = make()
    for number in range(10):
        queue.add(f"h{number}", Lane.HOUSEKEEPING, 0.0)
        queue.add(f"u{number}", Lane.URGENT, 0.0)
    first = drain(queue, 0.0)[:10]
    assert [key[0] for key in first] == ["u"] * WEIGHT + ["h"] + ["u"] * WEIGHT + ["h"]


def test_a_housekeeping_key_that_has_aged_comes_before_younger_urgent_ones() -> None:
    queue = make()
    queue.add("old", Lane.HOUSEKEEPING, 0.0)
    queue.add("new", Lane.URGENT, AGEING_SECONDS)
    assert drain(queue, AGEING_SECONDS) == ["old", "new"]


def test_a_key_that_failed_is_held_back_and_costs_no_other_key_anything() -> None:
    queue = make()
    queue.add("bad", Lane.URGENT, 0.0)
    assert queue.take(0.0) == "bad"
    due = queue.failed(0.0)
    queue.add("bad", Lane.URGENT, 0.0)
    queue.add("good", Lane.HOUSEKEEPING, 0.0)
    assert drain(queue, 0.0) == ["good"]
    assert queue.next_due(0.0) == due
    assert drain(queue, due) == ["bad"]


def test_backoff_doubles_with_jitter_up_to_a_minute_and_ends_with_success() -> None:
    queue = make()
    now, waits = 0.0, []
    queue.add("bad", Lane.URGENT, now)
    for _ in range(15):
        assert queue.take(now) == "bad"
        due = queue.failed(now)
        waits.append(due - now)
        now = due
    assert 0.05 <= waits[0] <= 0.1
    assert BACKOFF_MOST_SECONDS / 2 <= waits[-1] <= BACKOFF_MOST_SECONDS
    assert queue.take(now) == "bad"
    queue.done(now)
    queue.add("bad", Lane.URGENT, now)
    queue.take(now)
    assert queue.failed(now) - now <= 0.1


def test_health_tells_length_and_ages() -> None:
    queue = make()
    assert (queue.health(5.0).length, queue.health(5.0).oldest_age) == (0, 0.0)
    queue.add("a", Lane.HOUSEKEEPING, 1.0)
    queue.add("b", Lane.URGENT, 3.0)
    health = queue.health(5.0)
    assert (health.length, health.oldest_age, health.last_reconcile_age) == (2, 4.0, 5.0)
    queue.take(5.0)
    assert queue.health(6.0).last_reconcile_age == 1.0


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(list(Lane))), max_size=60))
def test_every_added_key_comes_out_exactly_once(adds: list[tuple[str, Lane]]) -> None:
    queue = make()
    for key, lane in adds:
        queue.add(key, lane, 0.0)
    assert sorted(drain(queue, 0.0)) == sorted({key for key, _ in adds})
    assert queue.next_due(0.0) is None


@given(st.integers(1, 2_000), st.integers())
def test_backoff_is_bounded(attempts: int, seed: int) -> None:
    assert 0.05 <= backoff(attempts, random.Random(seed)) <= BACKOFF_MOST_SECONDS


def test_a_key_that_was_held_back_and_that_nobody_takes_when_it_is_due_shows_in_the_health() -> None:
    queue = make()
    queue.add("a", Lane.URGENT, 0.0)
    queue.take(0.0)
    due = queue.failed(0.0)
    assert queue.health(due).oldest_age == 0.0
    assert queue.health(due + 40.0).oldest_age == 40.0
    assert queue.take(due + 40.0) == "a"
    assert queue.health(due + 40.0).oldest_age == 0.0
