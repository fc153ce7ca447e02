"""`roomfleet scale`: how many nodes a RoomFleet has at least, or warm instances an InstancedRoom keeps."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from roomfleet.cli.common import add_server_options, server_of
from roomfleet.cli.errors import Refused, UsageError
from roomfleet.cli.resources import asked
from roomfleet.master.local.crds import installed_kinds


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "scale", help="set minNodes of a RoomFleet, or warm of an InstancedRoom", description=__doc__
    )
    parser.add_argument("what", nargs="+", metavar="TYPE NAME", help="a type and names, or TYPE/NAME")
    parser.add_argument(
        "--replicas",
        metavar="N",
        type=_count,
        required=True,
        help="nodes at least (minNodes), or instances kept warm (warm)",
    )
    add_server_options(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Scales all that is named, also after one that was refused; 1 if any was."""
    kinds = installed_kinds()
    wanted = asked(args.what, kinds)
    for each in wanted:
        if each.kind.scale is None:
            others = " and ".join(sorted(kind.plural for kind in kinds if kind.scale))
            raise UsageError(f"{each.kind.plural} cannot be scaled: {others} can")
        if each.name is None:
            raise UsageError(f"name the {each.kind.plural} to scale")
    server = server_of(args)
    failed = False
    for each in wanted:
        try:
            server.scale(each.kind, str(each.name), args.replicas)
        except Refused as error:
            print(error, file=sys.stderr)
            failed = True
        else:
            print(f"{each.kind.singular}.{each.kind.group}/{each.name} scaled", flush=True)
    return 1 if failed else 0


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f'"{text}" is no number of 0 or more')
    return int(text)
