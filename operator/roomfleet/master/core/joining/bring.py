"""Bringing a player's actor to the room that the player asks for, from the one that it is in (DESIGN 9).

The join stands in the line of the room that was asked for, while the player goes on living where they are.
Once it has a seat there (`BRINGING`), the room that holds the actor is woken and its node sends the actor;
then the join is admitted. Whatever comes between, the store knows where the actor is, and the join goes on
from there.
"""

from __future__ import annotations

from roomfleet.master.core.effects import BringPlayer, InLine
from roomfleet.master.core.events import PlayerBrought
from roomfleet.master.core.joining.line import Join, JoinState
from roomfleet.master.core.model import Key
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.state import Room
from roomfleet.master.core.world import World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.spec import Arrivals

ASK_AGAIN_SECONDS = 3.0
"""A node that did not answer by then is asked again: the message may be lost, or the store in trouble."""
MOST_DETOURS = 5
"""An actor that was found elsewhere so often travels faster than it can be brought."""

RETRY_AFTER_SECONDS = 5


def refusal(origin: Room, target: Room) -> tuple[Refusal, str] | None:
    """Why nobody is brought from one room to the other, if so."""
    if target.spec.arrivals is Arrivals.ANYONE:
        return None
    return Refusal.DOORS_ONLY, (
        f"nobody is brought to the room {target.key.name}, it is entered by its doors only (its spec says"
        f" arrivals: Doors); your actor is in {origin.key.name}: join without bring to get there"
    )


def begin(world: World, room: Room, join: Join, origin: Key) -> None:
    """The join has a seat in the room: fetch the actor."""
    join.state = JoinState.BRINGING
    join.asked_of = None
    if room.place is not None:
        join.boot = room.place.boot
    if join.told != 1:
        join.told = 1
        world.answer(join, InLine(room.key.name, 1, None, join.arrived, session=join.session))
    _wait_for(world, join, origin)


def wanted(world: World, room: Room) -> bool:
    """Whether the room has to run for somebody to be brought from it."""
    return room.key in world.brings


def ask(world: World, room: Room) -> None:
    """Have the node that runs the room send those who are wanted elsewhere."""
    place, joins = room.place, world.brings.get(room.key)
    if joins is None or place is None or not place.node.is_up:
        return
    for join in joins.values():
        asked_of = (place.boot, place.epoch)
        if join.state is not JoinState.BRINGING or join.room is None:
            continue
        if join.asked_of == asked_of and world.now < join.ask_again_at:
            continue
        join.asked_of, join.ask_again_at = asked_of, world.now + ASK_AGAIN_SECONDS
        world.do(BringPlayer(join.id, place.node.key, place.boot, join.player, room.key.name, join.room.name))


def next_due(world: World, room: Room) -> float | None:
    """When to ask again."""
    if room.key not in world.brings or not room.running:
        return None
    joins = world.brings[room.key].values()
    return min((each.ask_again_at for each in joins if each.state is JoinState.BRINGING), default=None)


def keep(room: Room, join: Join) -> bool:
    """The seat's reservation ran out while the actor is on its way: first in line for it again."""
    if join.state is not JoinState.BRINGING:
        return False
    _back_in_line(room, join)
    return True


def brought(world: World, event: PlayerBrought) -> None:
    """A node says where the actor is now."""
    join = world.joins.get(event.id)
    if join is None or join.origin is None or join.room is None:
        return
    if event.room in (None, join.room.name):
        world.brought(join)
        _admit(world, join, world.rooms.get(join.room))
        return
    holder = world.rooms.get(Key(join.game, event.room or ""))
    join.detours += 1
    if holder is None or holder.gone:
        detail = f"your actor is in the room {event.room}, which was deleted: nobody can be brought from it"
        world.refuse(join, Refusal.NO_SUCH_ROOM, detail)
    elif join.detours > MOST_DETOURS:
        detail = f"your actor is on the move and was not to be caught: it is in {event.room} now; try again"
        world.refuse(join, Refusal.TIMEOUT, detail, RETRY_AFTER_SECONDS)
    else:
        world.brought(join)
        join.asked_of = None
        _wait_for(world, join, holder.key)


def give_up(world: World, room: Room, refusal: Refusal, why: str) -> None:
    """The room cannot run: nobody is brought from it, nor to it."""
    for join in list(world.brings.get(room.key, {}).values()):
        world.refuse(join, refusal, f"your actor cannot be brought to {join.asked}: {why}")
    for join in list(room.line.reserved.values()) if room.line is not None else ():
        if join.state is JoinState.BRINGING:
            world.refuse(join, refusal, why)


def _wait_for(world: World, join: Join, origin: Key) -> None:
    join.origin = origin
    world.brings.setdefault(origin, {})[join.id] = join
    if (room := world.rooms.get(origin)) is not None:
        world.try_again(room)
        world.look_at(room, Lane.URGENT)


def _admit(world: World, join: Join, room: Room | None) -> None:
    """The actor is in the room, or will be: so may the player, with a seat as fresh as any."""
    if room is None or join.state is not JoinState.BRINGING:
        return  # in line, for a seat that it had is lost: admitted when it is first
    line = room.lined()
    line.free(join)
    _back_in_line(room, join)
    if room.running and room.place is not None and room.place.boot == join.boot:
        line.reserve(join, [join], world.now + world.settings.ticket_seconds)
        world.admit(join, room.place)
    world.look_at(room, Lane.URGENT)


def _back_in_line(room: Room, join: Join) -> None:
    """By its arrival; the reservation that it had is over."""
    join.state = JoinState.WAITING
    join.takes_seat = True
    room.lined().enter(join)
