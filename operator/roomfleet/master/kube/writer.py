"""Writes what the core decided onto objects: records first, then phases and conditions, then counts.

Level-triggered: for each object it keeps the status that should be, and writes while the object says
otherwise; so a write that failed, was overtaken, or was undone by hand is made again. One write of an object
is in flight at a time, those of different objects together.

An object that has something to be written stands in a lane (`lanes`), and what it is to say is looked up
when its turn comes: whatever changed meanwhile is one write. A turn is only taken when the write can go out
at once: the gate is open, a request may be made, and there is a token for it. Counts alone have a small
budget of their own, so that they cost the API server the same in a fleet of any size: the more rooms change,
the longer each one waits for its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import RoomStatus
from roomfleet.master.kube.bucket import Bucket
from roomfleet.master.kube.cache import Id
from roomfleet.master.kube.gate import Gate
from roomfleet.master.kube.lanes import Lane, Lanes
from roomfleet.master.kube.rooms import Change, RoomChanges
from roomfleet.master.kube.slots import Answer, Slot, lane_of
from roomfleet.master.kube.statuses import Fields, Status, StatusWrites

log = logging.getLogger(__name__)

IN_FLIGHT = 8
"""Writes at once. 4 in flight doubled the rate over 1, 8 tripled it."""

STATUS_RATE = 300.0
"""Status writes a second, all objects together; records are not counted, players wait for those."""
STATUS_BURST = 300.0

COUNTS_SECONDS = 5.0
"""Counts of one object are written at most that often."""
COUNTS_RATE = 30.0
"""Writes a second for counts alone, all objects together: up to 150 rooms whose players come and go are
written every 5 s, a thousand of them every 33 s.
"""
COUNTS_BURST = 60.0

CHUNK = 50
"""So many objects that prove to say what they should are looked at before others' work goes in between."""


class Writer:
    """All writes of status."""

    def __init__(
        self,
        gate: Gate,
        statuses: StatusWrites,
        recorded: Callable[[Record, RecordOutcome, str], None],
        changes: RoomChanges | None = None,
    ) -> None:
        """`recorded(record, outcome, version)` is called from the event loop."""
        self._gate, self._statuses, self._changes = gate, statuses, changes
        self._recorded = recorded
        self._loop = asyncio.get_running_loop()
        self._slots: dict[Id, Slot] = {}
        self._lanes: Lanes[Id] = Lanes(game=lambda id: id.key.game)
        self._some = asyncio.Event()
        self._free = asyncio.Semaphore(IN_FLIGHT)
        now = self._loop.time()
        self._status_bucket = Bucket(STATUS_RATE, STATUS_BURST, now)
        self._counts_bucket = Bucket(COUNTS_RATE, COUNTS_BURST, now)
        self._dispatcher: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self) -> None:
        self._dispatcher = self._loop.create_task(self._keep_dispatching(), name="status writer")

    async def stop(self, seconds: float) -> None:
        """Write what still waits, counts without their budget too, for so long at most."""
        self._stopping = True
        for id, slot in self._slots.items():
            self._schedule(id, slot)
        self._some.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_written()
        tasks = [*self._writes, *([self._dispatcher] if self._dispatcher is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for slot in self._slots.values():
            if slot.timer is not None:
                slot.timer.cancel()

    async def _all_written(self) -> None:
        while True:
            if not self.waiting or not self._gate.is_up:
                return
            await asyncio.sleep(0.02)

    @property
    def waiting(self) -> int:
        """Objects with something to write, or being written."""
        return sum(
            slot.dirty or slot.busy or slot.record is not None or slot.change is not None
            for slot in self._slots.values()
        )

    @property
    def lined_up(self) -> int:
        """Objects that stand in a lane: at once where `waiting` looks at every object."""
        return len(self._lanes)

    @property
    def busy(self) -> bool:
        """Whether more waits to be written than can go out at once."""
        return len(self._lanes) > IN_FLIGHT

    # -- what should be ------------------------------------------------------------------------------------

    def record(self, id: Id, record: Record) -> None:
        """Write ahead, with the record's precondition.

        A later one replaces one that still waits. The same one again is answered again if it was written,
        and else stays where it is, or moves forward when somebody waits for it now.
        """
        slot = self._slot(id)
        if slot.answer is not None and slot.answer.record == record:
            self._recorded(record, RecordOutcome.WRITTEN, slot.answer.version)
            return
        if slot.record != record:
            slot.wanted, slot.uid = record.status, record.uid
        slot.record = record
        self._schedule(id, slot)

    def change(self, id: Id, change: Change) -> None:
        """Make the Room, bind it, or delete it. A later change replaces one that still waits."""
        slot = self._slot(id)
        slot.change = change
        self._schedule(id, slot)

    def want(self, id: Id, status: Status, *, uid: str = "", urgent: bool) -> None:
        """That is what the object should say, from now on. `urgent`: more than counts changed."""
        slot = self._slot(id)
        slot.wanted, slot.uid = status, uid
        slot.dirty = True
        slot.urgent = slot.urgent or urgent
        self._schedule(id, slot)

    def expect(self, id: Id, status: RoomStatus) -> None:
        """The status that an object was found with counts as wanted, as long as nothing else is."""
        slot = self._slot(id)
        if slot.wanted is None:
            slot.wanted = status

    def look(self, id: Id) -> None:
        """Somebody else changed the object: see whether it still says what it should."""
        slot = self._slot(id)
        slot.dirty = slot.urgent = True
        self._schedule(id, slot)

    def forget(self, id: Id) -> None:
        """The object is gone."""
        slot = self._slots.pop(id, None)
        if slot is None:
            return
        self._lanes.remove(id)
        if slot.timer is not None:
            slot.timer.cancel()
        if slot.record is not None:
            record, slot.record = slot.record, None
            self._recorded(record, RecordOutcome.GONE, "")

    def _slot(self, id: Id) -> Slot:
        slot = self._slots.get(id)
        if slot is None:
            slot = self._slots[id] = Slot()
        return slot

    def _schedule(self, id: Id, slot: Slot) -> None:
        """Have the object stand in the lane where it belongs, or wait until its counts may be written."""
        if slot.busy:
            return  # seen to when that write is over
        now = self._loop.time()
        if slot.change is not None:
            lane = lane_of(slot.change)
        elif slot.record is not None:
            lane = Lane.AWAITED if slot.record.awaited else Lane.RECORD
        elif not slot.dirty:
            return
        elif slot.urgent:
            lane = Lane.STATUS
        elif now < slot.counts_at and not self._stopping:
            if slot.timer is None:
                slot.timer = self._loop.call_at(slot.counts_at, self._due, id, slot)
            return
        else:
            lane = Lane.COUNTS
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        self._lanes.add(id, lane, now)
        self._some.set()

    def _due(self, id: Id, slot: Slot) -> None:
        slot.timer = None
        self._schedule(id, slot)

    # -- whose turn it is ----------------------------------------------------------------------------------

    async def _keep_dispatching(self) -> None:
        looked = 0
        while True:
            await self._free.acquire()
            id = await self._next()
            slot = self._slots[id]
            write = self._begin(id, slot)
            if write is None:
                self._free.release()
                looked += 1
                if looked % CHUNK == 0:
                    await asyncio.sleep(0)
                continue
            slot.busy = True
            task = self._loop.create_task(self._carry_out(id, slot, write))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def _next(self) -> Id:
        """The object whose turn it is, when it can be written at once."""
        while True:
            wait: float | None = None
            if self._lanes:
                await self._gate.passed()
                now = self._loop.time()
                for_status = self._status_bucket.wait(now)
                for_counts = 0.0 if self._stopping else self._counts_bucket.wait(now)
                last = Lane.RECORD if for_status else Lane.STATUS if for_counts else Lane.COUNTS
                id = self._lanes.take(now, last)
                if id is not None:
                    return id
                if self._lanes:
                    wait = for_status if self._lanes.has(Lane.STATUS) else max(for_status, for_counts)
            self._some.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._some.wait()

    def _begin(self, id: Id, slot: Slot) -> Change | Record | Fields | None:
        """What is to be done: a change, a record, or fields of status to write; None: nothing."""
        if slot.change is not None:
            if lane_of(slot.change) is Lane.STATUS:
                self._status_bucket.take(self._loop.time())
            return slot.change
        if slot.record is not None:
            return slot.record
        urgent, slot.dirty, slot.urgent = slot.urgent, False, False
        fields = self._statuses.difference(id, slot.wanted, slot.uid)
        if fields is None:
            return None
        now = self._loop.time()
        self._status_bucket.take(now)
        if not urgent:
            self._counts_bucket.take(now)
        slot.counts_at = now + COUNTS_SECONDS
        return fields

    # -- writing -------------------------------------------------------------------------------------------

    async def _carry_out(self, id: Id, slot: Slot, write: Change | Record | Fields) -> None:
        try:
            await self._gate.passed()  # once more: the process may have stood still since it was chosen
            if isinstance(write, Change):
                await self._change(id, slot, write)
            elif isinstance(write, Record):
                recorded = await self._statuses.record(id, write, slot.own)
                if recorded is not None:
                    self._finish(slot, write, *recorded)
            else:
                await self._write(id, slot, write)
        except Exception:
            # Its object is looked at again with the next event or list; the others go on.
            log.exception("writing the status of %s %s failed", *id)
            if slot.change is write:
                slot.change = None
            if isinstance(write, Record):
                self._finish(slot, write, RecordOutcome.FAILED, "")
        finally:
            slot.busy = False
            self._free.release()
        if self._slots.get(id) is slot:
            self._schedule(id, slot)

    async def _change(self, id: Id, slot: Slot, change: Change) -> None:
        if self._changes is None:
            return
        own = await self._changes.carry_out(id, change, slot.own)
        if own is not None:
            slot.own = own
            if slot.change is change:
                slot.change = None

    async def _write(self, id: Id, slot: Slot, fields: Fields) -> None:
        own = await self._statuses.write(id, fields, slot.own)
        if own is None:
            slot.dirty = slot.urgent = True
        else:
            slot.own = own

    def _finish(self, slot: Slot, record: Record, outcome: RecordOutcome, version: str) -> None:
        """Answer the record, unless another one took its place meanwhile or its object is gone."""
        if slot.record != record:
            return
        slot.record = None
        if outcome is RecordOutcome.WRITTEN:
            slot.answer = Answer(record, version)
        else:
            slot.wanted = None  # the core says anew what should be
        self._recorded(record, outcome, version)
