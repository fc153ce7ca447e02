"""Options that the commands on objects share, and reading the manifests that they are given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from roomfleet.cli.errors import CliError, UsageError
from roomfleet.cli.server import Server
from roomfleet.master.local.manifests import BadManifest, Document, read_documents, read_path


def add_server_options(parser: argparse.ArgumentParser, *, default: str | None = argparse.SUPPRESS) -> None:
    """`--server` and `--namespace`: before the command or after it."""
    parser.add_argument(
        "--server",
        metavar="URL",
        default=default,
        help="where the fleet answers; else ROOMFLEET_SERVER, else http://127.0.0.1:8080",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        metavar="GAME",
        default=default,
        help="the game; else ROOMFLEET_NAMESPACE, else the one that the server serves",
    )


def add_file_option(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """`-f`, which may be given several times."""
    parser.add_argument(
        "-f",
        "--filename",
        metavar="FILE",
        action="append",
        required=required,
        help="a file of manifests, a folder of such files, or - for standard input",
    )


def server_of(args: argparse.Namespace) -> Server:
    """The server that the options name."""
    return Server(args.server, args.namespace)


def read_manifests(names: Sequence[str]) -> list[Document]:
    """The documents of all files. Raises CliError."""
    documents: list[Document] = []
    try:
        for name in names:
            if name == "-":
                documents += read_documents(sys.stdin.read(), "-")
            else:
                documents += read_path(Path(name))
    except (BadManifest, UnicodeDecodeError) as error:
        raise UsageError(str(error)) from error
    if not documents:
        raise UsageError(f"no objects in {', '.join(names)}")
    return documents


def tell(source: str, error: CliError) -> None:
    """Says on standard error what was refused, and where that stands."""
    print(f"{source}: {error}", file=sys.stderr)
