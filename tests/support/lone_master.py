"""A master within the test's own process: its core and its two ports, over no cluster, with no node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from roomfleet.master.api.application import make_application
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous
from roomfleet.master.api.link import LinkServer
from roomfleet.master.api.origins import Origins
from roomfleet.master.core import Core, Key, RoomView
from roomfleet.master.core import events as ev
from roomfleet.master.core.effects import Effect, Record
from roomfleet.master.core.model import FleetSpec, Phase, RoomStatus
from roomfleet.master.runner import Runner
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey

GAME, NODE, SECRET = "game", "default-0", "a link secret of tests"
TOWN = Key(GAME, "town")
BORED_SECONDS = 60


class Objects:
    """An adapter that writes nothing."""

    def record(self, effect: Record) -> None: ...

    def __getattr__(self, name: str) -> Any:
        def ignored(effect: Effect) -> None: ...

        return ignored


class Master:
    """A core behind its link's server. Its clock is moved by the test."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.core = Core(Settings(), seed=1, now=self.now)
        key = SigningKey.from_seed(bytes(32))
        self.runner = Runner(self.core, cast(Any, Objects()), key, lambda: self.now)
        self.ports: list[int] = []
        for event in (
            ev.FleetApplied(Key(GAME, "default"), 1, FleetSpec(min_nodes=1, max_nodes=1)),
            ev.RoomApplied(
                *(TOWN, "uid town", 1, "1", RoomSpec(map="map1.town", bored_after_seconds=BORED_SECONDS)),
                entry=True,
                status=RoomStatus(phase=Phase.RUNNING, node=NODE, epoch=3, observed_generation=1),
            ),
            ev.Synced(),
        ):
            self.runner.handle(event)

    @property
    def link_url(self) -> str:
        """Where nodes dial."""
        return f"ws://127.0.0.1:{self.ports[0]}/link"

    @property
    def play_url(self) -> str:
        """Where a player asks for town."""
        return f"ws://127.0.0.1:{self.ports[1]}/v1/games/{GAME}/play?room=town"

    @property
    def town(self) -> RoomView:
        view = self.core.room(TOWN)
        assert view is not None
        return view


@asynccontextmanager
async def serving(master: Master) -> AsyncIterator[None]:
    settings = Settings()
    context = Context(
        runner=master.runner,
        identity=Anonymous(),
        origins=Origins(),
        settings=settings,
        wall=lambda: master.now,
    )
    servers = []
    for application in (LinkServer(context, SECRET).application(), make_application(context)):
        socket, port = bind_unused_port()
        servers.append(HTTPServer(application))
        servers[-1].add_socket(socket)
        master.ports.append(port)
    try:
        yield
    finally:
        for server in servers:
            server.stop()
        master.runner.stop()
        for server in servers:
            await server.close_all_connections()
