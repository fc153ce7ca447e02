"""A client's connection, as rooms know it: what can be told to it."""

from __future__ import annotations

from typing import Any, Protocol

from roomfleet.wire.codec import Format
from roomfleet.wire.session import Error, ErrorCode


class Connection(Protocol):
    """A client's websocket, as the room needs it. Its methods never block and never raise."""

    @property
    def format(self) -> Format:
        """How its messages are written."""

    def say(self, message: Any) -> None:
        """Send a message, after all that was sent before."""

    def offer(self, frame: bytes) -> bool:
        """Send a websocket frame of its format, unless earlier ones have not left yet. False: not sent."""

    @property
    def busy(self) -> bool:
        """Whether earlier messages have not left yet."""

    def end(self, last: Any | None) -> None:
        """Send a last message, if any, and close. The room is not told of this close."""


def say_error(connection: Connection, code: ErrorCode, message: str, call: int | None = None) -> None:
    """Tell a client what was wrong with what it sent."""
    connection.say(Error(id=call, code=code, message=message))
