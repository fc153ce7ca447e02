"""`roomfleet node GAME_DIR`: one room node."""

from __future__ import annotations

from typing import Any

from roomfleet.cli.processes import add_process


def add_parser(subparsers: Any) -> None:
    add_process(subparsers, "node", "roomfleet.node", "run a room node")
