"""Applying ops to a client's copy of a room (DESIGN 10; INTERFACES, Ops).

A copy is `{"actors": {id: actor}, "room": {"state": …}}`. A path begins with an actor's id or with
`"room"`; string segments index objects, integers index lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from roomfleet.wire.errors import PatchError

Op = list[Any]
"""`["set", path, value]`, `["put", path, {field: value, …}]` (fields of the object there), `["del", path]`,
`["ins", path, value]`, `["enter", id, actor]`, `["leave", id, why]`."""

Copy = dict[str, Any]


def apply_ops(copy: Copy, ops: Iterable[Op]) -> None:
    """Apply the ops in order, in place. Raises PatchError at the first that does not fit."""
    for op in ops:
        try:
            _apply(copy, op)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchError(
                f"{op!r} does not fit: {type(error).__name__} {error}; ask for a snapshot"
            ) from None


def _apply(copy: Copy, op: Op) -> None:
    match op:
        case ["enter", str(actor_id), dict(actor)]:
            copy["actors"][actor_id] = actor
        case ["leave", str(actor_id), _]:
            del copy["actors"][actor_id]
        case ["set", [*way, last], value]:
            holder = _holder(copy, way)
            if isinstance(holder, list):
                holder[_index(last, len(holder))] = value
            else:
                holder[_key(last)] = value
        case ["put", [*way], dict(fields)]:
            holder = _holder(copy, way)
            if not isinstance(holder, dict) or not all(type(name) is str for name in fields):
                raise TypeError("put needs an object")
            holder.update(fields)
        case ["del", [*way, last]]:
            holder = _holder(copy, way)
            del holder[_index(last, len(holder)) if isinstance(holder, list) else _key(last)]
        case ["ins", [*way, last], value]:
            holder = _holder(copy, way)
            if not isinstance(holder, list):
                raise TypeError("ins needs a list")
            holder.insert(_index(last, len(holder) + 1), value)
        case _:
            raise ValueError("no such op")


def _holder(copy: Copy, way: list[Any]) -> Any:
    if not way:
        raise ValueError("a path has at least two segments")
    first, *rest = way
    holder = copy["room"] if first == "room" else copy["actors"][first]
    for segment in rest:
        if isinstance(holder, list):
            holder = holder[_index(segment, len(holder))]
        else:
            holder = holder[_key(segment)]
    return holder


def _index(segment: Any, bound: int) -> int:
    if type(segment) is not int or not 0 <= segment < bound:
        raise IndexError(segment)
    return segment


def _key(segment: Any) -> str:
    if type(segment) is not str:
        raise KeyError(segment)
    return segment
