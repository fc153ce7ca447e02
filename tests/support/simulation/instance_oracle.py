"""The oracle for instanced rooms: one room a key, never too many, and at rest what their templates say."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.instancing.instances import child_spec, warm_wanted
from roomfleet.master.core.model import TemplateSpec, WhenBored
from roomfleet.wire.spec import Keep
from support.simulation.oracle import Broken

if TYPE_CHECKING:
    from support.simulation.apiserver import Object, TemplateObject
    from support.simulation.simulation import Simulation


class InstanceOracle:
    """Raises `Broken`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._told: dict[str, TemplateSpec] = {}
        """The spec that the core was told last, by the template's uid."""
        self._making: dict[str, set[str]] = defaultdict(set)
        """Rooms that the core wants made and that may still be made, by the template's uid."""
        self._late: set[str] = set()
        """Rooms that were made or bound by a master whose turn was over."""
        self._found: dict[str, set[str]] = defaultdict(set)
        """Where the core was told that the actors of a join are."""

    # -- what the core hears and says ----------------------------------------------------------------------

    def heard(self, event: ev.Event) -> None:
        match event:
            case ev.TemplateApplied():
                self._told[event.uid] = event.spec
            case ev.RoomCreated() if event.outcome is ev.RecordOutcome.GONE:
                self._making[event.create.template_uid].discard(event.create.key.name)
            case ev.RoomApplied() if event.instance is not None:
                self._making[event.instance.template_uid].discard(event.key.name)
            case ev.PlayerFound() if event.room is not None:
                self._found[event.id].add(event.room)
            case ev.PlayerBrought() if event.room is not None:
                self._found[event.id].add(event.room)

    def master_died(self) -> None:
        """What it wanted made is not made any more."""
        self._told.clear()
        self._making.clear()
        self._found.clear()

    def said(self, create: fx.CreateRoom) -> None:
        """The core wants a room made: there is space for it, as far as the core can know."""
        uid, name = create.template_uid, create.key.name
        if name in self._making[uid]:
            return
        self._making[uid].add(name)
        there = {room.key.name for room in self._simulation.api.children(uid)} - self._late
        most = self._told[uid].max_instances
        if len(there | self._making[uid]) > most:
            text = f"{create.key} is to be made, with {sorted(there | self._making[uid])} of at most {most}"
            raise Broken("never too many instances", text, create.template)

    def late(self, room: str) -> None:
        """A request of a master that was ousted has landed: its successor knew nothing of it."""
        self._late.add(room)

    def has_key(self, made: Object) -> None:
        """An object was made, or got its key."""
        instance = made.instance
        if instance is None or instance.key is None:
            return
        for other in self._same(made):
            if self._late & {made.key.name, other.key.name}:
                continue
            text = f"{made.key} and {other.key} are both for {instance.key}"
            raise Broken("one instance a key", text, made.key.name, other.key.name)

    def _same(self, made: Object) -> list[Object]:
        """Other instances for the same key."""
        instance = made.instance
        return [
            other
            for other in (
                self._simulation.api.children(instance.template_uid) if instance is not None else ()
            )
            if other.key != made.key and other.instance == instance
        ]

    def answered(self, id: str, answer: fx.Admitted | fx.InLine | fx.Refused) -> None:
        """Who asks with a key comes into the room of that key, and into no other, unless they were found in
        one already, or in the last one of another key.
        """
        attempt = self._simulation.players.attempts.get(id)
        if attempt is None or not isinstance(answer, fx.Admitted):
            return
        room = self._simulation.api.rooms.get(Key(attempt.game, answer.room))
        if room is None or room.instance is None or room in self._simulation.api.orphans():
            return
        about = (answer.room, id, room.instance.template)
        if room.instance.key is None:
            raise Broken("warm instances are nobody's", f"{id} is let into {room}", *about)
        asked = attempt.template == room.instance.template
        if asked and attempt.key != room.instance.key and not self._found[id]:
            text = f"{id} asked for {attempt.key} and is let into {room.key} for {room.instance.key}"
            raise Broken("a key leads to its room", text, *about)
        for other in self._same(room):
            if self._simulation.oracle.lets_in(other.key):
                text = f"{id} is let into {room.key}, others with that key into {other.key}"
                raise Broken("one instance a key", text, *about, other.key.name)

    # -- at rest -------------------------------------------------------------------------------------------

    def at_rest(self) -> None:
        api = self._simulation.api
        for orphan in api.orphans():
            raise Broken("deleted templates leave nothing", f"{orphan}", orphan.key.name)
        for template in api.templates.values():
            self._template_at_rest(template, api.children(template.uid))

    def _template_at_rest(self, template: TemplateObject, children: list[Object]) -> None:
        spec, about = template.spec, template.key.name
        there = children
        children = [room for room in there if room.spec.keep is not Keep.ALWAYS]  # edited by hand
        warm = [room for room in children if room.instance is not None and room.instance.key is None]
        keyed = [room for room in children if room not in warm]
        if spec.when_bored is WhenBored.DELETE:
            stays = [room.key.name for room in keyed]
            if stays:
                raise Broken("bored instances go", f"{stays} of {template}", about, *stays)
        wanted = min(warm_wanted(spec), max(0, spec.max_instances - len(there) + len(warm)))
        if len(there) > spec.max_instances:  # it was lowered: there may be more for as long as they stay
            wanted = min(warm_wanted(spec), len(warm))
        good = [room for room in warm if room.spec == child_spec(spec, keyed=False)]
        if len(warm) != wanted or len(good) != wanted:
            text = f"{[room.key.name for room in warm]}, {len(good)} good ones, of {wanted}: {template}"
            raise Broken("warm instances are there", text, about)
        view = self._simulation.master.core
        running = [room for room in good if (found := view.room(room.key)) is not None and found.node]
        if len(running) != wanted:
            raise Broken("warm instances run", f"{len(running)} of {wanted}: {template}", about)
        running_warm = wanted + sum(
            room.instance is not None and room.instance.key is None for room in there if room not in children
        )
        status = api_status(self._simulation, template)
        if status != (len(there), running_warm):
            text = f"{status}, there are {(len(there), running_warm)}: {template}"
            raise Broken("the template's status says the truth", text, about)


def api_status(simulation: Simulation, template: TemplateObject) -> tuple[int, int]:
    """What the object says: instances, and warm ones."""
    status = simulation.api.template_status.get(template.uid)
    return (status.instances, status.warm) if status is not None else (-1, -1)
