"""`roomfleet check GAME_DIR`: says what is wrong with a game before it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roomfleet.cli.gamecheck import Findings, Problem, check_game
from roomfleet.game.loader import Game, NoGame

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check",
        help="say what is wrong with a game",
        description="Import a game, read its maps, items and manifests; print what is wrong, and where.",
    )
    parser.add_argument("game_dir", metavar="GAME_DIR", type=Path, help="folder with k8s/, maps/ and scripts")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print each problem as `file:line: message`. Gives 1 if there is any, else 0."""
    try:
        findings = check_game(Game.load(args.game_dir))
    except NoGame as error:
        print(f"roomfleet check: {error}", file=sys.stderr)
        return 1
    for problem in sorted(findings.problems):
        print(_line(args.game_dir, problem))
    print(_summary(findings))
    return 1 if findings.problems else 0


def _line(game_dir: Path, problem: Problem) -> str:
    file = game_dir / problem.file
    return f"{file}:{problem.line}: {problem.message}" if problem.line else f"{file}: {problem.message}"


def _summary(findings: Findings) -> str:
    name = findings.game.name
    if findings.problems:
        return f"{name}: {_count(len(findings.problems), 'problem')}"
    counts = [
        _count(len(findings.of("Room")), "room"),
        _count(len(findings.game.maps), "map"),
        _count(findings.scripts, "script"),
    ]
    if len(findings.game.items):
        counts.append(_count(len(findings.game.items), "item"))
    return f"{name}: {', '.join(counts)}: all good"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
