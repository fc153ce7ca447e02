"""The conversation of a player's client with the master (DESIGN 9; INTERFACES, Join).

REST answers and the messages of the `play` websocket carry the same fields.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from roomfleet.wire.codec import Decoder, Message

SUBPROTOCOL = "roomfleet.play.v1"

SessionNumber = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Milliseconds since 1970, as the answers have it; 0: not known."""

PROBLEM_BASE = "https://roomfleet.io/problems/"


class Refusal(StrEnum):
    """Why a join is refused. Each is final; only a failed transport is tried again."""

    BAD_REQUEST = "bad-request"
    NO_SUCH_GAME = "no-such-game"
    NO_SUCH_ROOM = "no-such-room"
    NO_SUCH_JOIN = "no-such-join"
    NO_SUCH_PLAYER = "no-such-player"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    ROOM_CLOSED = "room-closed"
    ROOM_FAILED = "room-failed"
    ROOM_NOT_RUNNING = "room-not-running"
    NO_ENTRY_ROOM = "no-entry-room"
    DOORS_ONLY = "doors-only"
    PARTY_TOO_LARGE = "party-too-large"
    MEMBER_ELSEWHERE = "member-elsewhere"
    REPLACED = "replaced"
    LINE_FULL = "line-full"
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    INTERNAL_ERROR = "internal-error"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS[self]


_STATUS = {
    Refusal.BAD_REQUEST: 400,
    Refusal.NO_SUCH_GAME: 404,
    Refusal.NO_SUCH_ROOM: 404,
    Refusal.NO_SUCH_JOIN: 404,
    Refusal.NO_SUCH_PLAYER: 404,
    Refusal.FORBIDDEN: 403,
    Refusal.UNAUTHENTICATED: 401,
    Refusal.ROOM_CLOSED: 409,
    Refusal.ROOM_FAILED: 409,
    Refusal.ROOM_NOT_RUNNING: 409,
    Refusal.NO_ENTRY_ROOM: 409,
    Refusal.DOORS_ONLY: 403,
    Refusal.PARTY_TOO_LARGE: 409,
    Refusal.MEMBER_ELSEWHERE: 409,
    Refusal.REPLACED: 409,
    Refusal.LINE_FULL: 429,
    Refusal.TIMEOUT: 503,
    Refusal.EXPIRED: 410,
    Refusal.INTERNAL_ERROR: 500,
}


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem: `type` is PROBLEM_BASE and a Refusal, `title` short, `detail` with the cure."""

    type: str
    title: str
    status: int
    detail: str
    retry_after: int | None = None
    """Seconds; also sent as the Retry-After header."""

    @classmethod
    def of(cls, refusal: Refusal, detail: str, retry_after: int | None = None) -> Problem:
        title = refusal.value.replace("-", " ").capitalize()
        return cls(
            type=PROBLEM_BASE + refusal.value,
            title=title,
            status=refusal.status,
            detail=detail,
            retry_after=retry_after,
        )

    @property
    def refusal(self) -> str:
        """The last part of `type`: a Refusal's value, or a word that this version does not know."""
        return self.type.rsplit("/", 1)[-1]


# -- from the client ---------------------------------------------------------------------------------------


class JoinBody(Struct, frozen=True, kw_only=True):
    """The body of `POST …/joins`. Nothing at all: back to where the actor is, or the entry room."""

    room: str | None = None
    instanced_room: str | None = None
    key: str | None = None
    bring: bool = False
    line_token: str | None = None
    session: SessionNumber = 0
    """The number of the session that goes on, as the answers name it. 0: a new one, which replaces others."""
    party: list[str] = []
    """Tokens of the other members, who come in together with the player or not at all."""


class Join(Message, frozen=True, kw_only=True):
    """First message on the `play` websocket: who I am. What is asked for stands in the query."""

    token: str
    line_token: str | UnsetType = UNSET
    session: SessionNumber | UnsetType = UNSET
    party: list[str] | UnsetType = UNSET


from_player: Decoder[Join] = Decoder(Join, "player to master", strict=True)


# -- to the client -----------------------------------------------------------------------------------------


class JoinState(StrEnum):
    ADMITTED = "admitted"
    WAITING = "waiting"


class Member(Struct, frozen=True, kw_only=True):
    """One of a party that was let in: the ticket is for the `url` of the answer."""

    player: str
    ticket: str


class JoinAnswer(Struct, frozen=True, kw_only=True):
    """The body of a 201 (admitted) or 202 (waiting)."""

    id: str
    room: str
    state: JoinState
    url: str | UnsetType = UNSET
    ticket: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    position: int | UnsetType = UNSET
    eta_seconds: float | UnsetType | None = UNSET
    line_token: str | UnsetType = UNSET
    session: int | UnsetType = UNSET
    members: list[Member] | UnsetType = UNSET
    """Admitted as a party: everybody's ticket, the asking player's first."""
    party: list[str] | UnsetType = UNSET
    """Waiting as a party: who is in it, the asking player first."""
    key: str | UnsetType = UNSET
    """The room is the instance for this key, which was asked for: not another one that holds the actor."""


class WatchAnswer(Struct, frozen=True, kw_only=True):
    """The body of a 201 to `POST …/rooms/{room}/watches`: connect to `url`, say hello with `watch`."""

    room: str
    url: str
    ticket: str
    expires_at: str


class Waiting(Message, frozen=True, kw_only=True):
    """In line; `position` 1 is next."""

    id: str
    room: str
    position: int
    eta_seconds: float | None
    line_token: str
    session: int | UnsetType = UNSET
    party: list[str] | UnsetType = UNSET
    key: str | UnsetType = UNSET


class Admitted(Message, frozen=True, kw_only=True):
    """Connect to `url` and say hello with `ticket` before `expires_at` (RFC 3339)."""

    id: str
    room: str
    url: str
    ticket: str
    expires_at: str
    session: int | UnsetType = UNSET
    members: list[Member] | UnsetType = UNSET
    key: str | UnsetType = UNSET


class Refused(Message, frozen=True, kw_only=True):
    """No, and why."""

    problem: Problem


ToPlayer = Waiting | Admitted | Refused
to_player: Decoder[ToPlayer] = Decoder(ToPlayer, "master to player")
