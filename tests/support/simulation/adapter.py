"""What stands between the core and the API server: the watch, the complete lists, and the writer of status.

It is as unreliable as the core's contract allows: the watch tells late and, during a gap, nothing at all;
lists come now and then; records get lost, conflict, fail, or are written while their answer is not. It
begins anew with each start of the master.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import RoomStatus
from support.simulation.apiserver import Object, Patched, TemplateObject

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

LIST_SECONDS = 20.0
RETRY_SECONDS = 0.5


Change = fx.CreateRoom | fx.BindRoom | fx.DeleteRoomObject


@dataclass(slots=True)
class Slot:
    """What is to be written onto one object."""

    change: Change | None = None
    """What is to be done beside writing its status."""
    record: fx.Record | None = None
    answered: fx.Record | None = None
    """The last record that was written."""
    version: int = 0
    """The version that it made."""
    wanted: RoomStatus | None = None
    uid: str = ""
    busy: bool = False
    own: tuple[int, int] = (0, 0)
    """Versions before and after the last write of status."""


class Adapter:
    """One start of the master's side of the API server."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._master = simulation.master
        self._life = simulation.master.life
        self._cache: dict[Key, Object] = {}
        self._fleets: dict[Key, int] = {}
        self._templates: dict[Key, TemplateObject] = {}
        self._slots: dict[Key, Slot] = {}
        self._dropped: set[str] = set()
        """Uids of Rooms that are known to be deleted."""
        self._blind_until = 0.0
        self._relist = False
        self._begun = False
        api = simulation.api
        api.watch, api.watch_fleets = self._changed, self._fleet_changed
        api.watch_templates = self._template_changed
        self._later(simulation.delay(f"list {self._life}", 2.0), self._begin)

    @property
    def living(self) -> bool:
        """Whether the process that it is part of still is."""
        return self._master.life == self._life and self._master.up

    def _later(self, delay: float, what: object, channel: str = "") -> None:
        def happen() -> None:
            if self.living:
                what()  # type: ignore[operator]

        self._simulation.clock.later(delay, happen, channel)

    # -- watch and list ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._simulation.api.up:
            self._later(RETRY_SECONDS, self._begin)
            return
        self._begun = True
        self._list()
        self._master.tell(ev.Synced())
        for game in self._simulation.games:
            self._master.tell(ev.Listed(game))
        self._later(LIST_SECONDS, self._list_again)

    def _list_again(self) -> None:
        if not self._simulation.api.up:
            self._later(RETRY_SECONDS, self._list_again)
            return
        if self._simulation.clock.now >= self._blind_until:
            self._list()
            for game in self._simulation.games:
                self._master.tell(ev.Listed(game))
        self._later(LIST_SECONDS, self._list_again)

    def _list(self) -> None:
        """Tell every difference between what is known and what there is."""
        api = self._simulation.api
        for key in [*(self._fleets | dict.fromkeys(api.fleets, 0))]:
            self._tell_fleet(key)
        for key in [*(self._templates | api.templates)]:
            self._tell_template(key)
        for key, known in list(self._cache.items()):
            if key not in api.rooms:
                self._gone(key, known.uid)
        for found in list(api.rooms.values()):
            self._news(found)

    def go_blind(self, seconds: float) -> None:
        """The watch tells nothing for so long, and never what happened meanwhile."""
        self._blind_until = max(self._blind_until, self._simulation.clock.now + seconds)

    def _changed(self, key: Key, now: Object | None, uid: str) -> None:
        simulation = self._simulation
        if not self._begun or not self.living:
            return
        if simulation.clock.now < self._blind_until or not simulation.api.up:
            return  # until the next list
        delay = simulation.delay(f"watch {key}", 1.0)
        if now is None:
            self._later(delay, lambda: self._gone(key, uid), f"watch {key} {self._life}")
        else:
            self._later(delay, lambda: self._news(now), f"watch {key} {self._life}")

    def _news(self, found: Object) -> None:
        known = self._cache.get(found.key)
        if found.uid in self._dropped:
            return
        if known is not None and known.version >= found.version:
            return
        self._cache[found.key] = found
        if known is not None and known.uid != found.uid:
            self._forget(found.key)
        self._tell_room(found)
        slot = self._slots.setdefault(found.key, Slot())
        if known is None and slot.wanted is None:
            slot.wanted, slot.uid = found.status, found.uid  # until the core says otherwise
        elif slot.wanted is not None and slot.wanted != found.status:
            self._schedule(found.key)

    def _tell_room(self, found: Object) -> None:
        version = str(found.version)
        self._master.tell(
            ev.RoomApplied(
                *(found.key, found.uid, found.generation, version, found.spec, found.entry, found.status),
                instance=found.instance,
            )
        )

    def _gone(self, key: Key, uid: str) -> None:
        known = self._cache.get(key)
        if known is None or known.uid != uid:
            return
        del self._cache[key]
        self._dropped.add(uid)
        self._master.tell(ev.RoomDeleted(key, uid))
        self._forget(key)

    def _fleet_changed(self, key: Key) -> None:
        if self._begun and self._simulation.clock.now >= self._blind_until:
            delay = self._simulation.delay(f"watch {key}", 1.0)
            self._later(delay, lambda: self._tell_fleet(key), f"watch fleet {key} {self._life}")

    def _tell_fleet(self, key: Key) -> None:
        found = self._simulation.api.fleets.get(key)
        if found is None:
            if self._fleets.pop(key, None) is not None:
                self._master.tell(ev.FleetDeleted(key))
        else:
            self._fleets[key] = found.generation
            self._master.tell(ev.FleetApplied(key, found.generation, found.spec))

    def _template_changed(self, key: Key) -> None:
        if self._begun and self._simulation.clock.now >= self._blind_until:
            delay = self._simulation.delay(f"watch {key}", 1.0)
            self._later(delay, lambda: self._tell_template(key), f"watch template {key} {self._life}")

    def _tell_template(self, key: Key) -> None:
        found, known = self._simulation.api.templates.get(key), self._templates.get(key)
        if known is not None and (found is None or found.uid != known.uid):
            del self._templates[key]
            self._master.tell(ev.TemplateDeleted(key, known.uid))
        if found is not None and found != known:
            self._templates[key] = found
            self._master.tell(ev.TemplateApplied(key, found.uid, found.generation, found.spec))

    def repeat(self, key: Key) -> None:
        """Tell what is known already once more."""
        if key in self._cache:
            self._tell_room(self._cache[key])

    # -- writing -------------------------------------------------------------------------------------------

    def record(self, effect: fx.Record) -> None:
        slot = self._slots.setdefault(effect.key, Slot())
        if slot.answered == effect:
            self._finish(slot, effect, ev.RecordOutcome.WRITTEN)
            return
        if slot.record != effect:
            slot.wanted, slot.uid = None, effect.uid
        slot.record = effect
        self._schedule(effect.key)

    def write_status(self, effect: fx.WriteStatus) -> None:
        slot = self._slots.setdefault(effect.key, Slot())
        slot.wanted, slot.uid = effect.status, effect.uid
        self._schedule(effect.key, 0.2 if effect.urgent else 3.0)

    def _schedule(self, key: Key, longest: float = 0.3) -> None:
        self._later(self._simulation.delay(f"write {key}", longest), lambda: self._write(key))

    def _write(self, key: Key) -> None:
        slot = self._slots.get(key)
        if slot is None or slot.busy:
            return
        if not self._simulation.api.up:
            self._later(RETRY_SECONDS, lambda: self._write(key))
        elif slot.change is not None:
            self._change(key, slot, slot.change)
        elif slot.record is not None:
            self._write_record(key, slot, slot.record)
        elif slot.wanted is not None:
            self._write_status(key, slot, slot.wanted)

    def _write_record(self, key: Key, slot: Slot, record: fx.Record) -> None:
        luck = self._simulation.luck(f"record {key}")
        if luck < 0.03:
            slot.record = None  # it got lost
            return
        if luck < 0.04:
            self._answer(key, slot, record, ev.RecordOutcome.FAILED)
            return
        before, after = slot.own
        version = int(record.version or 0)
        patched = self._simulation.api.patch(
            key, record.uid, after if version == before else version, record.status
        )
        if patched is Patched.WRITTEN:
            self._simulation.oracle.recorded(record)
            slot.wanted = record.status
            if luck < 0.05:
                self._answer(key, slot, record, ev.RecordOutcome.FAILED)
            elif luck < 0.08:
                self._later(RETRY_SECONDS, lambda: self._write(key))  # the answer got lost
            else:
                self._answer(key, slot, record, ev.RecordOutcome.WRITTEN)
        elif patched is Patched.GONE:
            self._answer(key, slot, record, ev.RecordOutcome.GONE)
        elif self._simulation.api.rooms[key].status == record.status:
            slot.wanted = record.status
            self._answer(key, slot, record, ev.RecordOutcome.WRITTEN)  # by an attempt of ours
        else:
            self._answer(key, slot, record, ev.RecordOutcome.CONFLICT)

    def _answer(self, key: Key, slot: Slot, record: fx.Record, outcome: ev.RecordOutcome) -> None:
        """The request is answered: late, and after whatever else happened meanwhile."""
        slot.busy = True
        found = self._simulation.api.rooms.get(key)

        def arrive() -> None:
            slot.busy = False
            if found is not None and self._slots.get(key) is slot:
                if outcome is ev.RecordOutcome.CONFLICT:
                    self._news(found)
                elif outcome is ev.RecordOutcome.WRITTEN:
                    self._remember(found)
            self._finish(slot, record, outcome, found)
            self._write(key)

        self._later(self._simulation.delay(f"answer {key}", 1.0), arrive)

    def _remember(self, written: Object) -> None:
        known = self._cache.get(written.key)
        if known is not None and known.uid == written.uid and known.version < written.version:
            self._cache[written.key] = written

    def _finish(
        self, slot: Slot, record: fx.Record, outcome: ev.RecordOutcome, found: Object | None = None
    ) -> None:
        if outcome is ev.RecordOutcome.WRITTEN:
            if found is not None:
                slot.answered, slot.version = record, found.version
            if slot.record == record:
                slot.record = None
            self._master.tell(ev.Recorded(record, outcome, str(slot.version)))
            return
        if slot.record == record:
            slot.record = slot.wanted = None
            self._master.tell(ev.Recorded(record, outcome))

    def _write_status(self, key: Key, slot: Slot, status: RoomStatus) -> None:
        known = self._cache.get(key)
        if known is None or slot.uid not in ("", known.uid) or known.status == status:
            return
        luck = self._simulation.luck(f"status {key}")
        if luck < 0.03:
            self._later(RETRY_SECONDS, lambda: self._write(key))
            return
        self._simulation.oracle.status_written(key, known.uid, status)
        patched = self._simulation.api.patch(key, known.uid, known.version, status)
        found = self._simulation.api.rooms.get(key)
        if patched is Patched.WRITTEN and found is not None:
            slot.own = (known.version, found.version)
            if luck > 0.03:
                self._news(found)
        elif patched is Patched.CONFLICT and found is not None:
            self._news(found)
            self._later(RETRY_SECONDS, lambda: self._write(key))

    # -- another master ------------------------------------------------------------------------------------

    def land_late(self, after: float) -> None:
        """Requests that are under way now reach the API server only after so long."""
        for key, slot in list(self._slots.items()):
            if not slot.busy and self._simulation.luck(f"late {key}") < 0.5:
                write = self._late_write(key, slot)
                if write is not None:
                    self._simulation.clock.later(after, write)

    def _late_write(self, key: Key, slot: Slot) -> Callable[[], None] | None:
        simulation, api = self._simulation, self._simulation.api
        change, record, status, known = slot.change, slot.record, slot.wanted, self._cache.get(key)
        before, after = slot.own

        def change_late(change: Change) -> None:
            match change:
                case fx.CreateRoom() if api.create(change):
                    simulation.instances.late(key.name)
                case fx.BindRoom():
                    api.bind(change, int(change.version or 0))
                    simulation.instances.late(key.name)
                case fx.DeleteRoomObject() if key in api.rooms and api.rooms[key].uid == change.uid:
                    api.delete(key, simulation.clock.now)

        def record_late(record: fx.Record) -> None:
            version = after if int(record.version or 0) == before else int(record.version or 0)
            if api.patch(key, record.uid, version, record.status) is Patched.WRITTEN:
                simulation.oracle.recorded(record)

        if change is not None:
            return functools.partial(change_late, change)
        if record is not None:
            return functools.partial(record_late, record)
        if status is not None and known is not None and known.status != status:
            return functools.partial(api.patch, key, known.uid, known.version, status)
        return None

    # -- instances -----------------------------------------------------------------------------------------

    def change(self, effect: Change) -> None:
        """Make the Room, bind it, or delete it. A later change replaces one that still waits."""
        self._slots.setdefault(effect.key, Slot()).change = effect
        self._schedule(effect.key)

    def _change(self, key: Key, slot: Slot, change: Change) -> None:
        luck = self._simulation.luck(f"change {key}")
        if luck < 0.03:
            slot.change = None  # it got lost
            return
        failed, lost = luck < 0.06, 0.06 < luck < 0.09
        event: ev.Event | None = None
        if not 0.03 < luck < 0.045:  # else it fails, and nothing was done
            event = self._carry_out(key, slot, change)
        if lost:
            self._later(RETRY_SECONDS, lambda: self._write(key))
            return
        if failed and isinstance(change, fx.CreateRoom):
            event = ev.RoomCreated(change, ev.RecordOutcome.FAILED, "no answer")
        elif failed and isinstance(change, fx.BindRoom):
            event = ev.RoomBound(change, ev.RecordOutcome.FAILED)
        found = None if failed else self._simulation.api.rooms.get(key)
        slot.busy = True

        def arrive() -> None:
            slot.busy = False
            if slot.change is change:
                slot.change = None
            if found is not None and self._slots.get(key) is slot:
                self._news(found)
            if isinstance(change, fx.DeleteRoomObject) and not failed and event is not None:
                self._gone(key, change.uid)
            elif event is not None:
                self._master.tell(event)
            self._write(key)

        self._later(self._simulation.delay(f"answer {key}", 1.0), arrive)

    def _carry_out(self, key: Key, slot: Slot, change: Change) -> ev.Event | None:
        """Do it at the API server: what there is to be told of it."""
        api, simulation = self._simulation.api, self._simulation
        match change:
            case fx.CreateRoom():
                owner = self._templates.get(Key(key.game, change.template))
                if owner is None or owner.uid != change.template_uid:
                    return ev.RoomCreated(change, ev.RecordOutcome.GONE)
                if api.create(change):
                    simulation.instances.has_key(api.rooms[key])
                return ev.RoomCreated(change, ev.RecordOutcome.WRITTEN)
            case fx.BindRoom():
                before, after = slot.own
                version = after if int(change.version or 0) == before else int(change.version or 0)
                outcome = _BOUND[api.bind(change, version)]
                found = api.rooms.get(key)
                if outcome is ev.RecordOutcome.WRITTEN and found is not None:
                    simulation.instances.has_key(found)
                    slot.own = (version, found.version)
                bound = found is not None and found.uid == change.uid and found.instance is not None
                if bound and found.instance.key == change.instance_key:
                    outcome = ev.RecordOutcome.WRITTEN  # by an attempt of ours, perhaps
                return ev.RoomBound(change, outcome, str(found.version) if found is not None else "")
            case fx.DeleteRoomObject():
                found = api.rooms.get(key)
                if found is None:
                    return ev.RoomDeleted(key, change.uid)
                if found.uid == change.uid:
                    api.delete(key, simulation.clock.now)
                    return ev.RoomDeleted(key, change.uid)
        return None

    def write_template_status(self, effect: fx.WriteTemplateStatus) -> None:
        def write() -> None:
            self._simulation.api.template_status[effect.uid] = effect.status

        self._later(
            self._simulation.delay(f"write {effect.key}", 3.0), write, f"template {effect.key} {self._life}"
        )

    def _forget(self, key: Key) -> None:
        slot = self._slots.pop(key, None)
        if slot is not None and slot.record is not None:
            record, slot.record = slot.record, None
            self._master.tell(ev.Recorded(record, ev.RecordOutcome.GONE))


_BOUND = {
    Patched.WRITTEN: ev.RecordOutcome.WRITTEN,
    Patched.CONFLICT: ev.RecordOutcome.CONFLICT,
    Patched.GONE: ev.RecordOutcome.GONE,
}


def without_counts(status: RoomStatus) -> RoomStatus:
    """What must be right at once; counts may be late."""
    return replace(status, players=0, waiting=0, saved_at="")
