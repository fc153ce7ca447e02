"""A token bucket lets so many through at once, and so many a second; so many calls wait at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.node.serving.limits import Bucket, OutstandingCalls


def test_a_burst_is_let_through_and_then_no_more() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.5)
    assert not bucket.take(0.5)


@given(st.lists(st.floats(0, 1), max_size=200))
def test_never_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    bucket = Bucket(rate=5, burst=4)
    now = taken = 0.0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
        assert taken <= 4 + 5 * now + 1e-6


def test_so_many_calls_wait_at_a_time() -> None:
    calls = OutstandingCalls(2)
    assert [calls.begin(id) for id in (1, 2, 3)] == [True, True, False]
    calls.end(3)
    assert not calls.begin(4), "what was refused is not waited for"
    calls.end(2)
    assert calls.begin(4)


def test_the_same_id_waits_as_often_as_it_was_called() -> None:
    calls = OutstandingCalls(2)
    assert [calls.begin(7) for _ in range(3)] == [True, True, False]
    calls.end(7)
    assert calls.begin(8)
    assert not calls.begin(9)
