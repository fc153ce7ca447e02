"""`/metrics`, for Prometheus: on the public port and on the link's, at the root only (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Callable

from tornado.web import HTTPError, RequestHandler

from roomfleet.master.api.problems import JsonHandler
from roomfleet.wire.metrics import CONTENT_TYPE, PATH, refusal


class Metrics(JsonHandler):
    """All metrics of this master, in Prometheus' text format."""

    def initialize(self, read: Callable[[], bytes]) -> None:
        self._metrics = read

    def get(self) -> None:
        why = refusal(self.request.remote_ip, self.request.headers)
        if why:
            raise HTTPError(403, "%s", why)
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self._metrics())


def metrics_handler(read: Callable[[], bytes]) -> tuple[str, type[RequestHandler], dict[str, object]]:
    """Never below the public URL's path: what a proxy passes on there is for players."""
    return (PATH, Metrics, {"read": read})
