"""One room of the node: claimed, live, saved, and left again.

The room itself is pure (`roomfleet.game.live`); this shell gives it time, players and a store, and
carries out what it puts out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from roomfleet.game.errors import GameError, ScriptFailed
from roomfleet.game.live import LiveRoom
from roomfleet.game.outbox import ChangeKind, Outside, ScriptFailure, SeatUnwanted, SeatWanted, Told
from roomfleet.node.measuring.meters import IN, OUT
from roomfleet.node.running.clock import RENEW_SECONDS, RoomClock
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.saving.saver import Departure, Saver
from roomfleet.node.serving.fanout import FanOut
from roomfleet.node.travelling.asking import GrantedSeat
from roomfleet.node.visiting.players import PlayerSession
from roomfleet.node.visiting.visits import Visits
from roomfleet.node.visiting.watchers import Watchers
from roomfleet.store import (
    ActorRecord,
    Fenced,
    MapChanged,
    OutcomeUnknown,
    Session,
    StoreError,
    StoreUnavailable,
    claim,
    doc_id,
    name_of,
)
from roomfleet.wire.link import DesiredRoom, MovedRoom, Report, RoomPhase
from roomfleet.wire.names import player_of
from roomfleet.wire.session import Bye, ByeCode, Rejoin, Snapshot, Travel, Waiting
from roomfleet.wire.spec import RoomSpec

log = logging.getLogger(__name__)

SIGNED_AT_ONCE = 16
"""Tickets that are signed without a pause: 2 ms."""

WaysOn = Callable[[str], Travel]
"""What sends a player on to where the room runs next."""


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
        self.frozen_at = 0.0
        """When room time was stopped here, for good (s since 1970); 0: not yet."""
        self.frozen = 0.0
        """How long room time stood still for the move to here (s)."""
        self.live: LiveRoom | None = None
        self.session: Session | None = None
        self._node = node
        self._loop = asyncio.get_running_loop()
        self._rng = node.rng
        self.visits = Visits(self, node)
        self.watchers = Watchers(self, node)
        self.fanout = FanOut(self._loop.time, self._loop.call_soon, self.pump)
        self._seats: dict[int, GrantedSeat] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._clock = RoomClock(self._loop.time, 0.0, 0.0)
        self.saver: Saver | None = None
        self._stopped_elsewhere_at = desired.frozen_at
        self._stopping = False
        self._over_now = False
        self._introduced = False
        self._ended: asyncio.Event | None = None
        """Made for those who wait for the end."""

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Claim, load, run. Ends in RUNNING, FAILED or FENCED; never raises."""
        self._node.rooms.changed(self)
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
                pause=self._pause,
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
            told = error.traceback if isinstance(error, ScriptFailed) else ""
            log.warning("room %s cannot start: %s%s", self.name, error, f"\n{told}" if told else "")
            self._over(RoomPhase.FAILED, str(error))
            return
        except (StoreUnavailable, OutcomeUnknown) as error:
            # Whether the claim got through is unknown: only a higher epoch is safe.
            self._over(RoomPhase.FENCED, f"the claim has an unknown outcome: {error}", self.epoch)
            return
        except StoreError as error:
            self._over(RoomPhase.FAILED, str(error))
            return
        self.saver = Saver(
            game=self._node.game.name,
            session=claimed.session,
            live=self.live,
            clock=self._clock,
            settings=self._node.settings,
            interval=self.spec.save_interval_seconds,
            schedule=self._node.schedule,
            wall=self._node.wall,
            room=self,
            rng=self._rng,
            meters=self._node.meters,
        )
        for player in self.live.players:
            self.visits.expect(player)
        self._arrive([a for a in claimed.actors if a.transit is not None])
        if claimed.first or self.live.dirty:
            self.saver.poke(urgent=True)
        self.phase = RoomPhase.RUNNING
        self.pump()
        if self._stopped_elsewhere_at:
            # By two clocks, where the nodes are on two machines.
            self.frozen = max(0.0, self._node.wall() - self._stopped_elsewhere_at)
            self._node.meters.frozen_seconds.observe(self.frozen)
            log.info("room %s was moved here, frozen for %.0f ms", self.name, self.frozen * 1000)
        self._node.rooms.changed(self)
        if self._stopping:
            await self._close(None, "the node is stopping")

    async def _pause(self, attempt: int) -> None:
        """While the store does not answer. A claim is pursued for a while, then given up for a higher one; a
        room that runs, or stops, waits for it as long as it takes.
        """
        if self.saver is not None:
            await self.saver.pause(attempt)
            return
        if attempt > 8 or self._stopping:
            raise OutcomeUnknown(f"room {self.name}: the store did not answer the claim")
        await asyncio.sleep(min(1.0, 0.05 * 2**attempt) * self._rng.uniform(0.5, 1.0))

    async def stop(
        self, *, goodbye: bool = False, to: MovedRoom | None = None, reason: str = "the room is moving"
    ) -> None:
        """Lead the players away, save, and leave. Returns when saved, or when another node has the room.

        `to`: where it runs next; the players are sent there. One that is starting stops once it has started.
        """
        stopping, self._stopping = self._stopping, True
        if stopping or self.phase is not RoomPhase.RUNNING:
            if not self.over:
                self._ended = self._ended or asyncio.Event()
                await self._ended.wait()
            return
        last = Bye(code=ByeCode.ROOM_DELETED, reason="the room was deleted") if goodbye else None
        ways = await self._ways_on(to) if to is not None and last is None else None
        if not self.over:
            await self._close(last, reason, ways)

    async def _ways_on(self, to: MovedRoom) -> WaysOn:
        """Do beforehand what would take long while the room stands still: save, and sign tickets."""
        assert self.saver is not None
        travels: dict[str, Travel] = {}
        for session in self.visits.players:
            travels[session.player] = self._node.tickets.way_on(session.player, self.name, to)
            if len(travels) % SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)  # rooms go on meanwhile, this one too
        await self.saver.flush()

        def way_on(player: str) -> Travel:
            return travels.get(player) or self._node.tickets.way_on(player, self.name, to)

        return way_on

    async def _close(self, last: Bye | None, reason: str, ways: WaysOn | None = None) -> None:
        assert self.live is not None
        assert self.saver is not None
        self.phase = RoomPhase.STOPPING
        self.frozen_at = self._node.wall()
        self._node.rooms.changed(self)
        followers = self.visits.send_on() if ways is not None else []
        self._send_all_away(last or Rejoin(reason=reason, room=self.name))
        try:
            exact = self._clock.now()
            self.live.stop(exact, players_stay=ways is not None)
            self._deliver()
            saving = self._loop.create_task(self.saver.finish(exact), name=f"last save {self.name}")
            await asyncio.sleep(0)  # it is on its way to the store
            if ways is not None:
                for player, connection in followers:  # they may be there before the room
                    connection.end(ways(player))
            await saving
        except Fenced as error:
            self._lost(error.found_epoch)
            self._over(RoomPhase.FENCED, str(error), error.found_epoch)
        except Exception as error:
            log.exception("room %s could not be stopped well", self.name)
            self.fail(f"internal error: {error!r}; see the node's log")
        else:
            self._over(RoomPhase.STOPPED, "")

    def fence(self, found_epoch: int | None, lost: int | None = None) -> None:
        """Another node has the room: close it here, acknowledge nothing, lead the players over.

        `lost`: how many actors' changes are lost with it; None: they are counted.
        """
        if self.session is None or self.over:
            return
        self.session.lost_to(found_epoch)
        self._lost(found_epoch, lost)
        self._send_all_away(Rejoin(reason="the room went to another node", room=self.name))
        self._still()
        self._over(RoomPhase.FENCED, "taken over", found_epoch)

    def _lost(self, found_epoch: int | None, lost: int | None = None) -> None:
        """Say in log and metrics what is lost, none of it acknowledged."""
        try:
            if lost is None:
                lost = self.saver.unsaved() if self.saver is not None else 0
        except Exception:
            log.exception("what room %s loses cannot be counted", self.name)
            lost = 0
        self._node.meters.lost(lost)
        log.warning(
            "room %s at epoch %d was taken over (found epoch %s); %d actors had changes that were not saved",
            self.name,
            self.epoch,
            found_epoch,
            lost,
        )

    def fail(self, message: str) -> None:
        """Something of the room itself broke: close it without saving more, and say so."""
        if self.over:
            return
        if self.session is not None:
            # What is half done must not be saved behind our back, nor anything be acknowledged.
            self.session.lost_to(None)
        self._send_all_away(Rejoin(reason="the room failed", room=self.name))
        self._still()
        self._over(RoomPhase.FAILED, message)

    def _send_all_away(self, last: Bye | Rejoin) -> None:
        self.visits.send_all_away(last)
        self.watchers.send_all_away(last)

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
        if self.over:
            return
        self._over_now = True
        if self._ended is not None:
            self._ended.set()
        self.phase, self.message, self.found_epoch = phase, message, found_epoch
        for key in ("step", "renew", "players"):
            self._node.schedule.clear((key, self.name))
        if self.saver is not None:
            self.saver.close()
        self.fanout.close()
        for task in self._tasks:
            task.cancel()
        self._seats.clear()
        self._node.rooms.gone(self)

    def update(self, spec: RoomSpec) -> None:
        """The Room's spec changed while it runs: capacity and interval count from now on."""
        self.spec = spec
        if self.saver is not None:
            self.saver.interval = spec.save_interval_seconds

    @property
    def over(self) -> bool:
        """It has stopped, failed, or was lost: nothing of it counts here any more."""
        return self._over_now

    def report(self, *, again: bool = False) -> Report:
        """The room as the master should know it; `again`: and what one that was away may have missed.

        The first one of a running room says again who sits in it: they did so on the node before.
        """
        saver, visits = self.saver, self.visits
        running = self.phase is RoomPhase.RUNNING
        again = again or (running and not self._introduced)
        self._introduced = self._introduced or running
        return Report(
            room=self.name,
            epoch=self.epoch,
            phase=self.phase,
            players=visits.players.connected,
            resumable=visits.resumable,
            used=visits.take_used(again=again),
            seated=[session.player for session in visits.players] if again else [],
            saved_at=_rfc3339(saver.saved_at) if saver is not None and saver.saved_at is not None else "",
            saved=saver.ok if saver is not None else True,
            found_epoch=self.found_epoch,
            message=self.message,
            frozen_at=self.frozen_at,
            frozen=self.frozen,
        )

    # -- inputs --------------------------------------------------------------------------------------------

    def call(self, player: str, call: int, method: str, args: dict[str, Any]) -> None:
        """A call of the player's client."""
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self.guarded(lambda live: live.call(player, call, method, args, self._clock.now()))

    def now(self) -> float:
        """Room time, s."""
        return self._clock.now()

    def snapshot(self, viewer: str) -> Snapshot:
        """All that this viewer may see, now."""
        assert self.live is not None
        return self.live.snapshot(viewer, self._clock.now())

    def arrived(self, records: Sequence[ActorRecord]) -> None:
        """Actors that travelled here and were taken in by the session."""
        if self.phase is not RoomPhase.RUNNING:
            return
        self._arrive(records)
        self.pump()
        if self.saver is not None:
            self.saver.poke(urgent=True)
        self._node.rooms.changed(self)

    def _arrive(self, records: Sequence[ActorRecord]) -> None:
        if not records or self.live is None:
            return
        arrivals = [
            (name_of(record.id), record.body, record.transit.arrival if record.transit is not None else {})
            for record in records
        ]
        self.guarded(lambda live: live.arrive(arrivals, self._clock.now()), pump=False)
        for actor, _, _ in arrivals:
            self._node.meters.travelled(IN, actor)
            player = player_of(actor)
            # One whose class cannot be had is not live: it stays saved.
            if player is not None and self.visits.players.get(player) is None and player in self.live.players:
                self.visits.expect(player)

    def _fresh(self, viewer: str) -> Snapshot | None:
        """A snapshot for one who is behind; None where a player's actor has left already."""
        assert self.live is not None
        if self.visits.players.get(viewer) is not None and self.live.player_actor(viewer) is None:
            return None
        return self.snapshot(viewer)

    def seat_waiting(self, player: str, target: str, position: int, eta: float | None) -> None:
        """The room behind the door is not ready: the player waits here."""
        session = self.visits.players.get(player)
        if session is not None and session.connection is not None:
            waiting = Waiting(room=target, position=position, eta_seconds=eta)
            session.connection.say(waiting)

    def seat_granted(self, request: int, seat: GrantedSeat) -> None:
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._node.meters.seats["granted"] += 1
            if seat.ticket:
                self._seats[request] = seat
            self.guarded(lambda live: live.seated(request, self._clock.now(), seat.room))

    def seat_refused(self, request: int, reason: str) -> None:
        if self.live is not None and self.phase is RoomPhase.RUNNING:
            self._node.meters.seats["refused"] += 1
            self.guarded(lambda live: live.seat_refused(request, reason, self._clock.now()))

    # -- what the room puts out ----------------------------------------------------------------------------

    def guarded(self, act: Callable[[LiveRoom], None], *, pump: bool = True) -> None:
        """Do something with the live room. A fault in the room's own machinery ends this room only."""
        assert self.live is not None
        try:
            act(self.live)
        except Exception as error:
            log.exception("room %s broke and is closed on this node", self.name)
            self.fail(f"internal error: {error!r}; see the node's log")
            return
        if pump:
            self.pump()

    def _step(self) -> None:
        if self.live is None or self.phase is not RoomPhase.RUNNING:
            return
        self.live.frames_wait = self.fanout.busy
        self._node.meters.ticks += 1
        due = self.live.next_due()
        if due is not None:
            # Ticks that passed are skipped: what was due in them is done now, and seen in one frame.
            missed = int((self._clock.now() - due) * self._node.settings.ticks_per_second)
            self._node.meters.missed_ticks += max(0, missed)
        self.guarded(lambda live: live.step(self._clock.now(), self._node.wall()))

    def pump(self) -> None:
        """Carry out what the room put out, and see when it needs its next step."""
        if self.live is None or self.phase not in (RoomPhase.RUNNING, RoomPhase.STARTING):
            return
        self._deliver()
        if self.over:
            return  # what was delivered broke it
        if self.saver is not None:
            self.saver.poke()
        self._arm()

    def _arm(self) -> None:
        assert self.live is not None
        behind = self.fanout.catch_up(self._fresh)
        if behind:
            self._put_out_too_slow()
        if self.over:
            return
        # While a frame is on its way the next one is not made: its end brings the step for that.
        self.live.frames_wait = self.fanout.busy
        due = self.live.next_due()
        step, renew = ("step", self.name), ("renew", self.name)
        now = self._loop.time()
        if due is None and not behind:
            self._node.schedule.clear(step)
        elif self._clock.stands and self.saver is not None:
            # Room time waits at its ceiling: the commit that raises it brings the step.
            self._node.schedule.clear(step)
            self.saver.renew()
        else:
            tick = now + 1 / self._node.settings.ticks_per_second
            at = tick if due is None else max(now, self._clock.steady_at(due))
            self._node.schedule.set(step, min(at, tick) if behind else at, self._step)
        if due is not None or len(self.visits.players):
            ahead = self._clock.steady_at(self._clock.ceiling) - RENEW_SECONDS
            self._node.schedule.set(renew, max(ahead, now), self._renew)
        else:
            self._node.schedule.clear(renew)

    def _put_out_too_slow(self) -> None:
        limit = self._node.settings.slow_client_seconds
        reason = f"your connection took nothing for {limit:g} s"
        for viewing in self.fanout.too_slow(limit):
            if viewing.connection is None:
                continue
            self._node.meters.slow_clients += 1
            if isinstance(viewing, PlayerSession):
                self.visits.put_out(viewing.player, viewing.connection, ByeCode.TOO_SLOW, reason)
            else:
                self.watchers.put_out(viewing.connection, ByeCode.TOO_SLOW, reason)

    def _renew(self) -> None:
        if self.saver is not None and self.phase is RoomPhase.RUNNING:
            self.saver.renew()

    def _deliver(self) -> None:
        assert self.live is not None
        out = self.live.take()
        for frame in out.frames:
            self.fanout.patch(frame, [*self.visits.players, *self.watchers])
        for told in out.told:
            self._tell(told)
        for seat in out.seats:
            match seat:
                case SeatWanted(request, player, target, key):
                    number = self.visits.number_of(player)
                    self._node.seats.want(self, request, player, target, number, key)
                case SeatUnwanted(request):
                    self._seats.pop(request, None)
                    self._node.seats.unwant(self, request)
        for failure in out.failures:
            self._log_failure(failure)
        for outside in out.outside:
            self._run_outside(outside)
        for kicked in out.kicked:
            session = self.visits.players.get(kicked.player)
            if session is not None:
                if session.connection is not None:
                    session.connection.end(Bye(code=ByeCode.KICKED, reason=kicked.reason))
                self.visits.remove(session, "kicked")
        if self.saver is not None:
            for barrier in out.barriers:
                self.saver.barrier(barrier.id)
            if out.travelled:
                self.saver.poke(urgent=True)

    def _tell(self, told: Told) -> None:
        if told.player is None:
            self.fanout.event(told.message, [*self.visits.players, *self.watchers])
            return
        for player in (told.player,) if isinstance(told.player, str) else told.player:
            session = self.visits.players.get(player)
            if session is not None and session.connection is not None:
                session.connection.say(told.message)

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
        self._tasks[task] = None

        def done(task: asyncio.Task[Any]) -> None:
            self._tasks.pop(task, None)
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if self.live is None or self.phase is not RoomPhase.RUNNING:
                return
            value = None if error is not None else task.result()
            self.guarded(
                lambda live: live.outside_done(outside.id, self._clock.now(), value=value, error=error)
            )

        task.add_done_callback(done)

    # -- what the saver tells ------------------------------------------------------------------------------

    def departed(self, departures: list[Departure]) -> None:
        by_target: dict[str, list[Departure]] = {}
        for departure in departures:
            by_target.setdefault(departure.change.to_room, []).append(departure)
            assert departure.change.kind is ChangeKind.TRAVEL
            self._node.meters.travelled(OUT, departure.change.actor)
            player = player_of(departure.change.actor)
            if player is None:
                continue
            session = self.visits.forget(player)
            if self.live is not None:
                self.live.unwatch(player)
            seat = self._seats.pop(departure.change.seat, None)
            if session is not None and session.connection is not None:
                session.connection.end(
                    Travel(room=seat.room, url=seat.url, ticket=seat.ticket)
                    if seat is not None
                    else Rejoin(reason="your actor went to another room", room=departure.change.to_room)
                )
        for target, gone in by_target.items():
            wake = any(each.change.wake for each in gone)
            self._node.arrivals.departed(target, [each.record for each in gone], wake=wake)
        self._node.rooms.changed(self)

    def saving_broke(self, error: Exception) -> None:
        self.fail(f"saving broke: {error!r}; see the node's log")

    def saves(self, ok: bool, why: str) -> None:
        self.message = why
        self._node.rooms.changed(self)

    def saved(self) -> None:
        if self.phase is RoomPhase.RUNNING:
            self.pump()


def _rfc3339(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
