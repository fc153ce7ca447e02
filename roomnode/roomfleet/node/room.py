"""One room of the node: claimed, live, saved, and left again.

The room itself is pure (`roomfleet.game.live`); this shell gives it time, players and a store, and
carries out what it puts out.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from roomfleet.game.errors import GameError
from roomfleet.game.live import LiveRoom
from roomfleet.game.loader import Game
from roomfleet.game.outbox import ChangeKind, Outside, ScriptFailure, SeatUnwanted, SeatWanted
from roomfleet.node.asking import GrantedSeat
from roomfleet.node.clock import RENEW_SECONDS, RoomClock
from roomfleet.node.players import Connection, Players, PlayerSession
from roomfleet.node.saving import Departure, Saver, SaverEvents
from roomfleet.node.schedule import Schedule
from roomfleet.store import (
    ActorRecord,
    Fenced,
    HeldBy,
    MapChanged,
    OutcomeUnknown,
    Session,
    Store,
    StoreError,
    StoreUnavailable,
    claim,
    doc_id,
    name_of,
)
from roomfleet.store import Save as SaveActor
from roomfleet.wire.codec import encode
from roomfleet.wire.link import DesiredRoom, Report, RoomPhase
from roomfleet.wire.names import player_actor, player_of
from roomfleet.wire.session import Bye, ByeCode, Error, ErrorCode, Rejoin, Travel, Waiting, Welcome
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.version import __version__

log = logging.getLogger(__name__)


class Surroundings(Protocol):
    """What a room needs of its node."""

    game: Game
    store: Store
    settings: Settings
    schedule: Schedule
    rng: random.Random
    resumes: dict[str, tuple[HostedRoom, str]]
    """Resume secrets of connected and resumable players: room and player."""
    name: str
    boot: str
    url: str

    def wall(self) -> float:
        """Seconds since 1970."""

    def changed(self, room: HostedRoom) -> None:
        """Report this room to the master soon."""

    def gone(self, room: HostedRoom) -> None:
        """The room is over on this node."""

    def want_seat(self, room: HostedRoom, request: int, player: str, target: str) -> None:
        """Get the player a seat in `target`; answered by `seat_waiting`, `seat_granted` or `seat_refused`."""

    def unwant_seat(self, room: HostedRoom, request: int) -> None: ...

    def departed(self, target: str, records: Sequence[ActorRecord], *, wake: bool) -> None:
        """Actors left for another room, saved as such."""

    async def look_for_arrivals(self) -> None:
        """One round of arrivals, now."""


class HostedRoom:
    """A room that this node was told to run."""

    def __init__(self, node: Surroundings, desired: DesiredRoom) -> None:
        self.name = desired.room
        self.epoch = desired.epoch
        self.uid = desired.uid
        self.spec = desired.spec
        self.phase = RoomPhase.STARTING
        self.message = ""
        self.found_epoch: int | None = None
        self.live: LiveRoom | None = None
        self.session: Session | None = None
        self._node = node
        self._loop = asyncio.get_running_loop()
        self._rng = node.rng
        self._players = Players(self._snapshot, self._loop.time)
        self._entering: set[str] = set()
        self._reserved: dict[str, float] = {}
        """Seats kept for players whom other nodes send: until when, loop time."""
        self._used: list[str] = []
        self._seats: dict[int, GrantedSeat] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._clock = RoomClock(self._loop.time, 0.0, 0.0)
        self._saver: Saver | None = None
        self._stopping = False
        self._ended = asyncio.Event()

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Claim, load, run. Ends in RUNNING, FAILED or FENCED; never raises."""
        self._node.changed(self)
        try:
            map_room = self._node.game.map_room(self.spec.map)
            room_class = self._node.game.room_class(self.spec.script)
            geography = self._node.game.geography(self.spec.map)
            claimed = await claim(
                self._node.store,
                room=doc_id(self._node.game.name, self.name),
                epoch=self.epoch,
                node=self._node.name,
                url=self._node.url,
                boot=self._node.boot,
                uid=self.uid,
                map=self.spec.map,
                on_delete=self.spec.on_delete.value,
                pause=self._pause_claim,
            )
            self.session = claimed.session
            start = claimed.ceiling_ms / 1000
            self._clock = RoomClock(self._loop.time, start, start)
            self._clock.raise_ceiling(self._clock.next_ceiling())
            self.live = LiveRoom.start(
                game=self._node.game.name,
                name=self.name,
                epoch=self.epoch,
                room_class=room_class,
                map_room=map_room,
                state=self.spec.state,
                ticks_per_second=self._node.settings.ticks_per_second,
                seed=self._rng.getrandbits(64),
                now=self._clock.now(),
                wall=self._node.wall(),
                saved=None if claimed.first else claimed.state,
                actors=[(name_of(a.id), a.body) for a in claimed.actors if a.transit is None],
                geography=geography,
            )
        except Fenced as error:
            self._over(RoomPhase.FENCED, str(error), error.found_epoch)
            return
        except (GameError, MapChanged) as error:
            self._over(RoomPhase.FAILED, str(error))
            return
        except (StoreUnavailable, OutcomeUnknown) as error:
            # Whether the claim got through is unknown: only a higher epoch is safe.
            self._over(RoomPhase.FENCED, f"the claim has an unknown outcome: {error}", self.epoch)
            return
        except StoreError as error:
            self._over(RoomPhase.FAILED, str(error))
            return
        self._saver = Saver(
            game=self._node.game.name,
            session=claimed.session,
            live=self.live,
            clock=self._clock,
            settings=self._node.settings,
            interval=self.spec.save_interval_seconds,
            schedule=self._node.schedule,
            wall=self._node.wall,
            events=SaverEvents(self._departed, self.fence, self._saves, self._saved, self._saving_broke),
            rng=self._rng,
        )
        for player in self.live.players:
            self._expect(player)
        self._arrive([a for a in claimed.actors if a.transit is not None])
        if claimed.first or self.live.dirty:
            self._saver.poke(urgent=True)
        self.phase = RoomPhase.RUNNING
        self._pump()
        self._node.changed(self)
        if self._stopping:
            await self._close(None, "the node is stopping")

    async def _pause_claim(self, attempt: int) -> None:
        """While the store does not answer a claim is pursued for a while, then given up for a higher one."""
        if attempt > 8 or self._stopping:
            raise OutcomeUnknown(f"room {self.name}: the store did not answer the claim")
        await asyncio.sleep(min(1.0, 0.05 * 2**attempt) * self._rng.uniform(0.5, 1.0))

    async def stop(self, *, goodbye: bool = False, reason: str = "the room is moving") -> None:
        """Lead the players away, save, and leave. Returns when saved, or when another node has the room.

        One that is starting stops once it has started.
        """
        stopping, self._stopping = self._stopping, True
        if stopping or self.phase is not RoomPhase.RUNNING:
            await self._ended.wait()
            return
        last = Bye(code=ByeCode.ROOM_DELETED, reason="the room was deleted") if goodbye else None
        await self._close(last, reason)

    async def _close(self, last: Bye | None, reason: str) -> None:
        assert self.live is not None
        assert self._saver is not None
        self.phase = RoomPhase.STOPPING
        self._node.changed(self)
        self._send_away(last or Rejoin(reason=reason, room=self.name))
        try:
            exact = self._clock.now()
            self.live.stop(exact)
            self._deliver()
            await self._saver.finish(exact)
        except Fenced as error:
            self._over(RoomPhase.FENCED, str(error), error.found_epoch)
        except Exception as error:
            log.exception("room %s could not be stopped well", self.name)
            self.fail(f"internal error: {error!r}; see the node's log")
        else:
            self._over(RoomPhase.STOPPED, "")

    def fence(self, found_epoch: int | None, lost: int = 0) -> None:
        """Another node has the room: close it here, acknowledge nothing, lead the players over."""
        if self.session is None or self._ended.is_set():
            return
        self.session.lost_to(found_epoch)
        log.warning(
            "room %s at epoch %d was taken over (found epoch %s); %d actors had changes that were not saved",
            self.name,
            self.epoch,
            found_epoch,
            lost,
        )
        self._send_away(Rejoin(reason="the room went to another node", room=self.name))
        self._still()
        self._over(RoomPhase.FENCED, "taken over", found_epoch)

    def fail(self, message: str) -> None:
        """Something of the room itself broke: close it without saving more, and say so."""
        if self._ended.is_set():
            return
        if self.session is not None:
            # What is half done must not be saved behind our back, nor anything be acknowledged.
            self.session.lost_to(None)
        self._send_away(Rejoin(reason="the room failed", room=self.name))
        self._still()
        self._over(RoomPhase.FAILED, message)

    def _send_away(self, last: Bye | Rejoin) -> None:
        """Everybody hears why, and has no session here any more."""
        for session in self._players:
            if session.connection is not None:
                session.connection.end(last)
            self._forget(session.player)

    def _still(self) -> None:
        """Close the scripts of a room whose changes do not count any more."""
        if self.live is None:
            return
        try:
            self.live.stop(self._clock.now())
            self._deliver()
        except Exception:
            log.exception("the scripts of room %s could not be closed well", self.name)

    def _over(self, phase: RoomPhase, message: str, found_epoch: int | None = None) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self.phase, self.message, self.found_epoch = phase, message, found_epoch
        for key in ("step", "renew", "players"):
            self._node.schedule.clear((key, self.name))
        if self._saver is not None:
            self._saver.close()
        for task in self._tasks:
            task.cancel()
        self._seats.clear()
        self._node.gone(self)

    def update(self, spec: RoomSpec) -> None:
        """The Room's spec changed while it runs: capacity and interval count from now on."""
        self.spec = spec
        if self._saver is not None:
            self._saver.interval = spec.save_interval_seconds

    def report(self) -> Report:
        """The room as the master should know it; the join ids in it are reported once."""
        used, self._used = self._used, []
        saver = self._saver
        connected = self._players.connected
        return Report(
            room=self.name,
            epoch=self.epoch,
            phase=self.phase,
            players=connected,
            resumable=len(self._players) - connected + len(self._entering) + len(self._reserved),
            used=used,
            saved_at=_rfc3339(saver.saved_at) if saver is not None and saver.saved_at is not None else "",
            saved=saver.ok if saver is not None else True,
            found_epoch=self.found_epoch,
            message=self.message,
        )

    # -- players -------------------------------------------------------------------------------------------

    async def enter(self, player: str, join: str, connection: Connection) -> bool:
        """A player with a good ticket. False: the connection was told to go elsewhere and is closed."""
        if self.phase is not RoomPhase.RUNNING or self.live is None or self.session is None:
            connection.end(Rejoin(reason="the room is not here any more", room=self.name))
            return False
        if self._players.get(player) is None:
            if not self._has_seat(player):
                connection.end(Rejoin(reason="the room is full", room=self.name))
                return False
            self._entering.add(player)
            try:
                elsewhere = await self._spawn(player)
            except Fenced as error:
                self.fence(error.found_epoch)
                elsewhere = Rejoin(reason="the room went to another node", room=self.name)
            except StoreError as error:
                elsewhere = Rejoin(
                    reason=f"the room cannot let you in at the moment: {error}", room=self.name
                )
            except GameError as error:
                log.warning("room %s cannot make the actor of %s: %s", self.name, player, error)
                elsewhere = Bye(code=ByeCode.KICKED, reason=f"your actor cannot live here: {error}")
            finally:
                self._entering.discard(player)
                self._node.changed(self)
            if elsewhere is not None:
                connection.end(elsewhere)
                return False
        self._reserved.pop(player, None)
        self._used.append(join)
        self._connect(player, connection)
        return True

    def _has_seat(self, player: str) -> bool:
        others = len(self._players) + len(self._entering) + len(self._reserved.keys() - {player})
        return others < self.spec.capacity

    def reserve(self, player: str, seconds: float) -> str:
        """Keep a seat for a player whom another node sends. Why not, or an empty string."""
        if self.phase is not RoomPhase.RUNNING:
            return f"{self.name} is not here any more; try again"
        if self._players.get(player) is None and not self._has_seat(player):
            return f"{self.name} is full; try again"
        if self._players.get(player) is None:
            self._reserved[player] = self._loop.time() + seconds
            self._watch_players()
            self._node.changed(self)
        return ""

    async def _spawn(self, player: str) -> Rejoin | Bye | None:
        """Make the player's actor live here. None: it is; else what to tell the client."""
        assert self.live is not None
        assert self.session is not None
        assert self._saver is not None
        actor = doc_id(self._node.game.name, player_actor(player))
        fresh = self.live.new_player_body(player, self._clock.now())
        for _ in range(3):
            answer = await self.session.spawn(actor, fresh)
            if self.phase is not RoomPhase.RUNNING:
                break
            if not isinstance(answer, HeldBy):
                if self._players.get(player) is None:
                    await self._lives(player, answer.record)
                return None
            if self._players.get(player) is not None:
                return None
            if name_of(answer.room) != self.name:
                return Rejoin(reason="you are in another room", room=name_of(answer.room))
            if answer.in_transit:
                # On its way here: its document names this room already.
                await self._node.look_for_arrivals()
            else:
                # It went away or left a moment ago, and that is being saved.
                await self._saver.flush()
            if self._players.get(player) is not None:
                return None
        return Rejoin(reason="the room is not ready for you yet", room=self.name)

    async def _lives(self, player: str, record: ActorRecord) -> None:
        """The session took the actor in: so must the room. Raises GameError when its scripts forbid it."""
        assert self.live is not None
        assert self.session is not None
        try:
            self.live.player_enters(player, record.body, self._clock.now())
        except GameError:
            if self.live.player_actor(player) is None:
                await self.session.save([SaveActor(record.id, record.body, away=True)], None)
                await self.session.applied()
            raise
        self._players.add(player)

    def resume(self, player: str, connection: Connection) -> bool:
        """A player is back whose connection dropped. False: too late."""
        if self.phase is not RoomPhase.RUNNING or self._players.get(player) is None:
            return False
        self._connect(player, connection)
        return True

    def _connect(self, player: str, connection: Connection) -> None:
        assert self.live is not None
        session = self._players.get(player)
        assert session is not None
        if session.connection is not None:
            session.connection.end(Bye(code=ByeCode.REPLACED, reason="you joined from another window"))
            session.connection = None
        self._pump()
        self._node.resumes.pop(session.resume, None)
        secret = session.connect(connection)
        self._node.resumes[secret] = (self, player)
        settings = self._node.settings
        connection.send(
            encode(
                Welcome(
                    now=self._clock.now(),
                    game=self._node.game.name,
                    resume=secret,
                    tick=settings.ticks_per_second,
                    version=__version__,
                    **self.live.welcome(player),
                )
            )
        )
        connection.send(self._snapshot(player))
        self._pump()
        self._node.changed(self)

    def _snapshot(self, player: str) -> bytes:
        assert self.live is not None
        return encode(self.live.snapshot(player, self._clock.now()))

    def dropped(self, player: str, connection: Connection) -> None:
        """The connection is gone without a goodbye: the player may resume for a while."""
        session = self._players.get(player)
        if session is None or session.connection is not connection:
            return
        session.connection = None
        session.until = self._loop.time() + self._node.settings.reconnect_seconds
        self._watch_players()
        self._node.changed(self)

    def leave(self, player: str, connection: Connection) -> None:
        """The player leaves on purpose."""
        session = self._players.get(player)
        if session is None or session.connection is not connection:
            return
        connection.end(Bye(code=ByeCode.LEFT, reason="you left"))
        self._remove(session, "left")

    def put_out(self, player: str, connection: Connection, code: ByeCode, reason: str) -> None:
        """End the player's session for a reason of ours."""
        session = self._players.get(player)
        if session is None or session.connection is not connection:
            return
        connection.end(Bye(code=code, reason=reason))
        self._remove(session, code.value)

    def _remove(self, session: PlayerSession, why: str) -> None:
        self._forget(session.player)
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._guarded(lambda live: live.player_leaves(session.player, self._clock.now(), why))
            if self._saver is not None:
                self._saver.poke(urgent=True)
        self._node.changed(self)

    def _forget(self, player: str) -> PlayerSession | None:
        """The player has no session here any more; who it was."""
        session = self._players.remove(player)
        if session is not None:
            self._node.resumes.pop(session.resume, None)
        return session

    def _expect(self, player: str) -> None:
        """The player's actor is live, and the player is on the way or was cut off."""
        self._reserved.pop(player, None)
        self._players.add(player, self._loop.time() + self._node.settings.reconnect_seconds)
        self._watch_players()

    def _watch_players(self) -> None:
        until = min(self._players.next_gone(), *self._reserved.values(), float("inf"))
        if self._ended.is_set():
            return
        if until < float("inf"):
            self._node.schedule.set(("players", self.name), until, self._players_gone)
        else:
            self._node.schedule.clear(("players", self.name))

    def _players_gone(self) -> None:
        now = self._loop.time()
        for session in self._players:
            if session.connection is None and session.until <= now:
                self._remove(session, "left")
        for player, until in list(self._reserved.items()):
            if until <= now:
                del self._reserved[player]
                self._node.changed(self)
        self._watch_players()

    # -- inputs --------------------------------------------------------------------------------------------

    def call(self, player: str, call: int, method: str, args: dict[str, Any]) -> None:
        """A call of the player's client."""
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._guarded(lambda live: live.call(player, call, method, args, self._clock.now()))

    def now(self) -> float:
        """Room time, s."""
        return self._clock.now()

    def arrived(self, records: Sequence[ActorRecord]) -> None:
        """Actors that travelled here and were taken in by the session."""
        if self.phase is not RoomPhase.RUNNING:
            return
        self._arrive(records)
        self._pump()
        if self._saver is not None:
            self._saver.poke(urgent=True)
        self._node.changed(self)

    def _arrive(self, records: Sequence[ActorRecord]) -> None:
        if not records or self.live is None:
            return
        arrivals = [
            (name_of(record.id), record.body, record.transit.arrival if record.transit is not None else {})
            for record in records
        ]
        self._guarded(lambda live: live.arrive(arrivals, self._clock.now()), pump=False)
        for actor, _, _ in arrivals:
            player = player_of(actor)
            # One whose class cannot be had is not live: it stays saved.
            if player is not None and self._players.get(player) is None and player in self.live.players:
                self._expect(player)

    def seat_waiting(self, player: str, target: str, position: int, eta: float | None) -> None:
        """The room behind the door is not ready: the player waits here."""
        session = self._players.get(player)
        if session is not None and session.connection is not None:
            session.connection.send(encode(Waiting(room=target, position=position, eta_seconds=eta)))

    def seat_granted(self, request: int, seat: GrantedSeat) -> None:
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._seats[request] = seat
            self._guarded(lambda live: live.seated(request, self._clock.now()))

    def seat_refused(self, request: int, reason: str) -> None:
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._guarded(lambda live: live.seat_refused(request, reason, self._clock.now()))

    # -- what the room puts out ----------------------------------------------------------------------------

    def _guarded(self, act: Callable[[LiveRoom], None], *, pump: bool = True) -> None:
        """Do something with the live room. A fault in the room's own machinery ends this room only."""
        assert self.live is not None
        try:
            act(self.live)
        except Exception as error:
            log.exception("room %s broke and is closed on this node", self.name)
            self.fail(f"internal error: {error!r}; see the node's log")
            return
        if pump:
            self._pump()

    def _step(self) -> None:
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._guarded(lambda live: live.step(self._clock.now(), self._node.wall()))

    def _pump(self) -> None:
        """Carry out what the room put out, and see when it needs its next step."""
        if self.live is None or self.phase not in (RoomPhase.RUNNING, RoomPhase.STARTING):
            return
        self._deliver()
        if self._saver is not None:
            self._saver.poke()
        self._arm()

    def _arm(self) -> None:
        assert self.live is not None
        due = self.live.next_due()
        step, renew = ("step", self.name), ("renew", self.name)
        now = self._loop.time()
        late = self._players.refresh_stale()
        if late:
            for session in self._players.too_slow(self._node.settings.max_unsaved_seconds):
                assert session.connection is not None
                self.put_out(
                    session.player, session.connection, ByeCode.TOO_SLOW, "your connection is too slow"
                )
        if due is not None or late:
            if self._clock.stands and self._saver is not None:
                # Room time waits at its ceiling: the commit that raises it brings the step.
                self._node.schedule.clear(step)
                self._saver.renew()
            else:
                tick = now + 1 / self._node.settings.ticks_per_second
                at = tick if due is None else max(now, self._clock.steady_at(due))
                self._node.schedule.set(step, min(at, tick) if late else at, self._step)
        else:
            self._node.schedule.clear(step)
        if due is not None or len(self._players):
            ahead = self._clock.steady_at(self._clock.ceiling) - RENEW_SECONDS
            self._node.schedule.set(renew, max(ahead, now), self._renew)
        else:
            self._node.schedule.clear(renew)

    def _renew(self) -> None:
        if self._saver is not None and self.phase is RoomPhase.RUNNING:
            self._saver.renew()

    def _deliver(self) -> None:
        assert self.live is not None
        out = self.live.take()
        for frame in out.frames:
            self._players.fan_out(frame)
        for told in out.told:
            self._players.tell(told)
        for seat in out.seats:
            match seat:
                case SeatWanted(request, player, target):
                    self._node.want_seat(self, request, player, target)
                case SeatUnwanted(request):
                    self._seats.pop(request, None)
                    self._node.unwant_seat(self, request)
        for failure in out.failures:
            self._log_failure(failure)
        for outside in out.outside:
            self._run_outside(outside)
        for kicked in out.kicked:
            session = self._players.get(kicked.player)
            if session is not None:
                if session.connection is not None:
                    session.connection.end(Bye(code=ByeCode.KICKED, reason=kicked.reason))
                self._remove(session, "kicked")
        if self._saver is not None:
            for barrier in out.barriers:
                self._saver.barrier(barrier.id)
            if out.travelled:
                self._saver.poke(urgent=True)

    def _log_failure(self, failure: ScriptFailure) -> None:
        again = "" if failure.restarts_in is None else f"; it starts again in {failure.restarts_in:g} s"
        log.warning(
            "room %s, actor %s: %s failed: %s%s\n%s",
            self.name,
            failure.actor,
            failure.script,
            failure.error,
            again,
            failure.traceback,
        )

    def _run_outside(self, outside: Outside) -> None:
        task = self._loop.create_task(outside.coroutine, name=f"outside {self.name}")
        self._tasks.add(task)

        def done(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if self.live is None or self.phase is not RoomPhase.RUNNING:
                return
            value = None if error is not None else task.result()
            self._guarded(
                lambda live: live.outside_done(outside.id, self._clock.now(), value=value, error=error)
            )

        task.add_done_callback(done)

    # -- what the saver tells ------------------------------------------------------------------------------

    def _departed(self, departures: list[Departure]) -> None:
        by_target: dict[str, list[Departure]] = {}
        for departure in departures:
            by_target.setdefault(departure.change.to_room, []).append(departure)
            assert departure.change.kind is ChangeKind.TRAVEL
            player = player_of(departure.change.actor)
            if player is None:
                continue
            session = self._forget(player)
            seat = self._seats.pop(departure.change.seat, None)
            if session is not None and session.connection is not None:
                session.connection.end(
                    Travel(room=seat.room, url=seat.url, ticket=seat.ticket)
                    if seat is not None
                    else Rejoin(reason="your actor went to another room", room=departure.change.to_room)
                )
        for target, gone in by_target.items():
            self._node.departed(target, [d.record for d in gone], wake=any(d.change.wake for d in gone))
        self._node.changed(self)

    def _saving_broke(self, error: Exception) -> None:
        self.fail(f"saving broke: {error!r}; see the node's log")

    def _saves(self, ok: bool, why: str) -> None:
        self.message = why
        self._node.changed(self)

    def _saved(self) -> None:
        if self.phase is RoomPhase.RUNNING:
            self._pump()


def say_error(connection: Connection, code: ErrorCode, message: str, call: int | None = None) -> None:
    """Tell a client what was wrong with what it sent."""
    connection.send(encode(Error(id=call, code=code, message=message)))


def _rfc3339(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
