"""Where things are served: the paths that node, master and clients agree on."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import quote, urlsplit, urlunsplit

ANY_HOSTS = ("0.0.0.0", "::")
"""Addresses that mean "every interface": good for listening, useless to a client."""


def host_in_url(host: str) -> str:
    """The host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def session_path(game: str, room: str) -> str:
    """The path of a room's player websocket below a node's base URL."""
    return f"/v1/games/{quote(game, safe='')}/rooms/{quote(room, safe='')}/session"


def seat_path(game: str, room: str) -> str:
    """The path below a node's base URL where another node asks for a seat."""
    return f"/v1/games/{quote(game, safe='')}/rooms/{quote(room, safe='')}/seats"


def http_url(url: str) -> str:
    """The same place by http: `ws://…` → `http://…`, `wss://…` → `https://…`."""
    return "http" + url.removeprefix("ws") if url.startswith("ws") else url


def ws_url(url: str) -> str:
    """The same place by websocket: `http://…` → `ws://…`, `https://…` → `wss://…`."""
    return "ws" + url.removeprefix("http") if url.startswith("http") else url


def reachable(url: str, host: str) -> str:
    """`url` for a client that reached us under `host` (a Host header).

    A URL that names every interface gets the name that evidently works for this client; others stay.
    """
    parts = urlsplit(url)
    if parts.hostname not in ANY_HOSTS:
        return url
    name = urlsplit(f"//{host}").hostname or "127.0.0.1"
    netloc = host_in_url(name) if parts.port is None else f"{host_in_url(name)}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc))


def own_host_origin(port: int) -> str:
    """Stands for "the page served on this port, at whatever address of ours the client reached us by"."""
    return f"http://*:{port}"


def origin_allowed(origin: str, allowed: Collection[str], host: str) -> bool:
    """Whether a page of this origin may connect to us, reached under `host` (a Host header).

    Beside those listed: with `own_host_origin` among them, pages on that port of the very address that the
    client reached us by. Of an address only: a name could be a stranger's, pointing here (DNS rebinding).
    """
    if origin in allowed:
        return True
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}").hostname
        ours = f"{page.scheme}://*:{page.port}" in allowed
        ipaddress.ip_address(page.hostname or "")
    except ValueError:
        return False
    return ours and page.hostname == here
