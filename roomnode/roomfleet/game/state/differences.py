"""The least ops that make one value of another, and when a container is better set as a whole.

Sizes are counted in scalars: a number weighs 1, a text 1 for each 16 characters, a container 1 and what is
in it; an op weighs OP more than its value, for its name and path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from roomfleet.game.state.plain import same

OP = 2
"""What an op weighs without its value."""

_ENDLESS = 1 << 60

Op = tuple[str, list[str | int], Any]
"""`set`, `del` or `ins`; the way below the value; the new value there."""


def differences(old: Any, new: Any) -> list[Op]:
    """What makes `new` of `old`, to be applied in order; nothing when they are the same JSON."""
    return _between(old, new)[2]


def differences_at(step: str | int, old: Any, new: Any) -> tuple[int, list[Op]]:
    """What makes `new` of `old`, which stands at `step`, and what those ops weigh."""
    _, cost, ops = _between(old, new)
    return cost, _under(step, ops)


def weight(values: Iterable[Any], limit: int) -> int:
    """What they weigh together; counted until it is `limit`, so that this costs no more than that."""
    total = 0
    for value in values:
        if total >= limit:
            break
        if isinstance(value, dict):
            total += 1 + weight(dict.values(value), limit - total - 1)
        elif isinstance(value, list):
            total += 1 + weight(list.__iter__(value), limit - total - 1)
        else:
            total += _scalar(value)
    return total


def _scalar(value: Any) -> int:
    return 1 + len(value) // 16 if type(value) is str else 1


def _between(old: Any, new: Any) -> tuple[int, int, list[Op]]:
    """The weight of `new`, that of the ops, and the ops."""
    if isinstance(old, dict) and isinstance(new, dict):
        total, cost, ops = _dicts(old, new)
    elif isinstance(old, list) and isinstance(new, list):
        total, cost, ops = _lists(old, new)
    elif same(old, new):
        return _scalar(new), 0, []
    else:
        total = _whole(new)
        return total, OP + total, [("set", [], new)]
    if cost >= OP + total and len(ops) > 1:
        return total, OP + total, [("set", [], new)]
    return total, cost, ops


def _whole(value: Any) -> int:
    return weight((value,), _ENDLESS)


def _dicts(old: dict[str, Any], new: dict[str, Any]) -> tuple[int, int, list[Op]]:
    total, cost = 1, 0
    ops: list[Op] = []
    for name in dict.keys(old):
        if name not in new:
            ops.append(("del", [name], None))
            cost += OP
    for name, value in dict.items(new):
        if name in old:
            size, below, inner = _between(dict.__getitem__(old, name), value)
            cost += below
            ops += _under(name, inner)
        else:
            size = _whole(value)
            cost += OP + size
            ops.append(("set", [name], value))
        total += size
    return total, cost, ops


def _lists(old: list[Any], new: list[Any]) -> tuple[int, int, list[Op]]:
    """What both begin and end with stays; of what is between, each goes over into its neighbour."""
    before, after = list(list.__iter__(old)), list(list.__iter__(new))
    shorter = min(len(before), len(after))
    first = 0
    while first < shorter and same(before[first], after[first]):
        first += 1
    last = 0
    while last < shorter - first and same(before[-1 - last], after[-1 - last]):
        last += 1
    same_ones = after[:first] + after[len(after) - last :]
    gone, come = before[first : len(before) - last], after[first : len(after) - last]
    cost, ops = between_lists(gone, come, first)
    return 1 + weight(same_ones, _ENDLESS) + weight(come, _ENDLESS), cost, ops


def between_lists(old: list[Any], new: list[Any], start: int) -> tuple[int, list[Op]]:
    """What makes the entries `new`, from the index `start` on, of `old`, each of its neighbour, and what
    those ops weigh."""
    cost = 0
    ops: list[Op] = []
    for at, (one, other) in enumerate(zip(old, new, strict=False), start):
        more, inner = differences_at(at, one, other)
        cost += more
        ops += inner
    for at in range(start + len(old) - 1, start + len(new) - 1, -1):
        ops.append(("del", [at], None))
        cost += OP
    for at, value in enumerate(new[len(old) :], start + len(old)):
        ops.append(("ins", [at], value))
        cost += OP + _whole(value)
    return cost, ops


def _under(step: str | int, ops: list[Op]) -> list[Op]:
    for _, way, _ in ops:
        way.insert(0, step)
    return ops
