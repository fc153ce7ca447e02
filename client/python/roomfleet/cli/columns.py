"""Tables as kubectl prints them: cells from a kind's printer columns, ages, and aligned lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from roomfleet.cli.jsonpath import find
from roomfleet.master.local.kinds import Column, Kind

_PADDING = 3
_LEAST_WIDTH = 6


class Table:
    """Lines of one kind. Columns never get narrower, so that lines of a watch stay under their heads."""

    def __init__(self, kind: Kind, *, wide: bool, qualified: bool) -> None:
        """`qualified` names are `room.roomfleet.io/town`."""
        self._kind = kind
        self._columns = [column for column in kind.columns if wide or column.priority == 0]
        self._qualified = qualified
        self._widths = [0] * (len(self._columns) + 1)

    def lines(self, objects: Sequence[Mapping[str, Any]], now: datetime, *, heads: bool) -> list[str]:
        """The objects' lines, with column heads before them if asked."""
        rows = [["NAME", *(column.name.upper() for column in self._columns)]] if heads else []
        rows += [self._row(obj, now) for obj in objects]
        for row in rows:
            for index, cell in enumerate(row):
                self._widths[index] = max(self._widths[index], len(cell) + _PADDING, _LEAST_WIDTH)
        return ["".join(map(str.ljust, row[:-1], self._widths)) + row[-1] for row in rows]

    def _row(self, obj: Mapping[str, Any], now: datetime) -> list[str]:
        name = obj["metadata"]["name"]
        if self._qualified:
            name = qualified_name(self._kind, name)
        return [name, *(cell(column, obj, now) for column in self._columns)]


def qualified_name(kind: Kind, name: str) -> str:
    """As `-o name` has it: `room.roomfleet.io/town`."""
    return f"{kind.singular}.{kind.group}/{name}"


def cell(column: Column, obj: Mapping[str, Any], now: datetime) -> str:
    """The text of a column for an object: nothing where it has nothing, but <unknown> for a date."""
    found = find(column.json_path, obj)
    value = found[0] if found else None
    if column.type == "date":
        return age(str(value), now) if value else "<unknown>"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    # A message may have several lines, a table's line is one.
    return str(value).replace("\n", "\\n")


def age(timestamp: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was, as kubectl says it: 5m12s, 3d; <invalid> for no or a later time."""
    try:
        seconds = int((now - datetime.fromisoformat(timestamp)).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"
    if seconds < -1:
        return "<invalid>"
    return duration(max(seconds, 0))


def duration(seconds: int) -> str:
    """A length of time in at most two units, fewer the longer it is."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
