"""The play page and the JavaScript client, as files."""

from __future__ import annotations

from pathlib import Path
from re import escape
from typing import Any

from tornado.web import RedirectHandler, RequestHandler, StaticFileHandler

from roomfleet.master.api.problems import write_problem

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def client_folder() -> Path:
    """The folder with `web` and `js/src`: the repository's, or the installed wheel's."""
    here = Path(__file__).resolve()
    installed = here.parents[2] / "_data" / "client"
    return installed if installed.is_dir() else here.parents[4] / "client"


class Page(StaticFileHandler):
    """A static file, checked by browsers on each load: pages and nodes are of one version."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        write_problem(self, status_code, kwargs.get("exc_info", (None, None, None))[1])


def page_handlers(prefix: str = "") -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """`/js/src/…` is the client library, everything else the page; below the prefix and at the root.

    The page names all by relative URLs, so that it works wherever it is seen: as long as its own ends in /.
    """
    folder = client_folder()
    below = f"(?:{escape(prefix)})?" if prefix else ""
    served: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
        (rf"{below}/js/src/(.*)", Page, {"path": str(folder / "js" / "src")}),
        (rf"{below}/([\w.-]*)", Page, {"path": str(folder / "web"), "default_filename": "index.html"}),
    ]
    if prefix:
        served.insert(0, (escape(prefix), RedirectHandler, {"url": f"{prefix}/", "permanent": False}))
    return served
