"""The room node: makes what runs here what the master desires, and reports what changes (DESIGN 6).

Like a kubelet for rooms: level-triggered, so a lost or repeated message does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
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
from roomfleet.node.running.preparing import Preparing
from roomfleet.node.running.room import HostedRoom
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.saving.sweeping import Sweeping
from roomfleet.node.serving.keepalive import KeepAlive
from roomfleet.node.serving.server import READ_BYTES, make_application
from roomfleet.node.travelling.asking import SeatRequests
from roomfleet.node.travelling.bringing import NOT_YET, bring
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.node.travelling.returning import Returns
from roomfleet.node.travelling.seats import ask_peer
from roomfleet.node.visiting.visits import Visits
from roomfleet.store import (
    ActorRecord,
    OutcomeUnknown,
    Session,
    Store,
    StoreError,
    StoreUnavailable,
    arrivals,
    check_epochs,
    doc_id,
    name_of,
    sweep,
    where,
)
from roomfleet.wire.link import (
    Accepted,
    Bring,
    Brought,
    Desired,
    DesiredRoom,
    Drain,
    Erase,
    Find,
    FindMarked,
    Found,
    Goodbye,
    Hello,
    Load,
    Mark,
    MovedRoom,
    Nudge,
    Pong,
    Presence,
    Report,
    RoomPhase,
    Seated,
    SendBack,
    Sweep,
    ToNode,
    Unfit,
)
from roomfleet.wire.names import player_actor
from roomfleet.wire.session import Travel
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import SigningKey, Ticket, UsedTickets
from roomfleet.wire.urls import host_in_url, session_path
from roomfleet.wire.version import __version__

log = logging.getLogger(__name__)

ARRIVALS_SECONDS = 1.0
"""How often the store is asked for arrivals without a nudge: one query for all rooms."""

EPOCHS_SECONDS = 2.0
"""How often the store is asked whose the rooms are, while the link is down: one query for all rooms."""

AT_ONCE = 64
"""Rooms that start, and rooms that stop in a drain, at the same time: more are no faster, need memory that
the node keeps, and hold up the event loop.
"""

DRAIN_SECONDS = 20.0
"""A stop that has not saved everything by then gives up."""


@dataclass(frozen=True, kw_only=True)
class NodeOptions:
    """What a node is started with."""

    name: str
    fleet: str
    master: str
    """The control link's URL, `ws://host:port/link`."""
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    """Where players reach it, `ws(s)://host[:port][/path]`; by default what it listens on, and the prefix."""
    prefix: str = ""
    """Path under which it serves, without a trailing slash; it serves at the root as well."""
    capacity: int = 100
    secret: str = ""


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
        self.game = game
        self.game_name = game.name
        self.store = store
        self.settings = settings
        self.schedule = Schedule(asyncio.get_running_loop())
        self.keep_alive = KeepAlive(asyncio.get_running_loop(), settings.keep_alive_seconds)
        self.name = options.name
        self.boot = uuid.uuid4().hex
        self.url = ""
        self.stopped = asyncio.Event()
        self.failure = ""
        """Why the node ended by itself; empty: it was told to."""
        self.resumes: dict[str, tuple[HostedRoom, str]] = {}
        self.missed_ticks = 0
        self.meters = Meters()
        self.ticks = 0
        self.wall = wall
        self.rng = rng
        self._metrics = metrics_page(self.meters, self._standing)
        self._options = options
        self._key = SigningKey.from_seed(secrets.token_bytes(32))
        self._link = Link(options.master, self, min(3.0, settings.node_lost_after_seconds / 4), rng)
        self._ownership = Ownership(store, rng, self._follow, self._refuse)
        self._rooms: dict[str, HostedRoom] = {}
        self._sessions: dict[str, Session] = {}
        self._desired: dict[str, DesiredRoom] = {}
        self._goodbyes: set[str] = set()
        self._keys: dict[str, str] = {}
        self._master_key = ""
        self._origins: frozenset[str] = frozenset()
        self._used_tickets = UsedTickets()
        self._seats = SeatRequests(
            self._link.send, self._ask_peer, self._spawn, settings.join_timeout_seconds
        )
        self._sweeping = Sweeping(
            store=store, game=game.name, node=options.name, send=self._link.send, pause=self._pause
        )
        self._preparing = Preparing(game, self.room, self._link.send)
        self._leaving = Leaving(self._link.send, self._is_empty)
        self._load = LoadMeter(asyncio.get_running_loop().time, time.thread_time)
        self._moving: dict[str, MovedRoom] = {}
        self._nudges = Nudges(self._link.send)
        self._returns = Returns(
            store=store,
            game=game.name,
            node=options.name,
            pause=self._pause,
            gone=self.departed,
            spawn=self._spawn,
        )
        self._changed: dict[str, HostedRoom] = {}
        self._ended: list[Report] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Lock = asyncio.Lock()
        self._starts = asyncio.Semaphore(AT_ONCE)
        self._watchdog = Watchdog(self._culprit)
        self._server: HTTPServer | None = None
        self._swept = False
        self._draining = False
        self._drain: asyncio.Task[None] | None = None

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
        self._spawn(self._arrivals_loop(), "arrivals")
        self._spawn(self._epochs_loop(), "epochs")

    async def leave(self) -> None:
        """Have the master move the rooms elsewhere, then stop. Called again: stop at once."""
        if self._leaving.begun:
            self._leaving.at_once()
            return
        log.info("told to end: %d rooms are to be moved", len(self._rooms))
        await self._leaving.until_empty()
        await self.drain()

    def _is_empty(self) -> bool:
        return not self._rooms and not self._desired

    async def drain(self) -> None:
        """Save everything, lead the players away, stop. `stopped` is set at the end."""
        if self._draining:
            return
        self._draining = True
        log.info("stopping: saving %d rooms", len(self._rooms))
        some = asyncio.Semaphore(AT_ONCE)

        async def stop(room: HostedRoom) -> None:
            async with some:
                await room.stop(reason="the node is stopping")

        stops = [stop(room) for room in list(self._rooms.values())]
        if stops:
            done, late = await asyncio.wait(
                [asyncio.ensure_future(stop) for stop in stops], timeout=DRAIN_SECONDS
            )
            for task in done:
                if task.exception() is not None:
                    log.error("a room did not stop well", exc_info=task.exception())
            if late:
                log.error("%d rooms could not be saved within %g s", len(late), DRAIN_SECONDS)
        self._send_reports()
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

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s stopped", task.get_name(), exc_info=task.exception())

    def _culprit(self) -> str:
        """What runs at the moment, for the watchdog: room, actor and function."""
        for room in list(self._rooms.values()):
            current = room.live.current if room.live is not None else None
            if current is not None:
                return f"room {room.name}, actor {current[0]}, {current[1]}"
        return ""

    # -- the link ------------------------------------------------------------------------------------------

    def hello(self) -> Hello:
        self._changed.clear()
        return Hello(
            name=self.name,
            boot=self.boot,
            game=self.game_name,
            fleet=self._options.fleet,
            capacity=self._options.capacity,
            url=self.url,
            version=__version__,
            keys={self._key.id: self._key.public},
            rooms=[room.report(again=True) for room in self._rooms.values()],
            secret=self._options.secret,
            draining=self._leaving.begun,
        )

    def measure(self) -> Load:
        return self._load.measure(self.ticks, self.missed_ticks)

    def told(self, message: ToNode) -> None:
        self._ownership.told(message)

    def _refuse(self, why: str) -> None:
        """This database is not for this master's rooms: say so on both sides, save what runs, and end."""
        if self._draining:
            return
        self.failure = why
        self._link.send(Unfit(message=why))
        self._drain = asyncio.get_running_loop().create_task(self.drain(), name="drain")

    def _follow(self, message: ToNode) -> None:
        if not self._swept:
            self._swept = True
            self._spawn(self.sweep_leftovers(), "sweep")
        match message:
            case Accepted(keys=keys, origins=origins, master_key=master):
                self._keys, self._origins, self._master_key = keys, frozenset(origins), master
                self._seats.link_up()
                self._nudges.link_up()
                self._leaving.link_is(up=True)
            case Desired(rooms=rooms, prepare=prepare, moving=moving):
                self._desired = {room.room: room for room in rooms}
                self._moving = {room.room: room for room in moving}
                self._reconcile()
                self._preparing.told(prepare)
            case Goodbye(room=name):
                if name in self._rooms:
                    self._goodbyes.add(name)
            case Seated():
                self._seats.answered(message)
            case Find(id=find, player=player):
                self._spawn(self._find(find, player), "find")
            case Bring():
                self._spawn(self._bring(message), "bring")
            case FindMarked():
                self._spawn(self._sweeping.tell_marked(), "marked rooms")
            case Mark():
                self._spawn(self._sweeping.mark(message), "mark")
            case Sweep(rooms=rooms):
                self._spawn(self._sweep(rooms), "sweep")
            case SendBack(room=room, entry=entry):
                self._returns.want(room, entry)
            case Erase():
                self._spawn(self._sweeping.erase(message), "erase")
            case Nudge():
                self._spawn(self.look_for_arrivals(), "nudged")
            case Drain(seconds=seconds) if seconds > 0:
                self._leaving.answered(seconds)
            case Drain():
                self._leaving.at_once()
                self._drain = asyncio.get_running_loop().create_task(self.drain(), name="drain")
            case Pong():
                pass

    def load(self) -> dict[str, int]:
        """Rooms that run, players in them, and ticks that were skipped since the node's start."""
        running = [room for room in self._rooms.values() if room.phase is RoomPhase.RUNNING]
        players = sum(room.visits.players.connected for room in running)
        return {"rooms": len(running), "players": players, "missed_ticks": self.missed_ticks}

    def metrics(self) -> bytes:
        """The text of `/metrics`."""
        return self._metrics.text()

    def _standing(self) -> Standing:
        return Standing(
            node=self.name,
            game=self.game_name,
            fleet=self._options.fleet,
            link_up=self._link.up,
            draining=self._draining or self._leaving.begun,
            missed_ticks=self.missed_ticks,
            rooms=list(self._rooms.values()),
            now=asyncio.get_running_loop().time(),
        )

    def link_down(self) -> None:
        self._ownership.link_down()
        self._seats.link_down()
        self._preparing.forget()
        self._leaving.link_is(up=False)

    async def _find(self, find: str, player: str) -> None:
        try:
            actor = doc_id(self.game_name, player_actor(player))
            held = await where(self.store, actor)
            if held is not None and await self._returns.settled(name_of(held)):
                held = await where(self.store, actor)
        except StoreError as error:
            log.info("cannot say where %s is: %s", player, error)
            return
        name = name_of(held) if held else None
        room = self._rooms.get(name) if name else None
        presence = room.visits.presence(player) if room is not None else Presence.AWAY
        self._link.send(Found(id=find, player=player, room=name, presence=presence))

    async def _bring(self, message: Bring) -> None:
        try:
            room = await bring(self, self._rooms.get(message.origin), message.player, message.room)
        except StoreError as error:
            log.info("%s is not brought to %s yet: %s", message.player, message.room, error)
            return
        if room is not NOT_YET:
            self._link.send(Brought(id=message.id, room=room or None))

    # -- rooms ---------------------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Run what is desired, stop what is not."""
        if self._draining:
            return
        for name, room in list(self._rooms.items()):
            wanted = self._desired.get(name)
            if wanted is None or wanted.epoch != room.epoch:
                if room.phase is RoomPhase.RUNNING:
                    to = self._moving.get(name)
                    to = to if to is not None and to.epoch == room.epoch else None
                    self._spawn(room.stop(goodbye=name in self._goodbyes, to=to), f"stop {name}")
            elif wanted.spec != room.spec:
                room.update(wanted.spec)
        for name, wanted in self._desired.items():
            if name not in self._rooms:
                room = HostedRoom(self, wanted)
                self._rooms[name] = room
                self._spawn(self._start(room), f"start {name}")

    async def _start(self, room: HostedRoom) -> None:
        try:
            async with self._starts:
                await room.start()
        except Exception as error:
            log.exception("room %s could not start", room.name)
            room.fail(f"internal error: {error!r}; see the node's log")
        wanted = self._desired.get(room.name)
        if room.phase is RoomPhase.RUNNING and (wanted is None or wanted.epoch != room.epoch):
            # It was called off while it started.
            await room.stop(goodbye=room.name in self._goodbyes)

    def travel(self, player: str, room: str, to: MovedRoom) -> Travel:
        """What sends the player on to the node that takes the room."""
        ticket = Ticket(
            sub=player,
            game=self.game_name,
            room=room,
            aud=to.boot,
            exp=self.wall() + self.settings.ticket_seconds,
            jti=secrets.token_urlsafe(12),
        )
        url = to.url + session_path(self.game_name, room)
        return Travel(room=room, url=url, ticket=self._key.sign(ticket))

    def changed(self, room: HostedRoom) -> None:
        if room.session is not None and room.phase is RoomPhase.RUNNING:
            self._sessions[room.session.room] = room.session
        else:
            self._forget_session(room)
        if room.phase is not RoomPhase.STARTING:
            self._preparing.look_again(room.name)
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._send_reports)
        self._changed[room.name] = room

    def _send_reports(self) -> None:
        changed, self._changed = self._changed, {}
        ended, self._ended = self._ended, []
        if not self._link.up:
            return  # the next hello says it all
        for report in ended:
            self._link.send(report)
        for room in changed.values():
            if self._rooms.get(room.name) is room:
                self._link.send(room.report())

    def _forget_session(self, room: HostedRoom) -> None:
        if room.session is not None and self._sessions.get(room.session.room) is room.session:
            del self._sessions[room.session.room]

    def gone(self, room: HostedRoom) -> None:
        self._forget_session(room)
        if self._rooms.get(room.name) is not room:
            return
        del self._rooms[room.name]
        self._preparing.look_again(room.name)
        self._goodbyes.discard(room.name)
        self._seats.forget(room)
        if not self._changed and not self._ended:
            asyncio.get_running_loop().call_soon(self._send_reports)
        self._ended.append(room.report())
        # A desired room that ended by itself is the master's to decide about: it is not started again here
        # under the same epoch. One that was stopped for a newer epoch is started now.
        wanted = self._desired.get(room.name)
        if wanted is not None and wanted.epoch == room.epoch:
            del self._desired[room.name]
        elif wanted is not None:
            asyncio.get_running_loop().call_soon(self._reconcile)

    def sessions(self) -> dict[str, Session]:
        """The store sessions of the running rooms, by document id.

        A copy: what was read before a room was claimed does not count for it.
        """
        return self._sessions.copy()

    # -- moving --------------------------------------------------------------------------------------------

    def want_seat(self, room: HostedRoom, request: int, player: str, target: str, key: str | None) -> None:
        session = room.visits.number_of(player) if player else 0
        self._seats.want(room, request, player, target, session, key)

    def unwant_seat(self, room: HostedRoom, request: int) -> None:
        self._seats.unwant(room, request)

    async def _ask_peer(self, player: str, target: str, session: int) -> tuple[str, str]:
        return await ask_peer(
            self.store,
            self._key,
            self.settings,
            game=self.game_name,
            room=target,
            player=player,
            session=session,
            now=self.wall(),
        )

    def departed(self, target: str, records: Sequence[ActorRecord], *, wake: bool) -> None:
        here = self._rooms.get(target)
        if here is not None and here.session is not None and here.phase is RoomPhase.RUNNING:
            taken = [record for record in records if here.session.take(record)]
            if taken:
                here.arrived(taken)
            return
        self._nudges.say(target, wake=wake)

    async def look_for_arrivals(self) -> None:
        """One round of arrivals for all rooms. Trouble with the store is told by the savers."""
        async with self._looking:
            try:
                found = await arrivals(self.store, self.sessions())
                # A docked child may be seen before its parent: then its origin's journal has the rest.
                here = {record.id for _, record in found}
                orphans = [r for _, r in found if _parent(self.game_name, r) not in (None, *here)]
                for origin in {r.transit.origin for r in orphans if r.transit is not None}:
                    await sweep(self.store, origin, self._pause)
                if orphans:
                    found += await arrivals(self.store, self.sessions())
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.info("cannot look for arrivals: %s", error)
                return
            except StoreError as error:
                log.error("cannot look for arrivals: %s", error)
                return
        by_room: dict[str, list[ActorRecord]] = {}
        for document, record in found:
            by_room.setdefault(name_of(document), []).append(record)
        for name, records in by_room.items():
            room = self._rooms.get(name)
            if room is not None:
                room.arrived(records)

    async def sweep_leftovers(self) -> None:
        """Apply what rooms had committed that ended without a clean stop, and that may sleep for long.

        Whoever was leaving such a room arrives by that, and does not wait until the room is wanted again.
        """
        try:
            rooms = await self.store.rooms_with_ops(self.game_name)
        except StoreError as error:
            log.warning("cannot look after rooms that ended abruptly: %s", error)
        else:
            await self._sweep([name_of(room) for room in rooms])

    async def _sweep(self, rooms: Sequence[str]) -> None:
        """Bring what a room's lost owner committed to the actors, and tell their targets of them."""
        for name in rooms:
            room = doc_id(self.game_name, name)
            try:
                found = await self.store.get_room(room)
                if found is None or not found.ops or room in self.sessions():
                    continue
                await sweep(self.store, room, self._pause)
            except StoreError as error:
                log.warning("cannot look after room %s, which was lost: %s", name, error)
                continue
            for op in found.ops:
                if op.transit is not None:
                    self._nudges.say(name_of(op.room), wake=bool(op.transit.arrival.get("wake")))
            if any(op.room in self._sessions for op in found.ops):
                await self.look_for_arrivals()

    async def _pause(self, attempt: int) -> None:
        if attempt > 3:
            raise StoreUnavailable("the store does not answer")
        await asyncio.sleep(0.05 * 2**attempt)

    async def _arrivals_loop(self) -> None:
        while True:
            await asyncio.sleep(ARRIVALS_SECONDS)
            if self._rooms:
                await self.look_for_arrivals()

    async def _epochs_loop(self) -> None:
        """While the master is away: find out which rooms went to another node."""
        while True:
            await asyncio.sleep(EPOCHS_SECONDS)
            if self._link.up:
                continue
            try:
                lost = await check_epochs(self.store, self.sessions().values())
            except StoreError as error:
                log.info("cannot check whose the rooms are: %s", error)
                continue
            for session in lost:
                room = self._rooms.get(name_of(session.room))
                if room is not None and room.session is session:
                    room.fence(session.found_epoch)

    # -- doors ---------------------------------------------------------------------------------------------

    def keys(self) -> Mapping[str, str]:
        return self._keys

    def watch_keys(self) -> Mapping[str, str]:
        return {key: public for key, public in self._keys.items() if key == self._master_key}

    def origins(self) -> frozenset[str]:
        return self._origins

    def used_tickets(self) -> UsedTickets:
        return self._used_tickets

    def room(self, name: str) -> HostedRoom | None:
        return self._rooms.get(name)

    async def awaited(self, name: str) -> HostedRoom | None:
        return await self._preparing.awaited(name)

    def visits(self, room: str) -> Visits | None:
        here = self._rooms.get(room)
        return here.visits if here is not None else None

    def find_resume(self, secret: str) -> tuple[HostedRoom, str] | None:
        return self.resumes.get(secret)


def _parent(game: str, record: ActorRecord) -> str | None:
    """The document id of the actor that this one is docked to."""
    parent = record.body.get("parent")
    return doc_id(game, parent) if parent else None
