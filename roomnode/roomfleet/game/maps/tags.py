"""Tags and doors as a room's scripts find them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from roomfleet.game.errors import ActorError
from roomfleet.game.maps.maps import Door, Tag


class TagGroup(Sequence[Tag]):
    """Some tags, in the map's order. It may be empty."""

    __slots__ = ("_random", "_tags", "_what")

    def __init__(self, tags: Sequence[Tag], what: str, rng: Callable[[], random.Random]) -> None:
        """`what` stands in errors: `tag 'beat'`."""
        self._tags = list(tags)
        self._what = what
        self._random = rng

    def __len__(self) -> int:
        return len(self._tags)

    def __getitem__(self, index: Any) -> Any:
        return self._tags[index]

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._tags)

    @property
    def all(self) -> list[Tag]:
        """All of them."""
        return list(self._tags)

    @property
    def first(self) -> Tag:
        """The first. Raises ActorError when there is none."""
        return self._some()[0]

    def random(self) -> Tag:
        """Any, by the room's seeded random. Raises ActorError when there is none."""
        return self._random().choice(self._some())

    def where(self, **data: Any) -> TagGroup:
        """Those whose data has these values: `where(side="north")`."""
        kept = [
            tag
            for tag in self._tags
            if all(name in tag.data and tag.data[name] == value for name, value in data.items())
        ]
        return TagGroup(kept, f"{self._what} with {data}", self._random)

    def _some(self) -> list[Tag]:
        if not self._tags:
            raise ActorError(f"the room's map has no {self._what}")
        return self._tags


class Tags:
    """The tags of a room's map."""

    __slots__ = ("_random", "_tags")

    def __init__(self, tags: Sequence[Tag], rng: Callable[[], random.Random]) -> None:
        self._tags = tags
        self._random = rng

    def __getitem__(self, name: str) -> TagGroup:
        """All of that name; an empty group when there is none."""
        return TagGroup([tag for tag in self._tags if tag.name == name], f"tag {name!r}", self._random)

    def __contains__(self, name: object) -> bool:
        return any(tag.name == name for tag in self._tags)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)

    @property
    def names(self) -> list[str]:
        """All names, each once."""
        return list(dict.fromkeys(tag.name for tag in self._tags))

    def prefix(self, prefix: str) -> TagGroup:
        """All whose names begin so: `prefix("spawn.")`."""
        found = [tag for tag in self._tags if tag.name.startswith(prefix)]
        return TagGroup(found, f"tag {prefix}…", self._random)


class Doors(Sequence[Door]):
    """The doors of a room's map."""

    __slots__ = ("_doors",)

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = doors

    def __getitem__(self, key: Any) -> Any:
        """By name, or by place in the map. Raises ActorError for a name that is not there."""
        if not isinstance(key, str):
            return self._doors[key]
        for door in self._doors:
            if door.name == key:
                return door
        there = ", ".join(door.name for door in self._doors) or "none"
        raise ActorError(f"the room has no door {key!r}; there are: {there}")

    def __contains__(self, key: object) -> bool:
        return any(key in (door, door.name) for door in self._doors)

    def __len__(self) -> int:
        return len(self._doors)
