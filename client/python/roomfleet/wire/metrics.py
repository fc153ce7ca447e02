"""What a process shows at `/metrics`, in Prometheus' text format, and who may read it.

A process names its metrics in one table, and is asked for their values when somebody reads: what is counted
costs an addition where it happens. Every page has a registry of its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isinf
from typing import TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from roomfleet.wire.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

PATH = "/metrics"

_BY_PROXY = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")


class Kind(StrEnum):
    """What may be done with a metric's values (Prometheus' own terms)."""

    COUNTER = "counter"
    """Only rises, from the process' start; its name ends in `_total`."""
    GAUGE = "gauge"
    """As it is now."""
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, as it is documented."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


Reading: TypeAlias = tuple[Metric, tuple[str, ...], float | Histogram]
"""A value of a metric, for the labels in their order."""

_Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

_FAMILIES = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


class Page(Collector):
    """The metrics of one process, with the usual `process_…` ones."""

    def __init__(self, metrics: Sequence[Metric], read: Callable[[], Iterable[Reading]]) -> None:
        """`read` gives readings of the metrics named; those it leaves out have no value now."""
        self._metrics = tuple(metrics)
        self._read = read
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, as it is now."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[_Family]:
        """For the registry."""
        families: dict[Metric, _Family] = {
            metric: _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
            for metric in self._metrics
        }
        for metric, labels, value in self._read():
            family = families[metric]
            if isinstance(value, Histogram):
                assert isinstance(family, HistogramMetricFamily)
                buckets = [(_bound(bound), float(count)) for bound, count in value.buckets()]
                family.add_metric(labels, buckets, value.sum)
            else:
                assert not isinstance(family, HistogramMetricFamily)
                family.add_metric(labels, value)
        yield from families.values()


def _bound(value: float) -> str:
    return "+Inf" if isinf(value) else repr(value)


def refusal(address: str | None, headers: Mapping[str, str]) -> str:
    """Why that request may not read metrics; empty: it may.

    They are for whoever watches over the installation, from a network of its own, straight from the process:
    not for what a proxy lets in from elsewhere, nor for an address of the wide internet.
    """
    if any(name in headers for name in _BY_PROXY):
        return "metrics are not for a proxy's clients: read them from the process itself"
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return "metrics are for private addresses only"
    mapped = getattr(known, "ipv4_mapped", None)
    if (mapped or known).is_global:
        return f"metrics are for private addresses only, not for {address}"
    return ""
