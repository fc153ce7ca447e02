"""P1, one writer: a node that lost a room can change nothing that counts, and finds out within seconds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.promised import a_paused_node_changes_nothing_that_counts
from support.running import running
from support.trial_game import SHORT, trial_game


def test_a_paused_node_loses_its_room_and_nothing_that_it_does_afterwards_counts(tmp_path: Path) -> None:
    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(a_paused_node_changes_nothing_that_counts(fleet))
