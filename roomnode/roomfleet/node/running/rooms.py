"""The rooms of this node: what is desired runs, what is not is stopped (DESIGN 6).

Like a kubelet for rooms: level-triggered, so a lost or repeated message does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

from roomfleet.node.linking.link import Link
from roomfleet.node.linking.reports import Reports
from roomfleet.node.running.preparing import Preparing
from roomfleet.node.running.room import HostedRoom
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.store import Session
from roomfleet.wire.link import Desired, DesiredRoom, MovedRoom, Report, RoomPhase

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Rooms that start, and rooms that stop in a drain, at the same time: more are no faster, need memory that
the node keeps, and hold up the event loop.
"""

DRAIN_SECONDS = 20.0
"""A stop that has not saved everything by then gives up."""


class Rooms:
    """Every room that is here, by name, whatever its phase."""

    def __init__(
        self, node: Surroundings, link: Link, spawn: Callable[[Coroutine[Any, Any, None], str], None]
    ) -> None:
        """`spawn` runs a coroutine by the side."""
        self.preparing = Preparing(node.game, self.get, link.send)
        self._node, self._spawn = node, spawn
        self._reports = Reports(link)
        self._rooms: dict[str, HostedRoom] = {}
        self._sessions: dict[str, Session] = {}
        self._desired: dict[str, DesiredRoom] = {}
        self._moving: dict[str, MovedRoom] = {}
        self._goodbyes: set[str] = set()
        """Rooms whose object is deleted: their players are not to come back."""
        self._starts = asyncio.Semaphore(AT_ONCE)
        self._stopping = False

    def __iter__(self) -> Iterator[HostedRoom]:
        return iter(list(self._rooms.values()))

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, name: str) -> HostedRoom | None:
        """The room of that name, if it is here."""
        return self._rooms.get(name)

    def sessions(self) -> dict[str, Session]:
        """The store sessions of the running rooms, by document id.

        A copy: what was read before a room was claimed does not count for it.
        """
        return self._sessions.copy()

    def runs(self, documents: Iterable[str]) -> bool:
        """Whether one of the rooms with these document ids runs here."""
        return any(document in self._sessions for document in documents)

    def is_empty(self) -> bool:
        """No room is here, and none is to come."""
        return not self._rooms and not self._desired

    def culprit(self) -> str:
        """What runs at the moment, or an empty string; for the watchdog, on its thread."""
        for room in list(self._rooms.values()):
            current = room.live.current if room.live is not None else None
            if current is not None:
                return f"room {room.name}, actor {current[0]}, {current[1]}"
        return ""

    # -- what the master desires ---------------------------------------------------------------------------

    def desire(self, message: Desired) -> None:
        """The whole set of rooms that are to run here, and of those that are about to."""
        self._desired = {room.room: room for room in message.rooms}
        self._moving = {room.room: room for room in message.moving}
        self._reconcile()
        self.preparing.told(message.prepare)

    def goodbye(self, name: str) -> None:
        """The room's object is deleted."""
        if name in self._rooms:
            self._goodbyes.add(name)

    def _reconcile(self) -> None:
        """Run what is desired, stop what is not."""
        if self._stopping:
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
                room = HostedRoom(self._node, wanted)
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

    async def stop_all(self) -> None:
        """The node stops: save every room and lead its players away; no room starts any more."""
        self._stopping = True
        self.preparing.stop()
        some = asyncio.Semaphore(AT_ONCE)

        async def stop(room: HostedRoom) -> None:
            async with some:
                await room.stop(reason="the node is stopping")

        stops = [asyncio.ensure_future(stop(room)) for room in self]
        if stops:
            done, late = await asyncio.wait(stops, timeout=DRAIN_SECONDS)
            for task in done:
                if task.exception() is not None:
                    log.error("a room did not stop well", exc_info=task.exception())
            if late:
                log.error("%d rooms could not be saved within %g s", len(late), DRAIN_SECONDS)
        self._reports.send()

    # -- what becomes of them ------------------------------------------------------------------------------

    def reports(self) -> list[Report]:
        """For a hello: how each room stands now, and what the master may have missed."""
        self._reports.said()
        return [room.report(again=True) for room in self]

    def changed(self, room: HostedRoom) -> None:
        """Report this room to the master soon."""
        if room.session is not None and room.phase is RoomPhase.RUNNING:
            self._sessions[room.session.room] = room.session
        else:
            self._forget_session(room)
        if room.phase is not RoomPhase.STARTING:
            self.preparing.look_again(room.name)
        self._reports.changed(room)

    def gone(self, room: HostedRoom) -> None:
        """The room is over on this node."""
        self._forget_session(room)
        if self._rooms.get(room.name) is not room:
            return
        del self._rooms[room.name]
        self.preparing.look_again(room.name)
        self._goodbyes.discard(room.name)
        self._reports.ended(room)
        # A desired room that ended by itself is the master's to decide about: it is not started again here
        # under the same epoch. One that was stopped for a newer epoch is started now.
        wanted = self._desired.get(room.name)
        if wanted is not None and wanted.epoch == room.epoch:
            del self._desired[room.name]
        elif wanted is not None:
            asyncio.get_running_loop().call_soon(self._reconcile)

    def _forget_session(self, room: HostedRoom) -> None:
        if room.session is not None and self._sessions.get(room.session.room) is room.session:
            del self._sessions[room.session.room]
