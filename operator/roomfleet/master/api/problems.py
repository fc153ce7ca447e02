"""Errors as RFC 9457 problem+json."""

from __future__ import annotations

from http import HTTPStatus
from http.client import responses
from typing import Any

from tornado.web import HTTPError, RequestHandler

from roomfleet.wire.codec import encode
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.version import __version__


class JsonHandler(RequestHandler):
    """Answers JSON; every error is a problem."""

    def set_default_headers(self) -> None:
        self.set_header("Server", f"roomfleet/{__version__}")
        self.set_header("Cache-Control", "no-store")

    def answer(self, body: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(encode(body))

    def refuse(self, problem: Problem) -> None:
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/problem+json")
        if problem.retry_after is not None:
            self.set_header("Retry-After", str(problem.retry_after))
        if problem.status == Refusal.UNAUTHENTICATED.status:
            self.set_header("WWW-Authenticate", "Bearer")
        self.finish(encode(problem))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        write_problem(self, status_code, kwargs.get("exc_info", (None, None, None))[1])


def write_problem(handler: RequestHandler, status: int, error: BaseException | None) -> None:
    """Finish a request that Tornado refused, or that raised `error`."""
    reason = responses.get(status, "Unknown")
    detail = reason
    if isinstance(error, HTTPError) and error.log_message:
        detail = error.log_message % error.args if error.args else error.log_message
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        there = [each for each in handler.SUPPORTED_METHODS if _implements(handler, each)]
        handler.set_header("Allow", ", ".join(there))
        detail = f"{handler.request.method} is not for this path; there are: {', '.join(there)}"
    handler.set_header("Content-Type", "application/problem+json")
    handler.finish(encode(Problem(type="about:blank", title=reason, status=status, detail=detail)))


def _implements(handler: RequestHandler, method: str) -> bool:
    name = method.lower()
    return getattr(type(handler), name) is not getattr(RequestHandler, name)


class NotFoundHandler(JsonHandler):
    """Every other path."""

    def prepare(self) -> None:
        raise HTTPError(404, "no such path %s; the API is described at /openapi.json", self.request.path)
