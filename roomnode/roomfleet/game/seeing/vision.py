"""How far viewers see: what a game's author sets as `vision` of a room and `vision_distance` of a player."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from roomfleet.game.errors import ActorError

HYSTERESIS = 0.1
"""Of a radius that gives none."""


class Everything(Enum):
    """The kind of `ALL`."""

    ALL = "all"


ALL: Final = Everything.ALL
"""Every viewer sees all visible actors of the room."""


@dataclass(frozen=True, slots=True)
class Radius:
    """A viewer sees actors as far as `distance` world units from its own actor.

    It loses them again at `distance * (1 + hysteresis)`: one who walks along the border does not flicker.
    Raises ActorError unless the distance is above 0 and the hysteresis from 0.01 to 1.
    """

    distance: float
    hysteresis: float = HYSTERESIS

    def __post_init__(self) -> None:
        for name, low in (("distance", 1e-3), ("hysteresis", 0.01)):
            value = getattr(self, name)
            high = 1.0 if name == "hysteresis" else 1e9
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ActorError(f"Radius.{name}: {value!r} is not a number from {low:g} to {high:g}")
            object.__setattr__(self, name, float(value))


Vision = Radius | Everything


def checked_vision(value: Any, where: str) -> Vision:
    """The value, when it is a vision. Raises ActorError."""
    if not isinstance(value, Radius | Everything):
        raise ActorError(f"{where}: {value!r} is no vision: give ALL or Radius(distance)")
    return value


def checked_distance(value: Any, where: str) -> float | None:
    """A viewer's own distance, infinity for all, None for what the room says. Raises ActorError."""
    if value is None:
        return None
    if value == math.inf:
        return math.inf
    try:
        return Radius(value).distance
    except ActorError:
        raise ActorError(
            f"{where}: {value!r} is no distance: give world units, math.inf for all, or None for the room's"
        ) from None


def vision_of(room: Vision, own: float | None) -> Vision:
    """What counts for a viewer with a distance of its own."""
    if own is None:
        return room
    if own == math.inf:
        return ALL
    return Radius(own, room.hysteresis if isinstance(room, Radius) else HYSTERESIS)


def saved_vision(vision: Vision) -> list[float]:
    """As JSON data; `[]` is ALL."""
    return [vision.distance, vision.hysteresis] if isinstance(vision, Radius) else []


def restored_vision(saved: list[float]) -> Vision:
    """The opposite of `saved_vision`."""
    return Radius(*saved) if saved else ALL
