"""The players of one running room: who has a session, and who may resume it.

A player's actor is live exactly as long as the player has an entry here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from roomfleet.node.fanout import Connection, Viewing


@dataclass(slots=True, eq=False)
class PlayerSession(Viewing):
    """One player in the room: connected, or with time left to come (back)."""

    resume: str = ""
    until: float = float("inf")
    """Loop time at which a player without connection is gone for good."""

    @property
    def player(self) -> str:
        """The player's name."""
        return self.viewer

    def connect(self, connection: Connection) -> str:
        """The connection is the player's from now on; a fresh resume secret."""
        self.connection = connection
        self.resume = secrets.token_urlsafe(24)
        self.until = float("inf")
        self.stale = False
        return self.resume


class Players:
    """Everybody in the room."""

    def __init__(self) -> None:
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
