"""Verbs that become a process of their own: what stands after them is that process's to read."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from roomfleet.cli.terminal import take_terminal


def add_process(subparsers: Any, verb: str, module: str, text: str) -> None:
    """`roomfleet VERB …` becomes `python -m MODULE …`: one process less, and signals reach it directly."""

    def run(args: argparse.Namespace) -> int:
        take_terminal(os.environ)
        os.execv(sys.executable, [sys.executable, "-m", module, *args.rest])

    # Without prefixes nothing here looks like a flag, not even a first argument that is one.
    parser = subparsers.add_parser(verb, help=text, add_help=False, prefix_chars="\0")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    parser.set_defaults(func=run)
