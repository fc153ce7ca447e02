"""Label selectors as kubectl takes them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roomfleet.master.local.errors import BadRequest

_KEY = r"[A-Za-z0-9][-A-Za-z0-9_./]*"
_TERM = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<gone>{_KEY})"
    rf"|(?P<key>{_KEY})\s*(?:(?P<op>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)"
    rf"|\s(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|\Z)"
)


@dataclass(frozen=True)
class Requirement:
    """One term: the key has one of the values (None: any), or, when it is negative, not."""

    key: str
    values: frozenset[str] | None
    negative: bool

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether the labels are as required. A key that is missing has none of the values."""
        given = labels.get(self.key)
        found = given is not None and (self.values is None or given in self.values)
        return found is not self.negative


@dataclass(frozen=True)
class Selector:
    """All of its requirements; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, obj: Mapping[str, Any]) -> bool:
        """Whether an object's labels meet every requirement."""
        labels = obj["metadata"].get("labels") or {}
        return all(requirement.matches(labels) for requirement in self.requirements)


EVERYTHING = Selector()


def parse_selector(text: str) -> Selector:
    """The selector that a text says. Raises BadRequest, quoting what cannot be read."""
    requirements = []
    position = 0
    while position < len(text.rstrip()):
        term = _TERM.match(text, position)
        if term is None:
            raise BadRequest(
                f'unable to parse requirement: "{text[position:].strip()}": '
                "write key=value, key!=value, key in (a,b), key notin (a,b), key or !key, with commas between"
            )
        requirements.append(_requirement(term))
        position = term.end()
    return Selector(tuple(requirements))


def _requirement(term: re.Match[str]) -> Requirement:
    if term["absent"]:
        return Requirement(term["gone"], None, negative=True)
    if term["op"]:
        return Requirement(term["key"], frozenset({term["value"]}), negative=term["op"] == "!=")
    if term["set"]:
        values = frozenset(value.strip() for value in term["values"].split(","))
        return Requirement(term["key"], values, negative=term["set"] == "notin")
    return Requirement(term["key"], None, negative=False)
