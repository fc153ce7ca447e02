"""What a connection is to its room: a player's, or a watcher's."""

from __future__ import annotations

from typing import Protocol

from roomfleet.node.running.room import HostedRoom
from roomfleet.node.serving.connection import Connection, say_error
from roomfleet.wire.session import ByeCode, Call, ErrorCode
from roomfleet.wire.tickets import Ticket


class Guest(Protocol):
    """One that has said hello, and what it may ask for."""

    room: HostedRoom

    async def enter(self, ticket: Ticket) -> bool:
        """Let it in. False: it was told to go elsewhere and is closed; the ticket is good as before."""

    def call(self, call: Call) -> None:
        """A command of its actor."""

    def refresh(self) -> None:
        """It wants a snapshot."""

    def leave(self) -> None:
        """It leaves on purpose."""

    def dropped(self) -> None:
        """Its connection is gone without a goodbye."""

    def put_out(self, code: ByeCode, reason: str) -> None:
        """It did what it may not: a goodbye, and no way to resume."""


class PlayerGuest:
    """A player."""

    def __init__(self, room: HostedRoom, player: str, connection: Connection) -> None:
        self.room = room
        self._player = player
        self._connection = connection

    async def enter(self, ticket: Ticket) -> bool:
        return await self.room.visits.enter(ticket.sub, ticket.jti, self._connection, ticket.session)

    def call(self, call: Call) -> None:
        self.room.call(self._player, call.id, call.method, call.args)

    def refresh(self) -> None:
        self.room.visits.refresh(self._player, self._connection)

    def leave(self) -> None:
        self.room.visits.leave(self._player, self._connection)

    def dropped(self) -> None:
        self.room.visits.dropped(self._player, self._connection)

    def put_out(self, code: ByeCode, reason: str) -> None:
        self.room.visits.put_out(self._player, self._connection, code, reason)


class WatcherGuest:
    """One who watches."""

    def __init__(self, room: HostedRoom, connection: Connection) -> None:
        self.room = room
        self._connection = connection

    async def enter(self, ticket: Ticket) -> bool:
        return self.room.watchers.enter(ticket.sub, self._connection)

    def call(self, call: Call) -> None:
        say_error(self._connection, ErrorCode.REFUSED, "you only watch: there is nothing to call", call.id)

    def refresh(self) -> None:
        self.room.watchers.refresh(self._connection)

    def leave(self) -> None:
        self.room.watchers.put_out(self._connection, ByeCode.LEFT, "you left")

    def dropped(self) -> None:
        self.room.watchers.dropped(self._connection)

    def put_out(self, code: ByeCode, reason: str) -> None:
        self.room.watchers.put_out(self._connection, code, reason)
