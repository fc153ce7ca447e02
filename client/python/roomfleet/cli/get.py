"""`roomfleet get`: objects as tables, JSON, YAML or names, once or as they change."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from datetime import UTC, datetime
from typing import Any

import yaml

from roomfleet.cli.columns import Table, qualified_name
from roomfleet.cli.common import add_server_options, server_of
from roomfleet.cli.errors import Refused, UsageError
from roomfleet.cli.resources import Asked, asked
from roomfleet.cli.server import Json, Server
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.kinds import Kind


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("get", help="print objects", description=__doc__)
    parser.add_argument(
        "what", nargs="*", metavar="TYPE [NAME]", help="types, a type and names, or TYPE/NAME"
    )
    parser.add_argument("-o", "--output", choices=["json", "yaml", "wide", "name"], help="instead of a table")
    parser.add_argument("-w", "--watch", action="store_true", help="go on with what changes")
    parser.add_argument(
        "-l", "--selector", default="", help="labels that the objects have: a=b,c!=d,e in (f,g)"
    )
    parser.add_argument("--no-headers", action="store_true", help="tables without column heads")
    add_server_options(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints what is asked for; 1 if some of it is not there."""
    wanted = asked(args.what, installed_kinds())
    named = any(each.name is not None for each in wanted)
    if named and args.selector:
        raise UsageError("a selector chooses among all: leave out the name or the selector")
    if args.watch and len(wanted) > 1:
        raise UsageError("you may only watch one type, or one object, at a time")
    server = server_of(args)
    if args.watch:
        return _watch(server, wanted[0], args)
    found: list[tuple[Kind, list[Json]]] = []
    failed = False
    for kind, group in itertools.groupby(wanted, key=lambda each: each.kind):
        objects: list[Json] = []
        for each in group:
            try:
                objects += _fetch(server, each, args.selector)[0]
            except Refused as error:
                if error.reason != "NotFound":
                    raise
                print(error, file=sys.stderr)
                failed = True
        found.append((kind, objects))
    if args.output in ("json", "yaml"):
        everything = [obj for _, objects in found for obj in objects]
        if not named or everything:
            one = named and len(wanted) == 1
            _dump(everything[0] if one else _as_list(everything), args.output)
    else:
        _print(found, args)
        if not failed and not any(objects for _, objects in found):
            print(f"No resources found in {server.namespace} namespace.", file=sys.stderr)
    return 1 if failed else 0


def _fetch(server: Server, each: Asked, selector: str) -> tuple[list[Json], str]:
    """The objects, and the version to watch from."""
    if each.name is not None:
        obj = server.get(each.kind, each.name)
        return [obj], obj["metadata"]["resourceVersion"]
    found = server.list(each.kind, selector)
    return found["items"], found["metadata"]["resourceVersion"]


def _print(found: list[tuple[Kind, list[Json]]], args: argparse.Namespace) -> None:
    several = len(found) > 1
    first = True
    for kind, objects in found:
        if not objects:
            continue
        if args.output == "name":
            print("\n".join(qualified_name(kind, obj["metadata"]["name"]) for obj in objects))
            continue
        if not first:
            print()
        first = False
        table = Table(kind, wide=args.output == "wide", qualified=several)
        print("\n".join(table.lines(objects, datetime.now(UTC), heads=not args.no_headers)))


def _watch(server: Server, each: Asked, args: argparse.Namespace) -> int:
    """Prints what there is, and then each change, until interrupted; lists again when it was too slow."""
    table = Table(each.kind, wide=args.output == "wide", qualified=False)
    heads = not args.no_headers
    while True:
        objects, version = _fetch(server, each, args.selector)
        heads = _emit(each.kind, table, objects, args.output, heads=heads)
        try:
            for event in server.watch(each.kind, version, selector=args.selector, name=each.name):
                heads = _emit(each.kind, table, [event["object"]], args.output, heads=heads)
            return 0
        except Refused as error:
            if error.reason != "Expired":
                raise


def _emit(kind: Kind, table: Table, objects: list[Json], output: str | None, *, heads: bool) -> bool:
    """Prints the objects of a watch; whether column heads are still to come."""
    if not objects:
        return heads
    if output in ("json", "yaml"):
        for obj in objects:
            if output == "yaml":
                print("---")
            _dump(obj, output)
    elif output == "name":
        print("\n".join(qualified_name(kind, obj["metadata"]["name"]) for obj in objects))
    else:
        print("\n".join(table.lines(objects, datetime.now(UTC), heads=heads)))
    sys.stdout.flush()
    return False


def _as_list(objects: list[Json]) -> Json:
    return {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}


def _dump(content: Json, output: str) -> None:
    if output == "json":
        print(json.dumps(content, indent=4, sort_keys=True, ensure_ascii=False))
    else:
        print(yaml.safe_dump(content, default_flow_style=False, allow_unicode=True), end="")
