"""`roomfleet delete`: deletes objects, by name or as manifests name them."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from roomfleet.cli.common import add_file_option, add_server_options, read_manifests, server_of
from roomfleet.cli.errors import Refused, UsageError
from roomfleet.cli.resources import Asked, asked
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.errors import BadRequest


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("delete", help="delete objects", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="TYPE NAME", help="a type and names, or TYPE/NAME")
    add_file_option(parser, required=False)
    parser.add_argument("--ignore-not-found", action="store_true", help="what is not there is no error")
    add_server_options(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Deletes all that is named, also after one that was refused; 1 if any was."""
    if bool(args.what) == bool(args.filename):
        raise UsageError("say what to delete: TYPE NAME, TYPE/NAME, or -f FILE")
    wanted = _of_files(args.filename) if args.filename else asked(args.what, installed_kinds())
    server = server_of(args)
    failed = False
    for each in wanted:
        if each.name is None:
            raise UsageError(f"name the {each.kind.plural} to delete")
        try:
            server.delete(each.kind, each.name)
        except Refused as error:
            if args.ignore_not_found and error.reason == "NotFound":
                continue
            print(error, file=sys.stderr)
            failed = True
        else:
            kind = f"{each.kind.singular}.{each.kind.group}"
            print(f'{kind} "{each.name}" deleted from {server.namespace} namespace', flush=True)
    return 1 if failed else 0


def _of_files(names: list[str]) -> list[Asked]:
    found = []
    for document in read_manifests(names):
        try:
            kind = installed_kinds().of(document.content["apiVersion"], document.content["kind"])
        except BadRequest as error:
            raise UsageError(f"{document.source}: {error}") from error
        metadata = document.content.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name:
            raise UsageError(f"{document.source}: resource name may not be empty: set metadata.name")
        found.append(Asked(kind, name))
    return found
