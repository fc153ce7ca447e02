"""States, events and actions of the client: what comes out of the state machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roomfleet.client.errors import CallError
from roomfleet.wire.joining import Problem
from roomfleet.wire.session import ByeCode, Error, Event
from roomfleet.wire.session import Waiting as Ahead


class State(StrEnum):
    """Where the client is.

    idle ─join─► connecting ─► waiting ─► loading ─► playing ─► travelling ─► playing …
                     ▲            refused                └─► reconnecting ─► waiting, loading …
                     └── join again after: refused, bye
    """

    IDLE = "idle"
    """Nothing asked for yet."""
    CONNECTING = "connecting"
    """Asking the master for a way in; never was in since `join`."""
    WAITING = "waiting"
    """In line."""
    LOADING = "loading"
    """Admitted; the node is being connected to, or has not sent its first snapshot."""
    PLAYING = "playing"
    """In the room; the copy is live."""
    TRAVELLING = "travelling"
    """On the way to another room; the copy is still that of the one left."""
    RECONNECTING = "reconnecting"
    """The connection was lost, or the master has to be asked again; the copy is the last one known."""
    REFUSED = "refused"
    """The master said no. Final until `join`."""
    BYE = "bye"
    """The session ended for good. Final until `join`."""


FINAL = frozenset({State.REFUSED, State.BYE})
RESTING = FINAL | {State.IDLE}


@dataclass(frozen=True, slots=True)
class Invitation:
    """A way in for one member of a party, good for some seconds: to be handed to that player's client."""

    player: str
    room: str
    url: str
    ticket: str
    session: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The client is in `state` now, or again with other details."""

    state: State
    room: str | None = None
    """waiting, loading, playing, travelling: the room it is about."""
    position: int | None = None
    """waiting: place in line, 1 is next."""
    eta_seconds: float | None = None
    """waiting: how long it will take, as far as is known."""
    reason: str = ""
    """connecting, reconnecting, bye: why, for people."""
    problem: Problem | None = None
    """refused."""
    party: Sequence[str] = ()
    """waiting: who is in the party, oneself first."""
    invitations: Sequence[Invitation] = ()
    """loading: for the other members of the party."""
    code: ByeCode | None = None
    """bye."""


ClientEvent = StateChanged | Event | Ahead | Error
"""What `Client.events` gives: besides changes of state, the game's own events, Ahead (the room behind a
door is starting or full; still here) and Error (the node did not like a message)."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open a websocket and say `opened` or `open_failed` with its `link`."""

    link: int
    url: str
    subprotocol: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame, a text frame unless `binary`. A failure shows as the link's end."""

    link: int
    data: bytes
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """Close the websocket, opened or not; what still comes from it is ignored."""

    link: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever listens."""

    event: ClientEvent


@dataclass(frozen=True, slots=True)
class Answer:
    """The call ended well."""

    call: int
    value: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """The call failed."""

    call: int
    error: CallError


Action = Open | Send | Close | Tell | Answer | Fail

__all__ = [
    "FINAL",
    "RESTING",
    "Action",
    "Ahead",
    "Answer",
    "ClientEvent",
    "Close",
    "Error",
    "Event",
    "Fail",
    "Open",
    "Send",
    "State",
    "StateChanged",
    "Tell",
]
