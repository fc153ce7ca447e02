"""The core's adapter in a cluster: what the API server says becomes events, effects become writes.

kopf's watches feed `seen`. Beside them, complete lists at the start, every few minutes, and whenever a watch
began anew find what no watch reports: deletions in a gap (kopf 1.45 relists without saying what is gone).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from roomfleet.master.core.effects import (
    Announce,
    BindRoom,
    CreateNode,
    CreateRoom,
    DeleteNode,
    DeleteRoomObject,
    Record,
    WriteFleetStatus,
    WriteStatus,
    WriteTemplateStatus,
)
from roomfleet.master.core.events import (
    Event,
    FleetDeleted,
    Listed,
    Recorded,
    RecordOutcome,
    RoomApplied,
    RoomDeleted,
    Synced,
    TemplateDeleted,
)
from roomfleet.master.core.model import Key
from roomfleet.master.kube.announcer import Announcer
from roomfleet.master.kube.cache import Cache, Id, id_of, is_going
from roomfleet.master.kube.client import Api, path_of
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Expired, NotAllowed, NotServed
from roomfleet.master.kube.gate import Gate
from roomfleet.master.kube.rooms import INSTANCED, RoomChanges
from roomfleet.master.kube.statuses import StatusWrites
from roomfleet.master.kube.writer import Writer
from roomfleet.master.shapes import fleet_applied, read_status, room_applied, template_applied
from roomfleet.wire.spec import RoomSpec

log = logging.getLogger(__name__)

Json = dict[str, Any]

ROOMS, FLEETS = "rooms", "roomfleets"
KINDS = (FLEETS, INSTANCED, ROOMS)
"""Fleets first: rooms that are told before their fleet would wait for it."""

LIST_EVERY_SECONDS = 120.0
"""A complete list finds what the watches missed."""

TOGETHER_SECONDS = 0.05
"""The watches of all kinds begin anew at about the same time: one list is made for that."""

STALE_SECONDS = 3 * LIST_EVERY_SECONDS
"""When the last complete list is older, the master does not know what it manages: /healthz says so."""

UNSERVED_SECONDS = 0.25
"""How soon the list is tried again when the server does not serve our kinds, or forgot where it was."""

CONFLICT_SECONDS = 0.5
"""A record that the server refuses for a conflict though the object is as it was is made again after that."""

STOP_SECONDS = 3.0
"""What still waits at the end is written within that."""


class KubeFleet:
    """Carries out what the core wants done to objects, and tells it what becomes of them."""

    def __init__(
        self,
        api: Api,
        gate: Gate,
        namespaces: tuple[str, ...],
        identity: str,
        handle: Callable[[Event], None],
        echoes: Echoes,
    ) -> None:
        """`namespaces`: those to look after; none: all of the cluster."""
        self._api, self._gate = api, gate
        self._namespaces = namespaces or ("",)
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self.cache = Cache()
        changes = RoomChanges(api, self.cache, gate, echoes, handle=handle, news=self._tell, gone=self._gone)
        self.statuses = StatusWrites(api, self.cache, gate, echoes, news=self._tell)
        self.writer = Writer(gate, self.statuses, self._was_recorded, changes)
        self._announcer = Announcer(api, gate, identity, lambda: self.writer.busy)
        self._wake = asyncio.Event()
        self._burst: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._listed_at = self._loop.time()
        self._asked_for: set[Key] = set()
        self._again: dict[Id, asyncio.TimerHandle] = {}
        self.synced = asyncio.Event()

    def start(self) -> None:
        """List everything, tell the core, and keep in step."""
        self.writer.start()
        self._announcer.start()
        self._task = self._loop.create_task(self._keep_listing(), name="complete lists")

    async def stop(self) -> None:
        """Hear no more, and write what still waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for timer in (self._burst, *self._again.values()):
            if timer is not None:
                timer.cancel()
        await self._announcer.stop()
        await self.writer.stop(STOP_SECONDS)

    def trouble(self) -> str:
        """What is wrong with keeping in step, though the API server answers; empty when nothing is.

        While it is away a restart would help nobody, and turn players away from rooms that run.
        """
        age = self._loop.time() - self._listed_at
        stale = age > STALE_SECONDS and self._gate.is_up
        return f"the objects were last listed {age:.0f} s ago" if stale else ""

    def look_now(self) -> None:
        """Make a complete list at once."""
        self._wake.set()

    def watched_anew(self) -> None:
        """A watch has begun with a list, which does not say what was deleted before: make one to compare."""
        if self._burst is not None:
            self._burst.cancel()
        self._burst = self._loop.call_later(TOGETHER_SECONDS, self.look_now)

    # -- objects to events ---------------------------------------------------------------------------------

    def seen(self, plural: str, change: str | None, obj: Json) -> None:
        """What a watch reports: ADDED, MODIFIED or DELETED."""
        id = id_of(plural, obj)
        if change == "DELETED" or is_going(obj):
            if self.cache.drop(id, obj["metadata"]["uid"]):
                self._gone(id, obj)
        elif self.cache.put(id, obj):
            self._changed(id, obj)

    def _changed(self, id: Id, obj: Json) -> None:
        """Somebody else made or changed the object."""
        self._tell(id, obj)
        if id.plural == ROOMS and (obj.get("status") or {}).get("phase"):
            self.writer.expect(id, read_status(obj["status"]))
        self.writer.look(id)

    def _tell(self, id: Id, obj: Json) -> None:
        if id.plural == ROOMS:
            self._handle(self._room(id, obj))
        elif id.plural == FLEETS:
            try:
                self._handle(fleet_applied(id.key, obj))
            except msgspec.ValidationError as error:
                log.error("RoomFleet %s is not understood, it is left as it was: %s", id.key, error)
        elif id.plural == INSTANCED:
            try:
                self._handle(template_applied(id.key, obj))
            except msgspec.ValidationError as error:
                log.error("InstancedRoom %s is not understood, it is left as it was: %s", id.key, error)

    def _room(self, id: Id, obj: Json) -> RoomApplied:
        try:
            return room_applied(id.key, obj)
        except msgspec.ValidationError as error:
            # Only with a CRD that is not this version's. The room says it; the others go on.
            metadata = obj["metadata"]
            return RoomApplied(
                key=id.key,
                uid=metadata["uid"],
                generation=metadata["generation"],
                version=metadata["resourceVersion"],
                spec=RoomSpec(map=""),
                entry=False,
                status=read_status({}),
                problem=f"this Room is not understood: {error}: apply the CRDs of this version",
            )

    def _gone(self, id: Id, obj: Json) -> None:
        self.writer.forget(id)
        if id.plural == ROOMS:
            self._handle(RoomDeleted(id.key, obj["metadata"]["uid"]))
        elif id.plural == FLEETS:
            self._handle(FleetDeleted(id.key))
        elif id.plural == INSTANCED:
            self._handle(TemplateDeleted(id.key, obj["metadata"]["uid"]))

    async def _keep_listing(self) -> None:
        unserved = False
        while True:
            self._wake.clear()
            try:
                for plural in KINDS:
                    for namespace in self._namespaces:
                        await self._list(plural, namespace)
            except NotServed as error:
                if not unserved:
                    log.warning("apply the CRDs, unless the API server has just started: %s", error)
                unserved = True
                await asyncio.sleep(UNSERVED_SECONDS)
                continue
            except (ApiDown, NotAllowed) as error:
                self._gate.trouble(error)
            except Expired:
                await asyncio.sleep(UNSERVED_SECONDS)
                continue  # the list took too long for the server: begin anew
            except ApiError as error:
                log.warning("cannot list the objects, trying again: %s", error)
                await asyncio.sleep(1.0)
                continue
            else:
                unserved = False
                self._listed_at = self._loop.time()
                for game in {id.key.game for id in self.cache}:
                    self._handle(Listed(game))
                if not self.synced.is_set():
                    self.synced.set()
                    gc.freeze()  # searching all of them for garbage would stop everything for a while
                    log.info("%d objects", len(self.cache))
                    self._handle(Synced())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LIST_EVERY_SECONDS if self._gate.is_up else None):
                    await self._wake.wait()

    async def _list(self, plural: str, namespace: str) -> None:
        listing = self.cache.listing()
        try:
            found, version = await self._api.list(path_of(plural, namespace))
            news, gone = self.cache.compare(plural, namespace, found, version, listing)
        finally:
            self.cache.end(listing)
        for id, obj in gone:
            log.info("%s %s is gone, found by a list", id.plural, id.key)
            self._gone(id, obj)
        for n, (id, obj) in enumerate(news):
            self._changed(id, obj)
            if n % 100 == 99:
                await asyncio.sleep(0)  # players and nodes are served in between

    # -- effects to objects --------------------------------------------------------------------------------

    def record(self, effect: Record) -> None:
        id = Id(ROOMS, effect.key)
        if (again := self._again.pop(id, None)) is not None:
            again.cancel()
        self.writer.record(id, effect)

    def _was_recorded(self, record: Record, outcome: RecordOutcome, version: str) -> None:
        id = Id(ROOMS, record.key)
        obj = self.cache.get(id)
        if (
            outcome is RecordOutcome.CONFLICT
            and obj is not None
            and obj["metadata"]["resourceVersion"] == record.version
        ):
            # Nobody has changed it, there is nothing to decide anew: the server itself was in the way. The
            # core would wait ever longer, up to a minute, and a player with it.
            self._again[id] = self._loop.call_later(CONFLICT_SECONDS, self.record, record)
            return
        # Not from within the core's own step.
        self._loop.call_soon(self._handle, Recorded(record, outcome, version))

    def write_status(self, effect: WriteStatus) -> None:
        self.writer.want(Id(ROOMS, effect.key), effect.status, uid=effect.uid, urgent=effect.urgent)

    def write_fleet_status(self, effect: WriteFleetStatus) -> None:
        self.writer.want(
            Id(FLEETS, effect.key), effect.status, urgent=True
        )  # the core coalesces counts of fleets

    def write_template_status(self, effect: WriteTemplateStatus) -> None:
        id = Id(INSTANCED, effect.key)
        self.writer.want(id, effect.status, uid=effect.uid, urgent=effect.urgent)

    def create_room(self, effect: CreateRoom) -> None:
        self.writer.change(Id(ROOMS, effect.key), effect)

    def bind_room(self, effect: BindRoom) -> None:
        self.writer.change(Id(ROOMS, effect.key), effect)

    def delete_room(self, effect: DeleteRoomObject) -> None:
        self.writer.change(Id(ROOMS, effect.key), effect)

    def announce(self, effect: Announce) -> None:
        level = logging.WARNING if effect.warning else logging.DEBUG  # objects and events say it all
        log.log(level, "room %s: %s: %s", effect.key, effect.reason, effect.message)
        obj = self.cache.get(Id(ROOMS, effect.key))
        if obj is not None:
            self._announcer.announce(effect, obj["metadata"]["uid"])

    def create_node(self, effect: CreateNode) -> None:
        if effect.node not in self._asked_for:
            self._asked_for.add(effect.node)
            log.warning(
                "fleet %s/%s needs node %s: start it with roomfleet node --name %s --fleet %s",
                effect.node.game,
                effect.fleet,
                effect.node.name,
                effect.node.name,
                effect.fleet,
            )

    def delete_node(self, effect: DeleteNode) -> None:
        self._asked_for.discard(effect.node)  # it ends by itself: it was told to drain over its link
