"""DictState: a dict in state, which tells of each change as a small diff."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, ClassVar, TypeVar

from roomfleet.game.state.differences import OP, Op, differences, differences_at, weight
from roomfleet.game.state.observed import Node, _check_kind, adopt, plain_nodes
from roomfleet.game.state.plain import Misfit, key, same
from roomfleet.game.state.references import MARK, Reference

D = TypeVar("D", bound="DictState")


class DictState(Node, dict[str, Any]):
    """A dict of state: keys are strings, values JSON data, actors and nested states.

    Derive from it for methods of your own. Raises StateError, naming the place, for what it cannot hold.
    """

    __slots__ = ("_holder", "_name", "_refs")
    _sort = dict

    parts: ClassVar[Mapping[str, Any]] = {}
    """By key, the class of that entry, or a default of that class; it counts before `each`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, kind in cls.__dict__.get("parts", {}).items():
            _check_kind(kind, f"{cls.__name__}.parts[{name!r}]")

    def __init__(self, *others: Any, **fields: Any) -> None:
        super().__init__()
        self._holder = None
        self._name = ""
        self._refs = False
        if others or fields:
            self._begin(dict(*others, **fields))

    def _begin(self, value: dict[str, Any]) -> None:
        try:
            self._fill(value, 0)
        except Misfit as misfit:
            raise misfit.error(type(self).__name__, value) from None

    @property
    def _special(self) -> bool:
        return type(self) is not DictState

    def _take_options(self, other: DictState) -> None:
        if hasattr(other, "__dict__"):
            self.__dict__.update(other.__dict__)

    def _fill(self, value: Any, depth: int) -> None:
        each, parts = self.each, self.parts
        for name, entry in dict.items(value):
            if type(name) is not str or name == MARK or not name.isascii():
                name = key(name)
            try:
                child = adopt(entry, parts.get(name, each), depth + 1)
            except Misfit as misfit:
                raise misfit.at(name) from None
            dict.__setitem__(self, name, child)
            self._hang(child, name)

    def _place_of(self, child: Node) -> Any:
        return child._name

    # -- reading ------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        value = dict.__getitem__(self, name)
        return value if type(value) is not Reference else self._live(value)

    def get(self, name: str, default: Any = None) -> Any:
        value = dict.get(self, name, default)
        return value if type(value) is not Reference else self._live(value)

    def __iter__(self) -> Iterator[str]:  # overridden so that dict(self) and {**self} read by __getitem__
        return dict.__iter__(self)

    def items(self) -> Any:
        return ItemsView(self) if self._refs else dict.items(self)

    def values(self) -> Any:
        return ValuesView(self) if self._refs else dict.values(self)

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __or__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]
        return {**self, **other} if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]
        return {**other, **self} if isinstance(other, dict) else NotImplemented

    @classmethod
    def fromkeys(cls, names: Iterable[str], value: Any = None) -> dict[str, Any]:  # type: ignore[override]
        return dict.fromkeys(names, value)

    # -- changing -----------------------------------------------------------------------------------------

    def _new(self, name: Any, value: Any) -> tuple[str, Any]:
        """Key and value as they will stand here. Raises StateError."""
        try:
            if type(name) is not str or name == MARK or not name.isascii():
                name = key(name)
        except Misfit as misfit:
            raise misfit.error(self._where()) from None
        try:
            return name, adopt(value, self.parts.get(name, self.each))
        except Misfit as misfit:
            raise misfit.error(f"{self._where()}.{name}", value) from None

    def __setitem__(self, name: str, value: Any) -> None:
        old = dict.get(self, name, _MISSING)
        if isinstance(old, Node) and type(value) in _BARE and same(old, value):
            return
        name, new = self._new(name, value)
        if not isinstance(old, Node):
            if old.__class__ is new.__class__ and old == new:
                return
            dict.__setitem__(self, name, new)
            if isinstance(new, _HUNG):
                self._hang(new, name)
            self._tell("set", new, name)
        elif ops := differences(old, new):
            self._put(name, new)
            self._tell_all(ops, name)

    def _put(self, name: str, new: Any) -> None:
        old = dict.get(self, name)
        if isinstance(old, Node):
            old._holder = None
        dict.__setitem__(self, name, new)
        self._hang(new, name)

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
        gone = self._live(old)
        if isinstance(old, Node):
            old._holder = None
        self._tell("del", None, name)
        return gone

    def popitem(self) -> tuple[str, Any]:
        if not self:
            raise KeyError("popitem(): dictionary is empty")
        name = next(reversed(self))
        return name, DictState.pop(self, name)

    def clear(self) -> None:
        if self:
            for old in dict.values(self):
                if isinstance(old, Node):
                    old._holder = None
            dict.clear(self)
            self._tell("set", self)

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            DictState.__setitem__(self, name, default)
        return DictState.__getitem__(self, name)

    def update(self, *others: Any, **fields: Any) -> None:
        merged: dict[str, Any] = {}
        for other in others[:1]:
            merged.update(dict.items(other) if isinstance(other, DictState) else other)
        merged = dict(merged, *others[1:], **fields)
        new = dict([self._new(name, value) for name, value in merged.items()])
        ops: list[Op] = []
        cost = 0
        for name, value in new.items():
            more, inner = differences_at(name, dict.get(self, name, _MISSING), value)
            cost += more
            ops += inner
            if inner:
                self._put(name, value)
        if len(ops) > 1 and OP + weight((self,), cost - OP) < cost:
            self._tell("set", self)
        else:
            self._tell_all(ops)

    def __ior__(self: D, other: Any) -> D:  # type: ignore[override]
        self.update(other)
        return self


_MISSING = object()
_BARE = (dict, list)
_HUNG = (Node, Reference)


def _plain() -> DictState:
    new = DictState.__new__(DictState)  # without __init__, which has arguments to look at
    new._holder = None
    new._name = ""
    new._refs = False
    return new


plain_nodes[dict] = _plain
