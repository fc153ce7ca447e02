"""The settings of an installation: one tree, each with its default, its unit and what it bounds.

Flag, environment variable and chart value carry the same name: `--join-timeout-seconds`,
`ROOMFLEET_JOIN_TIMEOUT_SECONDS`, `joinTimeoutSeconds`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import msgspec

from roomfleet.wire.errors import WireError


class BadSetting(WireError):
    """A setting has a value that it cannot have."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every time is in seconds."""

    join_timeout_seconds: float = 120
    """A join that was not admitted by then is refused with 503."""
    line_limit: int = 1_000
    """Joins in line for one room; past it 429."""
    ticket_seconds: float = 15
    """Life of a ticket, and of the seat that it reserves."""
    reconnect_seconds: float = 30
    """How long a player's actor stays after its connection dropped."""
    node_lost_after_seconds: float = 10
    """A node whose link was silent that long is lost; its rooms are placed again."""
    max_unsaved_seconds: float = 10
    """A room that could not save for that long takes no commands."""
    keep_alive_seconds: float = 20
    """Pings on every websocket, both ways."""
    ticks_per_second: int = 20
    """Frames a second to each client, at most."""
    max_message_bytes: int = 65_536
    """A larger message from a client is an error and ends its session."""
    calls_per_second: float = 20
    """Calls of one connection, sustained; a token bucket."""
    calls_burst: int = 40
    """Calls of one connection at once."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from `ROOMFLEET_…` variables; raises BadSetting naming the variable."""
        found: dict[str, str] = {}
        for field, camel in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True):
            variable = environment_name(field)
            if variable in environment:
                found[camel] = environment[variable]
        settings = cls()
        for camel, text in found.items():
            try:
                one = msgspec.convert({camel: text}, cls, strict=False)
            except msgspec.ValidationError as error:
                name = environment_name(_snake(camel))
                raise BadSetting(f"{name}={text!r}: {error}; set it to a number") from None
            value = getattr(one, _snake(camel))
            if not (value > 0 and math.isfinite(value)):
                raise BadSetting(f"{environment_name(_snake(camel))}={text!r}: must be a number above 0")
            settings = msgspec.structs.replace(settings, **{_snake(camel): value})
        return settings


def environment_name(field: str) -> str:
    """`join_timeout_seconds` → `ROOMFLEET_JOIN_TIMEOUT_SECONDS`."""
    return f"ROOMFLEET_{field.upper()}"


def _snake(camel: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found.group(1).lower(), camel)
