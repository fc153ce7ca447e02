"""What the local API refuses, and how: each error has the code, reason and words that an API server gives.

ApiError
├── BadRequest       400  cannot be read: not YAML, unknown fields, no such kind, another namespace
├── Forbidden        403  not from this machine
├── NotFound         404
├── AlreadyExists    409
├── Conflict         409  resourceVersion or uid is not the present one
├── Expired          410  a watch from a version that is no longer known: list again
├── MethodNotAllowed 405
├── TooLarge         413  a body over the limit
├── Unsupported      415  content type
└── Invalid          422  the object breaks its schema, a rule, or what names may be
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar


class Cause(StrEnum):
    """Why one field is refused; the values are Kubernetes' own."""

    REQUIRED = "FieldValueRequired"
    INVALID = "FieldValueInvalid"
    TYPE = "FieldValueTypeInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    DUPLICATE = "FieldValueDuplicate"


BLOCKING = frozenset({Cause.REQUIRED, Cause.TYPE, Cause.TOO_LONG, Cause.TOO_MANY, Cause.DUPLICATE})
"""After one of these, CEL rules are not run: they would meet values of the wrong shape."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field; `path` is as kubectl prints it, empty for the object as a whole."""

    path: str
    cause: Cause
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class ApiError(Exception):
    """The root of this tree; `status()` is the metav1.Status that a client gets."""

    code: ClassVar[HTTPStatus]
    reason: ClassVar[str]

    def details(self) -> dict[str, Any]:
        """What the Status says beyond its message: which object, which fields."""
        return {}

    def status(self) -> dict[str, Any]:
        """The error as a metav1.Status object."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "details": self.details(),
            "code": int(self.code),
        }


class BadRequest(ApiError):
    """The request cannot be read as what it should be."""

    code = HTTPStatus.BAD_REQUEST
    reason = "BadRequest"


class Forbidden(ApiError):
    """Whoever asks may not."""

    code = HTTPStatus.FORBIDDEN
    reason = "Forbidden"


class Expired(ApiError):
    """The version to watch from is no longer known (or never was): list, and watch from there."""

    code = HTTPStatus.GONE
    reason = "Expired"

    def __init__(self, since: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {since} ({oldest}); list again and watch from there")


class Unsupported(ApiError):
    """A content type that the endpoint does not take."""

    code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    reason = "UnsupportedMediaType"


class TooLarge(ApiError):
    """A body that is larger than any object may be."""

    code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    reason = "RequestEntityTooLarge"


class MethodNotAllowed(ApiError):
    """The path is there, the method is not."""

    code = HTTPStatus.METHOD_NOT_ALLOWED
    reason = "MethodNotAllowed"


class ObjectError(ApiError):
    """An error about one named object. `resource` is `rooms.roomfleet.io`."""

    def __init__(self, resource: str, name: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource
        self.name = name

    def details(self) -> dict[str, Any]:
        plural, _, group = self.resource.partition(".")
        return {"name": self.name, "group": group, "kind": plural}


class NotFound(ObjectError):
    """There is no object of that name."""

    code = HTTPStatus.NOT_FOUND
    reason = "NotFound"

    def __init__(self, resource: str, name: str) -> None:
        super().__init__(resource, name, f'{resource} "{name}" not found')


class AlreadyExists(ObjectError):
    """Created twice."""

    code = HTTPStatus.CONFLICT
    reason = "AlreadyExists"

    def __init__(self, resource: str, name: str) -> None:
        super().__init__(resource, name, f'{resource} "{name}" already exists')


class Conflict(ObjectError):
    """The object is not, or no longer, the one that the caller has seen."""

    code = HTTPStatus.CONFLICT
    reason = "Conflict"

    def __init__(self, resource: str, name: str, why: str) -> None:
        super().__init__(resource, name, f'Operation cannot be fulfilled on {resource} "{name}": {why}')


class Invalid(ObjectError):
    """The object breaks its schema or a rule; `errors` are all that was found."""

    code = HTTPStatus.UNPROCESSABLE_ENTITY
    reason = "Invalid"

    def __init__(self, kind: str, group: str, name: str, errors: Sequence[FieldError]) -> None:
        found = ", ".join(map(str, errors))
        text = f"[{found}]" if len(errors) > 1 else found
        super().__init__(f"{kind}.{group}", name, f'{kind} "{name}" is invalid: {text}')
        self.errors = tuple(errors)

    def details(self) -> dict[str, Any]:
        causes = [
            {"reason": str(error.cause), "message": error.text, "field": error.path} for error in self.errors
        ]
        return {**super().details(), "causes": causes}


STALE = "the object has been modified; please apply your changes to the latest version and try again"
