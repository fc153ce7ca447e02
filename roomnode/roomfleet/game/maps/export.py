"""Maps built by Room classes, written as map files.

A Room class that has the classmethod `build(cls, map)` says there what it looks like; the class is the one
that runs. `roomfleet export` calls it and writes what it built:

    class Cellar(Room):
        @classmethod
        def build(cls, map: MapBuilder) -> None:
            map.size(300, 200)
            map.door("stairs", at=(20, 100), to="town", arrive="cellar door")
            map.tag("entry", at=(60, 100))
            map.thing("barrel", at=(100, 40), size=(20, 30))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.game.maps.maps import MapRoom, parse_map, room_from
from roomfleet.game.room import Room
from roomfleet.wire.motion import Point


class NotExported(GameError):
    """A class does not build a map, or raised while it did, or the file may not be written over."""


class MapBuilder:
    """What `build` is given: each call adds something. World units; (0, 0) is the top left corner."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}

    def size(self, width: float, height: float) -> None:
        """How large the room is. Needed."""
        self._body |= {"width": width, "height": height}

    def geography(self, name: str) -> None:
        """How ways are found in it: `open` (as without this call) or `grid`."""
        self._body["geography"] = name

    def vision(self, distance: float) -> None:
        """How far players see in it, world units; without this call, all of it."""
        self._body["vision"] = distance

    def door(self, name: str, *, at: Point, to: str, arrive: str | Point, key: str = "") -> None:
        """A door to the Room object `to`; one arrives there at a tag or a position. With a `key` to an
        instance of the InstancedRoom `to`: `key="{player}"` is one for each player."""
        place = arrive if isinstance(arrive, str) else list(arrive)
        way = {"room": to, "at": place, **({"key": key} if key else {})}
        self._add("doors", name=name, x=at[0], y=at[1], exit=way)

    def tag(self, name: str, *, at: Point, **data: Any) -> None:
        """A named spot; several may share a name."""
        self._add("tags", name=name, x=at[0], y=at[1], **({"data": data} if data else {}))

    def thing(self, kind: str, *, at: Point, size: Point, passable: bool = False, **info: Any) -> None:
        """A fixed rectangle by its top left corner."""
        extra = {**({"passable": True} if passable else {}), **({"info": info} if info else {})}
        self._add("objects", kind=kind, x=at[0], y=at[1], width=size[0], height=size[1], **extra)

    def info(self, **info: Any) -> None:
        """What clients and scripts may want to know about the room besides; `grid={…}` sets its grid."""
        self._body.setdefault("info", {}).update(info)

    def _add(self, key: str, **thing: Any) -> None:
        self._body.setdefault(key, []).append(thing)

    def room(self, room_id: str, file: str) -> MapRoom:
        """The finished room, checked. Raises MapError."""
        return room_from(room_id, self._body, file)


def built_room(room_class: type[Room], room_id: str) -> MapRoom:
    """The room that the class builds. Raises NotExported, or MapError with the place."""
    name = f"{room_class.__module__}:{room_class.__qualname__}"
    build = getattr(room_class, "build", None)
    if not callable(build):
        raise NotExported(f"{name} builds no map: give it a classmethod build(cls, map)")
    builder = MapBuilder()
    try:
        build(builder)
    except Exception as error:
        raise NotExported(f"{name}.build() raised {type(error).__name__}: {error}") from error
    return builder.room(room_id, f"maps/{room_id.partition('.')[0]}.json")


def export_rooms(
    game: Game, scripts: Iterable[str], map_id: str, old: bytes | None = None
) -> tuple[list[str], dict[str, MapRoom]]:
    """Build the rooms of a map: the ids that were built, and all rooms of the file.

    `old` is the file as it is: its other rooms stay. Raises ScriptMissing, NotExported, MapError.
    """
    rooms: dict[str, MapRoom] = {}
    if old is not None:
        if b'"tiledversion"' in old:
            raise NotExported(f"maps/{map_id}.json was drawn with Tiled: choose another file")
        found = parse_map(old, f"maps/{map_id}.json")
        if found.errors:
            raise found.errors[0]
        rooms = dict(found.rooms)
    built = []
    for script in scripts:
        room_class = game.room_class(script)
        room_id = f"{map_id}.{room_class.__name__.lower()}"
        rooms[room_id] = built_room(room_class, room_id)
        built.append(room_id)
    return built, rooms


def map_text(rooms: Mapping[str, MapRoom]) -> str:
    """A map file, one line for each thing: made to be read and to be compared."""
    map_id = next(iter(rooms)).partition(".")[0]
    whole = ",\n".join(f"    {json.dumps(room_id)}: {_room_text(room)}" for room_id, room in rooms.items())
    return f'{{\n  "map_id": {json.dumps(map_id)},\n  "rooms": {{\n{whole}\n  }}\n}}\n'


def _room_text(room: MapRoom) -> str:
    body = msgspec.to_builtins(room)
    fields = []
    for key, value in body.items():
        if key == "id" or value in ([], {}, None):
            continue
        fields.append(
            f"      {json.dumps(key)}: {_list_text(value) if isinstance(value, list) else _line(value)}"
        )
    return "{\n" + ",\n".join(fields) + "\n    }"


def _list_text(things: Sequence[Mapping[str, Any]]) -> str:
    lines = ",\n".join(f"        {_line({k: v for k, v in each.items() if v != {}})}" for each in things)
    return f"[\n{lines}\n      ]"


def _line(value: Any) -> str:
    return json.dumps(_short(value), ensure_ascii=False)


def _short(value: Any) -> Any:
    """Whole numbers without a point."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_short(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
