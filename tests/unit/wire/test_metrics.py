"""Metrics in Prometheus' text format, and who may read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire.histogram import Histogram
from roomfleet.wire.metrics import Kind, Metric, Page, Reading, refusal
from support.scraped import families, scraped

COUNT = Metric("roomfleet_things_total", Kind.COUNTER, "things", ("of", "where"))
LEVEL = Metric("roomfleet_level", Kind.GAUGE, "level")
TIME = Metric("roomfleet_time_seconds", Kind.HISTOGRAM, "time", ("of",))


@given(st.lists(st.floats(0, 10), max_size=50))
def test_a_histogram_counts_each_value_in_every_bucket_that_it_fits(values: list[float]) -> None:
    histogram = Histogram((0.5, 1.0, 5.0))
    for value in values:
        histogram.observe(value)
    assert list(histogram.buckets()) == [
        (bound, sum(value <= bound for value in values)) for bound in (0.5, 1.0, 5.0, math.inf)
    ]
    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(math.fsum(values))


def test_a_page_says_what_prometheus_reads_back() -> None:
    time = Histogram((0.1, 1.0))
    time.observe(0.05)
    time.observe(7.0)
    readings: list[Reading] = [
        (COUNT, ("a", 'b"\n\\'), 3),
        (LEVEL, (), 0.5),
        (TIME, ("x",), time),
    ]
    page = Page([COUNT, LEVEL, TIME], lambda: readings)
    found = scraped(page.text())
    assert found["roomfleet_things_total"] == {("a", 'b"\n\\'): 3}
    assert found["roomfleet_level"] == {(): 0.5}
    assert found["roomfleet_time_seconds_bucket"] == {("0.1", "x"): 1, ("1.0", "x"): 1, ("+Inf", "x"): 2}
    assert found["roomfleet_time_seconds_count"] == {("x",): 2}
    assert found["roomfleet_time_seconds_sum"] == {("x",): 7.05}


def test_a_metric_without_a_value_is_named_all_the_same() -> None:
    assert "roomfleet_things_total" in families(Page([COUNT], list).text())


def test_pages_of_one_process_know_nothing_of_each_other() -> None:
    one, two = Page([LEVEL], lambda: [(LEVEL, (), 1)]), Page([LEVEL], lambda: [(LEVEL, (), 2)])
    assert scraped(one.text())["roomfleet_level"] == {(): 1}
    assert scraped(two.text())["roomfleet_level"] == {(): 2}


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "100.64.1.1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_private_addresses_may_read(address: str) -> None:
    assert not refusal(address, {})


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "", "no address", None])
def test_other_addresses_may_not(address: str | None) -> None:
    assert "private addresses" in refusal(address, {})


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via", "X-Forwarded-Proto"])
def test_what_came_by_a_proxy_may_not_read(header: str) -> None:
    assert "proxy" in refusal("127.0.0.1", {header: "x"})
