"""CEL rules: where they apply, what `oldSelf` is, and what cannot be evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.kinds import BadDefinition
from roomfleet.master.local.rules import check_rules, rule_errors


def told(schema: dict[str, Any], value: Any, old: Any = None) -> list[str]:
    return [str(error) for error in rule_errors(schema, value, old)]


def ruled(rule: str, **more: Any) -> dict[str, Any]:
    return {"x-kubernetes-validations": [{"rule": rule, "message": "no", **more}]}


ITEMS = {
    "type": "object",
    "properties": {
        "entries": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "properties": {"name": {}, "size": {"type": "integer", **ruled("self >= oldSelf")}},
            },
        },
        "plain": {"type": "array", "items": {"type": "integer", **ruled("self >= oldSelf")}},
    },
}


def test_a_rule_is_asked_at_every_place_that_has_it() -> None:
    schema = {"additionalProperties": {"items": ruled("self > 0")}}
    assert told(schema, {"a": [1, -1], "b": [0]}) == ["a[1]: Invalid value: no", "b[0]: Invalid value: no"]


def test_a_rule_may_name_the_field_that_it_is_about() -> None:
    schema = {"properties": {"spec": ruled("self.low <= self.high", fieldPath=".low")}}
    assert told(schema, {"spec": {"low": 2, "high": 1}}) == ["spec.low: Invalid value: no"]


def test_of_metadata_rules_see_the_name_alone() -> None:
    assert told(ruled("!has(self.metadata.labels)"), {"metadata": {"name": "a", "labels": {}}}) == []


def test_transition_rules_are_not_asked_when_nothing_was_there() -> None:
    schema = {"properties": {"map": ruled("self == oldSelf")}}
    assert told(schema, {"map": "a"}) == []
    assert told(schema, {"map": "a"}, {}) == []
    assert told(schema, {"map": "a"}, {"map": "a"}) == []
    assert told(schema, {"map": "b"}, {"map": "a"}) == ["map: Invalid value: no"]


def test_entries_of_a_list_map_are_compared_by_their_keys() -> None:
    old = {"entries": [{"name": "a", "size": 1}, {"name": "b", "size": 9}]}
    new = {"entries": [{"name": "b", "size": 8}, {"name": "a", "size": 2}, {"name": "c", "size": 0}]}
    assert told(ITEMS, new, old) == ["entries[0].size: Invalid value: no"]


def test_entries_of_other_lists_have_no_predecessor() -> None:
    assert told(ITEMS, {"plain": [1]}, {"plain": [2]}) == []


def test_a_rule_that_cannot_be_evaluated_is_an_error_and_no_crash() -> None:
    (error,) = told(ruled("self.missing > 1"), {"metadata": {}})
    assert "cannot be evaluated" in error


def test_what_is_not_supported_is_refused_when_the_definition_is_read() -> None:
    with pytest.raises(BadDefinition, match="optionalOldSelf is not supported"):
        check_rules(ruled("oldSelf.hasValue()", optionalOldSelf=True))
    with pytest.raises(BadDefinition, match="self >"):
        check_rules({"properties": {"a": ruled("self >")}})


@pytest.mark.parametrize("plural", ["rooms", "instancedrooms", "roomfleets"])
def test_the_rules_of_our_kinds_compile(plural: str) -> None:
    check_rules(installed_kinds().plural(plural).schema)
