"""Checks of metadata: what objects, labels and annotations may be called, in an API server's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from roomfleet.master.local.errors import Cause, FieldError
from roomfleet.master.local.schema import show

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME_PART = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"

_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_NAME_WORDS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME_PART}')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    f"for validation is '{_VALUE}')"
)
MAX_ANNOTATIONS = 262_144
"""Bytes of all annotations of an object together."""
_FIELDS = frozenset(
    {
        "name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation",
        "creationTimestamp", "ownerReferences", "generateName", "managedFields", "finalizers",
        "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
    }
)  # fmt: skip


def unknown_metadata(metadata: Mapping[str, Any]) -> list[str]:
    """Paths of the fields that metadata does not have."""
    return [f"metadata.{key}" for key in metadata if key not in _FIELDS]


def metadata_errors(metadata: Mapping[str, Any]) -> Iterator[FieldError]:
    """All that is wrong with an object's metadata."""
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        if name in (None, ""):
            yield FieldError("metadata.name", Cause.REQUIRED, "Required value: name is required")
        else:
            yield FieldError(
                "metadata.name", Cause.TYPE, f"Invalid value: {show(name)}: must be of type string"
            )
    else:
        yield from _bad_name(name)
    yield from _bad_labels(metadata.get("labels"))
    yield from _bad_annotations(metadata.get("annotations"))
    yield from _bad_owners(metadata.get("ownerReferences"))


def _bad_name(name: str) -> Iterator[FieldError]:
    if len(name) > 253:
        yield _invalid("metadata.name", name, "must be no more than 253 characters")
    if not re.fullmatch(_SUBDOMAIN, name):
        yield _invalid("metadata.name", name, _SUBDOMAIN_WORDS)


def _bad_labels(labels: Any) -> Iterator[FieldError]:
    strings, errors = _strings("metadata.labels", labels)
    yield from errors
    for key, value in strings.items():
        if not _qualified(key):
            yield _invalid("metadata.labels", key, _key_words(key, "a valid label key "))
        if len(value) > 63:
            yield _invalid("metadata.labels", value, "must be no more than 63 characters")
        elif not re.fullmatch(_VALUE, value):
            yield _invalid("metadata.labels", value, _VALUE_WORDS)


def _bad_annotations(annotations: Any) -> Iterator[FieldError]:
    strings, errors = _strings("metadata.annotations", annotations)
    yield from errors
    for key in strings:
        if not _qualified(key.lower()):
            yield _invalid("metadata.annotations", key, _key_words(key, ""))
    if sum(len(k.encode()) + len(v.encode()) for k, v in strings.items()) > MAX_ANNOTATIONS:
        text = f"Too long: may not be more than {MAX_ANNOTATIONS} bytes"
        yield FieldError("metadata.annotations", Cause.TOO_LONG, text)


def _bad_owners(owners: Any) -> Iterator[FieldError]:
    if owners is None:
        return
    if not isinstance(owners, list) or not all(isinstance(owner, Mapping) for owner in owners):
        yield FieldError(
            "metadata.ownerReferences", Cause.TYPE, "Invalid value: must be a list of references"
        )
        return
    for index, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not isinstance(owner.get(field), str) or not owner[field]:
                path = f"metadata.ownerReferences[{index}].{field}"
                yield FieldError(path, Cause.REQUIRED, f"Required value: {field} must not be empty")


def _strings(path: str, given: Any) -> tuple[dict[str, str], list[FieldError]]:
    """The entries that are text, and an error for each that is not."""
    if given is None:
        return {}, []
    if not isinstance(given, Mapping):
        return {}, [FieldError(path, Cause.TYPE, f"Invalid value: {show(given)}: must be a map of strings")]
    errors = [
        FieldError(
            f"{path}.{key}",
            Cause.TYPE,
            f"Invalid value: {show(value)}: must be of type string: put it in quotes",
        )
        for key, value in given.items()
        if not isinstance(value, str)
    ]
    return {key: value for key, value in given.items() if isinstance(value, str)}, errors


def _qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not re.fullmatch(_SUBDOMAIN, prefix)):
        return False
    return len(name) <= 63 and re.fullmatch(_NAME_PART, name) is not None


def _key_words(key: str, subject: str) -> str:
    name = key.rpartition("/")[2]
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    if key.count("/") > 1:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return f"{subject or 'a qualified name '}{_NAME_WORDS} {optional}"
    if not re.fullmatch(_NAME_PART, name):
        return f"name part {_NAME_WORDS}"
    return f"prefix part {_SUBDOMAIN_WORDS}"


def _invalid(path: str, value: str, words: str) -> FieldError:
    return FieldError(path, Cause.INVALID, f"Invalid value: {show(value)}: {words}")
