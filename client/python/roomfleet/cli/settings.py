"""`roomfleet settings`: every setting with its value, as a chart's values, as variables, or as a schema."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from roomfleet.cli.errors import UsageError
from roomfleet.wire.settings import BadSetting, Settings


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "settings",
        help="print every setting as it would count",
        description="Print every setting as flags and ROOMFLEET_… variables given to this command make it.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=list(_FORMATS),
        default="values",
        help="a chart's values (default), variables, or the JSON schema of the values",
    )
    Settings.add_to(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints them. A bad one ends as it would end a process that is started with it."""
    try:
        settings = Settings.given(args, os.environ)
    except BadSetting as error:
        raise UsageError(f"roomfleet settings: {error}") from None
    print(_FORMATS[args.output](settings))
    return 0


def _values(settings: Settings) -> str:
    lines = ["settings:"]
    for option, value in zip(settings.options(), settings.value_names(), strict=True):
        lines += [f"  # {option.help}; {option.default}", f"  {value}: {getattr(settings, option.name)}"]
    return "\n".join(lines)


def _variables(settings: Settings) -> str:
    return "\n".join(f"{name}={value}" for name, value in settings.environment().items())


def _schema(settings: Settings) -> str:
    return json.dumps(settings.schema(), indent=2)


_FORMATS = {"values": _values, "env": _variables, "schema": _schema}
