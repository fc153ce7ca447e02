"""Random JSON values and random changes of nested dicts and lists by every mutator that Python has."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "ü"])
keys = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
small_lists = st.lists(values, max_size=3)
indexes = st.integers(-4, 4)
bounds = st.none() | indexes
slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, -1]))


def _set(target: Any, key: Any, value: Any) -> None:
    target[key] = value


def _del(target: Any, key: Any) -> None:
    del target[key]


def _ior(target: Any, value: Any) -> None:
    target |= value


def _iadd(target: Any, value: Any) -> None:
    target += value


def _imul(target: Any, value: Any) -> None:
    target *= value


_DICT: dict[str, tuple[Callable[..., Any], tuple[st.SearchStrategy[Any], ...]]] = {
    "set": (_set, (keys, values)),
    "del": (_del, (keys,)),
    "update": (lambda d, other: d.update(other), (st.dictionaries(keys, values, max_size=3),)),
    "update by names": (lambda d, other: d.update(**other), (st.dictionaries(keys, values, max_size=2),)),
    "update by pairs": (lambda d, other: d.update(list(other.items())), (st.dictionaries(keys, values),)),
    "ior": (_ior, (st.dictionaries(keys, values, max_size=3),)),
    "setdefault": (lambda d, key, value: d.setdefault(key, value), (keys, values)),
    "pop": (lambda d, key: d.pop(key), (keys,)),
    "pop with default": (lambda d, key: d.pop(key, None), (keys,)),
    "popitem": (lambda d: d.popitem(), ()),
    "clear": (lambda d: d.clear(), ()),
}

_LIST: dict[str, tuple[Callable[..., Any], tuple[st.SearchStrategy[Any], ...]]] = {
    "set": (_set, (indexes, values)),
    "set slice": (_set, (slices, small_lists)),
    "del": (_del, (indexes,)),
    "del slice": (_del, (slices,)),
    "append": (lambda items, value: items.append(value), (values,)),
    "insert": (lambda items, at, value: items.insert(at, value), (indexes, values)),
    "extend": (lambda items, more: items.extend(more), (small_lists,)),
    "extend by itself": (lambda items: items.extend(items) if len(items) < 8 else None, ()),
    "iadd": (_iadd, (small_lists,)),
    "imul": (lambda items, times: _imul(items, times) if len(items) < 8 else None, (st.integers(-1, 2),)),
    "pop": (lambda items: items.pop(), ()),
    "pop at": (lambda items, at: items.pop(at), (indexes,)),
    "remove": (lambda items, value: items.remove(value), (scalars,)),
    "clear": (lambda items: items.clear(), ()),
    "sort": (lambda items, down: items.sort(key=repr, reverse=down), (st.booleans(),)),
    "reverse": (lambda items: items.reverse(), ()),
}


class Change:
    """One change, drawn for a value: the same can be made to an equal one."""

    def __init__(self, way: list[Any], name: str, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.way = way
        self.name = name
        self._act = act
        self._args = args

    def make(self, root: Any) -> type[Exception] | None:
        """Make it; what Python raised, if it did."""
        target = root
        for step in self.way:
            target = target[step]
        try:
            self._act(target, *copy.deepcopy(self._args))
        except (IndexError, KeyError, ValueError) as error:
            return type(error)
        return None

    def __repr__(self) -> str:
        return f"{self.name}{self._args!r} at {self.way!r}"


def draw_change(data: st.DataObject, root: Any) -> Change:
    """A change of a container somewhere in `root`, which is a container itself."""
    way: list[Any] = []
    target = root
    while True:
        inner = list(target.items() if isinstance(target, dict) else enumerate(target))
        inner = [(step, each) for step, each in inner if isinstance(each, dict | list)]
        if not inner or data.draw(st.booleans(), label="here"):
            break
        step, target = data.draw(st.sampled_from(inner), label="into")
        way.append(step)
    table = _DICT if isinstance(target, dict) else _LIST
    name = data.draw(st.sampled_from(sorted(table)), label="change")
    act, strategies = table[name]
    return Change(way, name, act, tuple(data.draw(each) for each in strategies))
