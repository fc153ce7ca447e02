"""`roomfleet apply`: makes objects as manifests say, or changes them to that."""

from __future__ import annotations

import argparse
from typing import Any

from roomfleet.cli.columns import qualified_name
from roomfleet.cli.common import add_file_option, add_server_options, read_manifests, server_of, tell
from roomfleet.cli.errors import Refused, UsageError
from roomfleet.cli.server import Server
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.errors import BadRequest
from roomfleet.master.local.manifests import Document


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "apply", help="make or change objects as manifests say", description=__doc__
    )
    add_file_option(parser, required=True)
    parser.add_argument(
        "--dry-run", choices=["none", "server"], default="none", help="only say what would be"
    )
    add_server_options(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Applies all documents, also after one that was refused; 1 if any was."""
    server = server_of(args)
    documents = read_manifests(args.filename)
    failed = False
    for document in documents:
        try:
            print(_apply(server, document, dry_run=args.dry_run == "server"), flush=True)
        except (Refused, UsageError) as error:
            tell(document.source, error)
            failed = True
    return 1 if failed else 0


def _apply(server: Server, document: Document, *, dry_run: bool) -> str:
    manifest = document.content
    try:
        kind = installed_kinds().of(manifest["apiVersion"], manifest["kind"])
    except BadRequest as error:
        raise UsageError(str(error)) from error
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise UsageError("resource name may not be empty: set metadata.name")
    before = server.find(kind, name)
    after = server.apply(kind, manifest, dry_run=dry_run)
    if before is None:
        verb = "created"
    else:
        verb = "unchanged" if _kept(before) == _kept(after) else "configured"
    return f"{qualified_name(kind, name)} {verb}{' (server dry run)' if dry_run else ''}"


def _kept(obj: dict[str, Any]) -> dict[str, Any]:
    """What of an object applying can change: the status may change meanwhile by itself."""
    metadata = obj["metadata"]
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    return {
        **rest,
        "metadata": [metadata.get(key) for key in ("uid", "labels", "annotations", "ownerReferences")],
    }
