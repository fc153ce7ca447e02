"""How it must end: faults stop, and within a bound of simulated time all is well (liveness).

Wanted rooms run, where and with the epoch that their objects say; unwanted ones sleep; nothing is left of
joins, seats, reservations or timers; and each room that lets people in does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from roomfleet.master.core import Key
from roomfleet.master.core.model import FleetSpec, Phase, RoomStatus
from roomfleet.master.core.world import World
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep
from support.simulation.oracle import Broken

if TYPE_CHECKING:
    from support.simulation.apiserver import Object
    from support.simulation.simulation import Simulation

HEAL_SECONDS = 100.0
"""Within that everybody who waits is in, or was told why not."""
SLEEP_SECONDS = 90.0
"""Within that everything is asleep that nobody wants."""
WAKE_SECONDS = 20.0
"""Within that a sleeping room lets somebody in, a node's start included."""


def come_to_rest(simulation: Simulation) -> None:
    """Raises `Broken` for what is not well in the end."""
    _faults_stop(simulation)
    _run(simulation, HEAL_SECONDS)
    _check_rooms(simulation)
    _everybody_leaves(simulation)
    _run(simulation, SLEEP_SECONDS)
    _check_rooms(simulation)
    _check_nothing_is_left(simulation)
    simulation.instances.at_rest()
    _check_journals(simulation)
    _check_travellers(simulation)
    _check_wakes(simulation)


def _run(simulation: Simulation, seconds: float) -> None:
    for _ in range(int(seconds)):
        simulation.run(1.0)
    simulation.check()


def _faults_stop(simulation: Simulation) -> None:
    simulation.calm = True
    simulation.api.up = simulation.store.up = True
    for game in simulation.games:
        for name in ("default", "other"):
            key = Key(game, name)
            fleet = simulation.api.fleets.get(key)
            spec = fleet.spec if fleet is not None else FleetSpec(scale_down_after_seconds=5)
            roomy = msgspec.structs.replace(
                spec, max_nodes=4, rooms_per_node=100, players_per_node=1_000, cordoned=(), spare_nodes=0
            )
            simulation.api.apply_fleet(key, roomy)
    for node in list(simulation.processes):
        if node.paused:
            node.go_on()


def _everybody_leaves(simulation: Simulation) -> None:
    simulation.players.settle_down()
    for document in simulation.store.rooms.values():
        document.players.clear()
    for node in list(simulation.processes):
        for name, copy in list(node.copies.items()):
            copy.players.clear()
            copy.resumable.clear()
            node.rooms.report(name, copy)


def _check_rooms(simulation: Simulation) -> None:
    for key, found in simulation.api.rooms.items():
        _check_room(simulation, key, found)
    for node in simulation.processes:
        for name in node.copies:
            if Key(node.key.game, name) not in simulation.api.rooms:
                raise Broken("unwanted rooms stop", f"{name} has no object and is on {node}", name)


def _check_room(simulation: Simulation, key: Key, found: Object) -> None:
    view = simulation.master.core.room(key)
    if view is None:
        raise Broken("objects are known", f"{found}", str(key))
    copies = [(node, node.copies[key.name]) for node in simulation.processes if key.name in node.copies]
    copies = [(node, copy) for node, copy in copies if node.key.game == key.game]
    running = [(node.key.name, copy.epoch) for node, copy in copies]
    players = sum(len(copy.players) for _, copy in copies)
    warm = found.instance is not None and found.instance.key is None and found.spec.keep is not Keep.NEVER
    wanted = found.spec.keep is Keep.ALWAYS or players > 0 or warm
    if view.phase is Phase.FAILED:
        wanted = False
    if wanted and (view.phase is not Phase.RUNNING or running != [(view.node, view.epoch)]):
        raise Broken("wanted rooms run", f"{view}, but it is on {running}", str(key))
    if (
        not wanted
        and simulation.players.quiet
        and (view.phase not in (Phase.ASLEEP, Phase.FAILED) or running)
    ):
        raise Broken("unwanted rooms sleep", f"{view}, and it is on {running}", str(key))
    for node, copy in copies:
        idle = simulation.restored and not copy.players  # it finds out when it has something to save
        if copy.phase is RoomPhase.RUNNING and not node.rooms.saves(key.name, copy) and not idle:
            raise Broken("running rooms can save", f"{key} on {node} with {copy}", str(key))
    if simulation.players.quiet:
        said, truth = _essence(found.status), (view.phase, view.node, view.epoch, view.players, view.waiting)
        if said != truth or view.players != players:
            raise Broken("status says the truth", f"{key} says {said}, is {truth}, {players} play", str(key))


def _essence(status: RoomStatus) -> tuple[Phase, str, int, int, int]:
    return (status.phase, status.node, status.epoch, status.players, status.waiting)


def _check_nothing_is_left(simulation: Simulation) -> None:
    world = simulation.master.core._world
    left = {
        "joins": list(world.joins),
        "players in line": list(world.players),
        "effects": world.effects,
        "nodes untold": list(world.untold),
        "keys in the queue": len(world.queue),
        "records": [room.key for room in world.rooms.values() if room.recording is not None],
        "templates gone": [each.key for each in world.templates.values() if each.spec is None],
        "instances being made": [each.key for each in world.templates.values() if each.creating],
        "keys being bound": [each.key for each in world.templates.values() if each.binding],
        "lines for instances": [each.key for each in world.templates.values() if each.line.joins],
        "rooms in the way": [key for key in world.in_the_way if key not in simulation.api.rooms],
        "reserved seats": [room.key for room in world.rooms.values() if room.line and room.line.reserved],
        "rooms gone": [room.key for room in world.rooms.values() if room.gone],
        "seat requests": [node.key for node in world.nodes.values() if node.seats],
        "crowded nodes": [node.key for node in world.nodes.values() if node.crowded],
        "rooms without space": [fleet.key for fleet in world.fleets.values() if fleet.waiting],
        "seated in empty rooms": [who for who, key in world.seats.items() if not _plays(world, key)],
        "alarms of joins": [alarm for alarm in world.timers if alarm.kind == "join"],
        "nodes without process": [key for key in world.nodes if simulation.nodes[key].dead],
    }
    for what, some in left.items():
        if some:
            raise Broken("nothing is left over", f"{what}: {some}")


def _check_travellers(simulation: Simulation) -> None:
    """Whoever left a room is in exactly one, or on the way to one that sleeps; nobody is in between."""
    store, rooms = simulation.store, simulation.api.rooms
    running = {Key(node.key.game, name) for node in simulation.processes for name in node.copies}
    for who, transit in store.transits.items():
        target = Key(who[0], store.actors[who])
        entries = [key for key, found in rooms.items() if found.entry and key.game == who[0]]
        stuck = len(entries) != 1  # there is nowhere to go
        if (target not in rooms and not stuck) or target in running:
            raise Broken("travellers arrive or come back", f"{who} to {target}, {transit}", str(target))


def _check_journals(simulation: Simulation) -> None:
    """What any owner of a room had committed has reached the actors."""
    for key, document in simulation.store.rooms.items():
        if document.journal:
            text = f"{key} was left by {document.holder} with {document.journal}"
            raise Broken("what was committed is carried out", text, str(key))


def _plays(world: World, key: Key) -> bool:
    return key in world.rooms and world.rooms[key].players > 0


def _check_wakes(simulation: Simulation) -> None:
    """Every room that lets people in does."""
    simulation.store.actors.clear()
    simulation.store.transits.clear()
    for number, (key, found) in enumerate(list(simulation.api.rooms.items())):
        if found.spec.keep is Keep.NEVER or (found.instance is not None and found.instance.key is None):
            continue
        before = simulation.oracle.admitted
        id = f"late{number}"
        simulation.players.join(id, key.game, f"late{number}", key.name)
        simulation.run(WAKE_SECONDS)
        if simulation.oracle.admitted == before:
            view = simulation.master.core.room(key)
            raise Broken("a sleeping room wakes", f"{id} was not let into {view}", str(key), id)
