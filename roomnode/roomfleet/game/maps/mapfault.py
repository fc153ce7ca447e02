"""What can be wrong with a map, and how the place in its file is named."""

from __future__ import annotations

from collections.abc import Sequence

from roomfleet.game.errors import GameError

Place = tuple[str | int, ...]
"""The way from the top of a JSON file to a value: keys and indexes."""


class MapError(GameError):
    """A map, or a room of it, cannot be used. The text names file, room, place and the cure."""

    def __init__(self, file: str, room: str, place: Place, problem: str, *, line: int | None = None) -> None:
        """`place` is the whole way from the top of the file; `line` counts from 1, if known."""
        self.file = file
        self.room = room
        self.place = place
        self.problem = problem
        self.line = line
        super().__init__(": ".join(part for part in (file, room, place_text(place, room), problem) if part))


def place_text(place: Place, room: str = "") -> str:
    """`doors[2].exit.at`: the way as one writes it in code, from the room on when it leads through it."""
    if place[:2] == ("rooms", room):
        place = place[2:]
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def listed(names: Sequence[str], none: str = "none") -> str:
    """`a, b, c`: at most twelve, for the end of a sentence that says what there is."""
    shown = ", ".join(names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or none
