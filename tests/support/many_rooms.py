"""A game with many rooms, made in a folder: for benchmarks and for tests of idle rooms."""

from __future__ import annotations

import json
from pathlib import Path

MAP = {
    "map_id": "map1",
    "rooms": {"map1.room": {"width": 400, "height": 300, "tags": [{"name": "entry", "x": 200, "y": 150}]}},
}

FLEET = """\
apiVersion: roomfleet.io/v1alpha1
kind: RoomFleet
metadata: {{name: default}}
spec: {{minNodes: {nodes}, maxNodes: {nodes}, roomsPerNode: {rooms}, playersPerNode: 5000}}
"""

ROOM = """\
---
apiVersion: roomfleet.io/v1alpha1
kind: Room
metadata:
  name: {name}
  annotations: {{roomfleet.io/entry: "{entry}"}}
spec: {{map: map1.room, keep: {keep}, capacity: 1000, boredAfterSeconds: 3600}}
"""


def make_game(folder: Path, rooms: int, *, nodes: int = 1, keep: str = "WhenWanted") -> Path:
    """`folder` becomes a game with rooms `r0` …, plain ones without a script; `r0` is the entry room."""
    (folder / "maps").mkdir(parents=True)
    (folder / "k8s").mkdir()
    (folder / "maps" / "map1.json").write_text(json.dumps(MAP))
    text = FLEET.format(nodes=nodes, rooms=max(1, rooms))
    for number in range(rooms):
        entry = "true" if number == 0 else "false"
        text += ROOM.format(name=f"r{number}", entry=entry, keep=keep)
    (folder / "k8s" / "all.yaml").write_text(text)
    return folder
