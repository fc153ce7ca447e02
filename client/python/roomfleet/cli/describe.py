"""`roomfleet describe`: all about an object, laid out as kubectl does."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from roomfleet.cli.columns import age
from roomfleet.cli.common import add_server_options, server_of
from roomfleet.cli.errors import Refused
from roomfleet.cli.resources import asked
from roomfleet.master.local.crds import installed_kinds

_GAP = 2
_SHOWN_ABOVE = ("name", "namespace", "labels", "annotations")
_ACRONYMS = {"Api": "API", "Uid": "UID", "Url": "URL"}
Line = tuple[str, str | None]
"""A label with its indent, and the value after it; None for a heading or an entry, which ends a column."""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("describe", help="print all about objects", description=__doc__)
    parser.add_argument(
        "what", nargs="*", metavar="TYPE [NAME]", help="types, a type and names, or TYPE/NAME"
    )
    parser.add_argument(
        "-l", "--selector", default="", help="labels that the objects have: a=b,c!=d,e in (f,g)"
    )
    add_server_options(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints what is asked for; 1 if some of it is not there."""
    wanted = asked(args.what, installed_kinds())
    server = server_of(args)
    texts: list[str] = []
    failed = False
    for each in wanted:
        try:
            if each.name is not None:
                objects = [server.get(each.kind, each.name)]
            else:
                objects = server.list(each.kind, args.selector)["items"]
        except Refused as error:
            if error.reason != "NotFound":
                raise
            print(error, file=sys.stderr)
            failed = True
        else:
            texts += [description(obj, datetime.now(UTC)) for obj in objects]
    if texts:
        print("\n\n".join(texts), end="")
    elif not failed:
        print(f"No resources found in {server.namespace} namespace.", file=sys.stderr)
    return 1 if failed else 0


def description(obj: Mapping[str, Any], now: datetime) -> str:
    """The text about one object, each line ended."""
    metadata = obj["metadata"]
    lines: list[Line] = [
        ("Name:", metadata["name"]),
        ("Namespace:", metadata["namespace"]),
        *_pairs("Labels:", metadata.get("labels"), "="),
        *_pairs("Annotations:", metadata.get("annotations"), ": "),
        ("API Version:", obj["apiVersion"]),
        ("Kind:", obj["kind"]),
        ("Age:", age(metadata.get("creationTimestamp", ""), now)),
    ]
    rest = {key: value for key, value in metadata.items() if key not in _SHOWN_ABOVE}
    content = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    lines += _tree({"metadata": rest, **content}, 0)
    return "".join(f"{line}\n" for line in _aligned(lines))


def _pairs(label: str, entries: Mapping[str, str] | None, sign: str) -> Iterator[Line]:
    if not entries:
        yield label, "<none>"
    for index, (key, value) in enumerate(sorted((entries or {}).items())):
        yield (label if index == 0 else ""), f"{key}{sign}{value}"


def _tree(value: Mapping[str, Any], depth: int) -> Iterator[Line]:
    indent = "  " * depth
    for key, item in sorted(value.items(), key=lambda pair: _label(pair[0])):
        label = f"{indent}{_label(key)}:"
        if isinstance(item, Mapping):
            yield label, None
            yield from _tree(item, depth + 1)
        elif isinstance(item, list):
            yield label, None
            yield from _entries(item, depth + 1)
        else:
            yield label, _scalar(item)


def _entries(items: list[Any], depth: int) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Mapping):
            yield from _tree(item, depth)
        elif isinstance(item, list):
            yield from _entries(item, depth + 1)
        else:
            yield "  " * depth + _scalar(item), None


def _scalar(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _label(field: str) -> str:
    """`boredAfterSeconds` as `Bored After Seconds`; keys that are no field names as they are."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", field):
        return field
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", field[0].upper() + field[1:])
    return " ".join(_ACRONYMS.get(word, word) for word in words)


def _aligned(lines: list[Line]) -> Iterator[str]:
    """Values in one column as far as no line without a value comes between."""
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and lines[end][1] is not None:
            end += 1
        width = max((len(label) for label, _ in lines[start:end]), default=0) + _GAP
        for label, value in lines[start:end]:
            yield f"{label:{width}}{value}".rstrip()
        if end < len(lines):
            yield lines[end][0]
        start = end + 1
