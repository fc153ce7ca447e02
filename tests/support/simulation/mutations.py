"""Small mistakes put into the core on purpose: each must be caught, else the oracle sees too little."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any

from roomfleet.master.core.instancing import ending, instances
from roomfleet.master.core.joining import admission, joins, newest
from roomfleet.master.core.joining.line import Line
from roomfleet.master.core.placing import losses, places
from roomfleet.master.core.running import leftovers, reconcile, reports, rooms
from roomfleet.master.core.world import World
from support.simulation.apiserver import ApiServer


@dataclass(frozen=True, slots=True)
class Mutation:
    """Part of a function's source, and what stands there instead."""

    name: str
    function: Callable[..., Any]
    right: str
    wrong: str


MUTATIONS = (
    Mutation("an epoch is used again", reconcile.sync_placed, "room.highest + 1", "max(1, room.highest)"),
    Mutation(
        "a node is told before it is written",
        reconcile.sync_recorded,
        "if recording is None:",
        "if recording is None or places.move(world, room, Stage.STARTING) is None:",
    ),
    Mutation("reserved seats are free", admission.free_seats, "- room.resumable - seats", "- room.resumable"),
    Mutation("last come, first served", admission.admit, "line.joins[0])", "line.joins[-1])"),
    Mutation("whoever comes has a seat already", Line.seats_for, "player not in self.seated", "False"),
    Mutation("a seat is reserved for ever", reconcile.sync_reservations, "room.line is not None", "False"),
    Mutation(
        "a place is lost with the master",
        newest.arrival,
        "return min(place.arrived, now), place",
        "return now, None",
    ),
    Mutation(
        "a place is given back twice over a restart",
        newest.let_in,
        "world.given.used((game, player), at, world.now)",
        "pass",
    ),
    Mutation(
        "who is back before the node keeps a used place",
        newest.let_in,
        "if join is None or join.player != player or join.place is None:",
        "if True:",
    ),
    Mutation(
        "a place that led in without a wait is given back again",
        World.place_used,
        "if join.told or join.place is not None or unknown or who in self.given",
        "if join.told",
    ),
    Mutation("the end of an old boot counts", losses.gone, "event.boot != node.boot", "False"),
    Mutation("a lost node keeps its rooms", losses._lose_rooms, "sorted(node.rooms.values()", "sorted([]"),
    Mutation("a join never times out", joins.due, "world.now >= ends_at(world, join)", "False"),
    Mutation(
        "a lost record is not said again",
        reconcile.sync_recorded,
        "world.now >= recording.said",
        "0 > recording.said",
    ),
    Mutation("a player counts twice", places.count, "= players, resumable", "= 2 * players, resumable"),
    Mutation("a conflict keeps the place", rooms.recorded, "_give_back(world, room, mine)", "pass"),
    Mutation("who sits there is not believed", reports._used, "in report.seated", "in ()"),
    Mutation(
        "maxInstances is exceeded by one",
        instances._count,
        "return len(template.rooms) +",
        "return len(template.rooms) - 1 +",
    ),
    Mutation(
        "a key that is being bound is given once more",
        instances._under_way,
        "key in template.binding or name",
        "name",
    ),
    Mutation("a key's instance is made twice", instances._under_way, "or key in template.by_key", ""),
    Mutation(
        "an instance is found under another key",
        instances.instance_of,
        ".get(key)",
        ".get(min(template.by_key, default=key))",
    ),
    Mutation("warm instances are not replaced", instances._keep_warm, "room.child.unwanted = True", "pass"),
    Mutation(
        "what could not be made is not asked for again",
        instances._say_again,
        "world.now < making.said",
        "True or world.now < making.said",
    ),
    Mutation("a bored instance stays", ending.ends_at, "return child.wanted_at + patience", "return None"),
    Mutation("whatever comes later is erased, too", ending._erase, "epoch=room.recorded", "epoch=1 << 40"),
    Mutation("what is written late overwrites", ApiServer.patch, "found.version != version", "False"),
    Mutation(
        "travellers to a deleted room stay there", leftovers.send_back, "if key in world.rooms", "if True"
    ),
    Mutation("lost rooms are not swept", leftovers.lost, "world.unswept[room.key.game] = None", "pass"),
    Mutation("nobody is bored", reconcile.sync_intent, "world.now >= room.idle_since", "0 > room.idle_since"),
)


@contextmanager
def made(mutation: Mutation) -> Iterator[None]:
    """The core has that mistake in the block. Raises ValueError where its source is another by now."""
    function = mutation.function
    source = textwrap.dedent(inspect.getsource(function))
    if mutation.right not in source:
        raise ValueError(f"{mutation.name}: {function.__qualname__} has no {mutation.right!r} any more")
    before = function.__code__
    function.__code__ = _compiled(source.replace(mutation.right, mutation.wrong), function)
    try:
        yield
    finally:
        function.__code__ = before


def _compiled(source: str, function: Callable[..., Any]) -> CodeType:
    scope: dict[str, Any] = {}
    exec(compile(source, f"<{function.__name__}, mutated>", "exec", flags=annotations.compiler_flag), scope)
    made: CodeType = scope[function.__name__].__code__
    return made
