"""The item registry: what things exist in a game, by category, read from `GAME_DIR/items`.

A file is a category: `items/tools.yaml` (or .json) holds `axe: {weight: 3, stack: 1, …}` for each item type
of the category `tools`. `weight` and `stack` are what inventories go by; all other fields are the game's own.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from roomfleet.game.errors import GameError, NoSuchItem, StateError
from roomfleet.game.maps.mapfault import Place, listed, place_text
from roomfleet.game.state.plain import plain

SUFFIXES = (".json", ".yaml", ".yml")

_TOP_KEY = re.compile(r"""^(?P<quote>["']?)(?P<name>[^\s#"'{\[%&*!|>-][^:]*?)(?P=quote)\s*:(\s|$)""")


class ItemError(GameError):
    """A file of the registry cannot be used. The text names file, place and the cure."""

    def __init__(self, file: str, place: Place, problem: str, *, line: int | None = None) -> None:
        """`place` is the way from the top of the file; `line` counts from 1, if known."""
        self.file = file
        self.place = place
        self.problem = problem
        self.line = line
        super().__init__(": ".join(part for part in (file, place_text(place), problem) if part))


@dataclass(frozen=True, slots=True)
class ItemType:
    """A kind of thing."""

    id: str
    """Unique in the game."""
    category: str
    weight: float = 0.0
    """Of one, in the game's own unit."""
    stack: int | None = None
    """How many share a slot; None: as the inventory says."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """All other fields."""

    @property
    def name(self) -> str:
        """For people: the field `name`, or the id."""
        return str(self.fields.get("name", self.id))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name) if name in _OWN else self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or the default when the type has none of that name."""
        return getattr(self, name) if name in _OWN else self.fields.get(name, default)


_OWN = ("id", "category", "weight", "stack")


class ItemRegistry:
    """Item types by id."""

    def __init__(self, categories: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None) -> None:
        """As in the files: `{"tools": {"axe": {"weight": 3}}}`. Raises ItemError."""
        self._types: dict[str, ItemType] = {}
        for category, types in (categories or {}).items():
            for item, fields in types.items():
                self._add(category, item, fields, category)

    @classmethod
    def load(cls, folder: Path | str) -> ItemRegistry:
        """All files of a folder. Raises ItemError for the first that is broken."""
        registry, errors = read_items(folder)
        if errors:
            raise errors[0]
        return registry

    @property
    def categories(self) -> list[str]:
        return sorted({each.category for each in self})

    def __getitem__(self, item: str) -> ItemType:
        """Raises NoSuchItem."""
        try:
            return self._types[item]
        except KeyError:
            raise NoSuchItem("items", item, self.hint(item)) from None

    def get(self, item: str) -> ItemType | None:
        return self._types.get(item)

    def __contains__(self, item: object) -> bool:
        return item in self._types

    def __iter__(self) -> Iterator[ItemType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    def search(self, category: str | None = None, **fields: Any) -> list[ItemType]:
        """The types that match all that is given, in the order of the files.

        A field matches when it equals the value, when it is a list that has the value in it, or when the
        value is a function that says so: `search("tools", tags="metal", weight=lambda kg: kg < 3)`.
        """
        return [
            each
            for each in self
            if category in (None, each.category)
            and all(_matches(each.get(name, _MISSING), value) for name, value in fields.items())
        ]

    def hint(self, item: str) -> str:
        """The end of an error about an id that there is not."""
        near = difflib.get_close_matches(item, self._types, 1)
        return f"did you mean {near[0]!r}?" if near else f"there are: {listed(sorted(self._types))}"

    def _add(self, category: str, item: Any, fields: Any, file: str) -> None:
        if not isinstance(item, str) or not item or len(item) > 64 or not item.isprintable():
            raise ItemError(file, (str(item),), "an id is a text of 1 to 64 printable characters")
        if item in self._types:
            other = self._types[item].category
            raise ItemError(file, (item,), f"this id is in the category {other!r} already: ids are unique")
        if not isinstance(fields, Mapping):
            raise ItemError(file, (item,), f"must be an object of fields, not {_json_type(fields)}")
        weight, stack = fields.get("weight", 0.0), fields.get("stack")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise ItemError(file, (item, "weight"), f"must be a number, 0 or more, not {weight!r}")
        if stack is not None and (type(stack) is not int or stack < 1):
            raise ItemError(file, (item, "stack"), f"must be a whole number, 1 or more, not {stack!r}")
        rest = {}
        for name, value in fields.items():
            if name in ("id", "category"):
                raise ItemError(file, (item, name), "is not to be said: id is the key, category the file")
            if name in ("weight", "stack"):
                continue
            try:
                rest[name] = plain(value, place_text((item, str(name))))
            except StateError as error:
                raise ItemError(file, (item, str(name)), str(error).partition(": ")[2]) from None
        self._types[item] = ItemType(item, category, float(weight), stack, rest)


_MISSING = object()


def _matches(value: Any, wanted: Any) -> bool:
    if value is _MISSING:
        return False
    if isinstance(wanted, Callable):  # type: ignore[arg-type]
        return bool(wanted(value))
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


def read_items(folder: Path | str) -> tuple[ItemRegistry, list[ItemError]]:
    """The types that are well, and what is wrong with the others; no folder is no items."""
    folder = Path(folder)
    registry = ItemRegistry()
    errors: list[ItemError] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix not in SUFFIXES:
            continue
        file = f"{folder.name}/{path.name}"
        try:
            types = _table(path.read_bytes(), file)
        except ItemError as error:
            errors.append(error)
            continue
        for item, fields in types.items():
            try:
                registry._add(path.stem, item, fields, file)
            except ItemError as error:
                errors.append(error)
    return registry, errors


def _table(data: bytes, file: str) -> dict[Any, Any]:
    """The file's object. Raises ItemError."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ItemError(file, (), f"not UTF-8: {error.reason} at byte {error.start}") from None
    types = _json(text, file) if file.endswith(".json") else _yaml(text, file)
    if not isinstance(types, dict):
        raise ItemError(file, (), f"must be an object of item types by id, not {_json_type(types)}")
    return types


def _json(text: str, file: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        for at, (name, _) in enumerate(pairs):
            if any(name == other for other, _ in pairs[:at]):
                raise ItemError(file, (name,), "stands twice in one object: remove one")
        return table

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise ItemError(file, (), problem, line=error.lineno) from None
    except RecursionError:
        raise ItemError(file, (), "is nested too deeply") from None


def _yaml(text: str, file: str) -> Any:
    try:
        types = msgspec.yaml.decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        *_, last = re.findall(r"line (\d+)", str(error)) or [""]
        problem = f"not YAML: {' '.join(str(error).split())}"
        raise ItemError(file, (), problem, line=int(last) if last else None) from None
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        key = _TOP_KEY.match(line)
        if key is not None and key["name"] in seen:
            raise ItemError(file, (key["name"],), "stands twice in this file: remove one", line=number)
        if key is not None:
            seen.add(key["name"])
    return types if types is not None else {}


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
