"""The node's HTTP side: players' websockets, seats for other nodes, health and metrics."""

from __future__ import annotations

from re import escape
from typing import Protocol

from tornado.web import Application, RequestHandler

from roomfleet.node.measuring.metrics import MetricsHandler
from roomfleet.node.serving.socket import Served, SessionSocket
from roomfleet.node.travelling.seats import SeatHandler
from roomfleet.wire.metrics import PATH


class Node(Served, Protocol):
    """What is served of the node."""

    def load(self) -> dict[str, int]:
        """For `/healthz`: what it has to do."""

    def metrics(self) -> bytes:
        """The text of `/metrics`."""


class HealthHandler(RequestHandler):
    """`/healthz`: the loop turns, and what it has to do."""

    def initialize(self, node: Node) -> None:
        self._node = node

    def get(self) -> None:
        self.write({"status": "ok", **self._node.load()})


def make_application(node: Node, prefix: str) -> Application:
    """The node's HTTP side, below `prefix` (no trailing slash), and at the root: for a proxy that strips it,
    and for whoever asks without one."""
    seats = {"doors": node.doors, "rooms": node.rooms}
    below = f"(?:{escape(prefix)})?" if prefix else ""
    return Application(
        [
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)/session", SessionSocket, {"node": node}),
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)/seats", SeatHandler, seats),
            (rf"{below}/healthz", HealthHandler, {"node": node}),
            (rf"{below}{PATH}", MetricsHandler, {"read": node.metrics}),
        ],
        websocket_max_message_size=node.settings.max_message_bytes,
        log_function=lambda handler: None,
    )
