"""What a node asks the store now and then, for all its rooms at once; and the sweep of rooms that nobody
runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from roomfleet.store.operations import Store
from roomfleet.store.protocol.apply import Pause, apply_ops
from roomfleet.store.protocol.session import Session
from roomfleet.store.records import ActorRecord


async def arrivals(store: Store, sessions: Mapping[str, Session]) -> list[tuple[str, ActorRecord]]:
    """Take in who has arrived in the rooms (room id → session): (room, actor) pairs, live from now on.

    One query for all rooms. A docked child may come before its parent: then `sweep` the room it came from
    (``transit.origin``) and ask again. Raises StoreUnavailable or OutcomeUnknown, with nobody taken in.
    """
    if not sessions:
        return []
    found = await store.actors_arriving(sessions.keys())
    return [
        (actor.room, actor) for actor in found if actor.room in sessions and sessions[actor.room].take(actor)
    ]


async def check_epochs(store: Store, sessions: Iterable[Session]) -> list[Session]:
    """The sessions whose rooms have another owner by now; they are fenced, their ``found_epoch`` is set.
    One query.
    """
    asked = {session.room: session for session in sessions if not session.fenced}
    if not asked:
        return []
    epochs = await store.room_epochs(list(asked))
    lost = [session for room, session in asked.items() if epochs.get(room, 0) != session.epoch]
    for session in lost:
        session.lost_to(epochs.get(session.room, 0))
    return lost


async def sweep(store: Store, room: str, pause: Pause) -> int:
    """Apply what the room's last owner committed, if anybody ever did: the number of ops looked after.

    Any node may, at any time, whether the room runs or not. It makes actors that left a room whose node
    died arrive.
    """
    found = await store.get_room(room)
    if found is None:
        return 0
    await apply_ops(store, found.ops, pause)
    return len(found.ops)


async def where(store: Store, actor: str) -> str | None:
    """The room that holds the actor or will hold it when it arrives; None: there is no such actor.

    A hint: it may have left by a batch not applied yet. `Session.spawn` decides.
    """
    found = await store.get_actor(actor)
    return None if found is None or found.deleted else found.room
