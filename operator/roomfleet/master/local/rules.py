"""The CEL rules of a CRD (`x-kubernetes-validations`), run by cel-python as an API server runs them.

A rule that mentions `oldSelf` is a transition rule: it is asked on updates of what was there before.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError

from roomfleet.master.local.errors import Cause, FieldError
from roomfleet.master.local.kinds import BadDefinition, Schema
from roomfleet.master.local.schema import children, join

_KNOWN = {"rule", "message", "fieldPath"}


@functools.cache
def _environment() -> celpy.Environment:
    return celpy.Environment()


@dataclass(frozen=True)
class Rule:
    """One rule: an expression over `self` (and `oldSelf`), and what to say of which field if it is false."""

    expression: str
    message: str
    field_path: str

    @property
    def is_transition(self) -> bool:
        """Whether it compares with what was before."""
        return re.search(r"\boldSelf\b", self.expression) is not None

    def holds(self, value: Any, old: Any) -> bool:
        """What the expression says; raises CELEvalError where it cannot be evaluated on that value."""
        activation = {"self": json_to_cel(value)}
        if self.is_transition:
            activation["oldSelf"] = json_to_cel(old)
        return bool(_program(self.expression).evaluate(activation))


@functools.cache
def _program(expression: str) -> celpy.Runner:
    environment = _environment()
    return environment.program(environment.compile(expression))


@functools.cache
def _rule(expression: str, message: str, field_path: str) -> Rule:
    return Rule(expression, message, field_path)


def rules_of(schema: Schema) -> list[Rule]:
    """The rules at this place of the schema. Raises BadDefinition for what is not supported here."""
    rules = []
    for given in schema.get("x-kubernetes-validations", ()):
        if unknown := set(given) - _KNOWN:
            raise BadDefinition(f"rule {given['rule']!r}: {', '.join(sorted(unknown))} is not supported")
        rules.append(_rule(given["rule"].strip(), given["message"], given.get("fieldPath", "")))
    return rules


def check_rules(schema: Schema) -> None:
    """Compiles every rule of the schema. Raises BadDefinition for the first that is no CEL."""
    for rule in rules_of(schema):
        try:
            _program(rule.expression)
        except CELParseError as error:
            raise BadDefinition(f"rule {rule.expression!r}: {error}") from error
    for below in schema.get("properties", {}).values():
        check_rules(below)
    for key in ("additionalProperties", "items"):
        if isinstance(schema.get(key), Mapping):
            check_rules(schema[key])


def rule_errors(schema: Schema, value: Any, old: Any = None, path: str = "") -> Iterator[FieldError]:
    """The rules that do not hold, at any depth. `old` is the value before, None when it was not there."""
    for rule in rules_of(schema):
        if rule.is_transition and old is None:
            continue
        try:
            if rule.holds(value if path else _root(value), old if path else _root(old)):
                continue
            words = rule.message
        except CELEvalError as error:
            words = f"rule {rule.expression!r} cannot be evaluated: {error}"
        yield FieldError(
            path + rule.field_path if path else rule.field_path.lstrip("."),
            Cause.INVALID,
            f"Invalid value: {words}",
        )
    olds = _olds(schema, old)
    for key, item, below in children(schema, value):
        if item is not None:
            yield from rule_errors(below, item, olds.get(_correlation(schema, key, item)), join(path, key))


def _root(value: Any) -> Any:
    """The whole object as rules see it: of metadata the name alone."""
    if not isinstance(value, Mapping):
        return value
    metadata = value.get("metadata", {})
    return {**value, "metadata": {k: metadata[k] for k in ("name", "generateName") if k in metadata}}


def _correlation(schema: Schema, key: str | int, item: Any) -> Any:
    """What finds an entry's predecessor: its key in a map, map keys in a list-map; None in other lists."""
    if isinstance(key, str):
        return key
    if schema.get("x-kubernetes-list-type") == "map" and isinstance(item, Mapping):
        return tuple(str(item.get(name)) for name in schema["x-kubernetes-list-map-keys"])
    return None


def _olds(schema: Schema, old: Any) -> dict[Any, Any]:
    found = {_correlation(schema, key, item): item for key, item, _ in children(schema, old)}
    found.pop(None, None)
    return found
