"""Maps: what a room looks like before anybody is in it (INTERFACES, Game folder).

World units; the origin is a room's top left corner, x runs right, y down. A map file holds rooms by
their whole id: `maps/map1.json` has `{"map_id": "map1", "rooms": {"map1.room1": {…}}}`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a door leads: a Room object of the game, and a tag or `[x, y]` where one arrives there."""

    room: str
    at: str | tuple[float, float]


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A door at a point."""

    name: str
    x: float
    y: float
    exit: Exit


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A named spot; several may share a name."""

    name: str
    x: float
    y: float
    data: dict[str, Any] = {}


class MapObject(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed rectangle, by its top left corner."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    passable: bool = False
    info: dict[str, Any] = {}


class MapRoom(msgspec.Struct, frozen=True, kw_only=True):
    """One room of a map. `geography` names how ways are found in it: `open` or `grid`."""

    id: str
    width: float
    height: float
    geography: str = "open"
    doors: list[Door] = []
    tags: list[Tag] = []
    objects: list[MapObject] = []
    info: dict[str, Any] = {}
