"""The URL table of the master's public port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tornado.web import Application

from roomfleet.master.api.context import Context
from roomfleet.master.api.joins import Joins, OneJoin
from roomfleet.master.api.openapi import OpenApi
from roomfleet.master.api.pages import page_handlers
from roomfleet.master.api.play import Play
from roomfleet.master.api.problems import NotFoundHandler
from roomfleet.master.api.views import Games, Healthz, NodeViews, OneRoom, Readyz, RoomViews


def make_application(context: Context, more: Sequence[Any] = ()) -> Application:
    """Everything that players and people reach. `more`: handlers of an adapter of its own."""
    settings = context.settings
    shared = {"context": context}
    return Application(
        [
            (r"/v1/games", Games, shared),
            (r"/v1/games/([^/]+)/joins", Joins, shared),
            (r"/v1/games/([^/]+)/joins/([^/]+)", OneJoin, shared),
            (r"/v1/games/([^/]+)/play", Play, shared),
            (r"/v1/games/([^/]+)/rooms", RoomViews, shared),
            (r"/v1/games/([^/]+)/rooms/([^/]+)", OneRoom, shared),
            (r"/v1/games/([^/]+)/nodes", NodeViews, shared),
            (r"/healthz", Healthz, shared),
            (r"/readyz", Readyz, shared),
            (r"/openapi\.json", OpenApi),
            *more,
            *page_handlers(),
        ],
        default_handler_class=NotFoundHandler,
        websocket_ping_interval=settings.keep_alive_seconds,
        websocket_ping_timeout=settings.keep_alive_seconds,
        websocket_max_message_size=settings.max_message_bytes,
        log_function=lambda handler: None,
    )
