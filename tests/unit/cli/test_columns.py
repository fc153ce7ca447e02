"""Tables as kubectl prints them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roomfleet.cli.columns import Table, age, duration, qualified_name
from roomfleet.master.local.crds import installed_kinds

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ROOMS = installed_kinds().plural("rooms")
SPEC = {"fleet": "default", "map": "map1.room1"}


def room(name: str, **status: Any) -> dict[str, Any]:
    created = (NOW - timedelta(seconds=312)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"name": name, "creationTimestamp": created}, "spec": SPEC, "status": status}


TOWN = room(
    "town",
    phase="Running",
    players=3,
    waiting=0,
    node="walkabout-0",
    epoch=4,
    message="two\nlines",
    conditions=[{"type": "Ready", "status": "False"}, {"type": "Saved", "status": "True"}],
)


def test_a_table_looks_as_kubectls() -> None:
    lines = Table(ROOMS, wide=False, qualified=False).lines([room("forest-of-doom"), TOWN], NOW, heads=True)
    assert lines == [
        "NAME             PHASE     PLAYERS   WAITING   NODE          SAVED   AGE",
        "forest-of-doom                                                       5m12s",
        "town             Running   3         0         walkabout-0   True    5m12s",
    ]


def test_wide_has_more_columns_and_one_line_for_a_message() -> None:
    heads, line = Table(ROOMS, wide=True, qualified=False).lines([TOWN], NOW, heads=True)
    assert heads.split()[-4:] == ["FLEET", "MAP", "EPOCH", "MESSAGE"]
    assert line.endswith("default   map1.room1   4       two\\nlines")


def test_lines_of_a_watch_stay_under_their_heads() -> None:
    table = Table(ROOMS, wide=False, qualified=False)
    heads, _ = table.lines([room("forest-of-doom")], NOW, heads=True)
    (line,) = table.lines([TOWN], NOW, heads=False)
    assert heads.index("PHASE") == line.index("Running")


def test_names_among_several_kinds_are_qualified() -> None:
    (line,) = Table(ROOMS, wide=False, qualified=True).lines([TOWN], NOW, heads=False)
    assert line.startswith("room.roomfleet.io/town   ")
    assert qualified_name(ROOMS, "town") == "room.roomfleet.io/town"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (312, "5m12s"),
        (599, "9m59s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (11_100, "3h5m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (180_000, "2d2h"),
        (700_000, "8d"),
        (86_400 * 400, "400d"),
        (86_400 * 800, "2y70d"),
        (86_400 * 730, "2y"),
        (86_400 * 4000, "10y"),
    ],
)
def test_lengths_of_time_are_said_as_kubectl_does(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        ("2026-01-01T11:59:55Z", "5s"),
        ("2026-01-01T12:00:00.7Z", "0s"),
        ("2026-01-01T12:01:00Z", "<invalid>"),
        ("2026-01-01T11:00:00", "<invalid>"),
        ("yesterday", "<invalid>"),
    ],
)
def test_ages_of_what_is_no_past_time_are_invalid(timestamp: str, text: str) -> None:
    assert age(timestamp, NOW) == text


def test_an_object_without_a_time_has_an_unknown_age() -> None:
    (line,) = Table(ROOMS, wide=False, qualified=False).lines([{"metadata": {"name": "x"}}], NOW, heads=False)
    assert line.split() == ["x", "<unknown>"]
