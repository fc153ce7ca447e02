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
    _check(message, "$", 0)


def _check(value: Any, where: str, depth: int) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise MalformedMessage(f"an integer beyond 2**53 - 1; send it as a string - at `{where}`")
    elif kind is float:
        if not isfinite(value):
            raise MalformedMessage(f"{value} is no JSON number; send null - at `{where}`")
    elif depth >= MAX_DEPTH:
        raise MalformedMessage(f"nested deeper than {MAX_DEPTH} levels - at `{where[:80]}…`")
    elif kind is dict:
        for key, each in value.items():
            if type(key) is not str:
                raise MalformedMessage(f"the key {key!r:.60} is no string - at `{where}`")
            if type(each) not in _PLAIN:
                _check(each, f"{where}.{key:.60}", depth + 1)
    elif kind is list:
        for index, each in enumerate(value):
            if type(each) not in _PLAIN:
                _check(each, f"{where}[{index}]", depth + 1)
    elif issubclass(kind, Struct):
        for field in kind.__struct_fields__:
            _check(getattr(value, field), f"{where}.{field}", depth + 1)
    elif not issubclass(kind, str):  # an enum's member is a string too
        raise MalformedMessage(f"{kind.__name__} is not JSON data - at `{where}`")
