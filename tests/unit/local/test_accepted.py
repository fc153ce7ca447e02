"""What is not done yet is named, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.master.accepted import not_yet_supported
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.schema import with_defaults


def completed(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    found = installed_kinds().of("roomfleet.io/v1alpha1", kind)
    return dict(with_defaults(found.schema, {"kind": kind, "spec": spec}))


@pytest.mark.parametrize(
    ("kind", "spec", "fields"),
    [
        ("Room", {"map": "m.r"}, []),
        ("Room", {"map": "m.r", "keep": "Always", "state": {"a": 1}}, []),
        ("Room", {"map": "m.r", "arrivals": "Anyone", "onDelete": "Delete"}, []),
        ("InstancedRoom", {"template": {"spec": {"map": "m.r"}}}, []),
        ("RoomFleet", {}, []),
        ("RoomFleet", {"minNodes": 2, "maxNodes": 2, "strategy": "Distributed", "roomsPerNode": 5}, []),
        ("RoomFleet", {"template": {}, "ingress": {}, "mapSource": {}}, ["template", "ingress", "mapSource"]),
        ("RoomFleet", {"spareNodes": 1, "drainSeconds": 5, "cordoned": [1]}, []),
    ],
)
def test_what_is_not_done_yet_is_named(kind: str, spec: dict[str, Any], fields: list[str]) -> None:
    found = not_yet_supported(completed(kind, spec))
    assert len(found) == len(fields)
    assert all(field in text for field, text in zip(fields, found, strict=True))


def test_a_kind_that_is_not_known_is_not_supported() -> None:
    assert not_yet_supported({"kind": "Pod"}) == ["kind Pod is not known"]
