"""ListState: a list in state, which tells of each change as a small diff."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, SupportsIndex, TypeVar

from roomfleet.game.errors import StateError
from roomfleet.game.state.differences import OP, Op, between_lists, differences, differences_at, weight
from roomfleet.game.state.observed import Node, adopt, plain_nodes
from roomfleet.game.state.plain import Misfit, same
from roomfleet.game.state.references import Reference

L = TypeVar("L", bound="ListState")


class ListState(Node, list[Any]):
    """A list of state: of JSON data, actors and nested states.

    Derive from it for methods of your own. Raises StateError, naming the place, for what it cannot hold.
    """

    __slots__ = ("_holder", "_keep", "_name", "_refs")
    _sort = list

    keep: ClassVar[int | None] = None
    """How many entries it holds; when more come, the first ones go. None: any number."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _checked_keep(cls.keep, f"{cls.__name__}.keep")

    def __init__(self, values: Iterable[Any] = (), *, keep: int | None = None) -> None:
        """`keep` counts before the class's."""
        super().__init__()
        self._holder = None
        self._name = 0
        self._refs = False
        self._keep = type(self).keep if keep is None else _checked_keep(keep, f"{type(self).__name__}(keep=)")
        values = list(values)
        try:
            self._fill(values, 0)
        except Misfit as misfit:
            raise misfit.error(type(self).__name__, values) from None

    @property
    def _special(self) -> bool:
        return type(self) is not ListState or self._keep is not None

    def _take_options(self, other: ListState) -> None:
        self._keep = other._keep
        if hasattr(other, "__dict__"):
            self.__dict__.update(other.__dict__)

    def _fill(self, value: Any, depth: int) -> None:
        entries = list.__iter__(value) if isinstance(value, list) else iter(value)
        for at, entry in enumerate(entries):
            try:
                child = adopt(entry, self.each, depth + 1)
            except Misfit as misfit:
                raise misfit.at(at) from None
            list.append(self, child)
            self._hang(child, at)
        if self._keep is not None and len(self) > self._keep:
            list.__delitem__(self, slice(0, len(self) - self._keep))

    def _place_of(self, child: Node) -> Any:
        """Searched from where it was last, outwards: entries rarely shift far between two changes."""
        at: Any = child._name
        size = len(self)
        if at < size and list.__getitem__(self, at) is child:
            return at
        low = high = min(at, size - 1)
        while low >= 0 or high < size:
            if low >= 0 and list.__getitem__(self, low) is child:
                child._name = low
                return low
            if high < size and list.__getitem__(self, high) is child:
                child._name = high
                return high
            low -= 1
            high += 1
        raise AssertionError("a child of a list is in it")

    # -- reading ------------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        value = list.__getitem__(self, index)
        if self._refs:
            return [self._live(each) for each in value] if isinstance(index, slice) else self._live(value)
        return value

    def __iter__(self) -> Iterator[Any]:
        return map(self._live, list.__iter__(self)) if self._refs else list.__iter__(self)

    def __reversed__(self) -> Iterator[Any]:
        return map(self._live, list.__reversed__(self)) if self._refs else list.__reversed__(self)

    def __add__(self, other: Any) -> list[Any]:
        return list(self) + list(other) if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> list[Any]:
        return list(other) + list(self) if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return list(self) * times

    __rmul__ = __mul__

    def copy(self) -> list[Any]:
        return list(self)

    # -- changing -----------------------------------------------------------------------------------------

    def _new(self, value: Any, at: int) -> Any:
        """The value as it will stand there. Raises StateError."""
        try:
            return adopt(value, self.each)
        except Misfit as misfit:
            raise misfit.error(f"{self._where()}[{at}]", value) from None

    def _put(self, at: int, new: Any) -> None:
        old = list.__getitem__(self, at)
        if isinstance(old, Node):
            old._holder = None
        list.__setitem__(self, at, new)
        self._hang(new, at)

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            self._set_slice(index, _raw(value))
            return
        at = self._at(index)
        old = list.__getitem__(self, at)
        if isinstance(old, Node) and type(value) in _BARE and same(old, value):
            return
        new = self._new(value, at)
        if not isinstance(old, Node):
            if old.__class__ is new.__class__ and old == new:
                return
            list.__setitem__(self, at, new)
            if isinstance(new, _HUNG):
                self._hang(new, at)
            self._tell("set", new, at)
        elif ops := differences(old, new):
            self._put(at, new)
            self._tell_all(ops, at)

    def _set_slice(self, where: slice, values: list[Any]) -> None:
        start, _, step = where.indices(len(self))
        places = range(*where.indices(len(self)))
        if step == 1:
            new = [self._new(value, start + offset) for offset, value in enumerate(values)]
            self._splice(start, start + len(places), new)
            return
        if len(places) != len(values):
            raise ValueError(
                f"attempt to assign sequence of size {len(values)} to extended slice of size {len(places)}"
            )
        new = [self._new(value, at) for at, value in zip(places, values, strict=True)]
        ops: list[Op] = []
        cost = 0
        for at, value in zip(places, new, strict=True):
            more, inner = differences_at(at, list.__getitem__(self, at), value)
            cost += more
            ops += inner
            if inner:
                self._put(at, value)
        self._told(ops, cost)

    def _splice(self, start: int, end: int, new: list[Any]) -> None:
        """Put these in place of what is from `start` to `end`; then what is too many goes."""
        old = list.__getitem__(self, slice(start, end))
        while old and new and same(old[0], new[0]):
            start += 1
            del old[0], new[0]
        while old and new and same(old[-1], new[-1]):
            end -= 1
            del old[-1], new[-1]
        cost, ops = between_lists(old, new, start)
        for each in old:
            if isinstance(each, Node):
                each._holder = None
        list.__setitem__(self, slice(start, end), new)
        for at, each in enumerate(new, start):
            self._hang(each, at)
        over = 0 if self._keep is None else len(self) - self._keep
        if over > 0:
            for each in list.__getitem__(self, slice(0, over)):
                if isinstance(each, Node):
                    each._holder = None
            list.__delitem__(self, slice(0, over))
            ops += [("del", [0], None)] * over
            cost += OP * over
        self._told(ops, cost)

    def _told(self, ops: list[Op], cost: int) -> None:
        """Tell the ops, or the whole list when that is less."""
        if len(ops) > 1 and OP + weight((self,), cost - OP) < cost:
            self._tell("set", self)
        else:
            self._tell_all(ops)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        if isinstance(index, slice):
            places = sorted(range(*index.indices(len(self))), reverse=True)
        else:
            places = [self._at(index)]
        for at in places:
            old = list.__getitem__(self, at)
            if isinstance(old, Node):
                old._holder = None
        list.__delitem__(self, index)
        self._told([("del", [at], None) for at in places], OP * len(places))

    def _at(self, index: SupportsIndex) -> int:
        at = index.__index__()
        at = at + len(self) if at < 0 else at
        if not 0 <= at < len(self):
            raise IndexError("list index out of range")
        return at

    def append(self, value: Any) -> None:
        at = len(self)
        if self._keep is not None and at >= self._keep:
            self.insert(at, value)
            return
        new = self._new(value, at)
        list.append(self, new)
        self._hang(new, at)
        self._tell("ins", new, at)

    def insert(self, index: SupportsIndex, value: Any) -> None:
        at = index.__index__()
        at = max(at + len(self), 0) if at < 0 else min(at, len(self))
        self._splice(at, at, [self._new(value, at)])

    def extend(self, values: Iterable[Any]) -> None:
        self[len(self) :] = values

    def __iadd__(self: L, values: Iterable[Any]) -> L:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self: L, times: SupportsIndex) -> L:
        count = times.__index__()
        if count <= 0:
            self.clear()
        else:
            self.extend(list(list.__iter__(self)) * (count - 1))
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
            for old in list.__iter__(self):
                if isinstance(old, Node):
                    old._holder = None
            list.clear(self)
            self._tell("set", self)

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        by = key
        if key is not None and self._refs:
            by = lambda value: key(self._live(value))  # noqa: E731
        self._reorder(lambda: list.sort(self, key=by, reverse=reverse))

    def reverse(self) -> None:
        self._reorder(lambda: list.reverse(self))

    def _reorder(self, reorder: Callable[[], None]) -> None:
        before = list(list.__iter__(self))
        try:
            reorder()
        finally:  # a sort whose key raised leaves some order, too
            ops: list[Op] = []
            cost = 0
            for at, (old, new) in enumerate(zip(before, list.__iter__(self), strict=True)):
                if old is not new:
                    more, inner = differences_at(at, old, new)
                    cost += more
                    ops += inner
            self._told(ops, cost + 1)  # at a draw the whole: that it is a reorder is plain to see then


def _raw(values: Iterable[Any]) -> list[Any]:
    """References stay what they are."""
    return list(list.__iter__(values)) if isinstance(values, ListState) else list(values)


def _checked_keep(keep: int | None, where: str) -> int | None:
    if keep is not None and (type(keep) is not int or keep < 1):
        raise StateError(f"{where}: {keep!r} is no number of entries, 1 or more")
    return keep


_BARE = (dict, list)
_HUNG = (Node, Reference)


def _plain() -> ListState:
    new = ListState.__new__(ListState)  # without __init__, which has arguments to look at
    new._holder = None
    new._name = 0
    new._refs = False
    new._keep = None
    return new


plain_nodes[list] = _plain
