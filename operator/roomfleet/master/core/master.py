"""The master's core: events and a time in, effects out. No I/O, no clock (DESIGN 5).

`handle` takes an event into the model, which puts keys into the room queue, and works the queue. All that
it decides follows from the model as it is, so a lost or repeated event does no harm.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from roomfleet.master.core import events, views
from roomfleet.master.core.effects import Effect, SendDesired
from roomfleet.master.core.instancing import ending, instance_line, instances, template_status
from roomfleet.master.core.joining import bring, destinations, joins
from roomfleet.master.core.model import FleetStatus, Key, TemplateStatus
from roomfleet.master.core.placing import fleet, losses, moves, nodes
from roomfleet.master.core.placing.places import refresh
from roomfleet.master.core.queueing import faults
from roomfleet.master.core.queueing.counted import Counted
from roomfleet.master.core.queueing.queue import Lane, QueueHealth
from roomfleet.master.core.running import leftovers, rooms, sweep
from roomfleet.master.core.running import reconcile as room_steps
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.settings import Settings

WORK_PER_CALL = 256
"""Keys worked on in one call of `handle`; what is left is due at once."""
ALARMS_PER_CALL = 1_024
COLLECT_SECONDS = 15.0
"""For so long after a start those who were in line before come first, where seats are scarce."""

log = logging.getLogger(__name__)


class Core:
    """The fleet's model and what is decided from it."""

    def __init__(
        self, settings: Settings, *, seed: int, now: float, stopwatch: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`stopwatch`: seconds from anywhere, by which work is measured for metrics; decides nothing."""
        self._world = World(settings, seed, now, stopwatch)

    def handle(self, event: events.Event, now: float) -> list[Effect]:
        """Take in the event and do what follows. `now` is in seconds since 1970 and does not go back."""
        world = self._world
        world.advance(now)
        try:
            _HANDLERS[type(event)](world, event)
        except Exception as error:
            log.exception("taking in %s failed; the others go on", type(event).__name__)
            faults.of_event(world, event, error)
        _ring_alarms(world)
        if world.synced:
            _work(world)
            _tell_nodes(world)
            leftovers.tell(world)
        effects, world.effects = world.effects, []
        return effects

    def next_due(self) -> float | None:
        """When to call `handle` with a Tick at the latest; a time that has passed: at once."""
        return self._world.next_due()

    def health(self, now: float) -> QueueHealth:
        """Length and ages of the room queue."""
        health = self._world.queue.health(now)
        # Until every object has been told nothing is taken, however long an API server keeps us waiting.
        worked = now - self._world.synced_at if self.synced else 0.0
        return replace(health, oldest_age=min(health.oldest_age, worked))

    @property
    def counted(self) -> Counted:
        """What it has counted since its start, for metrics."""
        return self._world.counted

    def census(self, now: float) -> dict[Key, views.Census]:
        """Every fleet in numbers, for metrics."""
        return views.census(self._world, now)

    @property
    def synced(self) -> bool:
        """Whether every object that existed at the start has been told."""
        return self._world.synced

    def rooms(self, game: str) -> list[views.RoomView]:
        """Every room of the game, by name."""
        return [views.room_view(room) for _, room in sorted(self._game_rooms(game).items())]

    def room(self, key: Key) -> views.RoomView | None:
        room = self._world.rooms.get(key)
        return None if room is None or room.gone else views.room_view(room)

    def nodes(self, game: str) -> list[views.NodeView]:
        """Every node of the game, by name."""
        known = self._world.games.get(game)
        return (
            [views.node_view(self._world, node) for _, node in sorted(known.nodes.items())] if known else []
        )

    def node(self, key: Key) -> views.NodeView | None:
        """One node."""
        node = self._world.nodes.get(key)
        return None if node is None else views.node_view(self._world, node)

    def some_nodes_up(self, game: str, most: int) -> list[views.NodeView]:
        """So many nodes of the game that are up, however many there are."""
        known = self._world.games.get(game)
        up = itertools.islice(known.links.values(), most) if known is not None else ()
        return [views.node_view(self._world, node) for node in up]

    def line(self, key: Key) -> list[views.JoinView]:
        """The room's line, the next one first."""
        return views.line_of(self._world, key)

    def join(self, id: str) -> views.JoinView | None:
        """A join that is not over; an admitted one until its ticket is used or has expired."""
        join = self._world.joins.get(id)
        return None if join is None else views.join_view(self._world, join)

    def join_of(self, game: str, player: str) -> views.JoinView | None:
        """The player's join that is not over, alone or with a party."""
        join = self._world.players.get((game, player))
        return None if join is None else views.join_view(self._world, join)

    def seat_of(self, game: str, player: str) -> str | None:
        """The room where the player used a ticket last, as far as is known: a hint."""
        key = self._world.seats.get((game, player))
        return None if key is None else key.name

    def template(self, key: Key) -> TemplateStatus | None:
        """The status of an InstancedRoom that there is an object of."""
        known = self._world.templates.get(key)
        return None if known is None or known.spec is None else template_status.status_of(known, known.spec)

    def templates(self, game: str) -> list[views.InstancedRoomView]:
        """Every InstancedRoom of the game, by name."""
        known = self._world.games.get(game)
        found = [self._world.template(Key(game, name)) for name in sorted(known.templates)] if known else []
        return [views.template_view(one, one.spec) for one in found if one.spec is not None]

    def instance(self, template: Key, key: str) -> str | None:
        """The name of the room that is the instance for that key, if there is one."""
        known = self._world.templates.get(template)
        room = instances.instance_of(known, key) if known is not None else None
        return None if room is None else room.key.name

    def fleet(self, key: Key) -> FleetStatus | None:
        """The status of a fleet that there is an object of."""
        known = self._world.fleets.get(key)
        return None if known is None or known.spec is None else fleet.status_of(known, known.spec)

    def games(self) -> list[str]:
        """Games that have rooms, InstancedRooms or nodes."""
        return sorted(name for name in self._world.games if self.has_game(name))

    def has_game(self, name: str) -> bool:
        """Whether that game has rooms, InstancedRooms or nodes."""
        game = self._world.games.get(name)
        return game is not None and bool(game.rooms or game.templates or game.nodes)

    def _game_rooms(self, game: str) -> dict[str, Any]:
        known = self._world.games.get(game)
        return {name: room for name, room in known.rooms.items() if not room.gone} if known else {}


def _synced(world: World, event: events.Synced) -> None:
    if world.synced:
        return
    world.synced, world.synced_at = True, world.now
    world.collect_until = world.now + COLLECT_SECONDS
    for node in list(world.nodes.values()):
        if node.is_up:
            nodes.greet(world, node)
    for one in world.fleets.values():
        if one.spec is not None or one.nodes:  # not those that only a Room names
            world.look_at_fleet(one)
    for template in world.templates.values():
        world.look_at_template(template)
    for join in list(world.joins.values()):
        destinations.begin(world, join)
    for game in world.games.values():
        sweep.ask(world, game)


def _tick(world: World, event: events.Tick) -> None:
    """Time alone: what is due follows."""


def _ring_alarms(world: World) -> None:
    for _ in range(ALARMS_PER_CALL):
        alarm = world.timers.pop(world.now)
        if alarm is None:
            return
        try:
            _ring(world, alarm)
        except Exception as error:
            log.exception("the %s alarm of %s failed; the others go on", alarm.kind, alarm.key)
            faults.of_alarm(world, alarm, error)


def _ring(world: World, alarm: Alarm) -> None:
    key = alarm.key
    if isinstance(key, str):
        if (join := world.joins.get(key)) is not None:
            joins.due(world, join)
        return
    if alarm.kind == "room":
        if (room := world.rooms.get(key)) is not None:
            world.look_at(room, Lane.URGENT if room.waiting else Lane.HOUSEKEEPING)
    elif alarm.kind == "template":
        if (template := world.templates.get(key)) is not None:
            world.look_at_template(template)
    elif alarm.kind in ("fleet", "counts"):
        if (one := world.fleets.get(key)) is not None:
            world.look_at_fleet(one)
    elif (node := world.nodes.get(key)) is not None:
        if alarm.kind == "node":
            losses.silent(world, node)
        elif alarm.kind == "empty":
            fleet.judge_empty(world, node)
        elif alarm.kind == "drain":
            fleet.judge_emptied(world, node)
        else:
            refresh(world, node)


def _work(world: World) -> None:
    stopwatch, measured = world.stopwatch, world.counted.work
    begun = stopwatch()
    for _ in range(WORK_PER_CALL):
        work = world.queue.take(world.now)
        if work is None:
            return
        try:
            _RECONCILE[work.kind](world, work.key)
        except Exception as error:
            log.exception("reconciling the %s %s failed; the others go on", work.kind, work.key)
            faults.of_work(world, work, error)
        else:
            world.queue.done(world.now)
        ended = stopwatch()
        measured[work.kind].observe(ended - begun)
        begun = ended


def _reconcile_template(world: World, key: Key) -> None:
    template = world.templates.get(key)
    if template is not None:
        instances.reconcile(world, template, destinations.move_on)
        if world.templates.get(key) is template:
            instance_line.tell_positions(world, template)
            world.timers.set(Alarm("template", key), instances.next_due(world, template))


def _reconcile_room(world: World, key: Key) -> None:
    room = world.rooms.get(key)
    if room is None:
        return
    room_steps.reconcile(world, room)
    if room.fault:
        faults.cleared(world, room)


def _reconcile_fleet(world: World, key: Key) -> None:
    fleet.reconcile(world, world.fleets[key])


_RECONCILE: dict[str, Callable[[World, Key], None]] = {
    "room": _reconcile_room,
    "fleet": _reconcile_fleet,
    "template": _reconcile_template,
}
"""By the kind of work."""


def _tell_nodes(world: World) -> None:
    """Each node whose set changed hears the whole of it, once."""
    for node in world.untold.values():
        desired = tuple(node.desired.values())
        world.do(SendDesired(node.key, node.boot, desired, moves.prepare(node), moves.moving(node)))
    world.untold.clear()


_HANDLERS: dict[type, Callable[[World, Any], None]] = {
    events.RoomApplied: rooms.applied,
    events.RoomDeleted: rooms.deleted,
    events.FleetApplied: fleet.applied,
    events.FleetDeleted: fleet.deleted,
    events.TemplateApplied: instances.applied,
    events.TemplateDeleted: instances.deleted,
    events.RoomCreated: instances.created,
    events.RoomBound: instances.bound,
    events.RoomsErased: ending.erased,
    events.InstanceRequested: joins.instance_requested,
    events.Synced: _synced,
    events.Recorded: rooms.recorded,
    events.Listed: sweep.listed,
    events.MarkedFound: sweep.marked,
    events.NodeConnected: nodes.connected,
    events.NodeHeard: nodes.heard,
    events.NodeReported: nodes.reported,
    events.NodeDraining: nodes.draining,
    events.RoomPrepared: nodes.prepared,
    events.NodeDisconnected: nodes.disconnected,
    events.NodeGone: losses.gone,
    events.JoinRequested: joins.requested,
    events.JoinCancelled: joins.cancelled,
    events.JoinPolled: joins.polled,
    events.PlayerFound: destinations.found,
    events.PlayerBrought: bring.brought,
    events.SeatRequested: joins.seat_requested,
    events.SeatCancelled: joins.seat_cancelled,
    events.Nudged: rooms.nudged,
    events.Tick: _tick,
}
