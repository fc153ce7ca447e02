"""Which installation a master belongs to: its databases are its own (DESIGN 13, One database)."""

from __future__ import annotations

import argparse
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from roomfleet.wire.options import Given, Option

INSTALLATION = Option(
    "--installation",
    "id of this installation, which its database keeps; by default one that is made for it",
    metavar="ID",
)
ADOPT = Option(
    "--adopt-installation", "take over the database of the installation with this id", metavar="ID"
)
OPTIONS = (INSTALLATION, ADOPT)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class BadInstallation(Exception):
    """The id cannot be had; one line that says why, and the cure."""


def given(flags: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, str]:
    """The id of this installation and that of the one whose database it adopts, as they were given.

    Each empty when it was not. Raises BadOption.
    """
    return _checked(INSTALLATION.given(flags, environment)), _checked(ADOPT.given(flags, environment))


def kept_in(folder: Path) -> str:
    """The id in the folder's file `installation`; made by whoever asks first. Raises BadInstallation.

    The folder is the caller's alone.
    """
    path = folder / "installation"
    try:
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_text(f"{uuid.uuid4()}\n")
            os.replace(new, path)
        found = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInstallation(f"{path}: {why}: it keeps this installation's id") from None
    if _ID.fullmatch(found) is None:
        raise BadInstallation(
            f"{path} has no id in it: write the installation's id there, as its database has it, or delete it"
        )
    return found


def _checked(option: Given) -> str:
    if option.text and _ID.fullmatch(option.text) is None:
        raise option.bad("an id has up to 63 letters, digits and any of . _ -, and begins with no sign")
    return option.text
