"""The part of JSONPath that printer columns use: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Saved")]`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>(?:[^.\[\\]|\\.)+)
    |\[\s*(?:(?P<index>-?\d+)|(?P<all>\*)|(?P<quoted>'[^']*'|"[^"]*")
      |\?\(\s*@(?P<path>(?:\.(?:[^.\[\\=!<>\s]|\\.)+)+)\s*(?P<op>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[^\s)]+)\s*\)
    )\s*\]""",
    re.VERBOSE,
)
_Step = Callable[[list[Any]], list[Any]]


class BadPath(ValueError):
    """A path that is none, or uses more than is known here."""


def find(path: str, value: Any) -> list[Any]:
    """All that the path finds in a JSON value, in order. Raises BadPath."""
    found = [value]
    for step in _steps(path):
        found = step(found)
    return found


def _steps(path: str) -> list[_Step]:
    steps = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise BadPath(f"{path}: cannot be read from {path[position:]!r} on")
        steps.append(_step(match))
        position = match.end()
    return steps


def _step(match: re.Match[str]) -> _Step:
    if match["field"]:
        return _field(re.sub(r"\\(.)", r"\1", match["field"]))
    if match["quoted"]:
        return _field(match["quoted"][1:-1])
    if match["index"]:
        return _index(int(match["index"]))
    if match["all"]:
        return _all
    return _filter(match["path"], match["op"], match["value"])


def _field(name: str) -> _Step:
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _index(index: int) -> _Step:
    return lambda values: [
        value[index] for value in values if isinstance(value, list) and -len(value) <= index < len(value)
    ]


def _all(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, dict):
            found += value.values()
        elif isinstance(value, list):
            found += value
    return found


def _filter(path: str, operator: str, literal: str) -> _Step:
    wanted: Any
    if literal[0] in "'\"":
        wanted = literal[1:-1]
    else:
        try:
            wanted = json.loads(literal)
        except ValueError as error:
            raise BadPath(f"{literal}: text in a filter needs quotes") from error

    def keep(item: Any) -> bool:
        found = find(path, item)
        return bool(found) and (found[0] == wanted) is (operator == "==")

    return lambda values: [item for item in _all(values) if keep(item)]
