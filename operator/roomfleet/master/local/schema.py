"""A CRD's structural schema applied to an object: unknown fields, defaults, checks, as an API server does.

Verdicts come from jsonschema; this module turns Kubernetes' dialect into JSON Schema, and the findings into
the API server's words. Paths are as kubectl prints them: `spec.template.env[1].name`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from roomfleet.master.local.errors import Cause, FieldError
from roomfleet.master.local.kinds import Schema

TYPE_META = ("apiVersion", "kind", "metadata")
_BOUNDS = {"int32": 2**31, "int64": 2**63}
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_KEYWORDS = (
    "type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "maxProperties", "required", "format",
)  # fmt: skip


def join(path: str, part: str | int) -> str:
    """The path one step deeper."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


def children(schema: Schema, value: Any) -> Iterator[tuple[str | int, Any, Schema]]:
    """What a value holds that the schema describes: key or index, value, and its schema."""
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for key, item in value.items():
            if key in properties:
                yield key, item, properties[key]
            elif isinstance(rest, Mapping):
                yield key, item, rest
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield index, item, schema["items"]


def unknown_fields(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Paths of the fields that the schema does not have; a server drops them, or refuses them when strict."""
    if isinstance(value, Mapping) and not _open(schema):
        known = schema.get("properties", {})
        yield from (join(path, key) for key in value if key not in known)
    for key, item, below in children(schema, value):
        if path or key != "metadata":
            yield from unknown_fields(below, item, join(path, key))


def prune(schema: Schema, value: Any, root: bool = True) -> Any:
    """A copy without the fields that the schema does not have."""
    if isinstance(value, Mapping):
        below = {key: (item, found) for key, item, found in children(schema, value)}
        kept = {}
        for key, item in value.items():
            if root and key == "metadata":
                kept[key] = copy.deepcopy(item)
            elif key in below:
                kept[key] = prune(below[key][1], item, root=False)
            elif _open(schema):
                kept[key] = copy.deepcopy(item)
        return kept
    if isinstance(value, list):
        return [prune(schema.get("items", {}), item, root=False) for item in value]
    return value


def with_defaults(schema: Schema, value: Any) -> Any:
    """A copy with the schema's defaults filled in. Doing it twice changes nothing more.

    As an API server does: where null is not allowed and there is a default, null counts as absent; a whole
    number written as 1.0 is an integer.
    """
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        filled: dict[str, Any] = dict(value)
        for key, below in properties.items():
            if "default" in below and (
                key not in filled or (filled[key] is None and not below.get("nullable", False))
            ):
                filled[key] = copy.deepcopy(below["default"])
        described = {key: found for key, _, found in children(schema, filled)}
        return {
            key: with_defaults(described[key], item) if key in described else copy.deepcopy(item)
            for key, item in filled.items()
        }
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), item) for item in value]
    if isinstance(value, float) and schema.get("type") == "integer" and value.is_integer():
        return int(value)
    return value


def _open(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) or "additionalProperties" in schema


def validator(schema: Schema) -> Validator:
    """The checks of a structural schema, as a jsonschema validator."""
    return jsonschema.Draft202012Validator(_json_schema(schema), format_checker=_FORMATS)


def structure_errors(checks: Validator, schema: Schema, value: Any) -> list[FieldError]:
    """All that is wrong with the value's structure, ordered by path, in the API server's words."""
    found = [
        error
        for problem in checks.iter_errors(value)
        for error in _field_errors(problem)
        if not error.path.startswith("metadata")
    ]
    found += _duplicates(schema, value, "")
    return sorted(found, key=lambda error: (error.path, error.text))


def _json_schema(schema: Schema) -> dict[str, Any]:
    """The same schema in JSON Schema 2020-12."""
    made: dict[str, Any] = {key: schema[key] for key in _KEYWORDS if key in schema}
    if "pattern" in schema:
        # `$` is the very end in Go, and before a last newline too in Python.
        made["pattern"] = re.sub(r"\$\Z", r"\\Z", schema["pattern"])
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    if "properties" in schema:
        made["properties"] = {key: _json_schema(below) for key, below in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), Mapping):
        made["additionalProperties"] = _json_schema(schema["additionalProperties"])
    if "items" in schema:
        made["items"] = _json_schema(schema["items"])
    return made


_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


@_FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -_BOUNDS["int32"] <= value < _BOUNDS["int32"]


@_FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -_BOUNDS["int64"] <= value < _BOUNDS["int64"]


def _field_errors(problem: jsonschema.ValidationError) -> Iterator[FieldError]:
    path = ""
    for part in problem.absolute_path:
        path = join(path, part)
    limit: Any = problem.validator_value
    value: Any = problem.instance
    rule = problem.validator
    if rule == "required":
        # One problem per missing field: jsonschema names it in its message only.
        missing = next(name for name in limit if f"'{name}' is a required property" == problem.message)
        yield FieldError(join(path, missing), Cause.REQUIRED, "Required value")
    elif rule == "type":
        wanted = ",".join(limit) if isinstance(limit, list) else limit
        yield FieldError(
            path, Cause.TYPE, _invalid(path, _type(value), f'must be of type {wanted}: "{_type(value)}"')
        )
    elif rule == "enum":
        supported = ", ".join(show(item) for item in limit)
        text = f"Unsupported value: {show(value)}: supported values: {supported}"
        yield FieldError(path, Cause.NOT_SUPPORTED, text)
    elif rule == "maxLength":
        yield FieldError(path, Cause.TOO_LONG, f"Too long: may not be more than {limit} bytes")
    elif rule in ("maxItems", "maxProperties"):
        text = f"Too many: {len(value)}: must have at most {limit} items"
        yield FieldError(path, Cause.TOO_MANY, text)
    else:
        yield FieldError(
            path, Cause.INVALID, _invalid(path, value, _WORDS[str(rule)].format(limit=_written(limit, rule)))
        )


_WORDS = {
    "minimum": "should be greater than or equal to {limit}",
    "maximum": "should be less than or equal to {limit}",
    "pattern": "should match '{limit}'",
    "minLength": "should be at least {limit} chars long",
    "minItems": "should have at least {limit} items",
    "minProperties": "should have at least {limit} properties",
    "format": "must be of type {limit}",
}


def _written(limit: Any, rule: object) -> Any:
    return re.sub(r"\\Z\Z", "$", limit) if rule == "pattern" else limit


def _invalid(path: str, value: Any, words: str) -> str:
    return f"Invalid value: {show(value)}: {path} in body {words}"


def show(value: Any) -> str:
    """A value as error texts quote it: JSON, and only the kind of thing for maps and lists."""
    return json.dumps(_type(value) if isinstance(value, dict | list) else value, ensure_ascii=False)


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _duplicates(schema: Schema, value: Any, path: str) -> Iterable[FieldError]:
    """Entries of a list-map that have the same keys as an earlier one."""
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "map":
        keys = schema["x-kubernetes-list-map-keys"]
        seen: set[str] = set()
        for index, item in enumerate(value):
            if not isinstance(item, Mapping):
                continue
            entry = json.dumps({name: item.get(name) for name in keys}, separators=(",", ":"), sort_keys=True)
            if entry in seen:
                yield FieldError(join(path, index), Cause.DUPLICATE, f"Duplicate value: {entry}")
            seen.add(entry)
    for key, item, below in children(schema, value):
        yield from _duplicates(below, item, join(path, key))
