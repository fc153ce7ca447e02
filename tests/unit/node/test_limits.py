"""A token bucket lets so many through at once, and so many a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.node.limits import Bucket


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
