"""What is left over where a room's owner was lost, or its object deleted: nodes look after it (DESIGN 7, 8).

A lost owner may have committed what it did not bring to the actors any more; whoever claims the room next
does that, but the room may sleep for long. Who was on the way to a deleted Room would wait for ever.
"""

from __future__ import annotations

from roomfleet.master.core.effects import SendBack, SweepRooms
from roomfleet.master.core.joining.line import Join
from roomfleet.master.core.model import Key
from roomfleet.master.core.state import Game, Node, Room
from roomfleet.master.core.world import World


def lost(world: World, room: Room) -> None:
    """The room's owner is no more."""
    world.game(room.key.game).lost[room.key.name] = None
    world.unswept[room.key.game] = None


def tell(world: World) -> None:
    """Have the rooms that were lost swept, as soon as there is a node."""
    for name in list(world.unswept):
        game = world.games[name]
        node = _node(game)
        if node is None:
            continue
        del world.unswept[name]
        rooms, game.lost = tuple(game.lost), {}
        world.do(SweepRooms(node.key, node.boot, rooms))


def send_back(world: World, key: Key) -> None:
    """Have everybody sent back who is on the way to a room that is gone, and runs nowhere."""
    game = world.game(key.game)
    node = _node(game)
    if key in world.rooms or node is None or game.runs(key.name):
        return
    entry = next(iter(game.entries)) if len(game.entries) == 1 else ""
    world.do(SendBack(node.key, node.boot, key.name, entry))


def seek_again(world: World, join: Join, holder: str) -> bool:
    """The join's actor is in a room that is gone, or only on the way to it: then it comes back, and is to be
    sought again. False: it was sought again before."""
    if join.sent_back or Key(join.game, holder) in world.rooms:
        return False
    join.sent_back = True
    join.found = ()
    send_back(world, Key(join.game, holder))
    game = world.game(join.game)
    if (node := _node(game)) is not None:
        game.links.move_to_end(node.key.name, last=False)  # it is asked next: it knows when it is done
    return True


def _node(game: Game) -> Node | None:
    """The one that was heard last: of several that were lost together some may not be known to be."""
    if game.heard_last is not None and game.heard_last.is_up:
        return game.heard_last
    return max(game.links.values(), key=lambda node: node.heard, default=None)
