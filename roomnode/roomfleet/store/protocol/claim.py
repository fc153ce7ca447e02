"""Claiming a room: fence whoever had it, apply what was committed, and only then load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from roomfleet.store.errors import Fenced, MapChanged
from roomfleet.store.operations import Store
from roomfleet.store.protocol.apply import Pause, apply_ops, insist
from roomfleet.store.protocol.changes import Change
from roomfleet.store.protocol.session import Session
from roomfleet.store.records import ActorRecord, Json, Owner, RoomDoc, RoomSave, RoomSpec

Leave = Callable[[Sequence[ActorRecord], int], Iterable[Sequence[Change]]]
"""Of the room's actors, at its last room time (ms): the changes that save who leaves, in atomic groups."""


class Claimed(msgspec.Struct, frozen=True):
    """A claimed room. ``first``: nothing of the room's own was ever committed. ``ceiling_ms``: room time to
    go on from.

    ``actors`` are all that are the room's and not away; those with a ``transit`` have just arrived.
    """

    session: Session
    state: Json
    first: bool
    ceiling_ms: int
    actors: tuple[ActorRecord, ...]


async def claim(
    store: Store,
    *,
    room: str,
    epoch: int,
    node: str,
    url: str,
    boot: str,
    uid: str,
    map: str,
    on_delete: str,
    pause: Pause,
) -> Claimed:
    """Claim the room at the epoch: from now on no commit of a lower epoch is decided.

    Raises Fenced (the epoch is not higher than the one found), MapChanged, StoreUnavailable (nothing
    happened, or only the fence), OutcomeUnknown. After StoreUnavailable or OutcomeUnknown assume nothing
    and claim at a higher epoch.
    """
    spec = RoomSpec(uid, map, on_delete)
    session, doc, actors = await take_over(store, room, epoch, Owner(node, url, boot), spec, False, pause)
    return Claimed(session, doc.state, doc.saved_at is None, doc.ceiling, tuple(actors))


async def vacate(
    store: Store,
    *,
    room: str,
    epoch: int,
    node: str,
    leave: Leave,
    forget: bool,
    pause: Pause,
) -> tuple[ActorRecord, ...]:
    """Take actors out of a room that nobody can run, as its next owner: those on their way elsewhere now.

    Of all actors of the room, those away included, ``leave`` gives the changes to commit (`Travel` back along
    a transit, or to the entry room; `Delete`), in atomic groups. ``forget`` empties the room's
    own data too. It claims the room, since only its owner may touch its actors: a session still running it
    is fenced. Raises like `claim` and `Session.commit`; doing it again at a higher epoch is safe.
    """
    session, doc, actors = await take_over(store, room, epoch, Owner(node), None, True, pause)
    gone: list[ActorRecord] = []
    for group in leave(actors, doc.ceiling):  # each by itself: they are independent, and no batch too large
        gone += (await session.save(group, None)).departed
    if forget:
        await session.end(RoomSave(msgspec.Raw(b"{}"), 0, None))
    else:
        await session.end(RoomSave(None, doc.ceiling, doc.saved_at))
    return tuple(gone)


async def take_over(
    store: Store, room: str, epoch: int, owner: Owner, spec: RoomSpec | None, away: bool, pause: Pause
) -> tuple[Session, RoomDoc, Sequence[ActorRecord]]:
    """Fence, apply, load: the session, the room as it was left, and its actors. Raises like `claim`."""
    doc = await store.take_room(room, epoch, owner, spec)
    if doc is None:
        found = await store.get_room(room)
        if found is None:
            await store.insert_room(room)
        if found is None or _is_free(found, epoch, spec):  # somebody else may have inserted it meanwhile
            doc = await store.take_room(room, epoch, owner, spec)
            found = doc or await store.get_room(room)
        if doc is None:
            raise _refused(room, epoch, spec, found)
    # Only now, with every earlier owner fenced and what it had committed applied, do reads count.
    await apply_ops(store, doc.ops, pause)
    actors = await _load(store, room, away, pause)
    return Session(store, room, epoch, doc.seq, actors, pause), doc, actors


async def _load(store: Store, room: str, away: bool, pause: Pause) -> Sequence[ActorRecord]:
    return await insist(lambda: store.actors_in(room, away=away), pause)


def _is_free(found: RoomDoc, epoch: int, spec: RoomSpec | None) -> bool:
    return found.epoch < epoch and (spec is None or found.saved_at is None or found.spec.map == spec.map)


def _refused(room: str, epoch: int, spec: RoomSpec | None, found: RoomDoc | None) -> Fenced | MapChanged:
    if found is not None and found.epoch < epoch and spec is not None and not _is_free(found, epoch, spec):
        return MapChanged(room, found.spec.map, spec.map)
    return Fenced(room, found.epoch if found is not None else None)
