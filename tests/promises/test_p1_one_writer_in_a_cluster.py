"""P1, one writer, with rooms in a cluster: who lost a room while it stood still can change nothing after."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.kube import Cluster
from support.operating import operated
from support.promised import a_paused_node_changes_nothing_that_counts
from support.running import eventually
from support.trial_game import SHORT, stored_epoch, trial_game


def test_a_paused_nodes_room_goes_elsewhere_and_nothing_that_the_node_does_afterwards_counts(
    cluster: Cluster, tmp_path: Path
) -> None:
    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        first = asyncio.run(a_paused_node_changes_nothing_that_counts(fleet))
        assert "was taken over" in fleet.log(first)
        epoch, _, node = stored_epoch(fleet.data, "alpha", game=fleet.game)
        eventually(
            lambda: (found := fleet.status("alpha"))["epoch"] == epoch and found["node"] == node,
            what="the object to say so",
        )
