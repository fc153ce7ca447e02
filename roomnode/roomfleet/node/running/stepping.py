"""When a room does its next step: called by the node's one heap of deadlines, only when it is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from roomfleet.node.running.clock import RENEW_SECONDS
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.wire.link import RoomPhase

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom


class Stepping:
    """The steps of one room, and the commits that let its time go on."""

    __slots__ = ("_loop", "_node", "_room")

    def __init__(self, room: HostedRoom, node: Surroundings) -> None:
        self._room = room
        self._node = node
        self._loop = asyncio.get_running_loop()

    def arm(self, *, behind: bool) -> None:
        """See when the room needs its next step. `behind`: a viewer waits for a snapshot."""
        room, schedule = self._room, self._node.schedule
        live, clock = room.live, room.clock
        assert live is not None
        # While a frame is on its way the next one is not made: its end brings the step for that.
        live.frames.wait = room.fanout.busy
        due = live.next_due()
        step, renew = ("step", room.name), ("renew", room.name)
        now = self._loop.time()
        if due is None and not behind:
            schedule.clear(step)
        elif clock.stands and room.saver is not None:
            # Room time waits at its ceiling: the commit that raises it brings the step.
            schedule.clear(step)
            room.saver.renew()
        else:
            tick = now + 1 / self._node.settings.ticks_per_second
            at = tick if due is None else max(now, clock.steady_at(due))
            schedule.set(step, min(at, tick) if behind else at, self._step)
        if due is not None or len(room.visits.players):
            ahead = clock.steady_at(clock.ceiling) - RENEW_SECONDS
            schedule.set(renew, max(ahead, now), self._renew)
        else:
            schedule.clear(renew)

    def close(self) -> None:
        """No step any more."""
        for key in ("step", "renew"):
            self._node.schedule.clear((key, self._room.name))

    def _step(self) -> None:
        room, meters = self._room, self._node.meters
        if room.live is None or room.phase is not RoomPhase.RUNNING:
            return
        room.live.frames.wait = room.fanout.busy
        meters.ticks += 1
        due = room.live.next_due()
        if due is not None:
            # Ticks that passed are skipped: what was due in them is done now, and seen in one frame.
            missed = int((room.now() - due) * self._node.settings.ticks_per_second)
            meters.missed_ticks += max(0, missed)
        room.guarded(lambda live: live.step(room.now(), self._node.wall()))

    def _renew(self) -> None:
        if self._room.saver is not None and self._room.phase is RoomPhase.RUNNING:
            self._room.saver.renew()
