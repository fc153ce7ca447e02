"""`roomfleet operator GAME_DIR`: the operator and two nodes here, against a cluster."""

from __future__ import annotations

from typing import Any

from roomfleet.cli.processes import add_process


def add_parser(subparsers: Any) -> None:
    add_process(
        subparsers, "operator", "roomfleet.master.develop", "run a game here with the rooms of a cluster"
    )
