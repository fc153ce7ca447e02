"""One room of the node, from its start to its end, and what keeps it together in between.

The room itself is pure (`roomfleet.game.live`). Around it: `stepping` gives it time, `visits` players,
`saver` a store; `delivering` carries out what it puts out, `departing` sends on who leaves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from roomfleet.game.live import LiveRoom
from roomfleet.node.measuring.meters import IN
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.running.delivering import Delivering
from roomfleet.node.running.starting import CannotStart, start
from roomfleet.node.running.stepping import Stepping
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.saving.batches import Departure
from roomfleet.node.saving.saver import Saver
from roomfleet.node.serving.fanout import FanOut
from roomfleet.node.travelling.departing import Departing
from roomfleet.node.travelling.tickets import WaysOn
from roomfleet.node.visiting.visits import Visits
from roomfleet.node.visiting.watchers import Watchers
from roomfleet.store import (
    ActorRecord,
    Fenced,
    OutcomeUnknown,
    Session,
    name_of,
)
from roomfleet.wire.link import DesiredRoom, MovedRoom, Report, RoomPhase
from roomfleet.wire.names import player_of
from roomfleet.wire.session import Bye, ByeCode, Rejoin, Snapshot
from roomfleet.wire.spec import RoomSpec

log = logging.getLogger(__name__)


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
        self.departing = Departing(self, node)
        self.clock = RoomClock(self._loop.time, 0.0, 0.0)
        self._stepping = Stepping(self, node)
        self._delivering = Delivering(self, node)
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
            started = await start(
                self._node, self.name, epoch=self.epoch, uid=self.uid, spec=self.spec, pause=self._pause
            )
        except CannotStart as why:
            self._over(why.phase, str(why), why.found_epoch)
            return
        self.session, self.live, self.clock = started.session, started.live, started.clock
        self.saver = Saver(
            game=self._node.game.name,
            session=self.session,
            live=self.live,
            clock=self.clock,
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
        self._arrive(started.arriving)
        if started.first or self.live.dirty:
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
        ways: WaysOn | None = None
        if to is not None and last is None and self.saver is not None:
            # Beforehand what would take long while the room stands still.
            ways = await self._node.tickets.ways_on(
                [each.player for each in self.visits.players], self.name, to
            )
            await self.saver.flush()
        if not self.over:
            await self._close(last, reason, ways)

    async def _close(self, last: Bye | None, reason: str, ways: WaysOn | None = None) -> None:
        assert self.live is not None
        assert self.saver is not None
        self.phase = RoomPhase.STOPPING
        self.frozen_at = self._node.wall()
        self._node.rooms.changed(self)
        followers = self.visits.send_on() if ways is not None else []
        self._send_all_away(last or Rejoin(reason=reason, room=self.name))
        try:
            exact = self.clock.now()
            self.live.stop(exact, players_stay=ways is not None)
            self._delivering.deliver(self.live.take())
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
            self.live.stop(self.clock.now())
            self._delivering.deliver(self.live.take())
        except Exception:
            log.exception("the scripts of room %s could not be closed well", self.name)

    def _over(self, phase: RoomPhase, message: str, found_epoch: int | None = None) -> None:
        if self.over:
            return
        self._over_now = True
        if self._ended is not None:
            self._ended.set()
        self.phase, self.message, self.found_epoch = phase, message, found_epoch
        self._stepping.close()
        self.visits.close()
        if self.saver is not None:
            self.saver.close()
        self.fanout.close()
        self._delivering.close()
        self.departing.forget()
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
            seated=visits.take_seated(again=again),
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
            self.guarded(lambda live: live.call(player, call, method, args, self.clock.now()))

    def now(self) -> float:
        """Room time, s."""
        return self.clock.now()

    def snapshot(self, viewer: str) -> Snapshot:
        """All that this viewer may see, now."""
        assert self.live is not None
        return self.live.snapshot(viewer, self.clock.now())

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
        self.guarded(lambda live: live.arrive(arrivals, self.clock.now()), pump=False)
        for actor, _, _ in arrivals:
            self._node.meters.travelled(IN, actor)
            player = player_of(actor)
            # One whose class cannot be had is not live: it stays saved.
            if player is not None and self.visits.players.get(player) is None and player in self.live.players:
                self.visits.expect(player)

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

    def pump(self) -> None:
        """Carry out what the room put out, and see when it needs its next step."""
        if self.live is None or self.phase not in (RoomPhase.RUNNING, RoomPhase.STARTING):
            return
        self._delivering.deliver(self.live.take())
        if self.over:
            return  # what was delivered broke it
        if self.saver is not None:
            self.saver.poke()
        behind = self._delivering.catch_up()
        if not self.over:
            self._stepping.arm(behind=behind)

    # -- what the saver tells ------------------------------------------------------------------------------

    def departed(self, departures: list[Departure]) -> None:
        self.departing.departed(departures)
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
