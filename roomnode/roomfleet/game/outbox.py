"""What a live room puts out: the room is pure, its node carries these out.

Drained by `LiveRoom.take()` after each step or input, in the order in which they are listed here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from roomfleet.wire.patch import Op
from roomfleet.wire.session import Error, Event, Result


class ChangeKind(StrEnum):
    """What a save does to one actor."""

    CREATE = "create"
    SAVE = "save"
    AWAY = "away"
    """A player's actor whose session ended: kept in the room's data, no longer live."""
    TRAVEL = "travel"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One actor as it is to be saved. `body` is plain JSON data; empty for a deletion."""

    kind: ChangeKind
    actor: str
    body: dict[str, Any]
    to_room: str = ""
    """TRAVEL: the Room object it goes to."""
    arrival: dict[str, Any] = field(default_factory=dict)
    """TRAVEL: where it arrives there: `{"at": tag | [x, y], "door": name, "from": room}`."""
    seat: int = 0
    """TRAVEL of a player: the request of the seat that it was given."""
    wake: bool = False
    """TRAVEL of another actor: start the target if it sleeps."""
    fresh: bool = False
    """TRAVEL of an actor that was never saved before."""


@dataclass(frozen=True, slots=True)
class AtomicGroup:
    """Changes that are saved all together or not at all. `room` says that the room's own body goes along."""

    changes: tuple[Change, ...]
    room: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One tick's ops. Which viewer has an entry in `private` gets that list; every other one gets `public`.

    A list in `private` is whole: it already holds the public ops in their right order. The same op is the
    same object in all lists, and viewers who are told the same have the same list object, but for a list
    with something in it that is for one viewer alone. Ops are not to be changed.
    """

    seq: int
    now: float
    public: list[Op]
    private: dict[str, list[Op]]


@dataclass(frozen=True, slots=True)
class Told:
    """A message for one player; an event may also be for several, or for every player here (None)."""

    player: str | tuple[str, ...] | None
    message: Result | Error | Event


@dataclass(frozen=True, slots=True)
class SeatWanted:
    """A player's actor wants to travel: get it a seat, then call `seated` or `seat_refused`.

    With a `key`, `room` is an InstancedRoom and the seat is to be in its instance; `seated` is told which
    room that is. Without a player no seat is needed, only to know the room.
    """

    request: int
    player: str
    room: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SeatUnwanted:
    """That request is void: the player left, or its script was stopped."""

    request: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """A script awaits `save()`: commit all that is unsaved now, then call `saved` or `save_failed`."""

    id: int


@dataclass(frozen=True, slots=True)
class Outside:
    """A script awaits `outside(coro)`: run it on the event loop, then call `outside_done`."""

    id: int
    coroutine: Coroutine[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Kicked:
    """A script put a player out: end the session with `bye kicked`."""

    player: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScriptFailure:
    """A script raised; it is kept on the actor too. `actor` is the actor's id, or "room"."""

    actor: str
    script: str
    """Class and function, `Guard.kickoff`."""
    error: str
    """One line."""
    traceback: str
    restarts_in: float | None
    """Seconds of room time until the script starts again; None when it does not."""


@dataclass(slots=True)
class Outbox:
    """Everything since the last `take()`."""

    frames: list[Frame] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    seats: list[SeatWanted | SeatUnwanted] = field(default_factory=list)
    barriers: list[Barrier] = field(default_factory=list)
    outside: list[Outside] = field(default_factory=list)
    kicked: list[Kicked] = field(default_factory=list)
    failures: list[ScriptFailure] = field(default_factory=list)
    travelled: bool = False
    """An actor left by travel: compose and commit without waiting for the interval."""
