"""What dicts and lists in state have in common: where they hang, how they report, which class is where.

A value is checked and copied when it is put in; what is taken out no longer belongs to the state. Only
what goes round their methods is not seen, `heapq` on a list for one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, SupportsIndex

from roomfleet.game.errors import StateError
from roomfleet.game.state.differences import Op
from roomfleet.game.state.plain import MAX_DEPTH, MAX_INTEGER, Misfit, bare, reference_in, scalar, too_deep
from roomfleet.game.state.references import Reference


class Root(Protocol):
    """Where observed values hang in the end."""

    def changed(self, op: str, path: list[str | int], value: Any) -> None:
        """`op` is set, del or ins; `path` begins with the field; `value` is still to be copied."""

    def where(self) -> str: ...

    def _actor(self, actor_id: str) -> Any:
        """The live actor of that id, if it is here."""


_NONE: tuple[str, ...] = ()


class Node:
    """A dict or list in state."""

    __slots__ = _NONE

    _holder: Node | Root | None
    _name: str | int
    """Its key in a dict; in a list the index that it last had."""
    _refs: bool
    """Whether an actor was ever stored directly in it."""

    _sort: ClassVar[type]
    """`dict` or `list`: of what it is made."""

    each: ClassVar[Any] = None
    """The class of all its entries, or a default of that class; None: plain ones."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.get("each") is not None:
            _check_kind(cls.each, f"{cls.__name__}.each")

    @property
    def _special(self) -> bool:
        """Whether it is more than a plain dict or list, so that its class must be found again in a save."""
        raise AssertionError("dicts and lists have one")

    def _fill(self, value: Any, depth: int) -> None:
        """Take copies of all that is in the value; it is empty and nobody watches. Raises Misfit."""
        raise AssertionError("dicts and lists have one")

    def _place_of(self, child: Node) -> Any:
        """Its key or index."""
        raise AssertionError("dicts and lists have one")

    def _hang(self, child: Any, name: str | int) -> None:
        """Let what was put in report here."""
        if isinstance(child, Node):
            child._holder = self
            child._name = name
        elif type(child) is Reference:
            self._refs = True

    def _tell(self, op: str, value: Any, *last: str | int) -> None:
        """Report a change at `last` in this container, or of the whole of it."""
        path: list[str | int] = [*last]
        node: Any = self
        holder = self._holder
        while isinstance(holder, Node):
            path.append(holder._place_of(node))
            node = holder
            holder = node._holder
        if holder is not None:
            path.append(node._name)
            path.reverse()
            holder.changed(op, path, value)

    def _tell_all(self, ops: list[Op], *last: str | int) -> None:
        for op, way, value in ops:
            self._tell(op, value, *reversed(way), *last)

    def _where(self) -> str:
        """`Guard.state.bag[2]`, for errors."""
        holder = self._holder
        if holder is None:
            return type(self).__name__
        if isinstance(holder, Node):
            step = holder._place_of(self)
            return f"{holder._where()}[{step}]" if isinstance(step, int) else f"{holder._where()}.{step}"
        return f"{holder.where()}.{self._name}"

    def _live(self, value: Any) -> Any:
        """What a script gets to see: the actor for a reference, None when it is not here."""
        if type(value) is not Reference:
            return value
        holder: Any = self._holder
        while isinstance(holder, Node):
            holder = holder._holder
        return holder._actor(value.id) if holder is not None else None

    def __copy__(self) -> Any:
        return bare(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return bare(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        bared = bare(self)
        return type(bared), (bared,)


plain_nodes: dict[type, Callable[[], Node]] = {}
"""Makers of what a plain dict and a plain list become; filled by the modules that have those classes."""


def adopt(value: Any, kind: Any = None, depth: int = 0) -> Any:
    """A checked copy of the value that can be hung into state. Raises Misfit.

    `kind` is the class that the place wants, or a container of it whose options count.
    """
    if kind is None:
        cls = type(value)
        if cls is str:
            if value.isascii():
                return value
        elif cls is int:
            if -MAX_INTEGER <= value <= MAX_INTEGER:
                return value
        elif value is None or cls is bool:
            return value
    if depth > MAX_DEPTH:
        raise too_deep()
    if isinstance(value, dict):
        sort: type = dict
        if kind is None and (reference := reference_in(value)) is not None:
            return reference
    elif isinstance(value, list | tuple):
        sort = list
    elif kind is None:
        return scalar(value)
    else:
        raise _wrong_kind(value, kind)
    if isinstance(value, Node) and value._special and type(value) is not _class_of(kind):
        raise _misplaced(value, kind)
    new = plain_nodes[sort]() if kind is None else fresh(kind)
    if new._sort is not sort:
        raise _wrong_kind(value, kind)
    new._fill(value, depth)
    return new


def fresh(kind: Any) -> Node:
    """An empty container of the class, or of the class and with the options of the one given."""
    if isinstance(kind, type):
        new: Node = kind()
        return new
    cls: Any = type(kind)
    made = cls.__new__(cls)
    made._holder = None
    made._name = ""
    made._refs = False
    made._take_options(kind)
    return made  # type: ignore[no-any-return]


def _class_of(kind: Any) -> Any:
    return kind if kind is None or isinstance(kind, type) else type(kind)


def _misplaced(value: Node, kind: Any) -> Misfit:
    name = type(value).__name__
    if kind is not None:
        return Misfit(f"this place is for {_class_of(kind).__name__}, not for {name}")
    return Misfit(
        f"{name} here would be a plain {value._sort.__name__} after a restart: make it a field's default in"
        " define(), or say so in `each` or `parts` of the class that holds it"
    )


def _wrong_kind(value: Any, kind: Any) -> Misfit:
    cls = _class_of(kind)
    return Misfit(
        f"this place is for {cls.__name__}: give it a {cls._sort.__name__}, not {type(value).__name__}"
    )


def _check_kind(kind: Any, where: str) -> None:
    if not (isinstance(kind, Node) or (isinstance(kind, type) and issubclass(kind, Node))):
        raise StateError(
            f"{where}: {kind!r} is no DictState, ListState or InventoryState, nor a class of them"
        )
