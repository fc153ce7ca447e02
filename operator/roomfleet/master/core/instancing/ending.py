"""The end of an instance: bored and saved, its data are erased where they go with it, then its object goes.

The data first: players' actors that stand in them are sent home while the Room still exists, so that nobody
is ever found in a room that is gone; and a later instance for the same key begins anew. Until the deletion is
said whoever asks for the instance gets it as it is; what it saves then, under a higher epoch, stays, however
late a node does as it was told. Nodes that cannot erase hold nothing up for long: the sweep does it later.
"""

from __future__ import annotations

from roomfleet.master.core.effects import DeleteRoomObject, EraseRooms
from roomfleet.master.core.events import RoomsErased
from roomfleet.master.core.model import Key, WhenBored
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.state import Child, Room
from roomfleet.master.core.world import World
from roomfleet.wire.link import MarkedRoom
from roomfleet.wire.spec import OnDelete

ERASE_SECONDS = 5.0
"""A node may take so long to erase the data; then another one is asked."""
ERASE_TRIES = 3
LOOK_AGAIN_SECONDS = 1.0
"""One that should end and may not yet, since somebody is on the way, is looked at again after that."""
DELETE_AGAIN_SECONDS = 15.0
FAILED_SECONDS = 60.0
"""An instance that could not start is kept at least so long, to be looked at."""


def end(world: World, room: Room, *, busy: bool) -> bool:
    """An instance on no node that nobody wants ends: first its saved data, then the object. Whether it stays.

    `busy`: somebody is on the way to it.
    """
    child = room.child
    if child is None:
        return True
    if child.deleting_at is not None:
        if world.now >= child.deleting_at + DELETE_AGAIN_SECONDS:
            _delete(world, room, child)
        return False
    due = ends_at(room)
    if busy or due is None or world.now < due or _is_asked_for(child):
        child.erase_tries, child.erased = 0, False
        return True
    if child.erased or not _erase(world, room, child):
        _delete(world, room, child)
    return False


def ends_at(room: Room) -> float | None:
    """When the instance ends if nobody wants it before; None: it stays, or is not at rest."""
    child = room.child
    if child is None or room.awake or room.place is not None or room.gone or child.template.spec is None:
        return None
    if child.unwanted:
        return 0.0
    if child.key is None or child.template.spec.when_bored is not WhenBored.DELETE:
        return None
    patience = float(room.spec.bored_after_seconds)
    if room.failure is not None or room.problem:
        patience = max(patience, FAILED_SECONDS)
    return child.wanted_at + patience


def next_due(world: World, room: Room) -> float | None:
    """When the room is to be looked at for its end."""
    child = room.child
    if child is None or room.recording is not None:
        return None
    if child.deleting_at is not None:
        return child.deleting_at + DELETE_AGAIN_SECONDS
    due = ends_at(room)
    if due is None:
        return None
    due = max(due, child.erase_at) if child.erase_tries else due
    return due if due > world.now else world.now + LOOK_AGAIN_SECONDS


def is_deleting(room: Room) -> bool:
    """Whether it is too late to want the room: its object is being deleted."""
    return room.child is not None and room.child.deleting_at is not None


def erased(world: World, event: RoomsErased) -> None:
    """These rooms have no saved data any more."""
    for one in event.rooms:
        room = world.rooms.get(Key(event.node.game, one.room))
        if room is not None and room.uid == one.uid and room.child is not None and room.child.erase_tries:
            room.child.erased = True
            world.look_at(room, Lane.URGENT)


def _is_asked_for(child: Child) -> bool:
    """Whether somebody in the template's line is about to come to the room's own."""
    return any(join.key == child.key for join in child.template.line.joins)


def _erase(world: World, room: Room, child: Child) -> bool:
    """Have a node erase the data. False: that is not needed, or nobody can."""
    game = world.game(room.key.game)
    if room.spec.on_delete is not OnDelete.DELETE or not room.recorded:
        return False
    if not game.links or len(game.entries) != 1:
        return False
    if child.erase_tries and world.now < child.erase_at:
        return True
    if child.erase_tries >= ERASE_TRIES:
        return False
    child.erase_tries += 1
    child.erase_at = world.now + ERASE_SECONDS
    name = next(iter(game.links))
    node = game.links[name]
    game.links.move_to_end(name)
    one = MarkedRoom(room=room.key.name, uid=room.uid, epoch=room.recorded)
    world.do(EraseRooms(node.key, node.boot, (one,), next(iter(game.entries))))
    return True


def _delete(world: World, room: Room, child: Child) -> None:
    child.deleting_at = world.now
    world.do(DeleteRoomObject(room.key, room.uid))
