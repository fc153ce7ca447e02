"""Which values may go over a wire: JSON's, with numbers that every client holds exactly."""

from __future__ import annotations

from math import isfinite
from typing import Any

from msgspec import UNSET, Struct

from roomfleet.wire.errors import MalformedMessage

MAX_DEPTH = 100
"""How deep lists and objects may nest within a message."""

MAX_INTEGER = 2**53 - 1
"""Larger integers are not exact in a browser."""

_PLAIN = frozenset({str, bool, type(None), type(UNSET)})


def check_values(message: Any) -> None:
    """Look at every value of a decoded message. Raises MalformedMessage, which names the place."""
    flaw = _flaw(message, 0)
    if flaw is not None:
        problem, way = flaw[0], "".join(reversed(flaw[1:]))
        raise MalformedMessage(f"{problem} - at `${way[:80]}{'…' if len(way) > 80 else ''}`")


def _flaw(value: Any, depth: int) -> list[str] | None:
    """What is wrong with it, then the way to the place from its end; None when nothing is.

    The way is put together only where it is needed: this runs for each message of each client.
    """
    kind = type(value)
    if kind is float:
        return None if isfinite(value) else [f"{value} is no JSON number; send null"]
    if kind in _PLAIN:
        return None
    if kind is int:
        exact = -MAX_INTEGER <= value <= MAX_INTEGER
        return None if exact else ["an integer beyond 2**53 - 1; send it as a string"]
    if depth >= MAX_DEPTH:
        return [f"nested deeper than {MAX_DEPTH} levels"]
    if kind is dict:
        return _dict_flaw(value, depth + 1)
    if kind is list:
        return _list_flaw(value, depth + 1)
    if issubclass(kind, Struct):
        return _struct_flaw(value, depth + 1)
    # An enum's member is a string too.
    return None if issubclass(kind, str) else [f"{kind.__name__} is not JSON data"]


def _dict_flaw(value: dict[Any, Any], depth: int) -> list[str] | None:
    for key, each in value.items():
        if type(key) is not str:
            return [f"the key {key!r:.60} is no string"]
        if type(each) not in _PLAIN and (flaw := _flaw(each, depth)) is not None:
            flaw.append(f".{key:.60}")
            return flaw
    return None


def _list_flaw(value: list[Any], depth: int) -> list[str] | None:
    for index, each in enumerate(value):
        if type(each) not in _PLAIN and (flaw := _flaw(each, depth)) is not None:
            flaw.append(f"[{index}]")
            return flaw
    return None


def _struct_flaw(value: Struct, depth: int) -> list[str] | None:
    for field in value.__struct_fields__:
        each = getattr(value, field)
        if type(each) not in _PLAIN and (flaw := _flaw(each, depth)) is not None:
            flaw.append(f".{field}")
            return flaw
    return None
