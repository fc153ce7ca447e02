"""Erasing a room whose object is gone: what is its own goes, whoever is only a guest goes elsewhere.

All or nothing as far as the room is concerned: guests leave first, in batches of their own, and the last
batch holds the tombstones of all others together with the empty room (as long as they fit into one, which
is some thousands of actors). Broken off before that, the room is whole but for its guests; after it, there
is nothing left to erase. So it may be done again at any time, by anybody, and whoever claims the room
meanwhile finds it in one of the two states.

Who orders it says up to which epoch. An order may be late: what a later claim of the room saved is not its
business, whoever gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from roomfleet.store.errors import Fenced
from roomfleet.store.operations import Store
from roomfleet.store.protocol.apply import Pause
from roomfleet.store.protocol.changes import Change, Delete
from roomfleet.store.protocol.claim import Leave, take_over
from roomfleet.store.protocol.compose import BATCH_LIMIT
from roomfleet.store.protocol.rounds import arrivals
from roomfleet.store.records import Owner, RoomSave, encode

ON_DELETE = "Delete"
"""What the saved spec says of a room whose data go with its object."""

ERASING = "erasing"
"""The boot id of a room's owner while it is erased. It stays when that was broken off, and the room was not
claimed since: then what is left has nothing of a later run in it, though the epoch is higher."""

OP_BYTES = 256
"""What an op takes beside its body and the ids in its change, generously."""


class Erased(msgspec.Struct, frozen=True):
    """What was done: how many actors went elsewhere, and how many are gone."""

    saved: int
    deleted: int


async def erase(
    store: Store, *, room: str, uid: str, epoch: int, node: str, leave: Leave, pause: Pause
) -> Erased | None:
    """Empty the room if its data still are those of that uid, and are to be deleted; None: they are not.

    The room's document stays, with its epoch. Raises Fenced where somebody claimed the room above ``epoch``,
    or does meanwhile, who then has it; StoreUnavailable and OutcomeUnknown: do it again later.
    """
    found = await store.get_room(room)
    if found is None or found.saved_at is None or found.spec.uid != uid or found.spec.on_delete != ON_DELETE:
        return None
    if found.epoch > epoch and found.owner.boot != ERASING:
        raise Fenced(room, found.epoch)
    # Uid and owner change only together with the epoch: at exactly the next one they are what was read.
    owner = Owner(node, boot=ERASING)
    session, doc, loaded = await take_over(store, room, found.epoch + 1, owner, None, True, pause)
    if doc.spec.on_delete != ON_DELETE:  # it was marked otherwise since
        await session.end(RoomSave(None, doc.ceiling, doc.saved_at))
        return None
    actors = list(loaded)
    guests = 0
    while actors:
        for batch in _batches(leave(actors, doc.ceiling)):
            await session.save(batch, None)
            guests += len(batch)
        await session.applied()
        # Whoever was still on the way here when the room was read.
        actors = [actor for _, actor in await arrivals(store, {room: session})]
    rest = sorted(session.live)
    *most, last = list(_batches([Delete(actor)] for actor in rest)) or [[]]
    for batch in most:
        await session.save(batch, None)
    empty = RoomSave(msgspec.Raw(b"{}"), 0, None)
    await session.save(last, empty)
    await session.end(empty)
    return Erased(guests, len(rest))


def _batches(groups: Iterable[Sequence[Change]]) -> Iterator[list[Change]]:
    """Whole groups together, as many as surely fit into a batch."""
    batch: list[Change] = []
    size = 0
    for group in groups:
        more = sum(len(encode(change)) + OP_BYTES for change in group)
        if batch and size + more > BATCH_LIMIT:
            yield batch
            batch, size = [], 0
        batch += group
        size += more
    if batch:
        yield batch
