"""The simulated API server: Rooms, RoomFleets and InstancedRooms, their versions, and who watches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from roomfleet.master.core import Key
from roomfleet.master.core.effects import BindRoom, CreateRoom
from roomfleet.master.core.model import FleetSpec, Instance, RoomStatus, TemplateSpec, TemplateStatus
from roomfleet.wire.spec import RoomSpec


@dataclass(frozen=True, slots=True)
class Object:
    """A Room object at one version."""

    key: Key
    uid: str
    spec: RoomSpec
    entry: bool
    generation: int
    version: int
    status: RoomStatus = field(default_factory=RoomStatus)
    instance: Instance | None = None


@dataclass(frozen=True, slots=True)
class FleetObject:
    key: Key
    spec: FleetSpec
    generation: int


@dataclass(frozen=True, slots=True)
class TemplateObject:
    """An InstancedRoom object."""

    key: Key
    uid: str
    spec: TemplateSpec
    generation: int


class Patched(StrEnum):
    """What became of a write of status."""

    WRITTEN = "written"
    CONFLICT = "conflict"
    """The object has another version."""
    GONE = "gone"
    """There is no object of that uid."""


class ApiServer:
    """Objects by key. `watch` hears (key, the object or None, the uid) of each change of a Room, and
    `watch_fleets` the key of each changed fleet. `up`: whether it answers; writes from outside that it is
    asked for meanwhile (by a user with more patience than the master) are made all the same.
    """

    def __init__(self) -> None:
        self.up = True
        self.rooms: dict[Key, Object] = {}
        self.fleets: dict[Key, FleetObject] = {}
        self.watch: Callable[[Key, Object | None, str], None] = lambda key, now, uid: None
        self.watch_fleets: Callable[[Key], None] = lambda key: None
        self.templates: dict[Key, TemplateObject] = {}
        self.template_status: dict[str, TemplateStatus] = {}
        """By uid."""
        self.watch_templates: Callable[[Key], None] = lambda key: None
        self.deleted_at: dict[str, float] = {}
        """By uid."""
        self.tampered: set[str] = set()
        """Uids of objects whose status somebody else has written: what was recorded there says nothing."""
        self._versions = 0
        self._made: dict[Key, int] = {}

    # -- what users do -------------------------------------------------------------------------------------

    def make(self, key: Key, spec: RoomSpec, *, entry: bool) -> None:
        self._made[key] = self._made.get(key, 0) + 1
        uid = f"{key.game}.{key.name}.u{self._made[key]}"
        self._put(Object(key, uid, spec, entry, generation=1, version=0))

    def delete(self, key: Key, now: float) -> None:
        found = self.rooms.pop(key)
        self.deleted_at[found.uid] = now
        self.watch(key, None, found.uid)

    def respec(self, key: Key, spec: RoomSpec) -> None:
        found = self.rooms[key]
        self._put(replace(found, spec=spec, generation=found.generation + 1))

    def annotate(self, key: Key, *, entry: bool) -> None:
        self._put(replace(self.rooms[key], entry=entry))

    def edit_status(self, key: Key, status: RoomStatus) -> None:
        """Somebody who is not the master writes the status."""
        found = self.rooms[key]
        self.tampered.add(found.uid)
        self._put(replace(found, status=status))

    def apply_fleet(self, key: Key, spec: FleetSpec) -> None:
        found = self.fleets.get(key)
        self.fleets[key] = FleetObject(key, spec, found.generation + 1 if found is not None else 1)
        self.watch_fleets(key)

    def delete_fleet(self, key: Key) -> None:
        if self.fleets.pop(key, None) is not None:
            self.watch_fleets(key)

    def apply_template(self, key: Key, spec: TemplateSpec) -> None:
        found = self.templates.get(key)
        if found is None:
            self._made[key] = self._made.get(key, 0) + 1
            found = TemplateObject(key, f"{key.game}.{key.name}.t{self._made[key]}", spec, 0)
        self.templates[key] = replace(found, spec=spec, generation=found.generation + 1)
        self.watch_templates(key)

    def delete_template(self, key: Key) -> None:
        """Its children go a while later, by `orphans`."""
        if self.templates.pop(key, None) is not None:
            self.watch_templates(key)

    def children(self, uid: str) -> list[Object]:
        """The Rooms that an InstancedRoom owns."""
        return [room for room in self.rooms.values() if room.instance and room.instance.template_uid == uid]

    def orphans(self) -> list[Object]:
        """Rooms whose owner is gone: Kubernetes deletes them."""
        owners = {template.uid for template in self.templates.values()}
        return [
            room
            for room in self.rooms.values()
            if room.instance is not None and room.instance.template_uid not in owners
        ]

    # -- what the master does ------------------------------------------------------------------------------

    def patch(self, key: Key, uid: str, version: int, status: RoomStatus) -> Patched:
        """Write the status, if the object is of that uid and version."""
        found = self.rooms.get(key)
        if found is None or found.uid != uid:
            return Patched.GONE
        if found.version != version:
            return Patched.CONFLICT
        self._put(replace(found, status=status))
        return Patched.WRITTEN

    def create(self, create: CreateRoom) -> bool:
        """Make the child; False: there is a Room of that name."""
        if create.key in self.rooms:
            return False
        self._made[create.key] = self._made.get(create.key, 0) + 1
        uid = f"{create.key.game}.{create.key.name}.u{self._made[create.key]}"
        instance = Instance(create.template, create.template_uid, create.instance_key)
        self._put(Object(create.key, uid, create.spec, False, 1, 0, instance=instance))
        return True

    def bind(self, bind: BindRoom, version: int) -> Patched:
        """Give the warm instance its key, if the object is of that uid and version."""
        found = self.rooms.get(bind.key)
        if found is None or found.uid != bind.uid or found.instance is None:
            return Patched.GONE
        if found.version != version:
            return Patched.CONFLICT
        spec = msgspec.structs.replace(found.spec, on_delete=bind.on_delete)
        instance = Instance(found.instance.template, found.instance.template_uid, bind.instance_key)
        generation = found.generation + (spec != found.spec)
        self._put(replace(found, spec=spec, instance=instance, generation=generation))
        return Patched.WRITTEN

    def _put(self, changed: Object) -> None:
        self._versions += 1
        now = self.rooms[changed.key] = replace(changed, version=self._versions)
        self.watch(now.key, now, now.uid)
