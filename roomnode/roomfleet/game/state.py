"""State of an actor or a room: named fields, each in a tier that says who may see it.

Fields are defined in `define()`: `self.state.public(mood="calm")`; then `self.state.mood = "cross"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Protocol

from roomfleet.game import dict_state, list_state  # noqa: F401  what plain dicts and lists become
from roomfleet.game.differences import differences
from roomfleet.game.errors import StateError
from roomfleet.game.observed import Node, adopt
from roomfleet.game.plain import Misfit, bare, text
from roomfleet.game.references import Reference


class Tier(StrEnum):
    """Who may see a field: all who see the actor; its player only; nobody but the game and admins."""

    PUBLIC = "public"
    OWNER = "owner"
    INTERNAL = "internal"


class Watcher(Protocol):
    """Whose state it is: it hears of each change."""

    _live: Any
    """The live room, or None."""

    def _state_changed(self, tier: Tier, op: str, path: list[str | int], value: Any) -> None: ...


class State:
    """Fields by name, as attributes. A value is checked and copied in: JSON data, actors, and nested states,
    which may be changed in place. Raises StateError, which names the place."""

    __slots__ = ("_open", "_owned", "_tiers", "_values", "_watcher", "_who")

    _values: dict[str, Any]
    _tiers: dict[str, Tier]
    _watcher: Watcher | None
    _who: str
    _owned: bool
    _open: bool

    def __init__(self, who: str, *, owned: bool) -> None:
        """`who` stands in errors; `owned` says that the owner tier exists."""
        put = object.__setattr__
        put(self, "_values", {})
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
        try:
            value = self._values[name]
        except KeyError:
            raise self._unknown(name) from None
        return value if type(value) is not Reference else self._actor(value.id)

    def __setattr__(self, name: str, value: Any) -> None:
        values = self._values
        if name not in values:
            raise self._unknown(name)
        old = values[name]
        if not isinstance(old, Node):
            new = self._new(name, value, None)
            if old.__class__ is new.__class__ and old == new:
                return
            values[name] = new
            if isinstance(new, Node):
                new._holder, new._name = self, name
            self.changed("set", [name], new)
            return
        new = self._new(name, value, old if old._special else None)
        if ops := differences(old, new):
            self._put(name, new)
            for op, way, inner in ops:
                self.changed(op, [name, *way], inner)

    def _new(self, name: str, value: Any, kind: Node | None) -> Any:
        try:
            return adopt(value, kind)
        except Misfit as misfit:
            raise misfit.error(f"{self._who}.state.{name}", value) from None

    def _put(self, name: str, new: Any) -> None:
        old = self._values.get(name)
        if isinstance(old, Node):
            old._holder = None
        self._values[name] = new
        if isinstance(new, Node):
            new._holder, new._name = self, name

    def __delattr__(self, name: str) -> None:
        raise StateError(f"{self._who}.state.{name}: a field stays once defined; set it to None")

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __repr__(self) -> str:
        return f"<state of {self._who}: {self._values!r}>"

    def _unknown(self, name: str) -> Exception:
        if name.startswith("__"):  # Python itself looks for such: copy, pickle
            return AttributeError(name)
        there = ", ".join(self._values) or "none"
        return UnknownField(
            f"{self._who}.state.{name}: no such field; define it in define() (there are: {there})"
        )

    # -- for the room that runs it ----------------------------------------------------------------------

    def changed(self, op: str, path: list[str | int], value: Any) -> None:
        """An observed value below changed."""
        if self._watcher is not None:
            self._watcher._state_changed(self._tiers[path[0]], op, path, value)  # type: ignore[index]

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
                old = self._values[name]
                kind = old if isinstance(old, Node) and old._special else None
                self._put(name, self._new(name, value, kind))

    def _restore(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """What was saved. A field's tier is the one that define() says today; fields that are no longer
        defined are kept in the tier that they had."""
        for tier, fields in saved.items():
            self._fill(fields, undefined=Tier(tier))

    def _saved(self) -> dict[str, dict[str, Any]]:
        tiers: dict[str, dict[str, Any]] = {}
        for name, value in self._values.items():
            tiers.setdefault(str(self._tiers[name]), {})[name] = bare(value)
        return tiers

    def _visible(self, *, owner: bool) -> dict[str, Any]:
        """What a viewer may see of it, copied."""
        return {
            name: bare(value)
            for name, value in self._values.items()
            if self._tiers[name] is Tier.PUBLIC or (owner and self._tiers[name] is Tier.OWNER)
        }


class UnknownField(StateError, AttributeError):
    """No field of that name was defined."""
