"""Maps: what a room looks like before anybody is in it (INTERFACES, Game folder).

World units; the origin is a room's top left corner, x runs right, y down. A map file holds rooms by
their whole id: `maps/map1.json` has `{"map_id": "map1", "rooms": {"map1.room1": {…}}}`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from roomfleet.game.maps.instancekeys import problem_of
from roomfleet.game.maps.mapfault import MapError, Place, listed
from roomfleet.game.maps.tiled import tiled_room

ROOM_ID = re.compile(r"[A-Za-z0-9][\w-]*\.[A-Za-z0-9][\w-]*", re.ASCII)
"""`map1.room1`: the map's name, a dot, the room's name in it."""


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a door leads: a Room object of the game, and a tag or `[x, y]` where one arrives there.

    With a `key`, `room` is an InstancedRoom, and the key says which of its instances (`instancekeys`).
    """

    room: str
    at: str | tuple[float, float]
    key: str = ""


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
    """One room of a map. `geography` names how ways are found in it: `open` or `grid`; `vision` is how far
    players see in it, world units, and null for all."""

    id: str
    width: float
    height: float
    geography: str = "open"
    vision: float | None = None
    doors: list[Door] = []
    tags: list[Tag] = []
    objects: list[MapObject] = []
    info: dict[str, Any] = {}


MAX_SIZE = 100_000.0
"""The longest side of a room, world units."""


@dataclass(frozen=True, slots=True)
class MapFolder:
    """All rooms of a game's maps by id, and what is wrong with those that cannot be used.

    A broken room does no harm to the others; a broken file none to other files.
    """

    rooms: dict[str, MapRoom]
    errors: list[MapError]

    def room(self, room_id: str) -> MapRoom:
        """The room of that id. Raises MapError: its own, its file's, or that there is no such room."""
        if room_id in self.rooms:
            return self.rooms[room_id]
        map_id = room_id.partition(".")[0]
        file = f"maps/{map_id}.json"
        for error in self.errors:
            if error.room == room_id or (error.file == file and not error.room):
                raise error
        beside = [each for each in self.rooms if each.partition(".")[0] == map_id]
        if beside:
            problem = f"has no room {room_id!r}; it has {listed(beside)}"
        else:
            problem = f"no such map; the rooms of this game's maps are: {listed(list(self.rooms))}"
        raise MapError(file, "", (), problem)


def load_maps(folder: Path) -> dict[str, MapRoom]:
    """The rooms of `folder/*.json` by id. Raises the first MapError; `read_maps` goes on past them."""
    maps = read_maps(folder)
    if maps.errors:
        raise maps.errors[0]
    return maps.rooms


def read_maps(folder: Path) -> MapFolder:
    """Read `folder/*.json`: this project's own format, or Tiled's (`tiled.py`)."""
    rooms: dict[str, MapRoom] = {}
    errors: list[MapError] = []
    for path in sorted(folder.glob("*.json")):
        name = f"{folder.name}/{path.name}"
        try:
            found = parse_map(path.read_bytes(), name)
        except MapError as error:
            errors.append(error)
            continue
        except OSError as error:
            errors.append(MapError(name, "", (), f"cannot be read: {error.strerror}"))
            continue
        rooms.update(found.rooms)
        errors.extend(found.errors)
    return MapFolder(rooms, errors)


def parse_map(text: bytes, file: str) -> MapFolder:
    """The rooms of one map file. Raises MapError when it is no map at all."""
    stem = file.rpartition("/")[2].removesuffix(".json")
    data = _json(text, file)
    if not isinstance(data, dict):
        raise MapError(file, "", (), "a map is a JSON object with map_id and rooms")
    if "tiledversion" in data:
        room_id, body = tiled_room(data, stem, file)
        return MapFolder({room_id: _room(room_id, body, file, ())}, [])
    _no_unknown(data, ("map_id", "rooms"), file, "", ())
    if data.get("map_id") != stem:
        problem = f'must be "{stem}", as the file is named, not {json.dumps(data.get("map_id"))}'
        raise MapError(file, "", ("map_id",), problem)
    bodies = data.get("rooms")
    if not isinstance(bodies, dict) or not bodies:
        raise MapError(
            file, "", ("rooms",), f'must be an object {{"{stem}.<name>": {{…}}}} with a room in it'
        )
    folder = MapFolder({}, [])
    for room_id, body in bodies.items():
        try:
            folder.rooms[room_id] = _room(room_id, body, file, ("rooms", room_id))
        except MapError as error:
            folder.errors.append(error)
    return folder


def room_from(room_id: str, body: dict[str, Any], file: str) -> MapRoom:
    """One room in this project's own format, checked. Raises MapError."""
    return _room(room_id, body, file, ("rooms", room_id))


def _json(text: bytes, file: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in pairs:
            if key in table:
                raise MapError(file, "", (), f"the key {key!r} stands twice in one object: remove one")
            table[key] = value
        return table

    def not_a_number(name: str) -> Any:
        raise MapError(file, "", (), f"{name} is no JSON number: give a finite one")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=not_a_number)
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise MapError(file, "", (), problem, line=error.lineno) from None
    except UnicodeDecodeError as error:
        raise MapError(file, "", (), f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise MapError(file, "", (), "is nested too deeply to be a map") from None


def _room(room_id: str, body: Any, file: str, place: Place) -> MapRoom:
    stem = file.rpartition("/")[2].removesuffix(".json")
    if room_id.partition(".")[0] != stem or not ROOM_ID.fullmatch(room_id):
        problem = f"a room of this file is called {stem}.<name>, with letters, digits, - and _"
        raise MapError(file, room_id, place, problem)
    if not isinstance(body, dict):
        raise MapError(file, room_id, place, "must be an object with width and height")
    _no_unknown(body, [name for name in MapRoom.__struct_fields__ if name != "id"], file, room_id, place)
    for key, struct in (("doors", Door), ("tags", Tag), ("objects", MapObject)):
        things = body.get(key, [])
        for index, thing in enumerate(things if isinstance(things, list) else []):
            if isinstance(thing, dict):
                _no_unknown(thing, struct.__struct_fields__, file, room_id, (*place, key, index))
            if struct is Door and isinstance(thing, dict) and isinstance(thing.get("exit"), dict):
                way = (*place, key, index, "exit")
                _no_unknown(thing["exit"], Exit.__struct_fields__, file, room_id, way)
    try:
        room = msgspec.convert({**body, "id": room_id}, MapRoom)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        raise MapError(file, room_id, (*place, *_steps(where.removesuffix("`"))), _lower(problem)) from None
    for way, problem in _misfits(room):
        raise MapError(file, room_id, (*place, *way), problem)
    return room


def _misfits(room: MapRoom) -> Iterator[tuple[Place, str]]:
    """What has the right shape and still cannot be."""
    for side in ("width", "height"):
        if not 1 <= getattr(room, side) <= MAX_SIZE:
            yield (side,), f"must be from 1 to {MAX_SIZE:g} world units, not {getattr(room, side):g}"
    if room.vision is not None and not 1 <= room.vision <= MAX_SIZE:
        yield ("vision",), f"must be from 1 to {MAX_SIZE:g} world units, or null for all, not {room.vision:g}"
    names: set[str] = set()
    for index, door in enumerate(room.doors):
        if not door.name or door.name in names:
            yield ("doors", index, "name"), f"{door.name!r}: each door of a room needs a name of its own"
        names.add(door.name)
        if not door.exit.room:
            yield ("doors", index, "exit", "room"), "must name a Room of the game"
        if door.exit.key and (problem := problem_of(door.exit.key)):
            yield ("doors", index, "exit", "key"), problem
        if door.exit.at == "":
            yield ("doors", index, "exit", "at"), "must be a tag of the room behind the door, or [x, y]"
    for index, tag in enumerate(room.tags):
        if not tag.name:
            yield ("tags", index, "name"), "a tag needs a name"
    spots: list[tuple[str, Door | Tag]] = [("doors", door) for door in room.doors]
    spots += [("tags", tag) for tag in room.tags]
    for index, (key, spot) in enumerate(spots):
        place = (key, index if key == "doors" else index - len(room.doors))
        if not (0 <= spot.x <= room.width and 0 <= spot.y <= room.height):
            yield place, f"({spot.x:g}, {spot.y:g}) is outside the room, {room.width:g} by {room.height:g}"
    for index, thing in enumerate(room.objects):
        place = ("objects", index)
        if thing.width <= 0 or thing.height <= 0:
            yield place, f"must have a width and a height above 0, not {thing.width:g} by {thing.height:g}"
        right, bottom = thing.x + thing.width, thing.y + thing.height
        if right < 0 or bottom < 0 or thing.x > room.width or thing.y > room.height:
            size = f"{room.width:g} by {room.height:g}"
            yield place, f"at ({thing.x:g}, {thing.y:g}) lies wholly outside the room, {size}"


def _no_unknown(data: dict[str, Any], known: Sequence[str], file: str, room: str, place: Place) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {listed(known)}"
            raise MapError(file, room, (*place, key), f"no such field; {hint}")


def _steps(way: str) -> Place:
    """`.doors[2].exit.at` as a tuple."""
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", way)
    return tuple(name or (int(index) if index.isdigit() else index) for name, index in steps)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
