"""What can go wrong with the API server: one tree.

::

    ApiError
    ├── ApiDown         no answer, or one that says "later"; a write may have been carried out
    │   └── NotServed   the kind itself is not served (404): no CRDs, or it has just started
    ├── NotAllowed      the credentials are not good (401)
    │   └── Forbidden   they are good and not enough (403)
    ├── Conflict        the object is not what the precondition says (409)
    ├── NotFound        no such object (404)
    ├── Expired         the resourceVersion or the continuation is too old (410)
    └── Invalid         the server refuses the content (400, 422 and the like)
"""

from __future__ import annotations


class ApiError(Exception):
    """Base of all errors of this package. The text names the request."""


class ApiDown(ApiError):
    """No answer in time, no connection, or an answer that asks to come back later."""


class NotServed(ApiDown):
    """The server does not serve that kind, or not yet: says nothing about any object."""


class NotAllowed(ApiError):
    """The credentials are not accepted or may not do that."""


class Forbidden(NotAllowed):
    """The master's account lacks a permission; the API server's text names it."""

    @property
    def permission(self) -> str:
        """What may not be done, for all objects alike: `cannot patch resource … in the namespace …`."""
        text = str(self)
        at = text.find(" cannot ")
        return text[at + 1 :] if at >= 0 else text


class Conflict(ApiError):
    """The object has changed since."""


class NotFound(ApiError):
    """There is no such object."""


class Expired(ApiError):
    """What was asked for is too old: begin anew."""


class Invalid(ApiError):
    """The server refuses what was sent."""


def error_of(status: int, text: str, *, names_object: bool = True) -> ApiError:
    """The error that an answer's status stands for.

    `names_object`: whether the answer says which object it is about. A 404 that does not is about the kind:
    an API server that has just started answers so for a moment.
    """
    match status:
        case 401:
            return NotAllowed(text)
        case 403:
            return Forbidden(text)
        case 404:
            return NotFound(text) if names_object else NotServed(text)
        case 409:
            return Conflict(text)
        case 410:
            return Expired(text)
        case 408 | 429:
            return ApiDown(text)
    return ApiDown(text) if status >= 500 else Invalid(text)
