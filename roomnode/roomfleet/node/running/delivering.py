"""What a live room puts out, carried out: frames, words to players, seats, kicks, saves, work outside."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from roomfleet.game.outbox import Outbox, Outside, ScriptFailure, SeatUnwanted, SeatWanted, Told
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.visiting.players import PlayerSession
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.session import Bye, ByeCode, Snapshot

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom

log = logging.getLogger(__name__)


class Delivering:
    """Delivers for one room, and holds the coroutines that its scripts run outside."""

    __slots__ = ("_node", "_outside", "_room")

    def __init__(self, room: HostedRoom, node: Surroundings) -> None:
        self._room = room
        self._node = node
        self._outside: dict[asyncio.Task[Any], None] = {}

    def deliver(self, out: Outbox) -> None:
        """All of it, in an order in which nobody hears of what is not there yet."""
        room = self._room
        for frame in out.frames:
            room.fanout.patch(frame, [*room.visits.players, *room.watchers])
        for told in out.told:
            self._tell(told)
        for seat in out.seats:
            match seat:
                case SeatWanted(request, player, target, key):
                    room.departing.want(request, player, target, key)
                case SeatUnwanted(request):
                    room.departing.unwant(request)
        for failure in out.failures:
            self._log_failure(failure)
        for outside in out.outside:
            self._run_outside(outside)
        for kicked in out.kicked:
            session = room.visits.players.get(kicked.player)
            if session is not None:
                if session.connection is not None:
                    session.connection.end(Bye(code=ByeCode.KICKED, reason=kicked.reason))
                room.visits.remove(session, "kicked")
        if room.saver is not None:
            for barrier in out.barriers:
                room.saver.barrier(barrier.id)
            if out.travelled:
                room.saver.poke(urgent=True)

    def catch_up(self) -> bool:
        """Snapshots to those who were behind and drained; whether others still are. Who takes nothing for too
        long is put out."""
        behind = self._room.fanout.catch_up(self._fresh)
        if behind:
            self._put_out_too_slow()
        return behind

    def close(self) -> None:
        """The room is over: what runs outside is of no use."""
        for task in self._outside:
            task.cancel()

    def _fresh(self, viewer: str) -> Snapshot | None:
        """A snapshot for one who is behind; None where a player's actor has left already."""
        live = self._room.live
        assert live is not None
        if self._room.visits.players.get(viewer) is not None and live.player_actor(viewer) is None:
            return None
        return self._room.snapshot(viewer)

    def _put_out_too_slow(self) -> None:
        limit = self._node.settings.slow_client_seconds
        reason = f"your connection took nothing for {limit:g} s"
        for viewing in self._room.fanout.too_slow(limit):
            if viewing.connection is None:
                continue
            self._node.meters.slow_clients += 1
            if isinstance(viewing, PlayerSession):
                self._room.visits.put_out(viewing.player, viewing.connection, ByeCode.TOO_SLOW, reason)
            else:
                self._room.watchers.put_out(viewing.connection, ByeCode.TOO_SLOW, reason)

    def _tell(self, told: Told) -> None:
        room = self._room
        if told.player is None:
            room.fanout.event(told.message, [*room.visits.players, *room.watchers])
            return
        for player in (told.player,) if isinstance(told.player, str) else told.player:
            session = room.visits.players.get(player)
            if session is not None and session.connection is not None:
                session.connection.say(told.message)

    def _log_failure(self, failure: ScriptFailure) -> None:
        again = "" if failure.restarts_in is None else f"; it starts again in {failure.restarts_in:g} s"
        log.warning(
            "room %s, actor %s: %s failed: %s%s\n%s",
            self._room.name,
            failure.actor,
            failure.script,
            failure.error,
            again,
            failure.traceback,
        )

    def _run_outside(self, outside: Outside) -> None:
        room = self._room
        task = asyncio.get_running_loop().create_task(outside.coroutine, name=f"outside {room.name}")
        self._outside[task] = None

        def done(task: asyncio.Task[Any]) -> None:
            self._outside.pop(task, None)
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if room.live is None or room.phase is not RoomPhase.RUNNING:
                return
            value = None if error is not None else task.result()
            room.guarded(lambda live: live.outside_done(outside.id, room.now(), value=value, error=error))

        task.add_done_callback(done)
