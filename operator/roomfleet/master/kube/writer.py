"""Writes what the core decided onto objects: records first, then phases and conditions, then counts.

Level-triggered: for each object it keeps the status that should be, and writes while the object says
otherwise; so a write that failed, was overtaken, or was undone by hand is made again. One write of an object
is in flight at a time, those of different objects together. Every write states the version that it is based
on: none can hide a change by somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import FleetStatus, RoomStatus
from roomfleet.master.kube.bucket import Bucket
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.client import Api, path_of
from roomfleet.master.kube.errors import ApiDown, ApiError, Conflict, NotAllowed, NotFound
from roomfleet.master.kube.gate import Gate
from roomfleet.master.shapes import accepted_conditions, fleet_status, room_status

log = logging.getLogger(__name__)

Json = dict[str, Any]

IN_FLIGHT = 8
"""Writes at once. 4 in flight doubled the rate over 1, 8 tripled it."""

STATUS_RATE = 300.0
"""Status writes a second, all objects together; records are not counted, players wait for those."""
STATUS_BURST = 300.0

COUNTS_SECONDS = 5.0
"""Counts of one object are written at most that often."""


@dataclass(slots=True)
class _Slot:
    """What is to be written onto one object."""

    record: Record | None = None
    wanted: RoomStatus | FleetStatus | None = None
    uid: str = ""
    """The object that `wanted` is about; empty: whichever."""
    dirty: bool = False
    busy: bool = False
    queued: bool = False
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
    ) -> None:
        """`recorded(record, outcome, version)` and `news(id, object)` are called from the event loop."""
        self._api, self._cache, self._gate = api, cache, gate
        self._recorded, self._news = recorded, news
        self._loop = asyncio.get_running_loop()
        self._slots: dict[Id, _Slot] = {}
        self._records: deque[Id] = deque()
        self._statuses: deque[Id] = deque()
        self._work = asyncio.Semaphore(0)
        self._bucket = Bucket(STATUS_RATE, STATUS_BURST, self._loop.time())
        self._workers: list[asyncio.Task[None]] = []
        self.written = 0
        """Requests that were carried out."""

    def start(self) -> None:
        self._workers = [
            self._loop.create_task(self._keep_working(), name=f"status writer {n}") for n in range(IN_FLIGHT)
        ]

    async def stop(self, seconds: float) -> None:
        """Write what still waits, for so long at most."""
        for id, slot in self._slots.items():
            if slot.timer is not None:
                slot.timer.cancel()
                self._enqueue(id, slot)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_written()
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    async def _all_written(self) -> None:
        while True:
            if not self.waiting or not self._gate.is_up:
                return
            await asyncio.sleep(0.02)

    @property
    def waiting(self) -> int:
        """Objects with something to write, or being written."""
        return sum(slot.dirty or slot.busy or slot.record is not None for slot in self._slots.values())

    # -- what should be ------------------------------------------------------------------------------------

    def record(self, id: Id, record: Record) -> None:
        """Write ahead, with the record's precondition. A later one replaces one that still waits."""
        slot = self._slot(id)
        slot.record = record
        slot.wanted, slot.uid = record.status, ""
        self._enqueue(id, slot)

    def want(self, id: Id, status: RoomStatus | FleetStatus, *, uid: str = "", urgent: bool) -> None:
        """That is what the object should say, from now on."""
        slot = self._slot(id)
        slot.wanted, slot.uid = status, uid
        slot.dirty = True
        now = self._loop.time()
        if urgent or now >= slot.counts_at:
            self._enqueue(id, slot)
        elif slot.timer is None:
            slot.timer = self._loop.call_at(slot.counts_at, self._due, id)

    def expect(self, id: Id, status: RoomStatus) -> None:
        """The status that an object was found with counts as wanted, as long as nothing else is."""
        slot = self._slot(id)
        if slot.wanted is None:
            slot.wanted = status

    def look(self, id: Id) -> None:
        """Somebody else changed the object: see whether it still says what it should."""
        slot = self._slot(id)
        slot.dirty = True
        self._enqueue(id, slot)

    def forget(self, id: Id) -> None:
        """The object is gone."""
        slot = self._slots.pop(id, None)
        if slot is None:
            return
        if slot.timer is not None:
            slot.timer.cancel()
        if slot.record is not None:
            self._recorded(slot.record, RecordOutcome.GONE, "")

    def _slot(self, id: Id) -> _Slot:
        slot = self._slots.get(id)
        if slot is None:
            slot = self._slots[id] = _Slot()
        return slot

    def _due(self, id: Id) -> None:
        slot = self._slots.get(id)
        if slot is not None:
            slot.timer = None
            self._enqueue(id, slot)

    def _enqueue(self, id: Id, slot: _Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        if slot.busy or (slot.queued and slot.record is None):
            return
        slot.queued = True
        (self._records if slot.record is not None else self._statuses).append(id)
        self._work.release()

    # -- writing -------------------------------------------------------------------------------------------

    async def _keep_working(self) -> None:
        while True:
            await self._work.acquire()
            id = self._records.popleft() if self._records else self._statuses.popleft()
            slot = self._slots.get(id)
            if slot is None or slot.busy or not slot.queued:
                continue
            slot.queued, slot.busy = False, True
            try:
                await self._work_on(id, slot)
            except Exception:
                # Its object is looked at again with the next event or list; the others go on.
                log.exception("writing the status of %s %s failed", *id)
                if slot.record is not None:
                    self._finish(slot, slot.record, RecordOutcome.FAILED)
            finally:
                slot.busy = False
            if self._slots.get(id) is slot and (slot.record is not None or slot.dirty):
                self._enqueue(id, slot)

    async def _work_on(self, id: Id, slot: _Slot) -> None:
        if slot.record is not None:
            await self._write_record(id, slot, slot.record)
            return
        while (wait := self._bucket.take(self._loop.time())) > 0:
            await asyncio.sleep(wait)
            if slot.record is not None:
                return
        slot.dirty = False
        if not await self._write_status(id, slot):
            slot.dirty = True

    async def _write_record(self, id: Id, slot: _Slot, record: Record) -> None:
        await self._gate.passed()
        obj = self._cache.get(id)
        if slot.record is not record:
            return  # another decision was made while this one waited
        if obj is None:
            self._finish(slot, record, RecordOutcome.GONE)
            return
        before, after = slot.own
        version = after if record.version == before else record.version
        try:
            written = await self._patch(id, obj, room_status(record.status, obj, _now()), version)
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
        self._cache.put(id, obj)
        status = obj.get("status") or {}
        ours = (status.get("epoch"), status.get("node")) == (record.status.epoch, record.status.node)
        if ours and status.get("phase") == record.status.phase.value:
            self._finish(slot, record, RecordOutcome.WRITTEN, obj)
            return
        self._news(id, obj)
        self._finish(slot, record, RecordOutcome.CONFLICT)

    def _finish(self, slot: _Slot, record: Record, outcome: RecordOutcome, obj: Json | None = None) -> None:
        if slot.record is record:
            slot.record = None
        if outcome is not RecordOutcome.WRITTEN:
            slot.wanted = None  # the core says anew what should be
        version = obj["metadata"]["resourceVersion"] if obj is not None else ""
        self._recorded(record, outcome, version)

    async def _write_status(self, id: Id, slot: _Slot) -> bool:
        """Bring the object's status in line. False: try again."""
        await self._gate.passed()
        obj, wanted = self._cache.get(id), slot.wanted
        if obj is None or slot.uid not in ("", obj["metadata"]["uid"]):
            return True
        before = obj.get("status") or {}
        after = _status(obj, wanted)
        if all(before.get(field) == value for field, value in after.items()):
            return True
        slot.counts_at = self._loop.time() + COUNTS_SECONDS
        version = obj["metadata"]["resourceVersion"]
        try:
            written = await self._patch(id, obj, after, version)
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

    async def _patch(self, id: Id, obj: Json, status: Json, version: str) -> Json:
        path = path_of(id.plural, id.key.game, id.key.name, "status")
        body = {"metadata": {"resourceVersion": version, "uid": obj["metadata"]["uid"]}, "status": status}
        written = await self._api.patch(path, body)
        self.written += 1
        self._cache.put(id, written)
        return written


def _status(obj: Json, wanted: RoomStatus | FleetStatus | None) -> Json:
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
    return {} if accepted is None else {"conditions": accepted}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
