"""Walks: their awaitable, and what one may walk to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Union

from roomfleet.game.errors import ActorError
from roomfleet.game.maps.maps import Door, Tag
from roomfleet.game.scripting.script import Wait
from roomfleet.wire.motion import Point, arrives_at

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.scripting.steps import Steps

Goal = Union[Point, Tag, Door, "Actor"]
"""A point, or something that is at one."""


class Move(Wait[bool]):
    """A walk under way. Awaited: True on arrival, False when it was superseded."""

    __slots__ = ("_actor", "_steps", "goal", "short")

    def __init__(self, actor: Actor, steps: Steps, goal: Point, *, short: bool) -> None:
        super().__init__()
        self._actor = actor
        self._steps = steps
        self.goal = goal
        """Where it leads: the target, or the nearest place to it that can be reached."""
        self.short = short
        """The target itself cannot be reached: out of the room, or cut off."""

    @property
    def arrived(self) -> bool:
        """Whether the path's end has come."""
        return self._steps.now >= arrives_at(self._actor._path) - 1e-9

    def arm(self, steps: Steps) -> None:
        if self.done:
            return
        if self.arrived:
            self.resolve(True)
        else:
            steps.at(steps.tick_after(arrives_at(self._actor._path)), self)

    @property
    def stale(self) -> bool:
        return self.done or not self.wanted

    def due(self) -> None:
        if self.arrived:
            self.resolve(True)
        else:  # it goes slower than when it was scheduled
            self.retimed()

    def retimed(self) -> None:
        """The path ends at another time."""
        if self.wanted:
            self._steps.at(self._steps.tick_after(arrives_at(self._actor._path)), self)

    def end(self) -> None:
        """Something else is begun."""
        self.resolve(self.arrived)


def point_of(target: Any) -> Point:
    """Where a target is. Raises ActorError."""
    where = getattr(target, "position", None)
    if where is None:
        where = (target.x, target.y) if isinstance(target, Tag | Door) else target
    try:
        x, y = where
        x, y = float(x), float(y)
    except (TypeError, ValueError):
        raise ActorError(f"{target!r} is no place: give (x, y), an actor, a tag or a door") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ActorError(f"({x}, {y}) is no place: give two finite numbers")
    return x, y
