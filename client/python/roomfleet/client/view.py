"""What a player sees of a room: a copy of what may be seen, and where the actors in it are."""

from __future__ import annotations

from typing import Any

from roomfleet.wire.motion import Point, position_at
from roomfleet.wire.patch import Copy


def empty_copy() -> Copy:
    """A copy with nothing in it."""
    return {"actors": {}, "room": {"state": {}}}


def position_of(copy: Copy, actor_id: str, now: float) -> Point | None:
    """Where an actor of the copy is at `now`: along its own path, or where its parent is when docked.

    None when there is no such actor. A parent that may not be seen leaves the child to its own path.
    """
    root = root_of(copy, actor_id)
    return None if root is None else position_at(root["path"], now)


def root_of(copy: Copy, actor_id: str) -> dict[str, Any] | None:
    """The actor of the copy whose path this one goes: itself, or its topmost parent when docked."""
    actors: dict[str, dict[str, Any]] = copy["actors"]
    actor = actors.get(actor_id)
    seen: set[str] = set()
    while actor is not None and actor["parent"] in actors and actor["id"] not in seen:
        seen.add(actor["id"])
        actor = actors[actor["parent"]]
    return actor
