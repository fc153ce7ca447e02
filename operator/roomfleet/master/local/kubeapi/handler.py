"""What the local API's handlers have in common: who may ask, errors as Status objects, JSON in and out."""

from __future__ import annotations

import ipaddress
import json
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, RequestHandler

from roomfleet.master.local.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    TooLarge,
)
from roomfleet.master.local.kinds import Kind
from roomfleet.master.local.objects import Objects

MAX_BODY = 3 * 1024 * 1024
"""Bytes of a request's body."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"


class ApiHandler(RequestHandler):
    """What all have in common: who may ask, how errors are told, reading and answering JSON."""

    def initialize(self, objects: Objects) -> None:
        self.objects = objects

    def prepare(self) -> None:
        refuse_strangers(self.request.remote_ip, self.request.host, self.request.headers)
        if len(self.request.body) > MAX_BODY:
            raise TooLarge(f"the body has more than {MAX_BODY} bytes")

    def answer(self, content: dict[str, Any], status: int = 200) -> None:
        """Ends the request with that JSON."""
        self.set_status(status)
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps(content, ensure_ascii=False).encode())

    def warn(self, text: str) -> None:
        """Says with the answer what the caller did perhaps not mean; kubectl prints that."""
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self.add_header("Warning", f'299 - "{quoted}"')

    def content_type(self) -> str:
        """The body's media type, without parameters."""
        return self.request.headers.get("Content-Type", "").split(";")[0].strip().lower()

    def kind(self, plural: str, game: str | None = None) -> Kind:
        """The kind of that path. Raises NotFound for another game's, or no such kind."""
        if game is not None and game != self.objects.game:
            raise NotFound("namespaces", game)
        return self.objects.kinds.plural(plural)

    def dry_run(self) -> bool:
        """Whether only to say what would be."""
        asked = self.get_query_argument("dryRun", "")
        if asked not in ("", "All"):
            raise BadRequest(f'dryRun: "{asked}": may only be All')
        return asked == "All"

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if not isinstance(value, ApiError):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        status = error.status() if isinstance(error, ApiError) else _failure(status_code, error)
        self.answer(status, status["code"])


def _failure(code: int, error: BaseException | None) -> dict[str, Any]:
    """The Status for what is no ApiError: a method that is not there, or something broken here."""
    if code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed("the server does not allow this method on the requested resource").status()
    if isinstance(error, HTTPError):
        message = error.log_message or error.reason or "refused"
    else:
        message = f"{type(error).__name__}: {error}" if error else "internal error"
    return {**BadRequest(message).status(), "reason": HTTPStatus(code).phrase.replace(" ", ""), "code": code}


def refuse_strangers(address: str | None, host: str, headers: HTTPHeaders) -> None:
    """Raises Forbidden unless a program on this machine asks this machine by a name of its own.

    The name matters because a page of the web, whose name leads here, has the browser ask from this machine.
    """
    if not _is_loopback(address or ""):
        raise Forbidden(f"only this machine may use this API, not {address}")
    if "X-Forwarded-For" in headers or "X-Real-Ip" in headers:
        raise Forbidden("only this machine may use this API, not a proxy's clients")
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name.lower() != "localhost" and not _is_loopback(name.strip("[]")):
        raise Forbidden(f'ask by "localhost" or "127.0.0.1", not by "{name}"')


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
