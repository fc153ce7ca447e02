"""The verdict over an object: known kind, known fields, metadata, structure, and then the CEL rules."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from jsonschema.protocols import Validator

from roomfleet.master.local.errors import BLOCKING, BadRequest, Cause, FieldError, Invalid
from roomfleet.master.local.kinds import Kind
from roomfleet.master.local.names import metadata_errors, unknown_metadata
from roomfleet.master.local.rules import rule_errors
from roomfleet.master.local.schema import prune, structure_errors, unknown_fields, validator, with_defaults

Object = dict[str, Any]
"""An object as JSON has it: apiVersion, kind, metadata, spec, status."""

NOT_ALL_CHECKED = FieldError(
    "<nil>",
    Cause.INVALID,
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
    "existing errors to complete validation",
)


@functools.cache
def _checks(kind: Kind) -> Validator:
    return validator(kind.schema)


def refuse_unknown_fields(kind: Kind, obj: Mapping[str, Any]) -> None:
    """Strict decoding: raises BadRequest that names every field which the kind does not have."""
    metadata = obj.get("metadata", {})
    if not isinstance(metadata, Mapping):
        raise BadRequest(f"{kind.kind}: metadata has to be a map")
    unknown = sorted([*unknown_fields(kind.schema, obj), *unknown_metadata(metadata)])
    if unknown:
        fields = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise BadRequest(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
            f"strict decoding error: {fields}"
        )


def complete(kind: Kind, obj: Object) -> Object:
    """A copy of the object without unknown fields and with its defaults, as it is stored."""
    return dict(with_defaults(kind.schema, prune(kind.schema, obj)))


def check(kind: Kind, obj: Object, old: Object | None = None) -> None:
    """Raises Invalid with all that is wrong with a completed object. `old` is what it replaces."""
    errors = [*metadata_errors(obj["metadata"]), *structure_errors(_checks(kind), kind.schema, obj)]
    if BLOCKING.isdisjoint(error.cause for error in errors):
        errors += rule_errors(kind.schema, obj, old)
    else:
        errors.append(NOT_ALL_CHECKED)
    if errors:
        raise Invalid(kind.kind, kind.group, str(obj["metadata"].get("name", "")), errors)


def check_status(kind: Kind, obj: Object) -> None:
    """Raises Invalid with what is wrong with a completed object's status alone."""
    errors = [
        e for e in structure_errors(_checks(kind), kind.schema, obj) if e.path.split(".")[0] == "status"
    ]
    if errors:
        raise Invalid(kind.kind, kind.group, obj["metadata"]["name"], errors)
