"""Descriptions are laid out as kubectl's."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

from roomfleet.cli.describe import description

NOW = datetime(2026, 1, 4, 12, 0, tzinfo=UTC)
ROOM: dict[str, Any] = {
    "apiVersion": "roomfleet.io/v1alpha1",
    "kind": "Room",
    "metadata": {
        "name": "town",
        "namespace": "walkabout",
        "labels": {"c": "d", "a": "b"},
        "annotations": {"roomfleet.io/entry": "true"},
        "creationTimestamp": "2026-01-01T12:00:00Z",
        "generation": 1,
        "resourceVersion": "334",
        "uid": "2b859aff",
    },
    "spec": {
        "boredAfterSeconds": 60,
        "onDelete": "Retain",
        "state": {
            "empty": {},
            "el": [],
            "f": 1.5,
            "list": [1, "two"],
            "maps": [{"x": 1}, {"x": 3}],
            "no": None,
        },
    },
    "status": {
        "conditions": [
            {"lastTransitionTime": "2026-01-01T00:00:00Z", "message": "", "status": "True", "type": "Saved"},
        ],
        "epoch": 4,
        "ok": True,
    },
}
EXPECTED = """\
    Name:         town
    Namespace:    walkabout
    Labels:       a=b
                  c=d
    Annotations:  roomfleet.io/entry: true
    API Version:  roomfleet.io/v1alpha1
    Kind:         Room
    Age:          3d
    Metadata:
      Creation Timestamp:  2026-01-01T12:00:00Z
      Generation:          1
      Resource Version:    334
      UID:                 2b859aff
    Spec:
      Bored After Seconds:  60
      On Delete:            Retain
      State:
        El:
        Empty:
        F:  1.5
        List:
          1
          two
        Maps:
          X:  1
          X:  3
        No:   <nil>
    Status:
      Conditions:
        Last Transition Time:  2026-01-01T00:00:00Z
        Message:
        Status:                True
        Type:                  Saved
      Epoch:                   4
      Ok:                      true
"""


def test_a_room_is_described_as_kubectl_does_with_its_age() -> None:
    assert description(ROOM, NOW) == dedent(EXPECTED)


def test_what_has_no_labels_says_so() -> None:
    bare = {**ROOM, "metadata": {"name": "town", "namespace": "walkabout"}}
    assert "Labels:       <none>\nAnnotations:  <none>\n" in description(bare, NOW)
