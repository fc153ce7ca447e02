"""Players' comings and goings in one running room: entering, resuming, leaving, and the seats that count.

A player's actor is live exactly as long as the player has a session here. Public methods are called on the
node's event loop.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from roomfleet.game.errors import GameError
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.serving.connection import Connection
from roomfleet.node.visiting.players import Players, PlayerSession
from roomfleet.store import ActorRecord, Fenced, HeldBy, StoreError, doc_id, name_of
from roomfleet.store import Save as SaveActor
from roomfleet.wire.link import Presence, RoomPhase
from roomfleet.wire.motion import Path
from roomfleet.wire.names import player_actor
from roomfleet.wire.session import Bye, ByeCode, Rejoin, Welcome
from roomfleet.wire.version import __version__

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom

log = logging.getLogger(__name__)

_REPLACED = Bye(code=ByeCode.REPLACED, reason="you joined from another window")


class Visits:
    """Who is in the room, who may come back, and who is on the way in."""

    __slots__ = ("_came", "_entering", "_loop", "_node", "_reserved", "_room", "_sending", "_used", "players")

    def __init__(self, room: HostedRoom, node: Surroundings) -> None:
        self._room = room
        self._node = node
        self._loop = asyncio.get_running_loop()
        self.players = Players()
        self._entering: dict[str, None] = {}
        self._reserved: dict[str, float] = {}
        """Seats kept for players whom other nodes send: until when, loop time."""
        self._sending: dict[str, None] = {}
        """Players whose actors are away here and are being brought to another room."""
        self._used: dict[str, tuple[float, bool]] = {}
        """Joins whose ticket was used up: when, loop time, and whether the master was told."""
        self._came: dict[str, None] = {}
        """Players who used one of which the master was not told."""

    @property
    def resumable(self) -> int:
        """Seats taken by players who are not connected: cut off, on the way in, or sent by another node."""
        absent = len(self.players) - self.players.connected
        return absent + len(self._entering) + len(self._reserved)

    def take_used(self, *, again: bool = False) -> list[str]:
        """Ids of the joins whose ticket was used up since the last call; `again`: and of those told before,
        as long as the master may have missed it and keeps a seat for them."""
        now = self._loop.time()
        kept = now - 2 * self._node.settings.ticket_seconds
        ids = [join for join, (_, told) in self._used.items() if again or not told]
        self._used = {join: (at, True) for join, (at, _) in self._used.items() if at > kept}
        return ids

    def take_seated(self, *, again: bool = False) -> list[str]:
        """Players who sit here and came in since the last call; `again`: all who sit here."""
        came, self._came = self._came, {}
        return [session.player for session in self.players if again or session.player in came]

    def presence(self, player: str) -> Presence:
        """Whether the player is here."""
        session = self.players.get(player)
        if session is None:
            return Presence.RESUMABLE if player in self._entering else Presence.AWAY
        return Presence.CONNECTED if session.connection is not None else Presence.RESUMABLE

    async def enter(self, player: str, join: str, connection: Connection, session: int = 0) -> bool:
        """A player with a good ticket of that session. False: the connection was told to go elsewhere, or
        why there is no way in, and is closed.
        """
        present = self.players.get(player)
        if present is not None and 0 < session < present.number:
            connection.end(_REPLACED)
            return False
        if self._room.phase is not RoomPhase.RUNNING or self._room.live is None or self._room.session is None:
            connection.end(Rejoin(reason="the room is not here any more", room=self._room.name))
            return False
        if player in self._sending:
            connection.end(Rejoin(reason="your actor is on its way to another room"))
            return False
        if self.players.get(player) is None:
            if not self._has_seat(player):
                connection.end(Rejoin(reason="the room is full", room=self._room.name))
                return False
            self._entering[player] = None
            try:
                elsewhere = await self._spawn(player)
            except Fenced as error:
                self._room.fence(error.found_epoch)
                elsewhere = Rejoin(reason="the room went to another node", room=self._room.name)
            except StoreError as error:
                log.info("room %s cannot let %s in at the moment: %s", self._room.name, player, error)
                reason = "the room cannot let you in at the moment: its store does not answer as it should"
                elsewhere = Rejoin(reason=reason, room=self._room.name)
            except GameError as error:
                log.warning("room %s cannot make the actor of %s: %s", self._room.name, player, error)
                told = self._room.live.told(error)
                elsewhere = Bye(code=ByeCode.KICKED, reason=f"your actor cannot live here: {told}")
            finally:
                self._entering.pop(player, None)
                self._node.rooms.changed(self._room)
            if elsewhere is not None:
                connection.end(elsewhere)
                return False
        if self._left(player):
            connection.end(Rejoin(reason="your actor is on its way to another room"))
            return False
        self._reserved.pop(player, None)
        self._used[join] = (self._loop.time(), False)
        self._came[player] = None
        self._connect(player, connection, session)
        return True

    def _left(self, player: str) -> bool:
        """The player's actor went away a moment ago; the session here ends when that is saved."""
        return self._room.live is None or self._room.live.player_actor(player) is None

    def _has_seat(self, player: str) -> bool:
        others = len(self.players) + len(self._entering) + len(self._reserved) - (player in self._reserved)
        return others < self._room.spec.capacity

    def reserve(self, player: str, seconds: float) -> str:
        """Keep a seat for a player whom another node sends. Why not, or an empty string."""
        if self._room.phase is not RoomPhase.RUNNING:
            return f"{self._room.name} is not here any more; try again"
        if self.players.get(player) is None and not self._has_seat(player):
            return f"{self._room.name} is full; try again"
        if self.players.get(player) is None:
            self._reserved[player] = self._loop.time() + seconds
            self._watch_players()
            self._node.rooms.changed(self._room)
        return ""

    async def _spawn(self, player: str) -> Rejoin | Bye | None:
        """Make the player's actor live here. None: it is; else what to tell the client."""
        assert self._room.live is not None
        assert self._room.session is not None
        assert self._room.saver is not None
        actor = doc_id(self._node.game.name, player_actor(player))
        fresh = self._room.live.new_player_body(player, self._room.now())
        for _ in range(3):
            answer = await self._room.session.spawn(actor, fresh)
            if self._room.phase is not RoomPhase.RUNNING:
                break
            if not isinstance(answer, HeldBy):
                if self.players.get(player) is None:
                    # One whose room was erased stands nowhere: at the entry, as a new one does.
                    path = answer.record.body["path"] or fresh["path"]
                    await self._lives(player, answer.record, path)
                return None
            if self.players.get(player) is not None:
                return None
            if name_of(answer.room) != self._room.name:
                return Rejoin(reason="you are in another room", room=name_of(answer.room))
            if answer.in_transit:
                # On its way here: its document names this room already.
                await self._node.arrivals.look()
            else:
                # It went away or left a moment ago, and that is being saved.
                await self._room.saver.flush()
            if self.players.get(player) is not None:
                return None
        return Rejoin(reason="the room is not ready for you yet", room=self._room.name)

    async def _lives(self, player: str, record: ActorRecord, path: Path) -> None:
        """The session took the actor in: so must the room. Raises GameError when its scripts forbid it."""
        assert self._room.live is not None
        assert self._room.session is not None
        try:
            self._room.live.player_enters(player, {**record.body, "path": path}, self._room.now())
        except GameError:
            if self._room.live.player_actor(player) is None:
                await self._room.session.save([SaveActor(record.id, record.body, away=True)], None)
                await self._room.session.applied()
            raise
        self.players.add(player)

    def begin_sending(self, player: str) -> bool:
        """The actor is away here, and nobody may enter with it until `end_sending`. False: somebody does."""
        if player in self._entering or player in self._sending or self.players.get(player) is not None:
            return False
        self._sending[player] = None
        return True

    def end_sending(self, player: str) -> None:
        """It has gone, or stays."""
        self._sending.pop(player, None)

    def resume(self, player: str, connection: Connection) -> bool:
        """A player is back whose connection dropped. False: too late."""
        here = self.players.get(player) is not None and not self._left(player)
        if self._room.phase is not RoomPhase.RUNNING or not here:
            return False
        self._connect(player, connection)
        return True

    def _connect(self, player: str, connection: Connection, number: int = 0) -> None:
        assert self._room.live is not None
        session = self.players.get(player)
        assert session is not None
        if session.connection is not None:
            session.connection.end(_REPLACED)
            session.connection = None
        session.number = number or session.number
        self._room.pump()
        self._node.doors.resumes.pop(session.resume, None)
        secret = self.players.connect(session, connection)
        self._node.doors.resumes[secret] = (self._room, player)
        settings = self._node.settings
        connection.say(
            Welcome(
                now=self._room.now(),
                game=self._node.game.name,
                resume=secret,
                tick=settings.ticks_per_second,
                version=__version__,
                **self._room.live.welcome(player),
            )
        )
        session.show(self._room.snapshot(player), self._loop.time())
        self._room.pump()
        self._node.rooms.changed(self._room)

    def refresh(self, player: str, connection: Connection) -> None:
        """The player's client wants a snapshot: at once, or a second after the last one."""
        session = self.players.get(player)
        if session is not None and session.connection is connection:
            self._room.fanout.refresh(session)
            self._room.pump()

    def dropped(self, player: str, connection: Connection) -> None:
        """The connection is gone without a goodbye: the player may resume for a while."""
        session = self.players.get(player)
        if session is None or session.connection is not connection:
            return
        self.players.drop(session, self._loop.time() + self._node.settings.reconnect_seconds)
        if self._room.live is not None:
            self._room.live.unwatch(player)  # nothing is kept for who is not there; a snapshot begins anew
        self._watch_players()
        self._node.rooms.changed(self._room)

    def leave(self, player: str, connection: Connection) -> None:
        """The player leaves on purpose."""
        session = self.players.get(player)
        if session is None or session.connection is not connection:
            return
        connection.end(Bye(code=ByeCode.LEFT, reason="you left"))
        self.remove(session, "left")

    def put_out(self, player: str, connection: Connection, code: ByeCode, reason: str) -> None:
        """End the player's session for a reason of ours."""
        session = self.players.get(player)
        if session is None or session.connection is not connection:
            return
        connection.end(Bye(code=code, reason=reason))
        self.remove(session, code.value)

    def send_all_away(self, last: Bye | Rejoin) -> None:
        """Everybody hears why, and has no session here any more."""
        for session in self.players:
            if session.connection is not None:
                session.connection.end(last)
            self.forget(session.player)

    def send_on(self) -> list[tuple[str, Connection]]:
        """The room goes to another node: nobody has a session here any more; who was connected, and how."""
        found = [(each.player, each.connection) for each in self.players if each.connection is not None]
        for session in self.players:
            self.forget(session.player)
        return found

    def remove(self, session: PlayerSession, why: str) -> None:
        """The session is over: the actor is away."""
        self.forget(session.player)
        if self._room.live is not None and self._room.phase is RoomPhase.RUNNING:
            self._room.guarded(lambda live: live.player_leaves(session.player, self._room.now(), why))
            if self._room.saver is not None:
                self._room.saver.poke(urgent=True)
        self._node.rooms.changed(self._room)

    def forget(self, player: str) -> PlayerSession | None:
        """The player has no session here any more; who it was."""
        session = self.players.remove(player)
        if session is not None:
            self._room.fanout.forget(session)
            self._node.doors.resumes.pop(session.resume, None)
        return session

    def number_of(self, player: str) -> int:
        """The number of the player's session; 0: not known."""
        session = self.players.get(player)
        return 0 if session is None else session.number

    def expect(self, player: str) -> None:
        """The player's actor is live, and the player is on the way or was cut off."""
        self._reserved.pop(player, None)
        self.players.add(player, self._loop.time() + self._node.settings.reconnect_seconds)
        self._watch_players()

    def close(self) -> None:
        """The room is over: nobody is waited for."""
        self._node.schedule.clear(("players", self._room.name))

    def _watch_players(self) -> None:
        until = min(self.players.next_gone(), *self._reserved.values(), float("inf"))
        if self._room.over:
            return
        if until < float("inf"):
            self._node.schedule.set(("players", self._room.name), until, self._players_gone)
        else:
            self._node.schedule.clear(("players", self._room.name))

    def _players_gone(self) -> None:
        now = self._loop.time()
        for session in self.players.gone(now):
            self.remove(session, "left")
        for player, until in list(self._reserved.items()):
            if until <= now:
                del self._reserved[player]
                self._node.rooms.changed(self._room)
        self._watch_players()
