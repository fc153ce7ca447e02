"""Plain JSON data: checked and copied, so that nothing unsendable gets into state, events or results."""

from __future__ import annotations

import math
from typing import Any

from roomfleet.game.errors import StateError

MAX_DEPTH = 60
"""How deep values may nest."""

MAX_INTEGER = 2**53 - 1
"""Larger integers are not exact in every client."""


def plain(value: Any, where: str) -> Any:
    """A copy of the value as dicts, lists, strings, numbers, booleans and None.

    Tuples become lists. Raises StateError that names the place, `where` being that of the value itself.
    """
    return _copy(value, where, 0)


def scalar(value: Any, where: str) -> Any:
    """The value, when it is a string, number, boolean or None. Raises StateError."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, where)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise StateError(f"{where}: {value} is too large: integers go up to 2**53 - 1; use a string")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StateError(f"{where}: {value} is no JSON number; use None")
        return float(value)
    raise StateError(
        f"{where}: {type(value).__name__} is not JSON data; use dict, list, str, int, float, bool or None"
    )


def text(value: str, where: str) -> str:
    """The string, when it can be sent. Raises StateError."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise StateError(f"{where}: {value!r} is not Unicode text (half of a surrogate pair)") from None
    return str.__str__(value)


def sendable(text: str) -> str:
    """The text with what cannot be sent replaced: for errors, whose text is anybody's."""
    return text.encode(errors="replace").decode()


def key(value: Any, where: str) -> str:
    """The key of a dict. Raises StateError when it is not a string."""
    if not isinstance(value, str):
        raise StateError(f"{where}: the key {value!r} is {type(value).__name__}; keys are strings")
    return text(value, where)


def too_deep(where: str) -> StateError:
    return StateError(f"{where}: nested deeper than {MAX_DEPTH} levels, or in itself")


def _copy(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise too_deep(where)
    if isinstance(value, dict):
        return {key(name, where): _copy(each, f"{where}.{name}", depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(each, f"{where}[{index}]", depth + 1) for index, each in enumerate(value)]
    return scalar(value, where)


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same JSON: `1`, `1.0` and `True` differ."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def bare(value: Any) -> Any:
    """A copy of data that is known to be plain, as bare dicts and lists."""
    if isinstance(value, dict):
        return {name: bare(each) for name, each in value.items()}
    if isinstance(value, list):
        return [bare(each) for each in value]
    return value
