"""The entry point: finds the command and runs it; an error of the user's is one text and exit status 1."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from roomfleet.cli.common import add_server_options
from roomfleet.cli.errors import CliError
from roomfleet.master.local.kinds import BadDefinition
from roomfleet.wire.version import __version__

COMMANDS = (
    "up",
    "operator",
    "node",
    "check",
    "export",
    "apply",
    "get",
    "describe",
    "scale",
    "delete",
    "settings",
)
"""Each is a module here, with `add_parser(subparsers)` that sets `func(args) -> exit status`."""
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line (without one: this process's) and returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(arguments)
    args = parser.parse_args(arguments)
    try:
        status: int = args.func(args)
        sys.stdout.flush()
    except (CliError, BadDefinition) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser: with the command asked for alone, so that the others' imports cost nothing, or with all."""
    parser = argparse.ArgumentParser(prog="roomfleet", description="Rooms that sleep for free.")
    parser.add_argument("--version", action="version", version=f"roomfleet {__version__}")
    add_server_options(parser, default=None)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    named = _command(arguments)
    if named is not None:
        wanted: tuple[str, ...] = (named,)
    else:
        wanted = () if "--version" in arguments else COMMANDS
    for command in wanted:
        importlib.import_module(f"roomfleet.cli.{command}").add_parser(subparsers)
    return parser


def _command(arguments: Sequence[str]) -> str | None:
    """The command that is asked for, None when none is."""
    before = ""
    for argument in arguments:
        if argument in COMMANDS and before not in ("-n", "--namespace", "--server"):
            return argument
        before = argument
    return None
