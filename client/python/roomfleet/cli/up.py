"""`roomfleet up GAME_DIR`: the embedded fleet."""

from __future__ import annotations

from typing import Any

from roomfleet.cli.processes import add_process


def add_parser(subparsers: Any) -> None:
    add_process(subparsers, "up", "roomfleet.master.embedded", "run a game on this machine")
