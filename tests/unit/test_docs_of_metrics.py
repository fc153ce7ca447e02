"""docs/metrics.md and the processes know the same metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
import yaml

from roomfleet.master import metrics as master
from roomfleet.node.measuring import metrics as node
from roomfleet.wire.metrics import Kind, Metric
from support.running import REPOSITORY

PAGE = (REPOSITORY / "docs" / "metrics.md").read_text()

ALL: list[Metric] = [*master.METRICS, *node.METRICS]


def part(title: str) -> str:
    _, _, below = PAGE.partition(f"## {title}\n")
    assert below, title
    return below.partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "metrics"), [("Of the master", master.METRICS), ("Of a node", node.METRICS)]
)
def test_each_metric_has_a_row_and_each_row_is_a_metric(title: str, metrics: Sequence[Metric]) -> None:
    rows = re.findall(r"^\| `([^|]*)` \| (.*) \| (.*) \| (.*) \|$", part(title), re.MULTILINE)
    assert [(name, kind, labels.strip(), what) for name, kind, labels, what in rows] == [
        (one.name, one.kind.value, ", ".join(f"`{label}`" for label in one.labels), one.help)
        for one in metrics
    ]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_names_keep_to_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"roomfleet_[a-z_]+", metric.name)
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert not {"room", "player", "id", "key", "le"} & set(metric.labels), "series would have no bound"
    assert not metric.help.endswith(".")


def test_names_are_of_one_metric_each() -> None:
    names = [metric.name for metric in ALL]
    assert len(set(names)) == len(names)


def test_the_alerts_speak_of_metrics_and_labels_that_there_are() -> None:
    rules = yaml.safe_load(part("Alerts to begin with"))["groups"][0]["rules"]
    known = {metric.name: metric for metric in ALL}
    assert len(rules) >= 8
    for rule in rules:
        names = re.findall(r"\broomfleet_\w+", rule["expr"])
        assert names, rule
        for name in names:
            assert name in known, rule
        for label in re.findall(r"(\w+)(?:=~|=)\"", rule["expr"]):
            assert label in known[names[0]].labels, rule
        for by in re.findall(r"by \(([\w, ]+)\)", rule["expr"]):
            assert set(by.split(", ")) <= set(known[names[0]].labels), rule
