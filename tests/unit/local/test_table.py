"""The table of objects: versions, events, and who comes too late."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.master.local.errors import Expired
from roomfleet.master.local.table import KEPT_EVENTS, Change, Table


def thing(name: str, version: int, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version), "uid": f"u-{name}", **metadata}}


def test_changes_are_added_modified_and_deleted() -> None:
    table = Table(0)
    table.put("rooms", thing("a", 1))
    table.put("rooms", thing("a", 2))
    table.remove("rooms", thing("a", 3))
    assert [(e.version, e.change) for e in table.since(0)] == [
        (1, Change.ADDED),
        (2, Change.MODIFIED),
        (3, Change.DELETED),
    ]
    assert [e.before and e.before["metadata"]["resourceVersion"] for e in table.since(0)] == [None, "1", "2"]
    assert table.get("rooms", "a") is None


def test_events_are_asked_for_by_version() -> None:
    table = Table(10)
    for version in (11, 15, 20):
        table.put("rooms", thing(f"r{version}", version))
    assert [e.version for e in table.since(11)] == [15, 20]
    assert [e.version for e in table.since(13)] == [15, 20]
    assert table.since(20) == []


def test_what_was_before_the_start_or_never_is_expired() -> None:
    table = Table(10)
    table.load("rooms", thing("old", 4))
    for version in (9, 11):
        with pytest.raises(Expired, match=f"too old resource version: {version}"):
            table.since(version)
    assert table.since(10) == []


def test_a_watcher_too_far_behind_is_expired() -> None:
    table = Table(0)
    for version in range(1, KEPT_EVENTS + 3):
        table.put("rooms", thing("a", version))
    with pytest.raises(Expired):
        table.since(1)
    assert len(table.since(2)) == KEPT_EVENTS


def test_all_is_ordered_and_by_kind() -> None:
    table = Table(0)
    for plural, name, version in (("rooms", "b", 1), ("fleets", "z", 2), ("rooms", "a", 3)):
        table.put(plural, thing(name, version))
    assert [obj["metadata"]["name"] for _, obj in table.all("rooms")] == ["a", "b"]
    assert [plural for plural, _ in table.all()] == ["fleets", "rooms", "rooms"]


def test_orphans_are_those_whose_owners_are_all_gone() -> None:
    table = Table(0)
    table.put("rooms", thing("owner", 1))
    table.put("rooms", thing("kept", 2, ownerReferences=[{"uid": "gone"}, {"uid": "u-owner"}]))
    table.put("rooms", thing("free", 3))
    assert table.orphans() == []
    table.put("rooms", thing("left", 4, ownerReferences=[{"uid": "gone"}, {"uid": "gone too"}]))
    assert table.orphans() == [("rooms", "left")]
