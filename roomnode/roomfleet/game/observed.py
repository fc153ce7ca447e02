"""Dicts and lists in state: they behave like Python's own and tell of each change as a small diff.

A value is checked and copied when it is put in; what is taken out no longer belongs to the state. Only
what goes round their methods is not seen, `heapq` on a list for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, SupportsIndex

from roomfleet.game.plain import MAX_DEPTH, bare, key, same, scalar, too_deep


class Root(Protocol):
    """Where observed values hang in the end."""

    def changed(self, op: str, path: list[str | int], value: Any) -> None:
        """`op` is set, del or ins; `path` begins with the field; `value` is still to be copied."""

    def where(self) -> str: ...


Holder = "ObservedDict | ObservedList | Root | None"


def observed(value: Any, where: str, depth: int = 0) -> Any:
    """A checked copy of the value that can be hung into state. Raises StateError."""
    if depth > MAX_DEPTH:
        raise too_deep(where)
    if isinstance(value, dict):
        new = ObservedDict()
        for name, each in value.items():
            child = observed(each, f"{where}.{name}", depth + 1)
            dict.__setitem__(new, key(name, where), child)
            hang(child, new, name)
        return new
    if isinstance(value, list | tuple):
        fresh = ObservedList()
        for index, each in enumerate(value):
            child = observed(each, f"{where}[{index}]", depth + 1)
            list.append(fresh, child)
            hang(child, fresh, "")
        return fresh
    return scalar(value, where)


def hang(child: Any, holder: ObservedDict | ObservedList | Root | None, name: str) -> None:
    """Let the child report to its holder; a child without a holder reports to nobody."""
    if isinstance(child, ObservedDict | ObservedList):
        child._holder = holder
        child._name = name


class _Node:
    """What dicts and lists in state have in common."""

    __slots__ = ()
    _holder: ObservedDict | ObservedList | Root | None
    _name: str

    def _tell(self, op: str, value: Any, *last: str | int) -> None:
        """Report a change at `last` in this container, or of the whole of it."""
        path: list[str | int] = [*last]
        node: Any = self
        while True:
            holder = node._holder
            if holder is None:
                return
            path.insert(0, holder._index_of(node) if isinstance(holder, ObservedList) else node._name)
            if not isinstance(holder, _Node):
                holder.changed(op, path, value)
                return
            node = holder

    def _where(self) -> str:
        """`Guard.state.bag[2]`, for errors."""
        holder = self._holder
        if holder is None:
            return "value"
        if isinstance(holder, ObservedList):
            return f"{holder._where()}[{holder._index_of(self)}]"
        return f"{holder._where() if isinstance(holder, _Node) else holder.where()}.{self._name}"

    def __copy__(self) -> Any:
        return bare(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return bare(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        bared = bare(self)
        return type(bared), (bared,)


class ObservedDict(_Node, dict[str, Any]):
    """A dict in state."""

    __slots__ = ("_holder", "_name")

    def __init__(self) -> None:
        super().__init__()
        self._holder = None
        self._name = ""

    def __setitem__(self, name: str, value: Any) -> None:
        where = self._where()
        self._put(key(name, where), observed(value, f"{where}.{name}"))

    def _put(self, name: str, new: Any) -> None:
        if name in self:
            old = dict.__getitem__(self, name)
            if same(old, new):
                return
            hang(old, None, "")
        dict.__setitem__(self, name, new)
        hang(new, self, name)
        self._tell("set", new, name)

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def pop(self, name: str, *default: Any) -> Any:
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        if name not in self:
            if default:
                return default[0]
            raise KeyError(name)
        old = dict.pop(self, name)
        hang(old, None, "")
        self._tell("del", None, name)
        return old

    def popitem(self) -> tuple[str, Any]:
        if not self:
            raise KeyError("popitem(): dictionary is empty")
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        if self:
            for old in self.values():
                hang(old, None, "")
            dict.clear(self)
            self._tell("set", self)

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return dict.__getitem__(self, name)

    def update(self, *others: Any, **fields: Any) -> None:
        where = self._where()
        merged: dict[str, Any] = dict(*others, **fields)
        new = {key(name, where): observed(value, f"{where}.{name}") for name, value in merged.items()}
        for name, value in new.items():
            self._put(name, value)

    def __ior__(self, other: Any) -> ObservedDict:  # type: ignore[override,misc]
        self.update(other)
        return self

    def copy(self) -> dict[str, Any]:
        return dict(self)

    @classmethod
    def fromkeys(cls, names: Iterable[str], value: Any = None) -> dict[str, Any]:  # type: ignore[override]
        return dict.fromkeys(names, value)


class ObservedList(_Node, list[Any]):
    """A list in state."""

    __slots__ = ("_holder", "_name")

    def __init__(self) -> None:
        super().__init__()
        self._holder = None
        self._name = ""

    def _index_of(self, child: Any) -> int:
        for index, each in enumerate(self):
            if each is child:
                return index
        raise AssertionError("a child of a list is in it")

    def _own(self, value: Any, index: int) -> Any:
        child = observed(value, f"{self._where()}[{index}]")
        hang(child, self, "")
        return child

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            self._set_slice(index, list(value))
            return
        at = self._at(index)
        new = self._own(value, at)
        old = list.__getitem__(self, at)
        if not same(old, new):
            hang(old, None, "")
            list.__setitem__(self, at, new)
            self._tell("set", new, at)

    def _set_slice(self, where: slice, values: list[Any]) -> None:
        start, _, step = where.indices(len(self))
        places = range(*where.indices(len(self)))
        if step != 1:
            if len(places) != len(values):
                raise ValueError(
                    f"attempt to assign sequence of size {len(values)}"
                    f" to extended slice of size {len(places)}"
                )
            new = [self._own(value, at) for at, value in zip(places, values, strict=True)]
            for at, value in zip(places, new, strict=True):
                self._replace(at, value)
            return
        new = [self._own(value, start + offset) for offset, value in enumerate(values)]
        common = min(len(places), len(new))
        if not common and not new:
            self._cut(places)
        elif len(places) == len(self) and not any(
            same(list.__getitem__(self, at), value) for at, value in enumerate(new[:common])
        ):
            for old in self:
                hang(old, None, "")
            list.__setitem__(self, slice(None), new)
            self._tell("set", self)
        else:
            for offset in range(common):
                self._replace(start + offset, new[offset])
            self._cut(range(start + common, start + len(places)))
            for offset in range(common, len(new)):
                list.insert(self, start + offset, new[offset])
                self._tell("ins", new[offset], start + offset)

    def _replace(self, at: int, new: Any) -> None:
        old = list.__getitem__(self, at)
        if not same(old, new):
            hang(old, None, "")
            list.__setitem__(self, at, new)
            self._tell("set", new, at)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        if isinstance(index, slice):
            self._cut(range(*index.indices(len(self))))
        else:
            self._cut(range(at := self._at(index), at + 1))

    def _cut(self, places: range) -> None:
        if places and len(places) == len(self):
            self.clear()
            return
        for at in sorted(places, reverse=True):
            hang(list.pop(self, at), None, "")
            self._tell("del", None, at)

    def _at(self, index: SupportsIndex) -> int:
        at = index.__index__()
        at = at + len(self) if at < 0 else at
        if not 0 <= at < len(self):
            raise IndexError("list index out of range")
        return at

    def append(self, value: Any) -> None:
        self.insert(len(self), value)

    def insert(self, index: SupportsIndex, value: Any) -> None:
        at = index.__index__()
        at = max(at + len(self), 0) if at < 0 else min(at, len(self))
        new = self._own(value, at)
        list.insert(self, at, new)
        self._tell("ins", new, at)

    def extend(self, values: Iterable[Any]) -> None:
        self[len(self) :] = values

    def __iadd__(self, values: Iterable[Any]) -> ObservedList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: SupportsIndex) -> ObservedList:
        count = times.__index__()
        if count <= 0:
            self.clear()
        else:
            self.extend(list(self) * (count - 1))
        return self

    def pop(self, index: SupportsIndex = -1) -> Any:
        if not self:
            raise IndexError("pop from empty list")
        old = self[index]
        del self[index]
        return old

    def remove(self, value: Any) -> None:
        del self[self.index(value)]

    def clear(self) -> None:
        if self:
            for old in self:
                hang(old, None, "")
            list.clear(self)
            self._tell("set", self)

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        self._reorder(lambda: list.sort(self, key=key, reverse=reverse))

    def reverse(self) -> None:
        self._reorder(lambda: list.reverse(self))

    def _reorder(self, reorder: Callable[[], None]) -> None:
        before = bare(self)
        try:
            reorder()
        finally:  # a sort whose key raised leaves some order, too
            if not same(before, self):
                self._tell("set", self)

    def copy(self) -> list[Any]:
        return list(self)
