"""Rooms that are about to run here: what they need is loaded before they come, and who comes for one waits.

A room that is moved here is stopped on its old node first. Its players are sent on at once, and may be here
before it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.node.running.room import HostedRoom
from roomfleet.wire.link import DesiredRoom, FromNode, Prepared, RoomPhase
from roomfleet.wire.spec import RoomSpec

log = logging.getLogger(__name__)

AWAIT_SECONDS = 10.0
"""Who comes for a room that is about to run is sent away after that."""


class Preparing:
    """The rooms of this node that do not run yet, and who waits for them."""

    def __init__(
        self, game: Game, room: Callable[[str], HostedRoom | None], send: Callable[[FromNode], bool]
    ) -> None:
        """`room`: what the node has of that name; `send`: to the master."""
        self._game, self._room, self._send = game, room, send
        self._announced: dict[str, RoomSpec] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._stopped = False

    def told(self, rooms: Iterable[DesiredRoom]) -> None:
        """The whole set of rooms that are about to run here. Loads what the new ones need."""
        if self._stopped:
            return
        before = self._announced
        self._announced = {room.room: room.spec for room in rooms}
        for name, spec in self._announced.items():
            if before.get(name) != spec:
                self._send(Prepared(room=name, problem=self._load(spec)))
        for name in before.keys() - self._announced.keys():
            self.look_again(name)

    def forget(self) -> None:
        """The link is down: the master says it all again."""
        for name in list(self._announced):
            del self._announced[name]
            self.look_again(name)

    def stop(self) -> None:
        """The node stops: no room comes any more, and who waits for one is sent away."""
        self._stopped = True
        self.forget()

    def _load(self, spec: RoomSpec) -> str:
        """Why a room of that spec cannot run here; empty when it can."""
        try:
            self._game.map_room(spec.map)
            self._game.room_class(spec.script)
            self._game.geography(spec.map)
        except GameError as error:
            return str(error)
        return ""

    async def awaited(self, name: str) -> HostedRoom | None:
        """The room of that name. One that starts, or is about to, is waited for."""
        try:
            async with asyncio.timeout(AWAIT_SECONDS):
                while self._is_coming(name):
                    await self._waiting.setdefault(name, asyncio.Event()).wait()
        except TimeoutError:
            log.info("room %s was to run here and does not after %g s", name, AWAIT_SECONDS)
        return self._room(name)

    def look_again(self, name: str) -> None:
        """Something became of the room: who waits for it sees what."""
        if (event := self._waiting.pop(name, None)) is not None:
            event.set()

    def _is_coming(self, name: str) -> bool:
        room = self._room(name)
        return name in self._announced if room is None else room.phase is RoomPhase.STARTING
