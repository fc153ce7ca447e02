"""Options of a process: each is a flag and an environment variable of the same name, and the flag wins.

`--public-url` is ROOMFLEET_PUBLIC_URL. A bad or missing one is named as it was given, with the cure, in one
line. Secrets come from a variable or a file, never as a flag's value: others on the machine can read flags.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from roomfleet.wire.errors import WireError

MAX_PORT = 65_535

_PATH = re.compile(r"(/[\w.~-]+)*/?", re.ASCII)


class BadOption(WireError):
    """An option has a value that it cannot have; the text names it as it was given, and the cure."""


class MissingOption(BadOption):
    """An option that is needed was not given."""


@dataclass(frozen=True, slots=True)
class Given:
    """An option's value, and where it came from: its flag, its variable, or its default."""

    source: str
    text: str

    def bad(self, problem: str) -> BadOption:
        """The error that names this value. `problem` says what is wrong and the cure."""
        between = "=" if self.source.isupper() else " "
        return BadOption(f"{self.source}{between}{self.text!r}: {problem}")

    def port(self) -> int:
        """A port number, 0 for a free one. Raises BadOption."""
        return self.number(0, MAX_PORT)

    def number(self, least: int, most: int) -> int:
        """A whole number. Raises BadOption."""
        try:
            number = int(self.text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise self.bad(f"give a whole number from {least} to {most}")
        return number

    def url(self, *schemes: str, example: str) -> str:
        """A URL with one of the schemes and a host, without a slash at its end. Raises BadOption."""
        try:
            parts = urlsplit(self.text)
            well = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            well = False
        if not well:
            raise self.bad(f"is no URL of {' or '.join(f'{scheme}://' for scheme in schemes)}: try {example}")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise self.bad(f"leave out query, fragment and user: try {example}")
        if not _PATH.fullmatch(parts.path):
            raise self.bad(f"its path may have letters, digits, and any of / - . _ ~: try {example}")
        return self.text.rstrip("/")

    def path(self) -> str:
        """A path below which something is served, without a slash at its end. Raises BadOption."""
        if not self.text.startswith("/") or not _PATH.fullmatch(self.text):
            raise self.bad("give a path that begins with /, of letters, digits, and any of / - . _ ~")
        return self.text.rstrip("/")


@dataclass(frozen=True, slots=True)
class Option:
    """One option. What it is set to is text, until it is asked for as something else."""

    flag: str
    help: str
    default: str = ""
    metavar: str = ""
    many: bool = False
    """Whether the flag may be given several times; the variable then has an s, and commas between them."""

    @property
    def name(self) -> str:
        """`--public-url` → `public_url`."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        """`--public-url` → `ROOMFLEET_PUBLIC_URL`."""
        return f"ROOMFLEET_{self.name.upper()}" + ("S" if self.many else "")

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Make it a flag."""
        default = f"; {self.default}" if self.default else ""
        parser.add_argument(
            self.flag,
            default=None,
            metavar=self.metavar or None,
            action="append" if self.many else "store",
            help=f"{self.help} ({self.variable}{default})".replace("%", "%%"),
        )

    def given(self, flags: argparse.Namespace, environment: Mapping[str, str]) -> Given:
        """What it is set to. An empty variable counts as not set."""
        value = getattr(flags, self.name, None)
        if value is not None:
            return Given(self.flag, str(value))
        if found := environment.get(self.variable):
            return Given(self.variable, found)
        return Given(self.flag, self.default)

    def all_given(self, flags: argparse.Namespace, environment: Mapping[str, str]) -> list[Given]:
        """Of one of which there may be several: each. Any flag takes the variable's place."""
        values = getattr(flags, self.name, None)
        if values is not None:
            return [Given(self.flag, str(value)) for value in values]
        parts = environment.get(self.variable, "").split(",")
        return [Given(self.variable, part.strip()) for part in parts if part.strip()]

    def needed(self, flags: argparse.Namespace, environment: Mapping[str, str]) -> Given:
        """What it is set to. Raises MissingOption, which names flag and variable."""
        given = self.given(flags, environment)
        if not given.text:
            raise MissingOption(f"{self.flag} is missing: give it, or set {self.variable}: {self.help}")
        return given


LINK_SECRET = "ROOMFLEET_LINK_SECRET"

LINK_SECRET_FILE = Option(
    "--link-secret-file",
    f"file with the secret that master and nodes share; else {LINK_SECRET} has it",
    metavar="FILE",
)


def link_secret(flags: argparse.Namespace, environment: Mapping[str, str], read: Callable[[str], str]) -> str:
    """The secret of the control link; empty when none is set. `read` gives a file's text.

    The flag wins over both variables, and ROOMFLEET_LINK_SECRET over the other. Raises BadOption.
    """
    named = LINK_SECRET_FILE.given(flags, environment)
    if not named.text or (named.source == LINK_SECRET_FILE.variable and environment.get(LINK_SECRET)):
        return environment.get(LINK_SECRET, "")
    try:
        secret = read(named.text).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise named.bad(f"cannot be read ({why}): name a file with the secret in it") from None
    if not secret:
        raise named.bad("is empty: put the secret in it")
    return secret
