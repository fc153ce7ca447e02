"""The rules that carry, each as a way to take it out: by another model store, another client, or a patched
method.

The production code knows nothing of this.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from roomfleet.store.errors import Fenced
from roomfleet.store.operations import Store
from roomfleet.store.protocol import Change, Committed, Session
from roomfleet.store.protocol.apply import apply_ops
from roomfleet.store.protocol.claim import take_over
from roomfleet.store.protocol.erase import erase
from roomfleet.store.records import (
    ActorRecord,
    Batch,
    Op,
    Owner,
    Presence,
    RoomDoc,
    RoomSave,
    RoomSpec,
    record_of,
)
from support.explorer.model import Model, Room
from support.explorer.node import Node
from support.explorer.process import ModelClient
from support.explorer.scenarios import (
    deleted_and_born_again,
    erased,
    leaving_a_lost_room,
    same_epoch,
    spawn_race,
    takeover,
    there_and_back,
    wanted_again,
)
from support.explorer.search import Scenario


@dataclass(frozen=True)
class Rule:
    """A rule taken out. ``scenario`` must break without it."""

    name: str
    scenario: Callable[[], Scenario]
    model: type[Model] = Model
    client: type[ModelClient] = ModelClient
    patched: Callable[[], AbstractContextManager[Any]] = nullcontext


class NoEpochFilter(Model):
    def may_commit(self, room: Room, epoch: int, seq: int) -> bool:
        return room.seq == seq


class ClaimsAtTheSameEpoch(Model):
    def may_claim(self, room: Room, epoch: int) -> bool:
        return room.epoch <= epoch


class NoVersionFilter(Model):
    def may_replace(self, found: Op, op: Op) -> bool:
        return True


class NoSeq(Model):
    def may_commit(self, room: Room, epoch: int, seq: int) -> bool:
        return room.epoch == epoch


class NoTombstones(Model):
    def remains(self, op: Op) -> bool:
        return op.presence is not Presence.DELETED


class LoadsBeforeApplying(ModelClient):
    """Reads the actors right after the claim, and only then lets the journal be applied."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self._loaded: list[ActorRecord] = []

    async def take_room(self, room: str, epoch: int, owner: Owner, spec: RoomSpec | None) -> RoomDoc | None:
        taken = await super().take_room(room, epoch, owner, spec)
        if taken is not None:
            self._loaded = await super().actors_in(room, away=False)
        return taken

    async def actors_in(self, room: str, *, away: bool) -> list[ActorRecord]:
        return self._loaded


class AppliesTheUncommitted(ModelClient):
    """Applies the ops of a batch on the way to committing it."""

    async def commit_room(self, room: str, epoch: int, seq: int, batch: Batch) -> bool:
        await self.replace_actors(batch.ops, insert=True)
        return await super().commit_room(room, epoch, seq, batch)


@contextmanager
def _applies_after_the_next_commit() -> Iterator[None]:
    """A batch is applied only when the next one has taken its place in the journal."""

    async def settle(self: Session) -> None:
        if self._sent is not None:
            await self._send(self._sent)

    async def decide(self: Session, *args: Any) -> None:
        before = self._unapplied
        await original(self, *args)
        await apply_ops(self._store, before, self._pause)

    original = Session._decide
    with patch.object(Session, "_settle", settle), patch.object(Session, "_decide", decide):
        yield


def _no_watermark() -> AbstractContextManager[Any]:
    return patch.object(Session, "_is_news", lambda self, record: True)


def _no_look_after_a_spawn() -> AbstractContextManager[Any]:
    async def believe(self: Session, op: Op) -> ActorRecord:
        return record_of(op)

    return patch.object(Session, "_look_again", believe)


def _erases_at_any_epoch() -> AbstractContextManager[Any]:
    """Takes the room over as it now is, though the uid was read before."""

    async def take(store: Store, room: str, epoch: int, *rest: Any) -> Any:
        try:
            return await take_over(store, room, epoch, *rest)
        except Fenced as error:
            return await take_over(store, room, (error.found_epoch or 0) + 1, *rest)

    return patch("roomfleet.store.protocol.erase.take_over", take)


def _erases_above_what_was_ordered() -> AbstractContextManager[Any]:
    async def erase_all(*arguments: Any, **named: Any) -> Any:
        return await erase(*arguments, **{**named, "epoch": sys.maxsize})

    return patch("support.explorer.node.erase", erase_all)


def _empties_before_it_deletes() -> AbstractContextManager[Any]:
    async def save(self: Session, changes: Sequence[Change], room: RoomSave | None) -> Committed:
        if changes and room is not None and room.saved_at is None:
            await original(self, [], room)
            room = None
        return await original(self, changes, room)

    original = Session.save
    return patch.object(Session, "save", save)


def _no_sweep_before_erasing() -> AbstractContextManager[Any]:
    async def nothing(self: Node, room: str) -> None:
        return

    return patch.object(Node, "sweep", nothing)


RULES = (
    Rule("the epoch filter", takeover, model=NoEpochFilter),
    Rule("< in C1", same_epoch, model=ClaimsAtTheSameEpoch),
    Rule("C2 before C3", takeover, client=LoadsBeforeApplying),
    Rule("the version filter", takeover, model=NoVersionFilter),
    Rule("seq where writes are resent", takeover, model=NoSeq),
    Rule("apply before the next commit", takeover, patched=_applies_after_the_next_commit),
    Rule("never applying the uncommitted", leaving_a_lost_room, client=AppliesTheUncommitted),
    Rule("the watermark", there_and_back, patched=_no_watermark),
    Rule("tombstones", deleted_and_born_again, model=NoTombstones),
    Rule("the read after a spawn", spawn_race, patched=_no_look_after_a_spawn),
    Rule("erasing at the very next epoch", erased, patched=_erases_at_any_epoch),
    Rule("erasing no epoch above the ordered one", wanted_again, patched=_erases_above_what_was_ordered),
    Rule("emptying and deleting in one batch", erased, patched=_empties_before_it_deletes),
    Rule("sweeping before erasing", erased, patched=_no_sweep_before_erasing),
)
