"""The players of one running room: who has a session, and who may resume it.

A player's actor is live exactly as long as the player has an entry here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from roomfleet.node.serving.connection import Connection
from roomfleet.node.serving.fanout import Viewing


class PlayerSession(Viewing):
    """One player in the room: connected, or with time left to come (back)."""

    __slots__ = ("number", "resume", "until")

    def __init__(self, player: str, until: float = float("inf")) -> None:
        super().__init__(player)
        self.resume = ""
        self.number = 0
        """Higher than that of sessions that began before; 0: not known."""
        self.until = until
        """Loop time at which a player without connection is gone for good."""

    @property
    def player(self) -> str:
        """The player's name."""
        return self.viewer


class Players:
    """Everybody in the room. The absent are kept apart: nothing here takes longer because many are there."""

    __slots__ = ("_absent", "_sessions")

    def __init__(self) -> None:
        self._sessions: dict[str, PlayerSession] = {}
        self._absent: dict[str, PlayerSession] = {}
        """Without a connection, in the order in which they will be gone for good."""

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[PlayerSession]:
        return iter(list(self._sessions.values()))

    def get(self, player: str) -> PlayerSession | None:
        return self._sessions.get(player)

    def add(self, player: str, until: float = float("inf")) -> PlayerSession:
        """A player whose actor is live. Without a connection it has until then to show up.

        `until` (loop time) is never before that of an earlier call; infinity: the connection follows at once.
        """
        session = PlayerSession(player, until=until)
        self._sessions[player] = session
        self._absent.pop(player, None)
        self._absent[player] = session
        return session

    def connect(self, session: PlayerSession, connection: Connection) -> str:
        """The connection is the player's from now on, instead of an earlier one; a fresh resume secret."""
        self._absent.pop(session.player, None)
        session.connection = connection
        session.resume = secrets.token_urlsafe(24)
        session.until = float("inf")
        session.stale = False
        return session.resume

    def drop(self, session: PlayerSession, until: float) -> None:
        """The connection is gone: the player has until then to come back. `until` as for `add`."""
        session.connection = None
        session.until = until
        self._absent[session.player] = session

    def remove(self, player: str) -> PlayerSession | None:
        self._absent.pop(player, None)
        return self._sessions.pop(player, None)

    @property
    def connected(self) -> int:
        return len(self._sessions) - len(self._absent)

    def next_gone(self) -> float:
        """When the next player without connection is gone for good; infinity if none waits."""
        return next((each.until for each in self._absent.values() if each.until < float("inf")), float("inf"))

    def gone(self, now: float) -> list[PlayerSession]:
        """Those whose time to come back is over."""
        return [each for each in self._absent.values() if each.until <= now]
