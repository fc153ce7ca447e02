"""From changes to a batch: versions, tombstones, transits, and the checks before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from roomfleet.store.errors import BadChange, TooLarge
from roomfleet.store.protocol.changes import Change, Create, Save, Travel
from roomfleet.store.records import Json, Op, Presence, Transit, encode, game_of

BATCH_LIMIT = 1024 * 1024
"""The most bytes of a batch, ops and room state together, as encoded JSON."""


def compose(
    room: str, changes: Sequence[Change], live: Mapping[str, int], watermark: Mapping[str, int]
) -> tuple[Op, ...]:
    """The ops of the changes. Raises BadChange; changes nothing itself."""
    ops: dict[str, Op] = {}
    for change in changes:
        if change.id in ops:
            raise BadChange(room, change.id, "it has two changes in one batch; merge them")
        if game_of(change.id) != game_of(room):
            raise BadChange(room, change.id, "it belongs to another game")
        if isinstance(change, Create):
            if change.id in live:
                raise BadChange(room, change.id, "it was created before; save it instead")
            # After a deletion in this session the tombstone's version must be passed, or nothing would be
            # saved.
            ops[change.id] = creation(room, change.id, watermark.get(change.id, 0) + 1, change.body)
            continue
        new = isinstance(change, Travel) and change.new and change.id not in live
        if change.id not in live and not new:
            raise BadChange(room, change.id, "it is not live in this room")
        v = (watermark.get(change.id, 0) if new else live[change.id]) + 1
        if isinstance(change, Save):
            presence = Presence.AWAY if change.away else Presence.PRESENT
            ops[change.id] = Op(change.id, v, room, raw(room, change.id, change.body), presence)
        elif isinstance(change, Travel):
            if game_of(change.to_room) != game_of(room):
                raise BadChange(room, change.id, f"room {change.to_room} belongs to another game")
            if change.to_room == room:
                raise BadChange(room, change.id, "it travels to the room that it is in")
            body = raw(room, change.id, change.body)
            if change.asleep:
                ops[change.id] = Op(change.id, v, change.to_room, body, Presence.AWAY)
                continue
            transit = Transit(change.to_room, room, copied(room, change.id, change.arrival))
            ops[change.id] = Op(change.id, v, change.to_room, body, transit=transit, create=new)
        else:
            ops[change.id] = Op(change.id, v, "", presence=Presence.DELETED)
    return tuple(ops.values())


def creation(room: str, actor: str, v: int, body: Json, token: str = "") -> Op:
    """The op that makes a new actor's document."""
    return Op(actor, v, room, raw(room, actor, body), token=token, create=True)


def raw(room: str, actor: str, body: Json) -> msgspec.Raw:
    """The body encoded once and for all, or a BadChange that names the actor."""
    try:
        return msgspec.Raw(encode(body))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadChange(room, actor, f"its data cannot be saved as JSON: {error}") from error


def copied(room: str, actor: str, value: Json) -> Json:
    """A copy that nobody else holds."""
    result: Json = msgspec.json.decode(raw(room, actor, value))
    return result


def check_size(room: str, ops: Sequence[Op], state: msgspec.Raw | None) -> None:
    """Raises TooLarge where a batch is over the limit."""
    size = len(encode(ops)) + (len(bytes(state)) if state is not None else 0)
    if size > BATCH_LIMIT:
        raise TooLarge(room, size, BATCH_LIMIT)
