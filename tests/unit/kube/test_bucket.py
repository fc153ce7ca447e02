"""So many at once, so many a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.kube.bucket import Bucket


def test_a_burst_goes_at_once_and_then_one_each_interval() -> None:
    bucket = Bucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0) == 0.5
    assert bucket.take(0.5) == 0
    assert bucket.take(0.75) == 0.25


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate_allow_and_who_waits_as_told_is_served(pauses: list[float]) -> None:
    bucket, now = Bucket(rate=10, burst=5, now=0), 0.0
    for taken, pause in enumerate(pauses, start=1):
        now += pause
        wait = bucket.take(now)
        if wait:
            now += wait + 1e-9
            assert bucket.take(now) == 0
        assert taken <= 5 + 10 * now + 1e-6
