"""The settings of an installation: one tree, each with its default, its unit and what it bounds.

Flag, environment variable and chart value carry the same name: `--join-timeout-seconds`,
`ROOMFLEET_JOIN_TIMEOUT_SECONDS`, `joinTimeoutSeconds`. All three, the page of options and the chart's schema
are made from the fields below: a new setting is a new field there.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from roomfleet.wire.options import BadOption, Given, Option


class BadSetting(BadOption):
    """A setting has a value that it cannot have."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every time is in seconds."""

    join_timeout_seconds: Annotated[
        float, Meta(description="a join that was not admitted by then is refused with 503")
    ] = 120
    line_limit: Annotated[int, Meta(description="players in line for one room; past it 429")] = 1_000
    ticket_seconds: Annotated[
        float, Meta(description="life of a ticket, and of the seat that it reserves")
    ] = 15
    reconnect_seconds: Annotated[
        float, Meta(description="how long a player's actor stays after its connection dropped")
    ] = 30
    node_lost_after_seconds: Annotated[
        float,
        Meta(description="a node whose link was silent that long is lost; its rooms are placed again"),
    ] = 10
    overload_share: Annotated[
        float,
        Meta(description="a node that is busy for more than that share of a core gets no new rooms"),
    ] = 0.9
    max_unsaved_seconds: Annotated[
        float, Meta(description="a room that could not save for that long takes no commands")
    ] = 10
    delete_after_seconds: Annotated[
        float,
        Meta(
            description="saved data of a Room with onDelete: Delete go once its object has been gone for that"
            " long, in two complete lists"
        ),
    ] = 600
    keep_alive_seconds: Annotated[float, Meta(description="pings on every websocket, both ways")] = 20
    ticks_per_second: Annotated[int, Meta(description="frames a second to each client, at most")] = 20
    max_message_bytes: Annotated[
        int, Meta(description="a larger message from a client is an error and ends its session")
    ] = 65_536
    calls_per_second: Annotated[
        float, Meta(description="calls of one connection, sustained; a token bucket")
    ] = 20
    calls_burst: Annotated[int, Meta(description="calls of one connection at once")] = 40
    outstanding_calls: Annotated[
        int, Meta(description="calls of one connection that wait for their result; more are refused")
    ] = 64
    slow_client_seconds: Annotated[
        float, Meta(description="a client that takes nothing for that long gets a goodbye")
    ] = 10

    @classmethod
    def options(cls) -> list[Option]:
        """One for each setting, in the order of the fields."""
        hints = get_type_hints(cls, include_extras=True)
        defaults = cls()
        return [
            Option(
                "--" + field.replace("_", "-"),
                next(meta.description for meta in hints[field].__metadata__),
                f"{getattr(defaults, field)}",
                "NUMBER",
            )
            for field in cls.__struct_fields__
        ]

    @classmethod
    def add_to(cls, parser: argparse.ArgumentParser) -> None:
        """Make each setting a flag."""
        group = parser.add_argument_group("settings")
        for option in cls.options():
            option.add_to(group)

    @classmethod
    def given(cls, flags: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
        """Settings from flags and `ROOMFLEET_…` variables; raises BadSetting naming what was given."""
        values: dict[str, float] = {}
        for option, camel in zip(cls.options(), cls.__struct_encode_fields__, strict=True):
            flag, text = getattr(flags, option.name, None), environment.get(option.variable)
            if flag is not None:
                values[option.name] = cls._value(Given(option.flag, str(flag)), option.name, camel)
            elif text is not None:
                values[option.name] = cls._value(Given(option.variable, text), option.name, camel)
        return msgspec.structs.replace(cls(), **values)

    @classmethod
    def _value(cls, given: Given, field: str, camel: str) -> float:
        try:
            value: float = getattr(msgspec.convert({camel: given.text}, cls, strict=False), field)
        except msgspec.ValidationError:
            kind = "whole number" if get_type_hints(cls)[field] is int else "number"
            raise BadSetting(str(given.bad(f"set it to a {kind} above 0"))) from None
        if not (value > 0 and math.isfinite(value)):
            raise BadSetting(str(given.bad("set it to a number above 0")))
        return value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from `ROOMFLEET_…` variables alone; raises BadSetting naming the variable."""
        return cls.given(argparse.Namespace(), environment)

    @classmethod
    def value_names(cls) -> tuple[str, ...]:
        """What each is called among a chart's values, in the order of the fields."""
        return cls.__struct_encode_fields__

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The JSON schema of all of them among a chart's values: what it allows, a process takes."""
        hints = get_type_hints(cls)
        properties = {
            value: {
                "type": "integer" if hints[option.name] is int else "number",
                "exclusiveMinimum": 0,
                "default": getattr(cls(), option.name),
                "description": option.help,
            }
            for option, value in zip(cls.options(), cls.value_names(), strict=True)
        }
        return {"type": "object", "additionalProperties": False, "properties": properties}

    def environment(self) -> dict[str, str]:
        """The variables that give these settings to another process."""
        return {option.variable: f"{getattr(self, option.name)}" for option in self.options()}


def environment_name(field: str) -> str:
    """`join_timeout_seconds` → `ROOMFLEET_JOIN_TIMEOUT_SECONDS`."""
    return f"ROOMFLEET_{field.upper()}"
