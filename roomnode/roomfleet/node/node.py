"""The room node: its parts wired together, from the first dial to the last save (DESIGN 6).

What the master says goes to whom it concerns: rooms that are to run to `running`, who is on the way to
`travelling`, what is left over of rooms to `saving`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from roomfleet.game.loader import Game
from roomfleet.node.linking.leaving import Leaving
from roomfleet.node.linking.link import Link
from roomfleet.node.linking.ownership import Ownership
from roomfleet.node.measuring.load import LoadMeter
from roomfleet.node.measuring.meters import Meters
from roomfleet.node.measuring.metrics import Standing, metrics_page
from roomfleet.node.measuring.watchdog import Watchdog
from roomfleet.node.options import NodeOptions
from roomfleet.node.running.rooms import Rooms
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.running.takeovers import watch_takeovers
from roomfleet.node.saving.leftovers import Leftovers
from roomfleet.node.saving.sweeping import Sweeping
from roomfleet.node.serving.doors import Doors
from roomfleet.node.serving.keepalive import KeepAlive
from roomfleet.node.serving.protocol import READ_BYTES
from roomfleet.node.serving.server import make_application
from roomfleet.node.travelling import bringing
from roomfleet.node.travelling.arriving import Arrivals
from roomfleet.node.travelling.asking import SeatRequests
from roomfleet.node.travelling.finding import find
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.node.travelling.returning import Returns
from roomfleet.node.travelling.seats import PeerSeats
from roomfleet.node.travelling.tickets import TravelTickets
from roomfleet.store import Store, StoreUnavailable
from roomfleet.wire.link import (
    Accepted,
    Bring,
    Desired,
    Drain,
    Erase,
    Find,
    FindMarked,
    FromNode,
    Goodbye,
    Hello,
    Load,
    Mark,
    Nudge,
    Pong,
    RoomPhase,
    Seated,
    SendBack,
    Sweep,
    ToNode,
    Unfit,
)
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import SigningKey
from roomfleet.wire.urls import host_in_url
from roomfleet.wire.version import __version__

log = logging.getLogger(__name__)


class Node:
    """One node process: its rooms, its link, its server."""

    def __init__(
        self,
        *,
        options: NodeOptions,
        game: Game,
        store: Store,
        settings: Settings,
        wall: Callable[[], float],
        rng: random.Random,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = options.name
        self.boot = uuid.uuid4().hex
        self.url = ""
        self.game = game
        self.store = store
        self.settings = settings
        self.wall = wall
        self.rng = rng
        self.stopped = asyncio.Event()
        self.failure = ""
        """Why the node ended by itself; empty: it was told to."""
        self._options = options
        self._key = SigningKey.from_seed(secrets.token_bytes(32))
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: HTTPServer | None = None
        self._swept = False
        self._draining = False
        self._drain: asyncio.Task[None] | None = None

        self.schedule = Schedule(loop)
        self.keep_alive = KeepAlive(loop, settings.keep_alive_seconds)
        self.meters = Meters()
        self._link = Link(options.master, self, min(3.0, settings.node_lost_after_seconds / 4), rng)
        send = self._link.send
        self.rooms = Rooms(self, self._link, self._spawn)
        self.doors = Doors(game.name, self.boot, settings.ticket_seconds, wall)
        self.tickets = TravelTickets(self._key, game.name, settings.ticket_seconds, wall)
        peers = PeerSeats(store, game.name, self.tickets)
        self.seats = SeatRequests(send, peers.ask, self._spawn, settings.join_timeout_seconds)
        self._nudges = Nudges(send)
        self.arrivals = Arrivals(store, game.name, self.rooms, self._nudges, _pause)
        self._leftovers = Leftovers(
            store,
            game.name,
            rooms=self.rooms,
            arrivals=self.arrivals,
            nudges=self._nudges,
            pause=_pause,
        )
        self._returns = Returns(
            store=store,
            game=game.name,
            node=options.name,
            pause=_pause,
            gone=self.arrivals.departed,
            spawn=self._spawn,
        )
        self._sweeping = Sweeping(store=store, game=game.name, node=options.name, send=send, pause=_pause)
        self._ownership = Ownership(store, rng, self._follow, self._refuse)
        self._leaving = Leaving(send, self.rooms.is_empty)
        self._load = LoadMeter(loop.time, time.thread_time)
        self._metrics = metrics_page(self.meters, self._standing)
        self._watchdog = Watchdog(self.rooms.culprit)

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, then dial the master. Raises OSError when the port cannot be had."""
        sockets = bind_sockets(self._options.port, self._options.host)
        port = sockets[0].getsockname()[1]
        listening = f"ws://{host_in_url(self._options.host)}:{port}{self._options.prefix}"
        self.url = self._options.public_url or listening
        self._server = HTTPServer(make_application(self, self._options.prefix), chunk_size=READ_BYTES)
        self._server.add_sockets(sockets)
        self._watchdog.start()
        self._link.start()
        self._spawn(self.arrivals.poll(), "arrivals")
        self._spawn(watch_takeovers(self.store, self.rooms, self._link), "epochs")

    async def leave(self) -> None:
        """Have the master move the rooms elsewhere, then stop. Called again: stop at once."""
        if self._leaving.begun:
            self._leaving.at_once()
            return
        log.info("told to end: %d rooms are to be moved", len(self.rooms))
        await self._leaving.until_empty()
        await self.drain()

    async def drain(self) -> None:
        """Save everything, lead the players away, stop. `stopped` is set at the end."""
        if self._draining:
            return
        self._draining = True
        log.info("stopping: saving %d rooms", len(self.rooms))
        await self.rooms.stop_all()
        self._ownership.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.sleep(0)
        await self._link.stop()
        if self._server is not None:
            self._server.stop()
            await asyncio.wait_for(self._server.close_all_connections(), 5)
        self._watchdog.stop()
        await self.store.close()
        log.info("stopped")
        self.stopped.set()

    def _drain_soon(self) -> None:
        self._drain = asyncio.get_running_loop().create_task(self.drain(), name="drain")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s stopped", task.get_name(), exc_info=task.exception())

    # -- the link ------------------------------------------------------------------------------------------

    def hello(self) -> Hello:
        return Hello(
            name=self.name,
            boot=self.boot,
            game=self.game.name,
            fleet=self._options.fleet,
            capacity=self._options.capacity,
            url=self.url,
            version=__version__,
            keys={self._key.id: self._key.public},
            rooms=self.rooms.reports(),
            secret=self._options.secret,
            draining=self._leaving.begun,
            let_in=self.doors.let_in(),
        )

    def measure(self) -> Load:
        return self._load.measure(self.meters.ticks, self.meters.missed_ticks)

    def told(self, message: ToNode) -> None:
        self._ownership.told(message)

    def link_down(self) -> None:
        self._ownership.link_down()
        self.seats.link_down()
        self.rooms.preparing.forget()
        self._leaving.link_is(up=False)

    def _refuse(self, why: str) -> None:
        """This database is not for this master's rooms: say so on both sides, save what runs, and end."""
        if self._draining:
            return
        self.failure = why
        self._link.send(Unfit(message=why))
        self._drain_soon()

    def _follow(self, message: ToNode) -> None:
        if not self._swept:
            self._swept = True
            self._spawn(self._leftovers.sweep_all(), "sweep")
        match message:
            case Accepted():
                self.doors.accepted(message)
                self.seats.link_up()
                self._nudges.link_up()
                self._leaving.link_is(up=True)
            case Desired():
                self.rooms.desire(message)
            case Goodbye(room=name):
                self.rooms.goodbye(name)
            case Seated():
                self.seats.answered(message)
            case Find():
                found = find(
                    message, store=self.store, game=self.game.name, rooms=self.rooms, returns=self._returns
                )
                self._spawn(self._answer(found), "find")
            case Bring():
                self._spawn(self._answer(bringing.answer(self, message)), "bring")
            case Nudge():
                self._spawn(self.arrivals.look(), "nudged")
            case SendBack(room=room, entry=entry):
                self._returns.want(room, entry)
            case Sweep(rooms=rooms):
                self._spawn(self._leftovers.sweep(rooms), "sweep")
            case FindMarked():
                self._spawn(self._sweeping.tell_marked(), "marked rooms")
                self._spawn(self._leftovers.sweep_all(), "sweep")
            case Mark():
                self._spawn(self._sweeping.mark(message), "mark")
            case Erase():
                self._spawn(self._sweeping.erase(message), "erase")
            case Drain(seconds=seconds) if seconds > 0:
                self._leaving.answered(seconds)
            case Drain():
                self._leaving.at_once()
                self._drain_soon()
            case Pong():
                pass

    async def _answer(self, asked: Awaitable[FromNode | None]) -> None:
        answer = await asked
        if answer is not None:
            self._link.send(answer)

    # -- how it stands -------------------------------------------------------------------------------------

    def load(self) -> dict[str, int]:
        """Rooms that run, players in them, and ticks that were skipped since the node's start."""
        running = [room for room in self.rooms if room.phase is RoomPhase.RUNNING]
        players = sum(room.visits.players.connected for room in running)
        return {"rooms": len(running), "players": players, "missed_ticks": self.meters.missed_ticks}

    def metrics(self) -> bytes:
        """The text of `/metrics`."""
        return self._metrics.text()

    def _standing(self) -> Standing:
        return Standing(
            node=self.name,
            game=self.game.name,
            fleet=self._options.fleet,
            link_up=self._link.up,
            draining=self._draining or self._leaving.begun,
            rooms=self.rooms,
            now=asyncio.get_running_loop().time(),
        )


async def _pause(attempt: int) -> None:
    """Between attempts of what no room waits for; it is tried again on another occasion."""
    if attempt > 3:
        raise StoreUnavailable("the store does not answer")
    await asyncio.sleep(0.05 * 2**attempt)
