"""A room's session: the one claimant of an epoch, its batches, and what it holds live.

The order of things is the promise (DESIGN 7). A batch is one conditional write of the room's document:
matched, it is decided and acknowledged, for all its actors together. Its ops are applied to the actors'
documents behind that, and before the next batch may be composed, since the next one takes the journal's
place. A session does one thing at a time; callers may overlap.

Two memories keep late news out: ``live`` (the version of each actor that is live here) and ``watermark``
(the highest version this session ever gave an actor, never lowered): a document that is older than the
watermark is one from before the actor left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from roomfleet.store.errors import Fenced, OutcomeUnknown, SessionEnded, StoreUnavailable
from roomfleet.store.operations import Store
from roomfleet.store.protocol import compose
from roomfleet.store.protocol.apply import Pause, apply_ops, insist
from roomfleet.store.protocol.changes import Change, Committed, HeldBy, Live
from roomfleet.store.records import ActorRecord, Batch, Json, Op, Owner, Presence, RoomSave, record_of


class _Sent:
    """A batch from the moment it is first sent until it is decided."""

    def __init__(self, batch: Batch, live_before: dict[str, int | None]) -> None:
        self.batch = batch
        self.live_before = live_before
        self.in_doubt = False


class Session:
    """What `claim` gives. All ids are document ids. Use by one event loop; calls wait for one another."""

    def __init__(
        self,
        store: Store,
        room: str,
        epoch: int,
        seq: int,
        actors: Sequence[ActorRecord],
        pause: Pause,
    ) -> None:
        self.room = room
        self.epoch = epoch
        self.seq = seq
        """The number of the last decided batch."""
        self.fenced = False
        """The room has another owner. Never turns back to False."""
        self.found_epoch: int | None = None
        """The epoch that fenced this session, where known."""
        self._store = store
        self._pause = pause
        self._ended = False
        self._live = {actor.id: actor.v for actor in actors}
        self._watermark: dict[str, int] = {}
        self._spawning: str | None = None
        self._sent: _Sent | None = None
        self._unapplied: tuple[Op, ...] = ()
        self._lock = asyncio.Lock()

    @property
    def live(self) -> Mapping[str, int]:
        """The actors that are live here, with their saved versions."""
        return self._live

    async def commit(
        self,
        changes: Sequence[Change] = (),
        *,
        state: Json | None = None,
        ceiling_ms: int,
        saved_at_ms: int,
    ) -> Committed:
        """Save the changes and the room's own data (``state`` None: unchanged), all or nothing.

        Returns when decided: from then on it survives anything. Await `applied` right after, so that actors
        that left arrive; else the next call does it. Raises, with nothing saved: Fenced, StoreUnavailable,
        TooLarge, BadChange, SessionEnded. After StoreUnavailable the same changes may be given again; while
        the outcome is unknown the write is sent again after each pause. If the pause raises, or the caller
        is cancelled, the batch stays in doubt and the next call begins with it.
        """
        return await self.save(changes, self._room_save(state, ceiling_ms, saved_at_ms))

    async def applied(self) -> None:
        """Returns when every decided batch of this session is in the actors' documents."""
        async with self._lock:
            await self._settle()

    async def spawn(self, actor: str, body_if_new: Json) -> Live | HeldBy:
        """Make a player's actor live here, if no other room holds it. A new one (or after its deletion)
        gets the body.

        Also takes in one that is away in this very room. Raises like `commit`.
        """
        async with self._lock:
            await self._ready()
            if actor in self._live:
                return HeldBy(self.room, in_transit=False)
            self._spawning = actor
            try:
                return await self._spawn(actor, body_if_new)
            finally:
                self._spawning = None

    def take(self, record: ActorRecord) -> bool:
        """Take in an actor that arrives, as its document or its decided travel says. False: not news, or
        not ours.

        No write: the room that the document names owns the actor; the next save of it clears the transit.
        """
        if (
            self.fenced
            or self._ended
            or record.room != self.room
            or record.deleted
            or record.id in self._live
            or record.id == self._spawning
            or not self._is_news(record)
        ):
            return False
        self._live[record.id] = record.v
        return True

    async def release(self, *, state: Json | None = None, ceiling_ms: int, saved_at_ms: int) -> None:
        """A clean stop, after the last `commit`: the room's exact time as ceiling, and an empty journal.

        The empty journal, without an owner, tells everybody that nothing is left to do here. Raises like
        `commit`; after StoreUnavailable it may be called again.
        """
        await self.end(self._room_save(state, ceiling_ms, saved_at_ms))

    async def save(self, changes: Sequence[Change], room: RoomSave | None) -> Committed:
        """`commit`, with the room's part as it goes to the store (None: the room's own data stay as they
        are).
        """
        async with self._lock:
            await self._ready()
            ops = compose.compose(self.room, changes, self._live, self._watermark)
            compose.check_size(self.room, ops, room.state if room is not None else None)
            await self._decide(ops, room)
            return Committed(self.seq, tuple(record_of(op) for op in ops if op.transit is not None))

    async def end(self, room: RoomSave) -> None:
        """`release` with the room's part as given: an empty journal, and nobody owns the
        room.
        """
        async with self._lock:
            await self._ready()
            compose.check_size(self.room, (), room.state)
            await self._decide((), msgspec.structs.replace(room, owner=Owner()))
            self._ended = True

    def _room_save(self, state: Json | None, ceiling: int, saved_at: int) -> RoomSave:
        return RoomSave(
            None if state is None else compose.raw(self.room, self.room, state), ceiling, saved_at
        )

    def lost_to(self, found_epoch: int | None) -> Fenced:
        """Note that the room has another owner; the error to raise."""
        self.fenced = True
        if found_epoch is not None:
            self.found_epoch = found_epoch
        return Fenced(self.room, self.found_epoch)

    # ---- inside, with the lock held

    async def _ready(self) -> None:
        """Fit for the next batch: the former one decided and applied."""
        if self.fenced:
            raise Fenced(self.room, self.found_epoch)
        if self._ended:
            raise SessionEnded(self.room, self.epoch)
        await self._settle()

    async def _settle(self) -> None:
        if self._sent is not None:
            await self._send(self._sent)
        await self._apply()

    async def _apply(self) -> None:
        await apply_ops(self._store, self._unapplied, self._pause)
        self._unapplied = ()

    async def _decide(self, ops: tuple[Op, ...], room: RoomSave | None) -> None:
        """Make the ops a batch and send it. From here on the actors that leave are not live any more."""
        self._sent = _Sent(Batch(self.seq + 1, ops, room), {op.id: self._live.get(op.id) for op in ops})
        for op in ops:
            self._watermark[op.id] = max(self._watermark.get(op.id, 0), op.v)
            if op.room != self.room or op.presence is not Presence.PRESENT:
                self._live.pop(op.id, None)  # one that leaves unsaved was never in
            elif not op.token:  # a spawn is live only after the look that confirms it
                self._live[op.id] = op.v
        await self._send(self._sent)

    async def _send(self, sent: _Sent) -> None:
        """Send the batch, and the identical batch again, until it is decided."""
        attempt = 0
        while True:
            surely_first = not sent.in_doubt
            sent.in_doubt = True
            try:
                if await self._store.commit_room(self.room, self.epoch, self.seq, sent.batch):
                    return self._decided(sent)
                if surely_first:
                    self._sent = None
                    self.lost_to(None)
                    raise self.lost_to(await self._epoch_found())
                if await self._was_ours(sent):
                    return self._decided(sent)
            except StoreUnavailable:
                if surely_first:
                    self._take_back(sent)
                    raise
            except OutcomeUnknown:
                pass  # in doubt: below, again
            attempt += 1
            await self._pause(attempt)
            if self.fenced:  # found out meanwhile by another way: what is in doubt is acknowledged by nobody
                raise self.lost_to(None)

    def _take_back(self, sent: _Sent) -> None:
        """The batch surely did not happen: who left with it is still here. The watermark stays."""
        self._sent = None
        for actor, v in sent.live_before.items():
            if v is None:
                self._live.pop(actor, None)
            else:
                self._live[actor] = v

    def _decided(self, sent: _Sent) -> None:
        self._sent = None
        self.seq = sent.batch.seq
        self._unapplied = sent.batch.ops

    async def _was_ours(self, sent: _Sent) -> bool:
        """After a miss in doubt: whether an earlier sending of this batch did it. False: not seen yet, send
        again.
        """
        found = await self._store.get_room(self.room)
        if found is not None and found.epoch == self.epoch:
            return found.seq == sent.batch.seq
        self._sent = None
        raise self.lost_to(found.epoch if found is not None else None)

    async def _epoch_found(self) -> int | None:
        try:
            found = await self._store.get_room(self.room)
        except (StoreUnavailable, OutcomeUnknown):
            return None
        return found.epoch if found is not None else None

    async def _spawn(self, actor: str, body: Json) -> Live | HeldBy:
        found = await self._store.get_actor(actor)
        while found is None or found.deleted:
            v = (found.v if found is not None else 0) + 1
            token = f"{self.room}@{self.epoch}.{self.seq + 1}"
            op = compose.creation(self.room, actor, v, body, token)
            compose.check_size(self.room, (op,), None)
            await self._decide((op,), None)
            await self._apply()
            found = await self._look_again(op)
            if found is not None and (found.room, found.v, found.token) == (self.room, v, token):
                self._live[actor] = v
                return Live(found)
            if found is not None and not found.deleted:
                return HeldBy(found.room, in_transit=found.transit is not None)
        if found.room != self.room or found.transit is not None or not self._is_current(found):
            return HeldBy(found.room, in_transit=found.transit is not None)
        self._live[actor] = found.v
        return Live(found)

    async def _look_again(self, op: Op) -> ActorRecord | None:
        """The read after a spawn: whose creation it was that counted."""
        return await insist(lambda: self._store.get_actor(op.id), self._pause)

    def _is_news(self, record: ActorRecord) -> bool:
        return record.v > self._watermark.get(record.id, 0)

    def _is_current(self, record: ActorRecord) -> bool:
        return record.v >= self._watermark.get(record.id, 0)
