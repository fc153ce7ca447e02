"""Sending a player's actor to the room where its player was let in, because the player asked (DESIGN 9).

It may be done again at any time: the store says where the actor is, and whatever came in between is seen by
the next try.
"""

from __future__ import annotations

import logging

from roomfleet.node.running.room import HostedRoom
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.saving.sweeping import travelling
from roomfleet.store import (
    Committed,
    Fenced,
    Live,
    Session,
    StoreError,
    StoreUnavailable,
    Travel,
    doc_id,
    name_of,
)
from roomfleet.wire.link import Bring, Brought, RoomPhase
from roomfleet.wire.names import player_actor
from roomfleet.wire.session import Bye, ByeCode

log = logging.getLogger(__name__)

NOT_YET = "?"
"""Neither gone nor found elsewhere: ask again. (No room is called so.)"""


async def answer(node: Surroundings, asked: Bring) -> Brought | None:
    """What the master is told; None: nothing yet, and it will ask again."""
    try:
        room = await bring(node, node.rooms.get(asked.origin), asked.player, asked.room)
    except StoreError as error:
        log.info("%s is not brought to %s yet: %s", asked.player, asked.room, error)
        return None
    return Brought(id=asked.id, room=room or None) if room is not NOT_YET else None


async def bring(node: Surroundings, room: HostedRoom | None, player: str, target: str) -> str:
    """Where the actor is now, or will be when it arrives; an empty string: there is no such actor.

    Raises StoreError: ask again.
    """
    if room is None or room.phase is not RoomPhase.RUNNING or room.live is None:
        return NOT_YET
    if room.live.player_actor(player) is not None:
        _send_live(room, player, target)
    await _saved(room)  # also where the player has left a moment ago
    found = await node.store.get_actor(doc_id(node.game.name, player_actor(player)))
    if found is None or found.deleted:
        return ""
    if name_of(found.room) != room.name:
        return name_of(found.room)
    if found.transit is not None:
        await node.arrivals.look()
        return NOT_YET
    return await _send_away(node, room, player, target) if found.away else NOT_YET


def _send_live(room: HostedRoom, player: str, target: str) -> None:
    """Out of the live room with all that is docked; the session here is replaced by the one over there."""
    room.guarded(lambda live: live.send_player(player, target, room.now()))
    session = room.visits.forget(player)
    if session is not None and session.connection is not None:
        session.connection.end(Bye(code=ByeCode.REPLACED, reason=f"you went to {target} from another window"))


async def _saved(room: HostedRoom) -> None:
    if room.saver is None or room.session is None:
        return
    await room.saver.flush()
    try:
        await room.session.applied()
    except Fenced as error:
        room.fence(error.found_epoch)


async def _send_away(node: Surroundings, room: HostedRoom, player: str, target: str) -> str:
    """The actor lies in the room's data: off it goes without having been live."""
    session = room.session
    if session is None or not room.visits.begin_sending(player):
        return NOT_YET
    try:
        answer = await session.spawn(doc_id(node.game.name, player_actor(player)), {})
        if not isinstance(answer, Live):
            return NOT_YET
        body = travelling(answer.record.body, round(room.now() * 1000), parent=None)
        there = doc_id(node.game.name, target)
        committed = await _commit(session, room, Travel(answer.record.id, body, there))
        node.arrivals.departed(target, committed.departed, wake=False)
    except Fenced as error:
        room.fence(error.found_epoch)
        return NOT_YET
    finally:
        room.visits.end_sending(player)
    return target


async def _commit(session: Session, room: HostedRoom, travel: Travel) -> Committed:
    """The session holds the actor now: it has to go, however long the store takes."""
    attempt = 0
    while True:
        try:
            committed = await session.save([travel], None)
            await session.applied()
        except StoreUnavailable:
            attempt += 1
            if room.saver is not None:
                await room.saver.pause(attempt)
        else:
            return committed
