"""The core's adapter on a laptop: Room objects in a folder, nodes as child processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

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
    RoomBound,
    RoomCreated,
    RoomDeleted,
    Synced,
    TemplateDeleted,
)
from roomfleet.master.core.model import Key
from roomfleet.master.local.children import Children
from roomfleet.master.local.errors import AlreadyExists, ApiError, Conflict, NotFound
from roomfleet.master.local.files import StorageError
from roomfleet.master.local.objects import Objects, Precondition
from roomfleet.master.local.statuses import Statuses
from roomfleet.master.local.table import Change
from roomfleet.master.local.table import Event as ObjectEvent
from roomfleet.master.shapes import (
    accepted_conditions,
    binding_patch,
    child_room,
    fleet_applied,
    fleet_status,
    is_bound,
    room_applied,
    room_status,
    template_applied,
    template_status,
)

log = logging.getLogger(__name__)

ROOMS = "rooms"
FLEETS = "roomfleets"
INSTANCED = "instancedrooms"
MANAGER = "master"
"""Field manager of the Rooms that the master makes."""


class LocalFleet:
    """Carries out what the core wants done to objects and nodes, and tells it what becomes of them."""

    def __init__(self, objects: Objects, handle: Callable[[Event], None], list_seconds: float) -> None:
        """Every object is known here at all times: that the list is complete is said every `list_seconds`."""
        self.closing = False
        """Set at the end: nothing is placed and no node is made any more."""
        self.statuses = Statuses(objects)
        self._objects = objects
        self._handle = handle
        self._children: Children | None = None
        self._loop = asyncio.get_running_loop()
        self._unsubscribe: Callable[[], None] | None = None
        self._list_seconds = list_seconds
        self._listing: asyncio.TimerHandle | None = None

    def start(self, children: Children) -> None:
        """Tell the core every object there is, and from then on every change."""
        self._children = children
        self._unsubscribe = self._objects.subscribe(self._changed)
        for fleet in self._objects.list(FLEETS):
            self._tell(FLEETS, fleet)
        for plural in (INSTANCED, ROOMS):
            for obj in self._objects.list(plural):
                self._tell(plural, obj)
        for kind in self._objects.kinds:
            for obj in self._objects.list(kind.plural):
                self._accept(kind.plural, obj)
        self.statuses.start()
        self._handle(Synced())
        self._list()

    async def stop(self) -> None:
        """Write what still waits, and hear no more."""
        if self._listing is not None:
            self._listing.cancel()
        if self._unsubscribe is not None:
            self._unsubscribe()
        await self.statuses.stop()

    def _list(self) -> None:
        self._handle(Listed(self._objects.game))
        self._listing = self._loop.call_later(self._list_seconds, self._list)

    # -- objects to events ---------------------------------------------------------------------------------

    def _changed(self, event: ObjectEvent) -> None:
        # Not from within the change itself: the core's answer may be the next one.
        self._loop.call_soon(self._told, event)

    def _told(self, event: ObjectEvent) -> None:
        if event.change is not Change.DELETED:
            self._tell(event.plural, event.object)
            self._accept(event.plural, event.object)
            return
        key = self._key(event.object)
        self.statuses.forget(event.plural, key.name)
        if event.plural == ROOMS:
            self._handle(RoomDeleted(key, event.object["metadata"]["uid"]))
        elif event.plural == FLEETS:
            self._handle(FleetDeleted(key))
        elif event.plural == INSTANCED:
            self._handle(TemplateDeleted(key, event.object["metadata"]["uid"]))

    def _tell(self, plural: str, obj: Mapping[str, Any]) -> None:
        if plural == ROOMS:
            self._handle(room_applied(self._key(obj), obj))
        elif plural == FLEETS:
            self._handle(fleet_applied(self._key(obj), obj))
        elif plural == INSTANCED:
            self._handle(template_applied(self._key(obj), obj))

    def _key(self, obj: Mapping[str, Any]) -> Key:
        return Key(self._objects.game, obj["metadata"]["name"])

    def _accept(self, plural: str, obj: Mapping[str, Any]) -> None:
        """Say in the condition Accepted what of the spec is not done yet."""
        wanted = accepted_conditions(obj, _now())
        if wanted is not None:
            self.statuses.patch(plural, obj["metadata"]["name"], {"conditions": wanted})

    # -- effects to objects --------------------------------------------------------------------------------

    def record(self, effect: Record) -> None:
        if self.closing:
            return
        name = effect.key.name
        outcome, version = RecordOutcome.WRITTEN, ""
        try:
            room = self._objects.get(ROOMS, name)
            if room["metadata"]["uid"] != effect.uid:
                raise NotFound(ROOMS, name)
            patch = room_status(effect.status, room, _now())
            metadata = {"resourceVersion": effect.version}
            written = self.statuses.written(ROOMS, name, {"metadata": metadata, "status": patch})
            version = written["metadata"]["resourceVersion"]
            self.statuses.forget(ROOMS, name)
        except NotFound:
            outcome = RecordOutcome.GONE
        except Conflict:
            outcome = RecordOutcome.CONFLICT
        except (ApiError, StorageError) as error:
            log.error("cannot record the state of room %s: %s", name, error)
            outcome = RecordOutcome.FAILED
        # Not from within the core's own step.
        self._loop.call_soon(self._handle, Recorded(effect, outcome, version))

    def write_status(self, effect: WriteStatus) -> None:
        name = effect.key.name
        try:
            room = self._objects.get(ROOMS, name)
        except NotFound:
            return
        if effect.uid not in ("", room["metadata"]["uid"]):
            return  # about an object that is gone: another has its name now
        status = room_status(effect.status, room, _now())
        self.statuses.write_later(ROOMS, name, status, at_once=effect.urgent)

    def write_fleet_status(self, effect: WriteFleetStatus) -> None:
        name = effect.key.name
        try:
            fleet = self._objects.get(FLEETS, name)
        except NotFound:
            return
        self.statuses.write_later(FLEETS, name, fleet_status(effect.status, fleet, _now()), at_once=False)

    def write_template_status(self, effect: WriteTemplateStatus) -> None:
        name = effect.key.name
        try:
            template = self._objects.get(INSTANCED, name)
        except NotFound:
            return
        if template["metadata"]["uid"] == effect.uid:
            status = template_status(effect.status, template, _now())
            self.statuses.write_later(INSTANCED, name, status, at_once=effect.urgent)

    def create_room(self, effect: CreateRoom) -> None:
        if self.closing:
            return
        outcome, message = RecordOutcome.WRITTEN, ""
        try:
            owner = self._objects.get(INSTANCED, effect.template)
            if owner["metadata"]["uid"] != effect.template_uid:
                raise NotFound(INSTANCED, effect.template)
            self._objects.create(child_room(effect), manager=MANAGER)
        except AlreadyExists:
            return  # as good as made: it was told, or is about to be
        except NotFound:
            outcome = RecordOutcome.GONE
        except (ApiError, StorageError) as error:
            log.error("cannot make room %s: %s", effect.key.name, error)
            outcome, message = RecordOutcome.FAILED, str(error)
        self._loop.call_soon(self._handle, RoomCreated(effect, outcome, message))

    def bind_room(self, effect: BindRoom) -> None:
        if self.closing:
            return
        name = effect.key.name
        outcome, version = RecordOutcome.WRITTEN, ""
        try:
            room = self._objects.get(ROOMS, name)
            if room["metadata"]["uid"] != effect.uid:
                raise NotFound(ROOMS, name)
            if not is_bound(effect, room):
                room = self._objects.patch(ROOMS, name, binding_patch(effect))
            version = room["metadata"]["resourceVersion"]
        except NotFound:
            outcome = RecordOutcome.GONE
        except Conflict:
            outcome = RecordOutcome.CONFLICT
        except (ApiError, StorageError) as error:
            log.error("cannot give room %s its key: %s", name, error)
            outcome = RecordOutcome.FAILED
        self._loop.call_soon(self._handle, RoomBound(effect, outcome, version))

    def delete_room(self, effect: DeleteRoomObject) -> None:
        if self.closing:
            return
        try:
            self._objects.delete(ROOMS, effect.key.name, Precondition(uid=effect.uid))
        except (NotFound, Conflict):
            return  # gone already, or another one's name now
        except (ApiError, StorageError) as error:
            log.error("cannot delete room %s: %s", effect.key.name, error)

    def announce(self, effect: Announce) -> None:
        level = logging.WARNING if effect.warning else logging.INFO
        log.log(level, "room %s: %s: %s", effect.key.name, effect.reason, effect.message)

    def create_node(self, effect: CreateNode) -> None:
        if not self.closing and self._children is not None:
            self._children.start(effect.node.name, effect.fleet)

    def delete_node(self, effect: DeleteNode) -> None:
        if self._children is not None:
            self._children.stop(effect.node.name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
