"""The URL table of the master's public port.

With the public URL https://play.example/games everything is served below `/games`, as a proxy asks that
passes requests on as they are, and at the root as well: for one that strips the prefix, and for whoever
asks without a proxy. No `X-Forwarded-…` header is read: the public URL says all that they could.
"""

from __future__ import annotations

from collections.abc import Sequence
from re import escape
from typing import Any

from tornado.web import Application

from roomfleet.master.api.context import Context
from roomfleet.master.api.joins import Joins, OneJoin
from roomfleet.master.api.metrics import metrics_handler
from roomfleet.master.api.openapi import OpenApi
from roomfleet.master.api.pages import page_handlers
from roomfleet.master.api.play import Play
from roomfleet.master.api.players import OnePlayer
from roomfleet.master.api.problems import NotFoundHandler
from roomfleet.master.api.views import (
    Games,
    Healthz,
    InstancedRoomViews,
    NodeViews,
    OneRoom,
    Readyz,
    RoomViews,
)
from roomfleet.master.api.watches import Watches


def make_application(context: Context, more: Sequence[Any] = ()) -> Application:
    """Everything that players and people reach. `more`: handlers of an adapter, served at the root only."""
    settings = context.settings
    shared = {"context": context}
    below = f"(?:{escape(context.prefix)})?" if context.prefix else ""
    return Application(
        [
            (rf"{below}/v1/games", Games, shared),
            (rf"{below}/v1/games/([^/]+)/joins", Joins, shared),
            (rf"{below}/v1/games/([^/]+)/joins/([^/]+)", OneJoin, shared),
            (rf"{below}/v1/games/([^/]+)/play", Play, shared),
            (rf"{below}/v1/games/([^/]+)/rooms", RoomViews, shared),
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)", OneRoom, shared),
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)/watches", Watches, shared),
            (rf"{below}/v1/games/([^/]+)/instanced-rooms", InstancedRoomViews, shared),
            (rf"{below}/v1/games/([^/]+)/nodes", NodeViews, shared),
            (rf"{below}/v1/games/([^/]+)/players/([^/]+)", OnePlayer, shared),
            (rf"{below}/healthz", Healthz, shared),
            (rf"{below}/readyz", Readyz, shared),
            (rf"{below}/openapi\.json", OpenApi, shared),
            metrics_handler(context.metrics),
            *more,
            *page_handlers(context.prefix),
        ],
        default_handler_class=NotFoundHandler,
        websocket_ping_interval=settings.keep_alive_seconds,
        websocket_ping_timeout=settings.keep_alive_seconds,
        websocket_max_message_size=settings.max_message_bytes,
        log_function=lambda handler: None,
    )
