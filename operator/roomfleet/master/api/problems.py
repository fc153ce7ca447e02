"""Errors as RFC 9457 problem+json."""

from __future__ import annotations

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
        error = kwargs.get("exc_info", (None, None, None))[1]
        detail = error.log_message if isinstance(error, HTTPError) and error.log_message else self._reason
        self.set_header("Content-Type", "application/problem+json")
        self.finish(
            encode(Problem(type="about:blank", title=self._reason, status=status_code, detail=detail))
        )


class NotFoundHandler(JsonHandler):
    """Every other path."""

    def prepare(self) -> None:
        raise HTTPError(404, "no such path %s; the API is described at /openapi.json", self.request.path)
