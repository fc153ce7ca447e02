"""Writes what the core decided onto objects: records first, then phases and conditions, then counts.

Level-triggered: for each object it keeps the status that should be, and writes while the object says
otherwise; so a write that failed, was overtaken, or was undone by hand is made again. One write of an object
is in flight at a time, those of different objects together. Every write states the version that it is based
on: none can hide a change by somebody else.

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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from roomfleet.master.core.effects import CreateRoom, DeleteRoomObject, Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import FleetStatus, RoomStatus, TemplateStatus
from roomfleet.master.core.queueing.counted import Writes
from roomfleet.master.kube.bucket import Bucket
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.client import Api, path_of
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Conflict, NotAllowed, NotFound
from roomfleet.master.kube.gate import Gate
from roomfleet.master.kube.lanes import Lane, Lanes
from roomfleet.master.kube.rooms import Change, RoomChanges
from roomfleet.master.shapes import accepted_conditions, fleet_status, room_status, template_status

log = logging.getLogger(__name__)

Json = dict[str, Any]

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

UNCHECKED = "?fieldValidation=Ignore"
"""The API server need not look for fields that its CRD does not know: nobody would read that answer."""

CHUNK = 50
"""So many objects that prove to say what they should are looked at before others' work goes in between."""


Status = RoomStatus | FleetStatus | TemplateStatus


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of a record that was written."""

    record: Record
    version: str


@dataclass(slots=True)
class _Slot:
    """What is to be written onto one object."""

    record: Record | None = None
    answer: _Answer | None = None
    wanted: Status | None = None
    change: Change | None = None
    """To be made, bound or deleted: before anything else of the object is written."""
    uid: str = ""
    """The object that `wanted` is about; empty: whichever."""
    dirty: bool = False
    urgent: bool = False
    """More than counts may differ."""
    busy: bool = False
    counts_at: float = 0.0
    timer: asyncio.TimerHandle | None = None
    own: tuple[str, str] = ("", "")
    """The last write of ours: from which version to which."""


class Writer:
    """All writes of status."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        gate: Gate,
        recorded: Callable[[Record, RecordOutcome, str], None],
        news: Callable[[Id, Json], None],
        echoes: Echoes,
        changes: RoomChanges | None = None,
    ) -> None:
        """`recorded(record, outcome, version)` and `news(id, object)` are called from the event loop."""
        self._api, self._cache, self._gate, self._echoes = api, cache, gate, echoes
        self._recorded, self._news = recorded, news
        self._changes = changes
        self._loop = asyncio.get_running_loop()
        self._slots: dict[Id, _Slot] = {}
        self._lanes: Lanes[Id] = Lanes(game=lambda id: id.key.game)
        self._some = asyncio.Event()
        self._free = asyncio.Semaphore(IN_FLIGHT)
        now = self._loop.time()
        self._status_bucket = Bucket(STATUS_RATE, STATUS_BURST, now)
        self._counts_bucket = Bucket(COUNTS_RATE, COUNTS_BURST, now)
        self._dispatcher: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.writes = Writes()

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

    def _slot(self, id: Id) -> _Slot:
        slot = self._slots.get(id)
        if slot is None:
            slot = self._slots[id] = _Slot()
        return slot

    def _schedule(self, id: Id, slot: _Slot) -> None:
        """Have the object stand in the lane where it belongs, or wait until its counts may be written."""
        if slot.busy:
            return  # seen to when that write is over
        now = self._loop.time()
        if slot.change is not None:
            lane = _lane_of(slot.change)
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

    def _due(self, id: Id, slot: _Slot) -> None:
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

    def _begin(self, id: Id, slot: _Slot) -> Change | Record | Json | None:
        """What is to be done: a change, a record, or fields of status to write; None: nothing."""
        if slot.change is not None:
            if _lane_of(slot.change) is Lane.STATUS:
                self._status_bucket.take(self._loop.time())
            return slot.change
        if slot.record is not None:
            return slot.record
        urgent, slot.dirty, slot.urgent = slot.urgent, False, False
        status = self._difference(id, slot)
        if status is None:
            return None
        now = self._loop.time()
        self._status_bucket.take(now)
        if not urgent:
            self._counts_bucket.take(now)
        slot.counts_at = now + COUNTS_SECONDS
        return status

    def _difference(self, id: Id, slot: _Slot) -> Json | None:
        """The status that the object should have, if it says anything else."""
        obj = self._cache.get(id)
        if obj is None or slot.uid not in ("", obj["metadata"]["uid"]):
            return None
        before = obj.get("status") or {}
        after = _status(obj, slot.wanted)
        same = all(before.get(field) == value for field, value in after.items())
        return None if same else after

    # -- writing -------------------------------------------------------------------------------------------

    async def _carry_out(self, id: Id, slot: _Slot, write: Change | Record | Json) -> None:
        try:
            await self._gate.passed()  # once more: the process may have stood still since it was chosen
            if isinstance(write, Change):
                await self._change(id, slot, write)
            elif isinstance(write, Record):
                await self._write_record(id, slot, write)
            elif not await self._write_status(id, slot, write):
                slot.dirty = slot.urgent = True
        except Exception:
            # Its object is looked at again with the next event or list; the others go on.
            log.exception("writing the status of %s %s failed", *id)
            if slot.change is write:
                slot.change = None
            if isinstance(write, Record):
                self._finish(slot, write, RecordOutcome.FAILED)
        finally:
            slot.busy = False
            self._free.release()
        if self._slots.get(id) is slot:
            self._schedule(id, slot)

    async def _change(self, id: Id, slot: _Slot, change: Change) -> None:
        if self._changes is None:
            return
        own = await self._changes.carry_out(id, change, slot.own)
        if own is not None:
            slot.own = own
            if slot.change is change:
                slot.change = None

    async def _write_record(self, id: Id, slot: _Slot, record: Record) -> None:
        obj = self._cache.get(id)
        if obj is None or obj["metadata"]["uid"] != record.uid:
            self._finish(slot, record, RecordOutcome.GONE)
            return
        before, after = slot.own
        version = after if record.version == before else record.version
        try:
            written = await self._put(id, obj, room_status(record.status, obj, _now()), version)
        except Conflict:
            await self._resolve(id, slot, record)
        except NotFound:
            self._finish(slot, record, RecordOutcome.GONE)
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)  # written or not, the precondition says at the next attempt
        except ApiError as error:
            log.error("cannot record the place of %s: %s", id.key, error)
            self._finish(slot, record, RecordOutcome.FAILED)
        else:
            self._cache.put(id, written)
            self._finish(slot, record, RecordOutcome.WRITTEN, written)

    async def _resolve(self, id: Id, slot: _Slot, record: Record) -> None:
        """The object has changed: by an attempt of ours whose answer got lost, or by somebody else."""
        try:
            obj = await self._api.get(path_of(id.plural, id.key.game, id.key.name))
        except NotFound:
            self._finish(slot, record, RecordOutcome.GONE)
            return
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return
        fresh = self._cache.put(id, obj)
        status = obj.get("status") or {}
        ours = (status.get("epoch"), status.get("node")) == (record.status.epoch, record.status.node)
        if ours and status.get("phase") == record.status.phase.value:
            self._finish(slot, record, RecordOutcome.WRITTEN, obj)
            return
        if fresh:
            self._news(id, obj)
        self._finish(slot, record, RecordOutcome.CONFLICT)

    def _finish(self, slot: _Slot, record: Record, outcome: RecordOutcome, obj: Json | None = None) -> None:
        """Answer the record, unless another one took its place meanwhile or its object is gone."""
        if slot.record != record:
            return
        slot.record = None
        version = obj["metadata"]["resourceVersion"] if obj is not None else ""
        if outcome is RecordOutcome.WRITTEN:
            slot.answer = _Answer(record, version)
        else:
            slot.wanted = None  # the core says anew what should be
        self._recorded(record, outcome, version)

    async def _write_status(self, id: Id, slot: _Slot, status: Json) -> bool:
        """Bring the object's status in line. False: try again."""
        obj = self._cache.get(id)
        if obj is None:
            return True
        version = obj["metadata"]["resourceVersion"]
        try:
            written = await self._put(id, obj, status, version)
        except Conflict:
            return await self._refresh(id)
        except NotFound:
            return True  # the watch or the next list tells
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return False
        except ApiError as error:
            log.error("cannot write the status of %s %s: %s", id.plural, id.key, error)
            return True
        slot.own = (version, written["metadata"]["resourceVersion"])
        if self._cache.put(id, written):
            self._news(id, written)
        return True

    async def _refresh(self, id: Id) -> bool:
        """See what the object is now. Always False: the write is to be tried again."""
        try:
            obj = await self._api.get(path_of(id.plural, id.key.game, id.key.name))
        except NotFound:
            return True
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return False
        if self._cache.put(id, obj):
            self._news(id, obj)
        return False

    async def _put(self, id: Id, obj: Json, fields: Json, version: str) -> Json:
        """Replace the status; what `fields` do not name stays, and what they say is None goes."""
        path = path_of(id.plural, id.key.game, id.key.name, "status")
        status = {**(obj.get("status") or {}), **fields}
        body = {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "metadata": {
                "namespace": id.key.game,
                "name": id.key.name,
                "uid": obj["metadata"]["uid"],
                "resourceVersion": version,
            },
            "status": {field: value for field, value in status.items() if value is not None},
        }
        begun = self._loop.time()
        try:
            written = await self._api.replace(path + UNCHECKED, body)
        except ApiError as error:
            self.writes.failed(conflict=isinstance(error, Conflict), gone=isinstance(error, NotFound))
            raise
        self.writes.written(self._loop.time() - begun)
        self._echoes.wrote(written["metadata"]["resourceVersion"])
        return written


def _lane_of(change: Change) -> Lane:
    """Somebody waits for an instance with a key; warm ones, and those that go, have time."""
    has_time = isinstance(change, DeleteRoomObject) or (
        isinstance(change, CreateRoom) and change.instance_key is None
    )
    return Lane.STATUS if has_time else Lane.AWAITED


def _status(obj: Json, wanted: Status | None) -> Json:
    """The status to write; None removes a field."""
    now = _now()
    accepted = accepted_conditions(obj, now)
    if accepted is not None:
        obj = {**obj, "status": {**(obj.get("status") or {}), "conditions": accepted}}
    match wanted:
        case RoomStatus():
            return room_status(wanted, obj, now)
        case FleetStatus():
            return fleet_status(wanted, obj, now)
        case TemplateStatus():
            return template_status(wanted, obj, now)
    return {} if accepted is None else {"conditions": accepted}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
