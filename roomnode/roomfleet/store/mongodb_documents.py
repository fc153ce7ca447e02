"""Records as documents of MongoDB, and back.

What a game keeps (bodies, a room's state, what an arrival carries) is a sub-document wherever one can hold
it, so that admins can look into it and query it. Some JSON is not safe there: keys that are empty, contain a
dot or a NUL or begin with a dollar or two underscores (operators, references and the markers of drivers and
servers), integers beyond 64 bits, and depths near the limit of BSON. Such an object is held as one string of
JSON instead; readers accept both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from roomfleet.store.errors import DamagedDocument
from roomfleet.store.records import (
    ActorRecord,
    Batch,
    Json,
    Op,
    Owner,
    RoomDoc,
    RoomSpec,
    actor_from_plain,
    actor_to_plain,
    decode,
    encode,
    game_of,
    op_from_plain,
    op_to_plain,
)

T = TypeVar("T")

_DEEPEST = 50
"""Levels of nesting kept as sub-documents; BSON allows 100 for the whole document."""

_ENCODER = msgspec.json.Encoder(enc_hook=int)  # 64-bit integers come back as a subclass of int


def new_room(room: str) -> Json:
    """The document of a room that was never taken."""
    return {
        "_id": room,
        "game": game_of(room),
        "epoch": 0,
        "journal": {"seq": 0, "size": 0, "ops": []},
        "state": {},
        "ceiling": 0,
        "savedAt": None,
        "owner": _owner(Owner()),
        "spec": _spec(RoomSpec("", "", "")),
    }


def taken(epoch: int, owner: Owner, spec: RoomSpec | None) -> Json:
    """The fields that taking a room sets."""
    fields: Json = {"epoch": epoch, "owner": _owner(owner)}
    if spec is not None:
        fields["spec"] = _spec(spec)
    return fields


def committed(batch: Batch) -> Json:
    """The fields that a commit sets."""
    journal = {"seq": batch.seq, "size": len(batch.ops), "ops": [_op(op) for op in batch.ops]}
    fields: Json = {"journal": journal}
    save = batch.room
    if save is not None:
        fields |= {"ceiling": save.ceiling, "savedAt": save.saved_at}
        if save.state is not None:
            fields["state"] = _held(decode(save.state))
        if save.owner is not None:
            fields["owner"] = _owner(save.owner)
    return fields


def actor(op: Op) -> Json:
    """The document that the op leaves behind."""
    return _hold(actor_to_plain(op))


def read_room(document: Json) -> RoomDoc:
    """A room from its document. Raises DamagedDocument."""

    def read() -> RoomDoc:
        plain = _native(document)
        owner, spec = plain["owner"], plain["spec"]
        return RoomDoc(
            id=plain["_id"],
            epoch=plain["epoch"],
            seq=plain["journal"]["seq"],
            ops=tuple(op_from_plain(_unhold(one)) for one in plain["journal"]["ops"]),
            state=_unheld(plain["state"]),
            ceiling=plain["ceiling"],
            saved_at=plain["savedAt"],
            owner=Owner(owner["node"], owner["url"], owner["boot"]),
            spec=RoomSpec(spec["uid"], spec["map"], spec["onDelete"]),
        )

    return _read(f"of room {document.get('_id')}", read)


def read_actor(document: Json) -> ActorRecord:
    """An actor from its document. Raises DamagedDocument."""
    return _read(f"of actor {document.get('_id')}", lambda: actor_from_plain(_unhold(_native(document))))


def _read(name: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except KeyError as error:
        raise DamagedDocument(name, f"it has no {error}") from error
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError) as error:
        raise DamagedDocument(name, str(error)) from error


def _native(document: Json) -> Json:
    """The document in Python's own types."""
    native: Json = decode(_ENCODER.encode(document))
    return native


def _owner(owner: Owner) -> Json:
    return {"node": owner.node, "url": owner.url, "boot": owner.boot}


def _spec(spec: RoomSpec) -> Json:
    return {"uid": spec.uid, "map": spec.map, "onDelete": spec.on_delete}


def _op(op: Op) -> Json:
    return _hold(op_to_plain(op))


def _hold(plain: Json) -> Json:
    """With whatever is a game's own made safe."""
    if "body" in plain:
        plain["body"] = _held(plain["body"])
    if plain.get("transit") is not None:
        plain["transit"]["arrival"] = _held(plain["transit"].get("arrival", {}))
    return plain


def _unhold(plain: Json) -> Json:
    if "body" in plain:
        plain["body"] = _unheld(plain["body"])
    if plain.get("transit") is not None:
        plain["transit"]["arrival"] = _unheld(plain["transit"]["arrival"])
    return plain


def _held(value: Json) -> Json | str:
    return value if _is_safe(value, _DEEPEST) else encode(value).decode()


def _unheld(value: Json | str) -> Json:
    found: Any = decode(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise TypeError(f"an object is expected where it has {type(found).__name__}")
    return found


def _is_safe(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(
            key and key[0] != "$" and key[:2] != "__" and "." not in key and "\0" not in key
            and _is_safe(one, depth - 1)
            for key, one in value.items()
        )  # fmt: skip
    if isinstance(value, list):
        return depth > 0 and all(_is_safe(one, depth - 1) for one in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return True
