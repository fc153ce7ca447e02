"""The room queue: order, deduplication, ageing and backoff."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core.queueing.queue import (
    AGEING_SECONDS,
    BACKOFF_MOST_SECONDS,
    WEIGHT,
    Lane,
    RoomQueue,
    backoff,
)


def make() -> RoomQueue[str]:
    """Keys of one game, or `game/key`."""
    return RoomQueue(random.Random(1), 0.0, game=lambda key: key.rpartition("/")[0])


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


def test_housekeeping_that_has_aged_takes_turns_with_urgent_keys() -> None:
    queue = make()
    for number in range(4):
        queue.add(f"h{number}", Lane.HOUSEKEEPING, 0.0)
    for number in range(6):
        queue.add(f"u{number}", Lane.URGENT, AGEING_SECONDS)
    assert drain(queue, AGEING_SECONDS) == ["u0", "h0", "u1", "h1", "u2", "h2", "u3", "h3", "u4", "u5"]


def test_a_key_of_another_game_waits_for_one_of_ten_thousand() -> None:
    queue = make()
    for number in range(10_000):
        queue.add(f"big/{number}", Lane.HOUSEKEEPING, 0.0)
    queue.add("small/a", Lane.HOUSEKEEPING, 0.0)
    queue.add("small/b", Lane.HOUSEKEEPING, 0.0)
    order = drain(queue, 0.0)
    assert order[:5] == ["big/0", "small/a", "big/1", "small/b", "big/2"]
    assert order[5:] == [f"big/{number}" for number in range(3, 10_000)], "first come first served in a game"


def test_a_join_waits_for_one_key_of_each_other_game_however_many_and_how_old_theirs_are() -> None:
    queue = make()
    for number in range(1_000):
        for game in ("one", "two"):
            queue.add(f"{game}/h{number}", Lane.HOUSEKEEPING, 0.0)
            queue.add(f"{game}/u{number}", Lane.URGENT, 0.0)
    now = 10 * AGEING_SECONDS
    for _ in range(5):
        queue.take(now)
        queue.done(now)
    queue.add("small/join", Lane.URGENT, now)
    order = drain(queue, now)
    before = order[: order.index("small/join")]
    assert len([key for key in before if "/u" in key]) <= 2
    assert len(before) <= 5, "housekeeping that has aged comes in between"


def test_a_game_takes_its_turn_at_the_end_when_it_comes_back() -> None:
    queue = make()
    for key in ("a/1", "b/1", "c/1"):
        queue.add(key, Lane.URGENT, 0.0)
    assert queue.take(0.0) == "a/1"
    queue.add("a/2", Lane.URGENT, 0.0)
    queue.done(0.0)
    assert drain(queue, 0.0) == ["b/1", "c/1", "a/2"]


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


KEYS = [f"{game}/{key}" for game in "xyz" for key in "abc"]


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(list(Lane))), max_size=60))
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


@given(
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(list(Lane)), st.integers(0, 3)), max_size=80),
)
def test_while_a_game_waits_no_other_is_served_twice_in_its_lane(
    adds: list[tuple[str, Lane, int]],
) -> None:
    """Keys come and are taken in any order: between two takes of one game every other that waited in that
    lane has had its turn."""
    queue, now = make(), 0.0
    waiting: dict[str, Lane] = {}
    passed: dict[tuple[str, Lane], list[str]] = {}
    for key, lane, takes in adds:
        queue.add(key, lane, now)
        waiting[key] = min(lane, waiting.get(key, lane))
        for _ in range(takes):
            taken = queue.take(now)
            if taken is None:
                break
            queue.done(now)
            game, at = taken[0], waiting.pop(taken)
            for other in {one[0] for one, where in waiting.items() if where is at} - {game}:
                passed.setdefault((other, at), []).append(game)
                assert len(set(passed[other, at])) == len(passed[other, at]), (other, passed)
            passed.pop((game, at), None)
            still = {(one[0], where) for one, where in waiting.items()}
            passed = {one: by for one, by in passed.items() if one in still}
            now += 0.01
