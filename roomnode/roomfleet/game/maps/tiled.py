"""Rooms drawn with Tiled (mapeditor.org): its JSON map format, taken as one room.

One Tiled map is one room: `maps/harbour.json` is the room `harbour.room1`, or `harbour.<name>` by the
map's custom property `room`. Tiles are world units already: 50 tiles of 16 pixels are 800 units. What
counts are object layers of three names; tile and image layers are scenery and left out.

    doors     points (or boxes: their middle). Name = the door's name. Properties: `room`, the Room object
              behind it, and `at`, a tag there or "x, y".
    tags      points (or boxes: their middle). Name = the tag. Properties become its data.
    objects   boxes (of polygons and ellipses the box around them). Class (or else the name) = kind.
              Property `passable` (bool); all others become its info.

Any other object layer is an error, unless its property `ignore` is true. The map's own properties:
`room`, `geography`, `vision`; all others become the room's info.

Source: "JSON Map Format", doc.mapeditor.org (Tiled 1.11).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from roomfleet.game.maps.mapfault import MapError, Place


def tiled_room(data: dict[str, Any], stem: str, file: str) -> tuple[str, dict[str, Any]]:
    """The room's id and body in this project's own format. Raises MapError with the place in the file."""
    return _Reader(data, stem, file).room()


class _Reader:
    def __init__(self, data: dict[str, Any], stem: str, file: str) -> None:
        self._data = data
        self._stem = stem
        self._file = file
        self._room_id = ""

    def room(self) -> tuple[str, dict[str, Any]]:
        data = self._data
        if data.get("infinite"):
            self._fail(("infinite",), "a room has a size: switch off Map > Map Properties > Infinite")
        if data.get("orientation", "orthogonal") != "orthogonal":
            self._fail(("orientation",), f"must be orthogonal, not {data['orientation']!r}")
        info = self._properties(data, ())
        room = info.pop("room", "room1")
        self._room_id = f"{self._stem}.{room}"
        body: dict[str, Any] = {
            "width": self._number(data, "width", ()) * self._number(data, "tilewidth", ()),
            "height": self._number(data, "height", ()) * self._number(data, "tileheight", ()),
            "doors": [],
            "tags": [],
            "objects": [],
        }
        body |= {key: info.pop(key) for key in ("geography", "vision") if key in info}
        body["info"] = info
        read = {"doors": self._door, "tags": self._tag, "objects": self._object}
        for layer, place, offset in self._object_layers(
            self._list(data, "layers", ()), ("layers",), (0.0, 0.0)
        ):
            name = layer.get("name")
            if name not in read:
                if self._properties(layer, place).get("ignore") is True:
                    continue
                names = ", ".join(read)
                self._fail(
                    place, f"object layer {name!r}: name it one of {names}, or set its property ignore"
                )
            for index, thing in enumerate(self._list(layer, "objects", place)):
                at = (*place, "objects", index)
                body[name].append(read[name](thing, at, offset))
        return self._room_id, body

    def _object_layers(
        self, layers: list[Any], place: Place, offset: tuple[float, float]
    ) -> Iterator[tuple[dict[str, Any], Place, tuple[float, float]]]:
        """All object layers, those in groups too, each with the offset that it is drawn at."""
        for index, layer in enumerate(layers):
            at = (*place, index)
            shift = (
                offset[0] + self._number(layer, "offsetx", at, 0.0),
                offset[1] + self._number(layer, "offsety", at, 0.0),
            )
            if layer.get("type") == "group":
                yield from self._object_layers(self._list(layer, "layers", at), (*at, "layers"), shift)
            elif layer.get("type") == "objectgroup":
                yield layer, at, shift

    def _door(self, thing: dict[str, Any], place: Place, offset: tuple[float, float]) -> dict[str, Any]:
        x, y = self._middle(thing, place, offset)
        properties = self._properties(thing, place)
        for name in ("room", "at"):
            if not isinstance(properties.get(name), str) or not properties[name]:
                what = (
                    "the Room behind the door" if name == "room" else 'a tag in the room behind it, or "x, y"'
                )
                self._fail(place, f"door {thing.get('name')!r}: add a property {name!r} (string): {what}")
        at: str | list[float] = properties["at"]
        if "," in properties["at"]:
            try:
                at = [float(part) for part in properties["at"].split(",")]
            except ValueError:
                self._fail(place, f'door {thing.get("name")!r}: {at!r} is neither a tag nor "x, y"')
        way: dict[str, Any] = {"room": properties["room"], "at": at}
        if "key" in properties:
            way["key"] = properties["key"]
        return {"name": thing.get("name"), "x": x, "y": y, "exit": way}

    def _tag(self, thing: dict[str, Any], place: Place, offset: tuple[float, float]) -> dict[str, Any]:
        x, y = self._middle(thing, place, offset)
        return {"name": thing.get("name"), "x": x, "y": y, "data": self._properties(thing, place)}

    def _object(self, thing: dict[str, Any], place: Place, offset: tuple[float, float]) -> dict[str, Any]:
        left, top, right, bottom = self._box(thing, place, offset)
        if right <= left or bottom <= top:
            self._fail(place, f"object {thing.get('name')!r}: needs a width and a height: draw it as a box")
        info = self._properties(thing, place)
        passable = info.pop("passable", False)
        kind = thing.get("class") or thing.get("type") or thing.get("name")
        if not kind:
            self._fail(place, "give the object a class (what kind of thing it is), or a name")
        size = {"width": right - left, "height": bottom - top}
        return {"kind": kind, "x": left, "y": top, **size, "passable": passable, "info": info}

    def _middle(
        self, thing: dict[str, Any], place: Place, offset: tuple[float, float]
    ) -> tuple[float, float]:
        left, top, right, bottom = self._box(thing, place, offset)
        return (left + right) / 2, (top + bottom) / 2

    def _box(
        self, thing: dict[str, Any], place: Place, offset: tuple[float, float]
    ) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what was drawn."""
        if "template" in thing:
            self._fail(place, "comes from a template file: detach it (right click > Detach)")
        if self._number(thing, "rotation", place, 0.0) % 360:
            self._fail(place, f"{thing.get('name')!r} is rotated: set its rotation to 0")
        x = self._number(thing, "x", place) + offset[0]
        y = self._number(thing, "y", place) + offset[1]
        corners = thing.get("polygon") or thing.get("polyline")
        if corners:
            xs = [x + self._number(corner, "x", place) for corner in corners]
            ys = [y + self._number(corner, "y", place) for corner in corners]
            return min(xs), min(ys), max(xs), max(ys)
        width = self._number(thing, "width", place, 0.0)
        height = self._number(thing, "height", place, 0.0)
        if "gid" in thing:  # a tile placed as an object stands on its lower left corner
            y -= height
        return x, y, x + width, y + height

    def _properties(self, thing: dict[str, Any], place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index, each in enumerate(self._list(thing, "properties", place)):
            if not isinstance(each.get("name"), str) or "value" not in each:
                self._fail((*place, "properties", index), "a property has a name and a value")
            found[each["name"]] = each["value"]
        return found

    def _list(self, thing: dict[str, Any], key: str, place: Place) -> list[dict[str, Any]]:
        value = thing.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self._fail((*place, key), "must be a list of objects: save the map with Tiled as JSON again")
        return value

    def _number(self, thing: dict[str, Any], key: str, place: Place, default: float | None = None) -> float:
        value = thing.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fail((*place, key), f"must be a number, not {value!r}")
        return float(value)

    def _fail(self, place: Place, problem: str) -> NoReturn:
        raise MapError(self._file, self._room_id, place, problem)
