"""Where a player's actor is, for the master, which asks before it lets the player in anywhere (DESIGN 9)."""

from __future__ import annotations

import logging

from roomfleet.node.running.rooms import Rooms
from roomfleet.node.travelling.returning import Returns
from roomfleet.store import Store, StoreError, doc_id, name_of, where
from roomfleet.wire.link import Find, Found, Presence
from roomfleet.wire.names import player_actor

log = logging.getLogger(__name__)


async def find(asked: Find, *, store: Store, game: str, rooms: Rooms, returns: Returns) -> Found | None:
    """The answer; None: the store does not say at the moment, and the master will ask again."""
    actor = doc_id(game, player_actor(asked.player))
    try:
        held = await where(store, actor)
        if held is not None and await returns.settled(name_of(held)):
            held = await where(store, actor)
    except StoreError as error:
        log.info("cannot say where %s is: %s", asked.player, error)
        return None
    name = name_of(held) if held else None
    room = rooms.get(name) if name else None
    presence = room.visits.presence(asked.player) if room is not None else Presence.AWAY
    return Found(id=asked.id, player=asked.player, room=name, presence=presence)
