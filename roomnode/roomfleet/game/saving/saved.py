"""Actors as saved bodies, plain JSON data, and back.

`{"script": "walkabout.rooms:Guard", "name", "player", "speed", "path", "parent", "state": {tier: {…}},
"timers"}`. Times are room time, s; in the body of one that travels there is none: no path, and of its
timers what is left. `speed` is null for the class's own. `visible` and `vision_distance` (`"all"` for no
limit) are there when they are not the class's own. `new` marks an actor whose `created` has not run.
"""

from __future__ import annotations

import importlib
import math
import traceback
from typing import Any, TypeVar

from roomfleet.game.actor import Actor, Player
from roomfleet.game.errors import ScriptFailed, StateError
from roomfleet.game.scripting.scripted import Scripted
from roomfleet.game.scripting.timers import Timers
from roomfleet.game.state.plain import sendable
from roomfleet.game.state.state import State
from roomfleet.wire.motion import Path

S = TypeVar("S", bound=Scripted)


def script_of(cls: type) -> str:
    """How a class is named in saved bodies: `module:QualName`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def class_of(script: str) -> type[Actor]:
    """The actor class of that name. Raises ScriptFailed."""
    module, _, path = script.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for step in path.split("."):
            found = getattr(found, step)
    except (Exception, SystemExit) as error:
        raise ScriptFailed(
            f"a saved actor's class {script} cannot be had: {one_line(error)}; bring it back, or keep the old"
            " name as an alias of the new class",
            "".join(traceback.format_exception(error)),
        ) from error
    if not (isinstance(found, type) and issubclass(found, Actor)):
        raise ScriptFailed(f"a saved actor's class {script} is not an actor class")
    return found


def one_line(error: BaseException) -> str:
    """An error in a line of at most 200 characters: `ValueError: too far`."""
    lines = str(error).splitlines()
    line = sendable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
    return line if len(line) <= 200 else line[:199] + "…"


def make(cls: type[S], *, owned: bool) -> S:
    """A bare object of an author's class, its state defined. Raises ScriptFailed when its code raises."""
    made = cls.__new__(cls)
    made._live = None
    made._timers = Timers()
    made.state = State(cls.__name__, owned=owned)
    made.failure = None
    made.failures = 0
    try:
        made.__init__()  # type: ignore[misc]
        made.define()
    except (Exception, SystemExit) as error:
        raise ScriptFailed(
            f"{cls.__name__}.define() raised {one_line(error)}", "".join(traceback.format_exception(error))
        ) from error
    return made


def make_actor(cls: type[Actor], actor_id: str, name: str, player: str | None, path: Path) -> Actor:
    """A fresh actor, in no room yet; its state is still open. Raises ScriptFailed."""
    actor = make(cls, owned=True)
    actor._id = actor_id
    actor._name = name
    actor._player = player
    actor._speed = None
    actor._path = path
    actor._move = None
    actor._parent = None
    actor._children = []
    actor._shown = False
    actor._hidden = cls._class_hidden
    if isinstance(actor, Player):
        actor._distance = None
        actor._distance_set = False
    return actor


def body_of(actor: Actor, now: float, *, travelling: bool = False) -> dict[str, Any]:
    """The actor as it is saved."""
    parent = actor._parent
    path = actor.path if parent is None else [[*actor.position, now]]
    body: dict[str, Any] = {
        "script": script_of(type(actor)),
        "name": actor._name,
        "player": actor._player,
        "speed": actor._speed,
        "path": [] if travelling else path,
        "parent": parent._id if parent is not None else None,
        "state": actor.state._saved(),
        "timers": actor._timers.carried(now) if travelling else actor._timers.saved(),
    }
    if actor._hidden is not type(actor)._class_hidden:
        body["visible"] = not actor._hidden
    if isinstance(actor, Player) and actor._distance_set:
        body["vision_distance"] = "all" if actor._distance == math.inf else actor._distance
    return body


def actor_from(actor_id: str, body: dict[str, Any], path: Path, now: float) -> Actor:
    """The actor of a body, in no room yet and docked to nothing. Raises ScriptFailed, also when its state
    cannot be had."""
    actor = make_actor(class_of(body["script"]), actor_id, body["name"], body["player"], path)
    actor._speed = body["speed"]
    if "visible" in body:
        actor._hidden = not body["visible"]
    if isinstance(actor, Player) and "vision_distance" in body:
        actor._distance = math.inf if body["vision_distance"] == "all" else body["vision_distance"]
        actor._distance_set = True
    try:
        actor.state._restore(body["state"])
    except StateError as error:
        raise ScriptFailed(f"{actor_id}: what was saved does not fit define() any more: {error}") from error
    actor._timers.restore(body["timers"], now)
    actor.state._watch(actor)
    return actor
