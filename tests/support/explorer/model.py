"""The model store: a world of documents as a value, and each operation as a function from world to world.

It behaves like the least of the stores: single documents, an insertion that meets a document is a
duplicate. Beside the documents it keeps what no store knows: who claimed last, and which commits landed
after a newer claim.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import msgspec

from roomfleet.store.operations import Replaced
from roomfleet.store.records import ActorRecord, Op, Presence, record_of

Request = tuple[Any, ...]
"""An operation on its way: its name, then hashable arguments."""

_OP = msgspec.json.Decoder(Op)


class Room(NamedTuple):
    """A room's document. ``owner`` is the process whose claim landed last, for the checks alone.

    ``saved``: it has data of its own; not after it was emptied.
    """

    epoch: int = 0
    seq: int = 0
    ops: tuple[bytes, ...] = ()
    state: bytes = b"{}"
    owner: str = ""
    uid: str = ""
    on_delete: str = ""
    saved: bool = True


class World(NamedTuple):
    """All documents. ``late`` names the commits (process, room, seq) that landed after a newer claim."""

    rooms: tuple[tuple[str, Room], ...]
    actors: tuple[tuple[str, bytes], ...]
    late: frozenset[tuple[str, str, int]] = frozenset()


@cache
def op_of(encoded: bytes) -> Op:
    """An op (and so an actor's document) from its bytes."""
    return _OP.decode(encoded)


@cache
def actor_of(encoded: bytes) -> ActorRecord:
    """What a reader of the document sees."""
    return record_of(op_of(encoded))


def world(rooms: list[str], actors: list[Op]) -> World:
    """A world to begin with: empty rooms, and actors as these ops left them."""
    return World(
        tuple((room, Room()) for room in sorted(rooms)),
        tuple((op.id, msgspec.json.encode(op)) for op in sorted(actors, key=lambda op: op.id)),
    )


def _put(pairs: tuple[tuple[str, Any], ...], key: str, value: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((*(pair for pair in pairs if pair[0] != key), (key, value))))


def _get(pairs: tuple[tuple[str, Any], ...], key: str) -> Any:
    for name, value in pairs:
        if name == key:
            return value
    return None


class Model:
    """The operations as they should be. Rules are removed by overriding one of the small methods."""

    def perform(self, now: World, request: Request) -> tuple[World, Any]:
        """The world after the request, and its answer."""
        method = getattr(self, request[0])
        after, answer = method(now, *request[1:])
        return after, answer

    # ---- the conditions, each a rule

    def may_claim(self, room: Room, epoch: int) -> bool:
        return room.epoch < epoch

    def may_commit(self, room: Room, epoch: int, seq: int) -> bool:
        return room.epoch == epoch and room.seq == seq

    def may_replace(self, found: Op, op: Op) -> bool:
        return found.v < op.v

    def remains(self, op: Op) -> bool:
        """Whether a document is left: of the deleted, a tombstone."""
        return True

    # ---- the operations

    def take_room(
        self, now: World, name: str, epoch: int, spec: tuple[str, str] | None, process: str
    ) -> tuple[World, Any]:
        room: Room | None = _get(now.rooms, name)
        if room is None or not self.may_claim(room, epoch):
            return now, None
        room = room._replace(epoch=epoch, owner=process)
        if spec is not None:
            room = room._replace(uid=spec[0], on_delete=spec[1])
        return now._replace(rooms=_put(now.rooms, name, room)), room

    def commit_room(
        self,
        now: World,
        name: str,
        epoch: int,
        seq: int,
        new_seq: int,
        ops: tuple[bytes, ...],
        state: bytes | None,
        saved: bool | None,
        process: str,
    ) -> tuple[World, Any]:
        room: Room | None = _get(now.rooms, name)
        if room is None or not self.may_commit(room, epoch, seq):
            return now, False
        late = now.late if room.owner == process else now.late | {(process, name, new_seq)}
        room = room._replace(
            seq=new_seq,
            ops=ops,
            state=room.state if state is None else state,
            saved=room.saved if saved is None else saved,
        )
        return World(_put(now.rooms, name, room), now.actors, late), True

    def get_room(self, now: World, name: str) -> tuple[World, Any]:
        return now, _get(now.rooms, name)

    def replace_actor(self, now: World, encoded: bytes, insert: bool) -> tuple[World, Any]:
        op = op_of(encoded)
        found = _get(now.actors, op.id)
        if found is not None and not self.may_replace(op_of(found), op):
            return now, Replaced.DUPLICATE if insert and op.create else Replaced.DONE
        if found is None and not (insert and op.create):
            return now, Replaced.DONE
        if not self.remains(op):
            return now._replace(actors=tuple(pair for pair in now.actors if pair[0] != op.id)), Replaced.DONE
        return now._replace(actors=_put(now.actors, op.id, encoded)), Replaced.DONE

    def get_actor(self, now: World, name: str) -> tuple[World, Any]:
        return now, _get(now.actors, name)

    def actors_in(self, now: World, room: str, away: bool) -> tuple[World, Any]:
        presences = (Presence.PRESENT, Presence.AWAY) if away else (Presence.PRESENT,)
        return now, tuple(
            encoded
            for _, encoded in now.actors
            if op_of(encoded).room == room and op_of(encoded).presence in presences
        )

    def actors_arriving(self, now: World, rooms: tuple[str, ...]) -> tuple[World, Any]:
        found = []
        for _, encoded in now.actors:
            op = op_of(encoded)
            if op.transit is not None and op.transit.to in rooms and op.presence is not Presence.DELETED:
                found.append(encoded)
        return now, tuple(found)


WRITES = frozenset({"take_room", "commit_room", "replace_actor"})
"""The operations that change something, and so can get lost, or land late."""


def decided(now: World) -> dict[str, Op]:
    """The actors as they are by all that was committed: the documents with every journal applied, by the
    rules.
    """
    rules = Model()
    for _, room in now.rooms:
        for encoded in room.ops:
            now, _ = rules.replace_actor(now, encoded, True)
    return {name: op_of(encoded) for name, encoded in now.actors}
