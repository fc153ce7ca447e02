"""Rooms in a real API server: what admins see with kubectl while rooms live."""

from __future__ import annotations

from pathlib import Path

from support.kube import Cluster
from support.operating import operated


def test_a_room_that_is_kept_always_becomes_ready_and_its_columns_say_where(
    cluster: Cluster, tmp_path: Path
) -> None:
    with operated(cluster, tmp_path) as fleet:
        fleet.kubectl("patch", "room", "town", "--type=merge", "-p", '{"spec":{"keep":"Always"}}')
        fleet.kubectl("wait", "--for=condition=Ready", "room/town", "--timeout=20s")
        line = fleet.kubectl("get", "room", "town").splitlines()[1].split()
        assert line[:5] == ["town", "Running", "0", "0", fleet.status("town")["node"]]
