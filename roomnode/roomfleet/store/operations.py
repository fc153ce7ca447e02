"""What a store must be able to do: a few operations, each atomic on single documents.

The save protocol (`roomfleet.store.protocol`) needs nothing else, so an adapter is a page of plain code and
needs no transactions. Promises every adapter keeps, and the conformance suite tests:

- a returned write is durable, and seen by every read begun later, by any process;
- `StoreUnavailable` means that surely nothing happened; `OutcomeUnknown` that it may have, or may still
  happen;
- a call that was cancelled has an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from enum import Enum, auto
from typing import Protocol

from roomfleet.store.records import ActorRecord, Batch, Op, Owner, RoomDoc, RoomSpec


class Replaced(Enum):
    """What became of one op."""

    DONE = auto()
    """Replaced, inserted, or not needed since the document is as new or newer."""
    DUPLICATE = auto()
    """The insertion met a document: send it again without inserting."""


class Store(Protocol):
    """The operations. Rooms and actors are named by document ids, ``<game>/<name>``."""

    @property
    def place(self) -> str:
        """Where it is, for people: without secrets."""

    async def insert_room(self, room: str) -> None:
        """Insert an empty room document (epoch 0, seq 0, no ops, never saved) if there is none."""

    async def take_room(self, room: str, epoch: int, owner: Owner, spec: RoomSpec | None) -> RoomDoc | None:
        """Where the saved epoch is lower than ``epoch``: set epoch and owner, and return the document after.

        With a ``spec``: only where the room was never saved or was saved with the same map; sets the spec
        too. None: no such document, or it does not fulfil the conditions.
        """

    async def commit_room(self, room: str, epoch: int, seq: int, batch: Batch) -> bool:
        """Where epoch and seq are exactly these: set the journal (whole), and what `Batch.room` says.

        False: the document does not fulfil the conditions, nothing was written.
        """

    async def get_room(self, room: str) -> RoomDoc | None:
        """The room's document, as committed for good."""

    async def replace_actors(self, ops: Sequence[Op], *, insert: bool) -> list[Replaced]:
        """For each op, each by itself and in any order: replace the actor's document where its v is lower.

        ``insert``: ops with ``create`` also insert where there is no document. One result for each op. An
        error says nothing about any of them; sending all again is harmless.
        """

    async def get_actor(self, actor: str) -> ActorRecord | None:
        """The actor's document, tombstones included."""

    async def actors_in(self, room: str, *, away: bool) -> list[ActorRecord]:
        """The actors whose document names the room; the deleted never, those away only when asked for."""

    async def actors_arriving(self, rooms: Set[str]) -> list[ActorRecord]:
        """The actors in transit to one of the rooms. What it costs goes by those rooms of the store that
        actors are in transit to, not by the number of ``rooms``, where these are many."""

    async def rooms_awaited(self, game: str) -> list[str]:
        """The game's rooms that actors are in transit to: one query."""

    async def room_epochs(self, rooms: Sequence[str]) -> dict[str, int]:
        """The saved epoch of each of the rooms that has a document: one query for all."""

    async def rooms_with_ops(self, game: str) -> list[str]:
        """The game's rooms whose journal is not empty: those running, and those that ended without a
        release.
        """

    async def rooms_to_delete(self, game: str) -> list[tuple[str, str, int]]:
        """The game's rooms with saved data (``saved_at`` is not None) whose spec says ``on_delete`` "Delete",
        each with its spec's uid and its epoch: one query.
        """

    async def mark_room(self, room: str, uid: str, on_delete: str) -> bool:
        """Where the spec's uid is this one: set the spec's ``on_delete``, and nothing else. False: no such
        document.
        """

    async def installation_id(self, new: str) -> str:
        """The id of the installation that the store belongs to; ``new`` becomes it if there is none."""

    async def adopt_installation(self, old: str, new: str) -> None:
        """Where the store belongs to installation ``old``: it belongs to ``new`` from now on."""

    async def close(self) -> None:
        """Finish what was asked for, and let go of files, threads and sockets. Nothing can be asked for
        after.
        """


def ids_in_parts(ids: Iterable[str], size: int) -> Iterable[list[str]]:
    """The ids in lists of at most ``size``, for stores that bound the length of a query."""
    part: list[str] = []
    for one in ids:
        part.append(one)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
