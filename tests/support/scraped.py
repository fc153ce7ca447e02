"""What Prometheus reads of a `/metrics` page."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Scraped = dict[str, dict[tuple[str, ...], float]]


def scraped(text: bytes) -> Scraped:
    """Samples by name and by the values of their labels, in the order of the labels' names."""
    found: Scraped = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            values = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[values] = sample.value
    return found


def families(text: bytes) -> set[str]:
    """Every metric's name, as documented: a counter's ends in `_total`."""
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(text.decode())
    }
