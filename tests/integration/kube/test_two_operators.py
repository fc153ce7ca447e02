"""One master at a time: the second waits for the Lease, and who lost it writes nothing more and ends."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from support.kube import Cluster
from support.operating import Operated, operated
from support.service import Service, another, holder, service
from support.small_game import small_game

ROOMS: dict[str, dict[str, Any]] = {"hall": {}, "kept": {"keep": "Always"}}


def took_over(fleet: Operated, before: str, kept: dict[str, Any], nodes: Service) -> None:
    """The second holds the lease and has the nodes; nothing was placed anew."""
    fleet.wait_for(lambda: holder(fleet) not in ("", before), 8, "another to hold the lease")
    fleet.wait_ready()
    nodes.point_at(fleet.link_port)
    fleet.wait_for(lambda: len(fleet.connected()) == 1, 20, "the node to come over")
    fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
    now = fleet.status("kept")
    assert (now["node"], now["epoch"], now["startedAt"]) == (kept["node"], kept["epoch"], kept["startedAt"])


def test_a_second_master_stands_by_and_takes_over_from_one_killed_and_from_one_paused(
    cluster: Cluster, tmp_path: Path
) -> None:
    source = small_game(tmp_path / "game", ROOMS)
    with operated(cluster, tmp_path, source=source, start=False) as fleet, service() as nodes:
        fleet.expected_errors.append("another master has taken the lease")
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        fleet.start_operator()
        first = fleet.operator
        nodes.point_at(fleet.link_port)
        fleet.link_port = nodes.port
        fleet.start_node("default-0")
        fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
        kept = fleet.status("kept")
        held = holder(fleet)

        another(fleet)
        second = fleet.operator
        assert fleet.answer("/readyz") == 503
        assert holder(fleet) == held
        assert first is not None
        assert second is not None
        first.kill()
        first.wait()
        took_over(fleet, held, kept, nodes)

        held = holder(fleet)
        another(fleet)
        second.send_signal(signal.SIGSTOP)
        try:
            took_over(fleet, held, kept, nodes)
            fleet.kubectl("patch", "room", "hall", "--type=merge", "-p", '{"spec":{"keep":"Always"}}')
            fleet.wait_phase("hall", "Running")
            before = fleet.room("hall")["metadata"]["resourceVersion"]
        finally:
            second.send_signal(signal.SIGCONT)
        assert second.wait(20) != 0
        assert holder(fleet) not in ("", held)
        hall = fleet.room("hall")
        assert (hall["status"]["epoch"], hall["metadata"]["resourceVersion"]) == (1, before)
        assert fleet.status("kept")["epoch"] == kept["epoch"]
