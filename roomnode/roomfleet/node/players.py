"""The players of one running room: who has a session, who may resume it, and what is sent to whom.

A player's actor is live exactly as long as the player has an entry here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from roomfleet.game.outbox import Frame, Told
from roomfleet.wire.codec import Format
from roomfleet.wire.session import Patch


class Connection(Protocol):
    """A player's websocket, as the room needs it."""

    @property
    def format(self) -> Format:
        """How messages to it are written."""

    def send(self, frame: bytes) -> None:
        """Send an encoded message; never blocks, never raises."""

    @property
    def busy(self) -> bool:
        """Whether earlier messages have not left yet: no patches until they have."""

    def end(self, last: Any | None) -> None:
        """Send a last message, if any, and close. The room is not told of this close."""


@dataclass(slots=True)
class PlayerSession:
    """One player in the room: connected, or with time left to come (back)."""

    player: str
    connection: Connection | None = None
    resume: str = ""
    until: float = float("inf")
    """Loop time at which a player without connection is gone for good."""
    stale: bool = False
    """Patches were skipped: the next thing it gets is a snapshot."""
    stale_since: float = 0.0

    def connect(self, connection: Connection) -> str:
        """The connection is the player's from now on; a fresh resume secret."""
        self.connection = connection
        self.resume = secrets.token_urlsafe(24)
        self.until = float("inf")
        self.stale = False
        return self.resume


class Players:
    """Everybody in the room, and the fan-out to them."""

    def __init__(self, snapshot: Callable[[str, Format], bytes], steady: Callable[[], float]) -> None:
        self._snapshot = snapshot
        self._steady = steady
        self._sessions: dict[str, PlayerSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[PlayerSession]:
        return iter(list(self._sessions.values()))

    def get(self, player: str) -> PlayerSession | None:
        return self._sessions.get(player)

    def add(self, player: str, until: float = float("inf")) -> PlayerSession:
        """A player whose actor is live. Without a connection it has until then to show up."""
        session = PlayerSession(player, until=until)
        self._sessions[player] = session
        return session

    def remove(self, player: str) -> PlayerSession | None:
        return self._sessions.pop(player, None)

    @property
    def connected(self) -> int:
        return sum(session.connection is not None for session in self._sessions.values())

    def next_gone(self) -> float:
        """When the next player without connection is gone for good; infinity if none waits."""
        return min((session.until for session in self._sessions.values()), default=float("inf"))

    def fan_out(self, frame: Frame) -> None:
        """One frame to everybody: what is the same for all is encoded once."""
        shared: dict[Format, bytes] = {}
        for session in self._sessions.values():
            connection = session.connection
            if connection is None:
                continue
            private = frame.private.get(session.player)
            if private is None and not frame.public:
                continue
            if session.stale or connection.busy:
                if not session.stale:
                    session.stale = True
                    session.stale_since = self._steady()
                continue
            if private is not None:
                if private:
                    patch = Patch(seq=frame.seq, now=frame.now, ops=private)
                    connection.send(connection.format.encode(patch))
                continue
            form = connection.format
            if form not in shared:
                shared[form] = form.encode(Patch(seq=frame.seq, now=frame.now, ops=frame.public))
            connection.send(shared[form])

    def refresh_stale(self) -> bool:
        """A fresh snapshot to each client that skipped patches and drained. Whether some still have not."""
        waiting = False
        for session in self._sessions.values():
            if not session.stale or session.connection is None:
                continue
            if session.connection.busy:
                waiting = True
                continue
            session.stale = False
            session.connection.send(self._snapshot(session.player, session.connection.format))
        return waiting

    def too_slow(self, limit: float) -> list[PlayerSession]:
        """Clients that have not drained for `limit` seconds."""
        now = self._steady()
        return [
            session
            for session in self._sessions.values()
            if session.stale and session.connection is not None and now - session.stale_since > limit
        ]

    def tell(self, told: Told) -> None:
        """A message to one player, or to all."""
        frames: dict[Format, bytes] = {}

        def send(connection: Connection) -> None:
            form = connection.format
            if form not in frames:
                frames[form] = form.encode(told.message)
            connection.send(frames[form])

        if told.player is None:
            for session in self._sessions.values():
                if session.connection is not None and not session.connection.busy:
                    send(session.connection)
            return
        one = self._sessions.get(told.player)
        if one is not None and one.connection is not None:
            send(one.connection)
