"""Key expressions: which instance of an InstancedRoom a door leads to, for whoever goes through it.

Text with places to fill in: `{player}` the player's name, `{name}` the actor's, `{room}` that of the room it
is in, `{state.party}` a field of its state, at any depth. `{{` and `}}` stand for braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import TYPE_CHECKING, Any

from roomfleet.game.errors import ActorError
from roomfleet.wire.names import BadName, instance_key

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor

PLACES = ("player", "name", "room")
STATE = "state."


def problem_of(expression: str) -> str:
    """What is wrong with a key expression; empty when nothing is."""
    try:
        names = _names(expression)
    except ValueError as error:
        return f"{expression!r} cannot be read: {error}"
    for name in names:
        if name not in PLACES and not (name.startswith(STATE) and all(name.split("."))):
            return f"there is no {{{name}}}; there are {{player}}, {{name}}, {{room}} and {{state.<field>}}"
    if not names:
        try:
            instance_key(expression)
        except BadName as error:
            return str(error)
    return ""


def key_for(expression: str, actor: Actor, room: str) -> str:
    """The key, for this actor in that room. Raises ActorError."""
    text = ""
    for literal, name, _, _ in Formatter().parse(expression):
        text += literal
        if name is not None:
            text += _value(name, actor, room)
    return checked(text, actor)


def checked(key: Any, actor: Actor) -> str:
    """The key as it counts. Raises ActorError for what can be none."""
    if not isinstance(key, str):
        raise ActorError(f"{actor!r}: the key of an instance is text, not {key!r}")
    try:
        return instance_key(key)
    except BadName as error:
        raise ActorError(f"{actor!r}: {error}: {key[:40]!r}") from None


def _names(expression: str) -> list[str]:
    parts = Formatter().parse(expression)
    found = []
    for _, name, form, conversion in parts:
        if form or conversion:
            raise ValueError(f"{{{name}}} takes no format")
        if name is not None:
            found.append(name)
    return found


def _value(name: str, actor: Actor, room: str) -> str:
    match name:
        case "player":
            if actor.player is None:
                raise ActorError(f"{actor!r} has no player, so the key has no {{player}}")
            return actor.player
        case "name":
            return actor.name
        case "room":
            return room
    value: Any = actor.state
    for step in name.removeprefix(STATE).split("."):
        try:
            value = value[step] if isinstance(value, Mapping) else getattr(value, step)
        except (AttributeError, KeyError):
            raise ActorError(f"{actor!r} has no {name}, which the key of the door needs") from None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ActorError(
            f"{actor!r}: {name} is {value!r}; the key of an instance is made of text and integers"
        )
    return str(value)
