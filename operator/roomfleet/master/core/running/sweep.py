"""The sweep: saved data go when their Room said `onDelete: Delete` and has been gone for long (DESIGN 4).

The store knows which rooms are marked so, the master which Rooms exist; a node is asked for the former
after each complete list of the latter. Data whose object is missing after two lists at least
`deleteAfterSeconds` apart are erased by a node, which checks the uid once more. What is noted here is
forgotten with the master: a restart counts anew, so that in doubt data stay longer, never shorter.
"""

from __future__ import annotations

import logging

from roomfleet.master.core.effects import EraseRooms, FindMarked, MarkRoom
from roomfleet.master.core.events import Listed, MarkedFound
from roomfleet.master.core.model import Key
from roomfleet.master.core.running import leftovers
from roomfleet.master.core.state import Game, Node, Orphan, Room
from roomfleet.master.core.world import World
from roomfleet.wire.link import MarkedRoom
from roomfleet.wire.spec import ENTRY_ANNOTATION, OnDelete

log = logging.getLogger(__name__)


def listed(world: World, event: Listed) -> None:
    """Every Room of the game is known: ask a node what is marked, now or when there is one."""
    game = world.game(event.game)
    if game.asked and world.now < game.asked + world.settings.delete_after_seconds / 2:
        return  # it says nothing that counts sooner
    game.listed = True
    ask(world, game)


def ask(world: World, game: Game) -> None:
    """Ask the node that was asked longest ago, if a list was made since."""
    if not (game.listed and game.links and world.synced):
        return
    name = next(iter(game.links))
    node = game.links[name]
    game.links.move_to_end(name)
    game.orphans = {room: orphan for room, orphan in game.orphans.items() if orphan.seen == game.asked}
    game.listed, game.asked = False, world.now
    game.just_gone.clear()
    world.do(FindMarked(node.key, node.boot))


def marked(world: World, event: MarkedFound) -> None:
    """These rooms have data that go with their object: note the orphans, erase those of old."""
    node = world.nodes.get(event.node)
    if node is None or node.boot != event.boot or not node.is_up:
        return
    game = world.game(event.node.game)
    for name in event.awaited:
        leftovers.send_back(world, Key(game.name, name))
    due = [one for one in event.rooms if _is_orphan(world, game, node, one) and _is_due(world, game, one)]
    if due:
        _erase(world, game, node, tuple(due))


def spec_changed(world: World, room: Room, before: OnDelete) -> None:
    """The object says otherwise than before what becomes of its data."""
    if room.spec.on_delete is before:
        return
    for node in world.game(room.key.game).links.values():
        world.do(MarkRoom(node.key, node.boot, room.key.name, room.uid, room.spec.on_delete))
        return


def object_known(world: World, key: Key) -> None:
    """There is an object of that name: nothing of the past counts any more."""
    game = world.game(key.game)
    game.orphans.pop(key.name, None)
    game.kept.discard(key.name)


def object_gone(world: World, room: Room) -> None:
    """The object was deleted."""
    game = world.game(room.key.game)
    game.just_gone.add(room.key.name)
    if room.spec.on_delete is OnDelete.RETAIN:
        game.kept.add(room.key.name)


def _is_orphan(world: World, game: Game, node: Node, one: MarkedRoom) -> bool:
    """Whether no object of that name exists, and nothing of it runs. Marks that are wrong are put right."""
    room = game.rooms.get(one.room)
    retained = one.room in game.kept
    if room is not None and room.uid == one.uid:
        retained = room.spec.on_delete is OnDelete.RETAIN
    if retained:
        world.do(MarkRoom(node.key, node.boot, one.room, one.uid, OnDelete.RETAIN))
    late = one.room in game.just_gone  # the last list had it still: this answers no later question
    if retained or late or room is not None or game.runs(one.room):
        game.orphans.pop(one.room, None)
        return False
    return True


def _is_due(world: World, game: Game, one: MarkedRoom) -> bool:
    orphan = game.orphans.get(one.room)
    since = orphan.since if orphan is not None and orphan.uid == one.uid else game.asked
    game.orphans[one.room] = Orphan(one.uid, since, game.asked)
    return game.asked - since >= world.settings.delete_after_seconds


def _erase(world: World, game: Game, node: Node, due: tuple[MarkedRoom, ...]) -> None:
    if len(game.entries) == 1:
        game.told_no_entry = False
        world.do(EraseRooms(node.key, node.boot, due, next(iter(game.entries))))
    elif not game.told_no_entry:
        game.told_no_entry = True
        log.warning(
            "the saved data of %d deleted rooms of %s wait, %s among them: players' actors in them would have"
            ' nowhere to go; put the annotation %s: "true" on exactly one Room',
            len(due),
            game.name,
            due[0].room,
            ENTRY_ANNOTATION,
        )
