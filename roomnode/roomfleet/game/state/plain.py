"""Plain JSON data: checked and copied, so that nothing unsendable gets into state, events or results."""

from __future__ import annotations

import math
from typing import Any

from roomfleet.game.errors import StateError
from roomfleet.game.state.references import MARK, Reference, reference_to

MAX_DEPTH = 60
"""How deep values may nest."""

MAX_INTEGER = 2**53 - 1
"""Larger integers are not exact in every client."""


class Misfit(Exception):
    """A value that cannot be kept. On its way up it gathers the way to it, innermost first, so that a place
    is put into words only when something is wrong there."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.way: list[str | int] = []

    def at(self, step: str | int) -> Misfit:
        """One level further out."""
        self.way.append(step)
        return self

    def error(self, where: str, value: Any = None) -> StateError:
        """The error, `where` being the place of the outermost value, which is `value`."""
        steps = _loop(value) if len(self.way) > MAX_DEPTH else None
        problem = self.problem if steps is None else "holds itself: values are copied in, so this has no end"
        return StateError(f"{where}{place(steps or self.way[::-1])}: {problem}")


def place(steps: list[str | int]) -> str:
    """`.bag[2].kind`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def plain(value: Any, where: str) -> Any:
    """A copy of the value as dicts, lists, strings, numbers, booleans and None; actors by reference.

    Tuples become lists. Raises StateError that names the place, `where` being that of the value itself.
    """
    try:
        return _copy(value, 0)
    except Misfit as misfit:
        raise misfit.error(where, value) from None


def scalar(value: Any) -> Any:
    """The value, when it is a string, number, boolean, None or actor. Raises Misfit."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Misfit(f"{value} is too large: integers go up to 2**53 - 1; use a string")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Misfit(f"{value} is no JSON number; use None")
        return float(value)
    if isinstance(value, Reference):
        return value
    reference = reference_to(value)
    if reference is None:
        problem = "is not JSON data; use dict, list, str, int, float, bool, None or an actor"
        raise Misfit(f"{type(value).__name__} {problem}")
    return reference


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Misfit(f"{value!r} is not Unicode text (half of a surrogate pair)") from None
    return str.__str__(value)


def text(value: str, where: str) -> str:
    """The string, when it can be sent. Raises StateError."""
    try:
        return _text(value)
    except Misfit as misfit:
        raise misfit.error(where) from None


def sendable(text: str) -> str:
    """The text with what cannot be sent replaced: for errors, whose text is anybody's."""
    return text.encode(errors="replace").decode()


def key(value: Any) -> str:
    """The key of a dict. Raises Misfit when it is not a string, or the one that references have."""
    if not isinstance(value, str):
        raise Misfit(f"the key {value!r} is {type(value).__name__}; keys are strings")
    if value == MARK:
        raise Misfit(f"the key {MARK!r} is kept for references to actors: store the actor itself")
    return _text(value)


def reference_in(value: dict[Any, Any]) -> Reference | None:
    """The reference that this dict is, as in a save; None for another dict."""
    if len(value) == 1 and MARK in value:
        found = dict.get(value, MARK)
        if isinstance(found, str):
            return Reference(_text(found))
    return None


def too_deep() -> Misfit:
    return Misfit(f"nested deeper than {MAX_DEPTH} levels, or in itself")


def _copy(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise too_deep()
    if isinstance(value, dict):
        if (reference := reference_in(value)) is not None:
            return reference.bare
        copied = {}
        for each_key, each in value.items():
            name = key(each_key)
            try:
                copied[name] = _copy(each, depth + 1)
            except Misfit as misfit:
                raise misfit.at(name) from None
        return copied
    if isinstance(value, list | tuple):
        items: list[Any] = []
        try:
            for each in value:
                items.append(_copy(each, depth + 1))
        except Misfit as misfit:
            raise misfit.at(len(items)) from None
        return items
    checked = scalar(value)
    return checked.bare if type(checked) is Reference else checked


def _loop(value: Any) -> list[str | int] | None:
    """The way to a container that is in itself; None when there is none."""
    above: set[int] = set()
    looked: set[int] = set()

    def look(each: Any, steps: list[str | int]) -> list[str | int] | None:
        if not isinstance(each, dict | list | tuple) or id(each) in looked or len(steps) > 4 * MAX_DEPTH:
            return None
        if id(each) in above:
            return steps
        above.add(id(each))
        for step, child in each.items() if isinstance(each, dict) else enumerate(each):
            if (found := look(child, [*steps, step])) is not None:
                return found
        above.remove(id(each))
        looked.add(id(each))
        return None

    return look(value, [])


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same JSON: `1`, `1.0` and `True` differ."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and dict.keys(one) == dict.keys(other)
            and all(same(value, dict.__getitem__(other, name)) for name, value in dict.items(one))
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(map(same, list.__iter__(one), list.__iter__(other)))
        )
    return type(one) is type(other) and bool(one == other)


def bare(value: Any) -> Any:
    """A copy of data that is known to be plain, as bare dicts and lists."""
    if not isinstance(value, _INNER):
        return value
    if isinstance(value, dict):
        return {name: bare(each) if isinstance(each, _INNER) else each for name, each in dict.items(value)}
    if isinstance(value, list):
        return [bare(each) if isinstance(each, _INNER) else each for each in list.__iter__(value)]
    return value.bare


_INNER = (dict, list, Reference)
