"""What a command says when it cannot do what was asked: one clear text, no traceback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CliError(Exception):
    """The root: its text is what the user reads."""


class UsageError(CliError):
    """The command line asks for something that is not there, or contradicts itself."""

    def __str__(self) -> str:
        return f"error: {super().__str__()}"


class Unreachable(CliError):
    """No server answers at that URL."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f'cannot reach {url} ({why}): is "make up" running there? Else say where, with --server or '
            "ROOMFLEET_SERVER"
        )


class Refused(CliError):
    """The server said no, with a Status; told as kubectl tells it."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(_words(status))
        self.reason = str(status.get("reason", ""))
        self.code = int(status.get("code", 0))


def _words(status: Mapping[str, Any]) -> str:
    details = status.get("details") or {}
    causes = details.get("causes") or []
    if status.get("reason") != "Invalid" or not causes:
        return f"Error from server ({status.get('reason')}): {status.get('message')}"
    found = [f"{c['field']}: {c['message']}" if c.get("field") else c["message"] for c in causes]
    subject = f'The {details.get("kind")} "{details.get("name")}" is invalid: '
    if len(found) == 1:
        return subject + found[0]
    return subject + "".join(f"\n* {text}" for text in found)
