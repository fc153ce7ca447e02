"""Those who watch one running room without being in it: admins. They see everything, and nothing sees them.

A watcher is no player: it takes no seat, calls nothing, keeps nothing awake, and is not counted. Its
connection is all there is of it: what is dropped is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from roomfleet.game.live import LiveRoom
from roomfleet.game.seeing.watching import admin_viewer
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.serving.connection import Connection
from roomfleet.node.serving.fanout import Viewing
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.session import Bye, ByeCode, Rejoin, Welcome
from roomfleet.wire.version import __version__

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom

log = logging.getLogger(__name__)


class Watchers:
    """The watchers of one room."""

    __slots__ = ("_last", "_node", "_room", "_viewings")

    def __init__(self, room: HostedRoom, node: Surroundings) -> None:
        self._room = room
        self._node = node
        self._last = 0
        self._viewings: dict[Connection, Viewing] = {}

    def __iter__(self) -> Iterator[Viewing]:
        return iter(list(self._viewings.values()))

    def __len__(self) -> int:
        return len(self._viewings)

    def enter(self, who: str, connection: Connection) -> bool:
        """One with a good ticket. False: it was told to ask again, and is closed."""
        if self._room.phase is not RoomPhase.RUNNING or self._room.live is None:
            connection.end(Rejoin(reason="the room is not here any more", room=self._room.name))
            return False
        self._last += 1
        viewing = Viewing(admin_viewer(self._last), connection)
        self._room.pump()
        self._do(lambda live: live.watch(viewing.viewer))
        if self._room.over:
            connection.end(Rejoin(reason="the room failed", room=self._room.name))
            return False
        self._viewings[connection] = viewing
        log.info("%s watches room %s", who, self._room.name)
        connection.say(
            Welcome(
                now=self._room.now(),
                game=self._node.game.name,
                resume="",
                tick=self._node.settings.ticks_per_second,
                version=__version__,
                **self._room.live.welcome(viewing.viewer),
            )
        )
        viewing.show(self._room.snapshot(viewing.viewer), asyncio.get_running_loop().time())
        self._room.pump()
        return True

    def refresh(self, connection: Connection) -> None:
        """The watcher wants a snapshot: at once, or a second after the last one."""
        viewing = self._viewings.get(connection)
        if viewing is not None:
            self._room.fanout.refresh(viewing)
            self._room.pump()

    def dropped(self, connection: Connection) -> None:
        """The connection is gone, or about to be ended."""
        viewing = self._viewings.pop(connection, None)
        if viewing is None:
            return
        viewing.connection = None
        self._room.fanout.forget(viewing)
        if self._room.live is not None and not self._room.over:
            self._do(lambda live: live.unwatch(viewing.viewer))

    def put_out(self, connection: Connection, code: ByeCode, reason: str) -> None:
        """End the watching, with a goodbye."""
        if connection in self._viewings:
            self.dropped(connection)
            connection.end(Bye(code=code, reason=reason))

    def send_all_away(self, last: Bye | Rejoin) -> None:
        """Everybody hears why, and watches no more."""
        for connection in list(self._viewings):
            self.dropped(connection)
            connection.end(last)

    def _do(self, act: Callable[[LiveRoom], None]) -> None:
        self._room.guarded(act, pump=False)
