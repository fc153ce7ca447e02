"""The conversation of a player's client with a room node (DESIGN 10; INTERFACES, Player's websocket).

Times are seconds of room time. The client speaks first: `hello` within five seconds. The format is JSON or
MessagePack, as the subprotocol says (`codec.FORMATS`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from roomfleet.wire.codec import Decoder, Message
from roomfleet.wire.motion import Path
from roomfleet.wire.patch import Op


class ByeCode(StrEnum):
    """Why a session ended for good. A client does not come back by itself after one of these."""

    LEFT = "left"
    REPLACED = "replaced"
    KICKED = "kicked"
    ROOM_DELETED = "room-deleted"
    TOO_SLOW = "too-slow"
    PROTOCOL_ERROR = "protocol-error"
    RATE_LIMIT = "rate-limit"
    VERSION = "version"


class ErrorCode(StrEnum):
    """Why a message or a call failed; the session goes on unless a `bye` follows."""

    BAD_MESSAGE = "bad-message"
    UNKNOWN_MESSAGE = "unknown-message"
    NO_SUCH_METHOD = "no-such-method"
    BAD_ARGUMENTS = "bad-arguments"
    SCRIPT_ERROR = "script-error"
    REFUSED = "refused"
    NOT_SAVED = "not-saved"
    MESSAGE_TOO_LARGE = "message-too-large"
    BAD_TICKET = "bad-ticket"
    BAD_RESUME = "bad-resume"
    RATE_LIMIT = "rate-limit"
    TOO_MANY_CALLS = "too-many-calls"


class RoomInfo(Struct, frozen=True, kw_only=True):
    """The room: its name, its map, and its size in world units. The origin is the top left corner."""

    name: str
    map: str
    width: float
    height: float


class You(Struct, frozen=True, kw_only=True):
    """The player's own actor and the names of the commands that its client may call."""

    id: str
    commands: list[str]


class DoorInfo(Struct, frozen=True, kw_only=True):
    """A door: where it stands, and the Room object that it leads to."""

    name: str
    x: float
    y: float
    to: str


class TagInfo(Struct, frozen=True, kw_only=True):
    """A named spot of the map."""

    name: str
    x: float
    y: float
    data: dict[str, Any] = {}


class ObjectInfo(Struct, frozen=True, kw_only=True):
    """A fixed thing of the map: a rectangle by its top left corner; `passable` or in the way."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    passable: bool = False
    info: dict[str, Any] = {}


class Actor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An actor as a client sees it; `state` holds only what that client may see.

    `visible` is only said, as false, to those few who see an invisible actor.
    """

    id: str
    type: str
    name: str
    player: bool
    parent: str | None
    speed: float
    path: Path
    state: dict[str, Any]
    visible: bool = True


class Tier(StrEnum):
    """Who sees a field of an actor's or a room's state; admins see all."""

    PUBLIC = "public"
    """Whoever sees the actor; of a room's state everybody in it."""
    OWNER = "owner"
    """The actor's own player."""
    INTERNAL = "internal"
    """No player."""


class Failure(Struct, frozen=True, kw_only=True):
    """A script that raised, as admins see it: `Guard.kickoff`, one line, all of it, and the room time."""

    script: str
    error: str
    traceback: str
    at: float


class WatchedActor(Actor, frozen=True, kw_only=True, omit_defaults=True):
    """An actor as an admin sees it: `state` has all fields, and `tiers` says of each who sees it.

    `failure` is the last of its scripts that raised; `failures` counts them since it came.
    """

    tiers: dict[str, Tier]
    failure: Failure | None
    failures: int


class WatchedRoom(Struct, frozen=True, kw_only=True):
    """What an admin's snapshot has as `room`, as in WatchedActor; a player's has `state` alone."""

    state: dict[str, Any]
    tiers: dict[str, Tier]
    failure: Failure | None
    failures: int


# -- from the client ---------------------------------------------------------------------------------------


class Hello(Message, frozen=True, kw_only=True):
    """Let me in: with a ticket from the master, or the resume secret of a session that dropped.

    `watch` is the ticket of an admin who only watches.
    """

    ticket: str | None = None
    resume: str | None = None
    watch: str | UnsetType = UNSET
    version: str = ""


class Call(Message, frozen=True, kw_only=True):
    """Call a command of the player's actor. Answered by `result` or `error` with the same id."""

    id: int
    method: str
    args: dict[str, Any] = {}


class Ping(Message, frozen=True, kw_only=True):
    """`t` is the client's own clock, s; it comes back untouched."""

    t: float


class Leave(Message, frozen=True, kw_only=True):
    """End the session at once; answered by `bye left`."""


class WantSnapshot(Message, frozen=True, kw_only=True, tag="snapshot"):
    """The copy does not fit any more: answered by a `snapshot`, soon; until then patches may be missing.

    However often it is asked, there is no more than about one a second.
    """


FromClient = Hello | Call | Ping | WantSnapshot | Leave
from_client: Decoder[FromClient] = Decoder(FromClient, "client to node", strict=True)


# -- to the client -----------------------------------------------------------------------------------------


class Welcome(Message, frozen=True, kw_only=True):
    """You are in. `tick` is the room's ticks per second, `resume` the secret for coming back.

    One who watches has an empty `you.id` and no secret.
    """

    now: float
    game: str
    room: RoomInfo
    you: You
    resume: str
    tick: int
    version: str
    geography: dict[str, Any]
    doors: list[DoorInfo]
    tags: list[TagInfo]
    objects: list[ObjectInfo]


class Snapshot(Message, frozen=True, kw_only=True):
    """All that the client may see. `actors` maps id to Actor; `room` is `{"state": …}`.

    For one who watches: WatchedActor and WatchedRoom.
    """

    seq: int
    now: float
    actors: dict[str, Any]
    room: dict[str, Any]


class Patch(Message, frozen=True, kw_only=True):
    """What changed since the last patch or snapshot. `seq` rises and may skip."""

    seq: int
    now: float
    ops: list[Op]


class Event(Message, frozen=True, kw_only=True):
    """Something happened; nothing of it is kept."""

    name: str
    data: dict[str, Any] = {}


class Result(Message, frozen=True, kw_only=True):
    """A call ended well."""

    id: int
    value: Any = None


class Error(Message, frozen=True, kw_only=True):
    """A message or a call failed. `id` is the call's, or null."""

    id: int | None
    code: ErrorCode
    message: str


class Pong(Message, frozen=True, kw_only=True):
    """The answer to a ping: its `t`, and the room's `now`."""

    t: float
    now: float


class Waiting(Message, frozen=True, kw_only=True):
    """The room behind the door is starting or full; stay here meanwhile."""

    room: str
    position: int
    """In its line, 1 is next; 0: there is no line, since the master is away."""
    eta_seconds: float | None = None


class Travel(Message, frozen=True, kw_only=True):
    """Your actor went to another room: connect to `url` with `ticket`."""

    room: str
    url: str
    ticket: str


class Rejoin(Message, frozen=True, kw_only=True):
    """Go back to the master and join again: `room` if given."""

    reason: str
    room: str | UnsetType | None = UNSET
    line_token: str | UnsetType = UNSET


class Bye(Message, frozen=True, kw_only=True):
    """The session has ended; `reason` is for people."""

    code: ByeCode
    reason: str


ToClient = Welcome | Snapshot | Patch | Event | Result | Error | Pong | Waiting | Travel | Rejoin | Bye
to_client: Decoder[ToClient] = Decoder(ToClient, "node to client")
