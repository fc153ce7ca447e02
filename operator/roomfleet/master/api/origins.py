"""Which pages may connect: the page's own URL and its localhost/127.0.0.1 twin (INTERFACES)."""

from __future__ import annotations

from urllib.parse import urlsplit

from roomfleet.wire.urls import origin_allowed

TWINS = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}


class Origins:
    """The allowed origins. A request without an Origin header is not a browser's, and is not asked."""

    def __init__(self, *allowed: str) -> None:
        self._allowed: set[str] = set()
        for origin in allowed:
            self.add(origin)

    def add(self, origin: str) -> bool:
        """Allow it and its twin. Whether that is news."""
        before = len(self._allowed)
        self._allowed.add(origin)
        parts = urlsplit(origin)
        twin = TWINS.get(parts.hostname or "")
        if twin is not None:
            port = f":{parts.port}" if parts.port is not None else ""
            self._allowed.add(f"{parts.scheme}://{twin}{port}")
        return len(self._allowed) > before

    def allow(self, origin: str, host: str) -> bool:
        """Whether its pages may connect, by a request with this Host header."""
        return origin_allowed(origin, self._allowed, host)

    def listed(self) -> list[str]:
        return sorted(self._allowed)
