"""State of an actor or a room: named fields, each in a tier that says who may see it.

Fields are defined in `define()`: `self.state.public(mood="calm")`; then `self.state.mood = "cross"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Protocol

from roomfleet.game.errors import StateError
from roomfleet.game.state import dict_state, list_state  # noqa: F401  what plain dicts and lists become
from roomfleet.game.state.differences import differences
from roomfleet.game.state.observed import Node, adopt
from roomfleet.game.state.plain import Misfit, bare, same, text
from roomfleet.game.state.references import Reference


class Tier(StrEnum):
    """Who may see a field: all who see the actor; its player only; nobody but the game and admins."""

    PUBLIC = "public"
    OWNER = "owner"
    INTERNAL = "internal"


_NO_REFERENCES: dict[str, Reference] = {}
"""Of all states that hold no actor: most."""


class Watcher(Protocol):
    """Whose state it is: an actor or a room."""

    _live: Any
    """The live room, which hears of each change; None when it is in none."""


class State:
    """Fields by name, as attributes. A value is checked and copied in: JSON data, actors, and nested states,
    which may be changed in place. Raises StateError, which names the place."""

    # Fields stand in the instance's __dict__, where reading them costs least. Actors do not: they are looked
    # up anew each time, in __getattr__.
    __slots__ = ("__dict__", "_open", "_owned", "_references", "_tiers", "_watcher", "_who")

    _references: dict[str, Reference]
    _tiers: dict[str, Tier]
    _watcher: Watcher | None
    _who: str
    _owned: bool
    _open: bool

    def __init__(self, who: str, *, owned: bool) -> None:
        """`who` stands in errors; `owned` says that the owner tier exists."""
        put = object.__setattr__
        put(self, "_references", _NO_REFERENCES)
        put(self, "_tiers", {})
        put(self, "_watcher", None)
        put(self, "_who", who)
        put(self, "_owned", owned)
        put(self, "_open", True)

    # -- defining, in define() --------------------------------------------------------------------------

    def public(self, **fields: Any) -> None:
        """Define fields that all who see the actor may see."""
        self._define(Tier.PUBLIC, fields)

    def owner(self, **fields: Any) -> None:
        """Define fields that only the actor's own player may see."""
        if not self._owned:
            raise StateError(f"{self._who}.state.owner(): a room has no owner; use public or internal")
        self._define(Tier.OWNER, fields)

    def internal(self, **fields: Any) -> None:
        """Define fields that no player sees."""
        self._define(Tier.INTERNAL, fields)

    def _define(self, tier: Tier, fields: Mapping[str, Any]) -> None:
        if not self._open:
            raise StateError(f"{self._who}.state: fields are defined in define() only")
        for name, value in fields.items():
            if name.startswith("_") or hasattr(State, name):
                raise StateError(f"{self._who}.state.{name}: that name is taken; choose another")
            text(name, self.where())
            new = self._new(name, value, value if isinstance(value, Node) and value._special else None)
            self._tiers[name] = tier
            self._put(name, new)

    # -- using ------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # none of ours; Python itself looks for such: copy, pickle
            raise AttributeError(name)
        reference = self._references.get(name)
        if reference is None:
            raise self._unknown(name)
        return self._actor(reference.id)

    def __setattr__(self, name: str, value: Any) -> None:
        old = self.__dict__.get(name, _MISSING)
        if isinstance(old, Node):
            if type(value) in _BARE and same(old, value):
                return
            new = self._new(name, value, old if old._special else None)
            if ops := differences(old, new):
                self._put(name, new)
                for op, way, inner in ops:
                    self.changed(op, [name, *way], inner)
            return
        if old is _MISSING:
            old = self._references.get(name)
            if old is None:
                raise self._unknown(name)
        try:
            new = adopt(value)
        except Misfit as misfit:
            raise misfit.error(f"{self._who}.state.{name}", value) from None
        if old.__class__ is new.__class__ and old == new:
            return
        if self._references or isinstance(new, _HUNG):
            self._put(name, new)
        else:
            self.__dict__[name] = new
        watcher = self._watcher
        if watcher is not None and watcher._live is not None:
            watcher._live.state_changed(watcher, self._tiers[name], "set", [name], new)

    def _new(self, name: str, value: Any, kind: Node | None) -> Any:
        try:
            return adopt(value, kind)
        except Misfit as misfit:
            raise misfit.error(f"{self._who}.state.{name}", value) from None

    def _put(self, name: str, new: Any) -> None:
        values = self.__dict__
        old = values.get(name)
        if isinstance(old, Node):
            old._holder = None
        if type(new) is Reference:
            values.pop(name, None)
            if not self._references:
                object.__setattr__(self, "_references", {})
            self._references[name] = new
            return
        values[name] = new
        if self._references:
            self._references.pop(name, None)
        if isinstance(new, Node):
            new._holder = self
            new._name = name

    def _fields(self) -> Iterator[tuple[str, Tier, Any]]:
        """All that is stored."""
        values, references = self.__dict__, self._references
        for name, tier in self._tiers.items():
            yield name, tier, values[name] if name in values else references[name]

    def __delattr__(self, name: str) -> None:
        raise StateError(f"{self._who}.state.{name}: a field stays once defined; set it to None")

    def __contains__(self, name: object) -> bool:
        return name in self._tiers

    def __iter__(self) -> Iterator[str]:
        return iter(self._tiers)

    def __repr__(self) -> str:
        return f"<state of {self._who}: { {name: value for name, _, value in self._fields()} }>"

    def _unknown(self, name: str) -> StateError:
        there = ", ".join(self._tiers) or "none"
        return UnknownField(
            f"{self._who}.state.{name}: no such field; define it in define() (there are: {there})"
        )

    # -- for the room that runs it ----------------------------------------------------------------------

    def changed(self, op: str, path: list[str | int], value: Any) -> None:
        """An observed value below changed."""
        watcher = self._watcher
        if watcher is not None and watcher._live is not None:
            watcher._live.state_changed(watcher, self._tiers[path[0]], op, path, value)  # type: ignore[index]

    def where(self) -> str:
        """How errors name this state."""
        return f"{self._who}.state"

    def _actor(self, actor_id: str) -> Any:
        """The live actor of that id, when it is in the same room."""
        live = self._watcher._live if self._watcher is not None else None
        return live.actors.get(actor_id) if live is not None else None

    def _watch(self, watcher: Watcher) -> None:
        object.__setattr__(self, "_open", False)
        object.__setattr__(self, "_watcher", watcher)

    def _fill(self, fields: Mapping[str, Any], *, undefined: Tier | None = None) -> None:
        """Values for defined fields, before anybody watches. Others get the tier given, or are an error."""
        for name, value in fields.items():
            if name not in self._tiers:
                if undefined is None:
                    raise self._unknown(name)
                self._define(undefined, {name: value})
            else:
                old = self.__dict__.get(name)
                kind = old if isinstance(old, Node) and old._special else None
                self._put(name, self._new(name, value, kind))

    def _restore(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """What was saved. A field's tier is the one that define() says today; fields that are no longer
        defined are kept in the tier that they had."""
        for tier, fields in saved.items():
            self._fill(fields, undefined=Tier(tier))

    def _saved(self) -> dict[str, dict[str, Any]]:
        tiers: dict[str, dict[str, Any]] = {}
        for name, tier, value in self._fields():
            tiers.setdefault(str(tier), {})[name] = bare(value)
        return tiers

    def _visible(self, *, owner: bool) -> dict[str, Any]:
        """What a viewer may see of it, copied."""
        return {
            name: bare(value)
            for name, tier, value in self._fields()
            if tier is Tier.PUBLIC or (owner and tier is Tier.OWNER)
        }


def whose(value: Node) -> tuple[Any, Tier | None]:
    """The actor or room in whose state that hangs, and who sees the field; None and None: in nobody's."""
    node: Any = value
    while isinstance(node._holder, Node):
        node = node._holder
    state = node._holder
    if not isinstance(state, State) or state._watcher is None:
        return None, None
    return state._watcher, state._tiers[node._name]


_MISSING = object()
_BARE = (dict, list)
_HUNG = (Node, Reference)


class UnknownField(StateError, AttributeError):
    """No field of that name was defined."""
