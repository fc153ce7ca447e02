"""`roomfleet export GAME_DIR module:Class -o maps/x.json`: writes maps that Room classes build."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.game.maps.export import export_rooms, map_text

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "export",
        help="write maps from Room classes",
        description=(
            "Write the map that Room classes build with their classmethod build(map). In maps/x.json the "
            "class Town becomes the room x.town; other rooms of that file stay as they are."
        ),
    )
    parser.add_argument("game_dir", metavar="GAME_DIR", type=Path, help="folder with k8s/, maps/ and scripts")
    parser.add_argument("scripts", metavar="MODULE:CLASS", nargs="+", help="such as walkabout.rooms:Town")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the map file, maps/<map>.json (default: to the screen)",
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Write the file, or print it. Gives 1 and one line when that cannot be done; then nothing is written."""
    output: Path | None = args.output
    try:
        game = Game.load(args.game_dir)
        stem = output.name.removesuffix(".json") if output is not None else "map1"
        old = output.read_bytes() if output is not None and output.exists() else None
        rooms, whole = export_rooms(game, args.scripts, stem, old)
        text = map_text(whole)
        if output is None:
            print(text, end="")
            return 0
        output.write_text(text, encoding="utf-8")
    except GameError as error:
        print(f"roomfleet export: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"roomfleet export: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"wrote {output}: {', '.join(rooms)}")
    return 0
