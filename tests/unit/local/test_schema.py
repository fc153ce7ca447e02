"""Structural schemas: defaults, unknown fields, null, whole numbers, and the API server's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.local.schema import prune, structure_errors, unknown_fields, validator, with_defaults

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]*$"},
        "size": {"type": "integer", "format": "int32", "default": 3, "minimum": 1},
        "note": {"type": "string", "nullable": True, "default": "none"},
        "at": {"type": "string", "format": "date-time"},
        "amount": {"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+$"},
        "inner": {
            "type": "object",
            "default": {},
            "properties": {"depth": {"type": "integer", "default": 1}},
        },
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"size": {"type": "integer", "default": 7}},
        },
        "items": {
            "type": "array",
            "maxItems": 3,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "on": {"type": "boolean", "default": True}},
            },
        },
    },
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), values, max_size=6)


def errors(value: Any) -> list[str]:
    return [str(error) for error in structure_errors(validator(SCHEMA), SCHEMA, value)]


@given(objects)
def test_defaulting_twice_is_defaulting_once(value: dict[str, Any]) -> None:
    once = with_defaults(SCHEMA, value)
    assert with_defaults(SCHEMA, once) == once


@given(objects)
def test_defaulting_leaves_what_was_given_alone(value: dict[str, Any]) -> None:
    before = repr(value)
    with_defaults(SCHEMA, value)
    assert repr(value) == before


@given(objects)
def test_a_pruned_object_has_no_unknown_fields(value: dict[str, Any]) -> None:
    pruned = prune(SCHEMA, value)
    assert list(unknown_fields(SCHEMA, pruned)) == []
    assert prune(SCHEMA, pruned) == pruned


@given(objects)
def test_any_value_gets_a_verdict(value: dict[str, Any]) -> None:
    assert all(isinstance(error, str) and error for error in errors(value))


def test_defaults_are_filled_in_at_every_depth() -> None:
    assert with_defaults(SCHEMA, {"name": "a", "items": [{"name": "x"}], "free": {"b": 1}}) == {
        "name": "a",
        "size": 3,
        "note": "none",
        "inner": {"depth": 1},
        "items": [{"name": "x", "on": True}],
        "free": {"b": 1, "size": 7},
    }


def test_null_takes_the_default_only_where_null_is_not_allowed() -> None:
    filled = with_defaults(SCHEMA, {"size": None, "note": None})
    assert (filled["size"], filled["note"]) == (3, None)


def test_unknown_fields_are_named_by_path_but_not_in_open_places() -> None:
    value = {"nam": 1, "inner": {"dept": 1}, "items": [{"x": 1}], "free": {"a": {"b": 1}}, "tags": {"a": "b"}}
    assert sorted(unknown_fields(SCHEMA, value)) == ["inner.dept", "items[0].x", "nam"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "name: Required value"),
        ({"name": ""}, 'name: Invalid value: "": name in body should be at least 1 chars long'),
        ({"name": "abcdef"}, "name: Too long: may not be more than 5 bytes"),
        ({"name": "A"}, "name: Invalid value: \"A\": name in body should match '^[a-z]*$'"),
        ({"name": "a\n"}, "name: Invalid value: \"a\\n\": name in body should match '^[a-z]*$'"),
        ({"name": 1}, 'name: Invalid value: "integer": name in body must be of type string: "integer"'),
        ({"name": None}, 'name: Invalid value: "null": name in body must be of type string: "null"'),
        ({"name": "a", "size": True}, 'size in body must be of type integer: "boolean"'),
        ({"name": "a", "size": 2**31}, "size: Invalid value: 2147483648: size in body must be of type int32"),
        ({"name": "a", "at": "2026-01-01"}, "at in body must be of type date-time"),
        ({"name": "a", "at": "2026-13-01T00:00:00Z"}, "at in body must be of type date-time"),
        ({"name": "a", "amount": 1.5}, 'amount in body must be of type integer,string: "number"'),
        ({"name": "a", "amount": "x"}, "amount in body should match '^[0-9]+$'"),
        ({"name": "a", "tags": {"k": 1}}, 'tags.k in body must be of type string: "integer"'),
        ({"name": "a", "items": [{}] * 4}, "items: Too many: 4: must have at most 3 items"),
        ({"name": "a", "items": [{"name": "x"}] * 2}, 'items[1]: Duplicate value: {"name":"x"}'),
        ({"name": "a", "items": [{"on": 1}]}, 'items[0].on in body must be of type boolean: "integer"'),
    ],
)
def test_each_fault_is_told_in_the_api_servers_words(value: dict[str, Any], expected: str) -> None:
    assert any(expected in error for error in errors(value)), errors(value)


def test_what_is_right_has_no_errors() -> None:
    value = {"name": "a", "size": 2.0, "at": "2026-01-01T00:00:00.5+01:00", "amount": 3, "note": None}
    assert errors(with_defaults(SCHEMA, value)) == []
