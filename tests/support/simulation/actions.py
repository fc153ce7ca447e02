"""Carries out the actions of a plan: each picks its subject by its own luck among those that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from roomfleet.master.core import Key
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import Arrivals, Keep, OnDelete
from support.simulation.apiserver import Object, TemplateObject
from support.simulation.chance import chosen
from support.simulation.nodes import SimNode
from support.simulation.plan import Action, Kind

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

WANDERERS = 4
"""Actors of no player's in each game."""
KEYS = 6
"""Keys that instances are asked for by."""
REGULARS = 25
"""Players who come again and again; the others are new each time."""
ROOMS = 8


def perform(simulation: Simulation, action: Action) -> None:
    """Do it; without a subject nothing happens."""
    _DOERS[action.kind](simulation, action)


def _room(simulation: Simulation, luck: float) -> Object | None:
    rooms = list(simulation.api.rooms.values())
    return chosen(rooms, luck) if rooms else None


def _template(simulation: Simulation, luck: float) -> TemplateObject | None:
    templates = list(simulation.api.templates.values())
    return chosen(templates, luck) if templates else None


def _node(simulation: Simulation, luck: float) -> SimNode | None:
    return chosen(simulation.processes, luck) if simulation.processes else None


# -- players -----------------------------------------------------------------------------------------------


def _join(simulation: Simulation, action: Action) -> None:
    who, where, game_luck = action.luck
    game = chosen(simulation.games, game_luck)
    player = f"p{int(who * 2 * REGULARS)}" if who < 0.5 else f"q{action.number}"
    rooms: list[str | None] = [key.name for key in simulation.api.rooms if key.game == game]
    asked = chosen([None, "nowhere", *rooms, *rooms, *rooms], where)
    id, luck = f"j{action.number}", simulation.chance.roll(f"join {action.number}")
    others = (f"{id}a", f"{id}b") if luck < 0.03 else (f"{id}a",) if luck < 0.08 else ()
    simulation.players.join(id, game, player, asked, others=others, bring=luck > 0.85 and asked is not None)


def _join_key(simulation: Simulation, action: Action) -> None:
    template = _template(simulation, action.luck[0])
    if template is None:
        return
    who, key = action.luck[1], f"k{int(action.luck[2] * KEYS)}"
    player = f"p{int(who * 2 * REGULARS)}" if who < 0.5 else f"q{action.number}"
    id = f"j{action.number}"
    others = (f"{id}a",) if simulation.chance.roll(f"join {action.number}") < 0.05 else ()
    bring = simulation.chance.roll(f"join {action.number}") < 0.2
    simulation.players.join(
        *(id, template.key.game, player, None),
        others=others,
        bring=bring,
        template=template.key.name,
        key=key,
    )


def _rush(simulation: Simulation, action: Action) -> None:
    template = _template(simulation, action.luck[0])
    if template is None:
        return
    key = f"k{int(action.luck[2] * KEYS)}"
    for number in range(3 + int(action.luck[1] * 12)):
        id = f"j{action.number}.{number}"
        simulation.players.join(id, template.key.game, id, None, template=template.key.name, key=key)


def _locate(simulation: Simulation, action: Action) -> None:
    template, node = _template(simulation, action.luck[0]), _node(simulation, action.luck[1])
    if template is not None and node is not None and node.linked and node.key.game == template.key.game:
        key = f"k{int(action.luck[2] * KEYS)}"
        simulation.players.locate(f"l{action.number}", node, template.key.name, key)


def _cancel(simulation: Simulation, action: Action) -> None:
    attempts = list(simulation.players.attempts.values())
    if attempts:
        simulation.players.cancel(chosen(attempts, action.luck[0]))


def _forsake(simulation: Simulation, action: Action) -> None:
    attempts = [attempt for attempt in simulation.players.attempts.values() if attempt.node is None]
    if attempts:
        chosen(attempts, action.luck[0]).forsaken = True


def _leave(simulation: Simulation, action: Action) -> None:
    sitting = simulation.players.sitting()
    if sitting:
        drop = action.kind is Kind.DROP
        simulation.players.leave(*chosen(sitting, action.luck[0]), drop=drop, resume=action.luck[1])


def _travel(simulation: Simulation, action: Action) -> None:
    sitting = [one for one in simulation.players.sitting() if one[0].linked]
    if not sitting:
        return
    node, _, _, player = chosen(sitting, action.luck[0])
    game, id = node.key.game, f"s{action.number}"
    rooms = [key.name for key in simulation.api.rooms if key.game == game]
    templates = [key.name for key in simulation.api.templates if key.game == game]
    if templates and action.luck[2] < 0.3:
        template, key = chosen(templates, action.luck[1]), f"k{int(action.luck[2] / 0.3 * KEYS)}"
        simulation.players.travel(id, node, player, template, key)
    else:
        simulation.players.travel(id, node, player, chosen([*rooms, "nowhere"], action.luck[1]))


def _stay(simulation: Simulation, action: Action) -> None:
    travelling = [attempt for attempt in simulation.players.attempts.values() if attempt.node is not None]
    if travelling:
        simulation.players.cancel(chosen(travelling, action.luck[0]))


def _wander(simulation: Simulation, action: Action) -> None:
    """An actor of no player's leaves a room that runs; one that is nowhere is made in one."""
    store = simulation.store
    homes = {
        Key(node.key.game, name): node
        for node in simulation.processes
        if node.works
        for name, copy in node.copies.items()
        if copy.phase is RoomPhase.RUNNING and not copy.busy and node.rooms.saves(name, copy)
    }
    if not homes or not store.up:
        return
    room = chosen(list(homes), action.luck[0])
    who = (room.game, f"n{int(action.luck[1] * WANDERERS)}")
    room = Key(room.game, store.actors.setdefault(who, room.name))
    if room not in homes or who in store.transits or who[1] in store.rooms[room].journal:
        return
    rooms = [key.name for key in simulation.api.rooms if key.game == room.game and key != room]
    target = chosen([*rooms, "nowhere"], action.luck[2])
    homes[room].errands.depart(room.name, who[1], target, wake=action.luck[1] < 0.2)


def _nudge(simulation: Simulation, action: Action) -> None:
    node, found = _node(simulation, action.luck[0]), _room(simulation, action.luck[1])
    if node is not None and found is not None and node.works:
        node.link.send(ev.Nudged(Key(node.key.game, found.key.name), action.luck[2] < 0.5))


# -- operators ---------------------------------------------------------------------------------------------


def _change_template(simulation: Simulation, action: Action) -> None:
    key = Key(chosen(simulation.games, action.luck[0]), f"t{int(action.luck[1] * 3)}")
    simulation.change_template(key, f"template {action.number}")


def _warm(simulation: Simulation, action: Action) -> None:
    template = _template(simulation, action.luck[0])
    if template is not None:
        most, warm = chosen([1, 2, 4, 8], action.luck[1]), int(action.luck[2] * 4)
        spec = msgspec.structs.replace(template.spec, warm=warm, max_instances=most)
        simulation.api.apply_template(template.key, spec)


def _no_template(simulation: Simulation, action: Action) -> None:
    template = _template(simulation, action.luck[0])
    if template is not None:
        simulation.api.delete_template(template.key)
        if action.luck[1] < 0.5:
            simulation.api.apply_template(template.key, template.spec)


def _in_the_way(simulation: Simulation, action: Action) -> None:
    """Somebody makes a Room that has an instance's name, and deletes it after a while."""
    template = _template(simulation, action.luck[0])
    if template is None:
        return
    name = instance_name(template.key.name, f"k{int(action.luck[1] * KEYS)}")
    key = Key(template.key.game, name)
    if key in simulation.api.rooms:
        return
    simulation.make_room(key)
    uid = simulation.api.rooms[key].uid

    def delete() -> None:
        if key in simulation.api.rooms and simulation.api.rooms[key].uid == uid:
            simulation.api.delete(key, simulation.clock.now)

    simulation.clock.later(action.luck[2] * 40.0, delete)


def _spec(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is None:
        return
    keeps = [Keep.ALWAYS, Keep.NEVER, Keep.WHEN_WANTED, Keep.WHEN_WANTED]
    change: dict[str, Any] = chosen(
        [
            {"capacity": 1 + int(action.luck[2] * 6)},
            {"bored_after_seconds": chosen([0, 5, 15], action.luck[2])},
            {"script": f"a.b:C{int(action.luck[2] * 4)}"},
            {"keep": chosen(keeps, action.luck[2])},
            {"on_delete": chosen(list(OnDelete), action.luck[2])},
            {"arrivals": chosen(list(Arrivals), action.luck[2])},
            {"spread_group": chosen(["", "g"], action.luck[2])},
            {"fleet": chosen(["default", "default", "other"], action.luck[2])},
        ],
        action.luck[1],
    )
    simulation.api.respec(found.key, msgspec.structs.replace(found.spec, **change))


def _delete(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is not None:
        simulation.api.delete(found.key, simulation.clock.now)


def _make(simulation: Simulation, action: Action) -> None:
    game = chosen(simulation.games, action.luck[0])
    missing = [
        Key(game, f"r{number}")
        for number in range(ROOMS)
        if Key(game, f"r{number}") not in simulation.api.rooms
    ]
    if missing:
        simulation.make_room(chosen(missing, action.luck[1]))


def _remake(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is not None and found.instance is None:
        simulation.api.delete(found.key, simulation.clock.now)
        simulation.make_room(found.key)


def _entry(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is not None and found.instance is None:
        for other in list(simulation.api.rooms.values()):
            if other.key.game == found.key.game and other.entry != (other.key == found.key):
                simulation.api.annotate(other.key, entry=other.key == found.key)


def _touch(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is None:
        return
    if action.luck[1] < 0.5:
        simulation.api.annotate(found.key, entry=found.entry)
    elif simulation.master.up:
        simulation.master.adapter.repeat(found.key)


def _scale(simulation: Simulation, action: Action) -> None:
    fleets = list(simulation.api.fleets.values())
    if not fleets:
        return
    fleet = chosen(fleets, action.luck[0])
    most = 1 + int(action.luck[1] * 5)
    least = int(action.luck[2] * 3)
    spec = msgspec.structs.replace(fleet.spec, max_nodes=most, min_nodes=min(most, least))
    simulation.api.apply_fleet(fleet.key, spec)


def _cordon(simulation: Simulation, action: Action) -> None:
    fleets = list(simulation.api.fleets.values())
    if fleets:
        fleet = chosen(fleets, action.luck[0])
        slots = (int(action.luck[1] * 4),) if action.luck[2] < 0.6 else ()
        spare = int(action.luck[2] * 2)
        spec = msgspec.structs.replace(fleet.spec, cordoned=slots, spare_nodes=spare)
        simulation.api.apply_fleet(fleet.key, spec)


def _no_fleet(simulation: Simulation, action: Action) -> None:
    fleets = list(simulation.api.fleets.values())
    if fleets:
        fleet = chosen(fleets, action.luck[0])
        simulation.api.delete_fleet(fleet.key)

        def make_again() -> None:
            if fleet.key not in simulation.api.fleets:
                simulation.api.apply_fleet(fleet.key, fleet.spec)

        simulation.clock.later(action.luck[1] * 60.0, make_again)


def _status_lost(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is not None:
        simulation.api.edit_status(found.key, RoomStatus())


def _status_edited(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is None:
        return
    epoch = max(0, found.status.epoch + int(action.luck[1] * 7) - 3)
    node = chosen(["", "default-0", "default-7", "elsewhere"], action.luck[2])
    phase = chosen(list(Phase), action.luck[1])
    simulation.api.edit_status(
        found.key, replace(found.status, epoch=epoch, node=node, phase=phase, waiting=int(action.luck[1] * 5))
    )


# -- faults ------------------------------------------------------------------------------------------------


def _break(simulation: Simulation, action: Action) -> None:
    found = _room(simulation, action.luck[0])
    if found is not None:
        simulation.break_room(found.key, action.luck[1] * 30.0)


def _kill(simulation: Simulation, action: Action) -> None:
    if (node := _node(simulation, action.luck[0])) is not None:
        node.kill()


def _drain(simulation: Simulation, action: Action) -> None:
    if (node := _node(simulation, action.luck[0])) is not None:
        node.here(node.leave if action.luck[1] < 0.7 else node.drain)


def _pause(simulation: Simulation, action: Action) -> None:
    if (node := _node(simulation, action.luck[0])) is not None:
        node.pause(chosen([1.0, 5.0, 15.0, 40.0], action.luck[1]))


def _cut(simulation: Simulation, action: Action) -> None:
    if (node := _node(simulation, action.luck[0])) is not None and not node.paused:
        node.link.cut(chosen([0.3, 3.0, 14.0, 70.0], action.luck[1]), told=action.luck[2] < 0.8)


def _master_kill(simulation: Simulation, action: Action) -> None:
    simulation.master.kill(chosen([0.5, 3.0, 20.0], action.luck[0]))


def _master_stall(simulation: Simulation, action: Action) -> None:
    simulation.master.stall(chosen([1.0, 4.0, 12.0], action.luck[0]))


def _master_ousted(simulation: Simulation, action: Action) -> None:
    simulation.master.oust(chosen([3.5, 6.0, 25.0], action.luck[0]), action.luck[1] * 3.0)


def _api_down(simulation: Simulation, action: Action) -> None:
    api = simulation.api
    api.up = False

    def back() -> None:
        api.up = True

    simulation.clock.later(chosen([1.0, 5.0, 30.0], action.luck[0]), back)


def _watch_gap(simulation: Simulation, action: Action) -> None:
    if simulation.master.up:
        simulation.master.adapter.go_blind(chosen([1.0, 5.0, 15.0], action.luck[0]))


def _store_down(simulation: Simulation, action: Action) -> None:
    store = simulation.store
    store.up = False

    def back() -> None:
        store.up = True

    simulation.clock.later(chosen([1.0, 5.0, 30.0], action.luck[0]), back)


def _backup(simulation: Simulation, action: Action) -> None:
    if action.luck[0] < 0.5:
        simulation.store.back_up()
    else:
        simulation.restored = True
        simulation.store.restore()


_DOERS: dict[Kind, Callable[[Simulation, Action], None]] = {
    Kind.JOIN: _join,
    Kind.CANCEL: _cancel,
    Kind.FORSAKE: _forsake,
    Kind.LEAVE: _leave,
    Kind.DROP: _leave,
    Kind.TRAVEL: _travel,
    Kind.STAY: _stay,
    Kind.JOIN_KEY: _join_key,
    Kind.RUSH: _rush,
    Kind.LOCATE: _locate,
    Kind.WANDER: _wander,
    Kind.NUDGE: _nudge,
    Kind.TEMPLATE: _change_template,
    Kind.WARM: _warm,
    Kind.NO_TEMPLATE: _no_template,
    Kind.IN_THE_WAY: _in_the_way,
    Kind.SPEC: _spec,
    Kind.DELETE: _delete,
    Kind.MAKE: _make,
    Kind.REMAKE: _remake,
    Kind.ENTRY: _entry,
    Kind.TOUCH: _touch,
    Kind.SCALE: _scale,
    Kind.CORDON: _cordon,
    Kind.NO_FLEET: _no_fleet,
    Kind.STATUS_LOST: _status_lost,
    Kind.STATUS_EDITED: _status_edited,
    Kind.BREAK: _break,
    Kind.KILL: _kill,
    Kind.DRAIN: _drain,
    Kind.PAUSE: _pause,
    Kind.CUT: _cut,
    Kind.MASTER_KILL: _master_kill,
    Kind.MASTER_STALL: _master_stall,
    Kind.MASTER_OUSTED: _master_ousted,
    Kind.API_DOWN: _api_down,
    Kind.WATCH_GAP: _watch_gap,
    Kind.STORE_DOWN: _store_down,
    Kind.BACKUP: _backup,
}
