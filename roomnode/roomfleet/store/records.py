"""What is saved: rooms, actors and the ops of a journal, as typed records, and their plain-dict form.

Ids are document ids everywhere in this package: ``<game>/<name>`` for rooms and actors alike. Times are
integer milliseconds. What a game keeps in an actor or a room is an opaque JSON object here; on its way to
the store it is held encoded (``msgspec.Raw``), so that what is sent again is byte for byte what was sent
first, whatever the game does with its objects meanwhile.

The plain form (``to_plain`` and ``from_plain``) is for adapters of document databases: nested dicts, lists,
strings and numbers, with booleans only inside bodies and ops, which are always replaced whole.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Json = dict[str, Any]

_EMPTY = msgspec.Raw(b"{}")


def doc_id(game: str, name: str) -> str:
    """The document id of a room or an actor of a game."""
    return f"{game}/{name}"


def game_of(document: str) -> str:
    """The game that a document id belongs to."""
    return document.partition("/")[0]


def name_of(document: str) -> str:
    """The name within its game; it may contain slashes itself."""
    return document.partition("/")[2]


class Presence(StrEnum):
    """How an actor stands in the room that its document names."""

    PRESENT = "present"
    """In the room, or on its way to it (then with a `Transit`): loaded when the room starts."""
    AWAY = "away"
    """Part of the room's data, not live: a player's actor whose session ended. Only a spawn wakes it."""
    DELETED = "deleted"
    """A tombstone: keeps the version, so that late writes of its former life cannot bring it back."""


class Transit(msgspec.Struct, frozen=True, rename={"origin": "from"}):
    """On its way: where to, where from (to send it back), and what the target should know about the
    arrival.
    """

    to: str
    origin: str
    arrival: Json = {}


class Op(msgspec.Struct, frozen=True, omit_defaults=True):
    """One actor's whole document as it shall be. Absolute and idempotent: applied where the version is lower.

    ``create`` allows to insert the document where there is none. ``token`` marks a spawn, so that its author
    recognizes it.
    """

    id: str
    v: int
    room: str
    body: msgspec.Raw = _EMPTY
    presence: Presence = Presence.PRESENT
    transit: Transit | None = None
    token: str = ""
    create: bool = False


class ActorRecord(msgspec.Struct, frozen=True):
    """A saved actor. ``room`` is the room that owns it; with a ``transit`` it has not been taken in there
    yet.
    """

    id: str
    v: int
    room: str
    body: Json
    presence: Presence = Presence.PRESENT
    transit: Transit | None = None
    token: str = ""

    @property
    def away(self) -> bool:
        return self.presence is Presence.AWAY

    @property
    def deleted(self) -> bool:
        return self.presence is Presence.DELETED


class Owner(msgspec.Struct, frozen=True):
    """Who runs a room: node name, the URL it serves players at, and its boot id. Empty strings: nobody."""

    node: str = ""
    url: str = ""
    boot: str = ""


class RoomSpec(msgspec.Struct, frozen=True):
    """What saved data must know of their Room object: its uid, its map, and whether they go when it goes."""

    uid: str
    map: str
    on_delete: str


class RoomDoc(msgspec.Struct, frozen=True):
    """A room's document. ``saved_at`` is None as long as nobody committed (or after the data were emptied).

    ``seq`` and ``ops`` are the journal: the last batch committed and how many there were.
    """

    id: str
    epoch: int = 0
    seq: int = 0
    ops: tuple[Op, ...] = ()
    state: Json = {}
    ceiling: int = 0
    saved_at: int | None = None
    owner: Owner = Owner()
    spec: RoomSpec = RoomSpec("", "", "")


class RoomSave(msgspec.Struct, frozen=True):
    """What a batch changes in the room's own data. ``state`` None: as it is."""

    state: msgspec.Raw | None
    ceiling: int
    saved_at: int | None
    owner: Owner | None = None


class Batch(msgspec.Struct, frozen=True):
    """One commit: the journal's next content, and with it what changes in the room (None: nothing)."""

    seq: int
    ops: tuple[Op, ...]
    room: RoomSave | None = None


_OPS = msgspec.json.Decoder(tuple[Op, ...])
_ENCODER = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """JSON of a record or of what a game gave. Raises TypeError or ValueError for what JSON cannot hold."""
    return _ENCODER.encode(value)


def decode(data: bytes | str | msgspec.Raw) -> Any:
    """Plain objects from JSON."""
    return msgspec.json.decode(data)


def decode_ops(data: bytes | str) -> tuple[Op, ...]:
    """A journal's ops from JSON."""
    return _OPS.decode(data)


def record_of(op: Op) -> ActorRecord:
    """The actor as it is once the op has been applied."""
    return ActorRecord(op.id, op.v, op.room, decode(op.body), op.presence, op.transit, op.token)


def op_to_plain(op: Op) -> Json:
    """A journal entry as a plain dict."""
    plain: Json = decode(encode(op))
    return plain


def op_from_plain(plain: Json) -> Op:
    """A journal entry from its plain dict."""
    return msgspec.convert({**plain, "body": msgspec.Raw(encode(plain.get("body", {})))}, Op)


def actor_to_plain(op: Op) -> Json:
    """The document that applying the op leaves behind. Its keys: _id, game, v, room, presence, body,
    transit, token.
    """
    plain: Json = {
        "_id": op.id,
        "game": game_of(op.id),
        "v": op.v,
        "room": op.room,
        "presence": op.presence.value,
        "body": decode(op.body),
        "token": op.token,
    }
    if op.transit is not None:
        plain["transit"] = msgspec.to_builtins(op.transit)
    return plain


def actor_from_plain(plain: Json) -> ActorRecord:
    """A saved actor from its document."""
    return ActorRecord(
        id=plain["_id"],
        v=plain["v"],
        room=plain["room"],
        body=plain["body"],
        presence=Presence(plain["presence"]),
        transit=msgspec.convert(plain["transit"], Transit) if plain.get("transit") else None,
        token=plain["token"],
    )
