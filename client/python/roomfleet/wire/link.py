"""The control link: a room node dials the master and says what it runs; the master says what it should.

Level-triggered: `desired` is always the whole set and `hello` names every room the node runs, so a
lost or repeated message does no harm (INTERFACES, Control link).
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from roomfleet.wire.codec import Decoder, Message
from roomfleet.wire.joining import Problem
from roomfleet.wire.spec import OnDelete, RoomSpec

SUBPROTOCOL = "roomfleet.link.v1"

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Epoch = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Above a higher one no room could be started any more."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class RoomPhase(StrEnum):
    """A room as its node sees it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    """Saved and gone from the node."""
    FAILED = "failed"
    """Could not start; `message` says why. It holds no claim."""
    FENCED = "fenced"
    """A higher epoch has claimed it; `found_epoch` says which."""


class Report(Message, frozen=True, kw_only=True):
    """One room of the node, sent on every change."""

    room: str
    epoch: Epoch
    phase: RoomPhase
    players: Count = 0
    """Players with a live session."""
    resumable: Count = 0
    """Players whose connection dropped and who may still resume, or who are on their way in."""
    used: list[str] = []
    """Ids of the joins whose ticket was used up since the last report; in a hello also of those before that a
    seat may still be kept for."""
    seated: list[str] = []
    """Players who have a seat here: those who came since the last report; in a hello all."""
    saved_at: str = ""
    """RFC 3339; empty before the first save."""
    saved: bool = True
    """Whether the store takes this room's saves."""
    found_epoch: Epoch | None = None
    message: str = ""
    frozen_at: float = 0.0
    """Of a room that was stopped: when its time stopped (s since 1970)."""
    frozen: float = 0.0
    """Of a room that was moved here: how long its time had stood still (s)."""

    def __post_init__(self) -> None:
        """What no object could say is refused: it would keep all else from being written there."""
        if self.saved_at and not _TIME.fullmatch(self.saved_at):
            raise ValueError(f"saved_at is no time of RFC 3339 in UTC: {self.saved_at[:40]!r}")
        if self.saved_at:
            datetime.fromisoformat(self.saved_at)


# -- from the node -----------------------------------------------------------------------------------------


class Hello(Message, frozen=True, kw_only=True):
    """Who I am and what I run. `boot` is new with each start of the process."""

    name: str
    boot: str
    game: str
    fleet: str
    capacity: Count
    """Rooms this node takes at once."""
    url: str
    """Where players reach it: the base of a room's websocket URL, without a trailing slash."""
    version: str
    keys: dict[str, str]
    """Public keys by key id: good for travel tickets only."""
    rooms: list[Report]
    secret: str = ""
    """The link's shared secret."""
    draining: bool = False
    """The process was told to end; see `draining`."""
    let_in: dict[str, float] = {}
    """Players whose tickets were used here in the last 75 s, the life of a line token, with when these were
    signed (s since 1970): a place in line that is older than that was used up."""


class Seat(Message, frozen=True, kw_only=True):
    """A player of a room of mine wants to go to `room`: reserve a seat. Answered by `seated`, maybe often."""

    room: str
    player: str
    id: str
    session: int = 0
    """The number of the player's session, for the ticket."""
    line_token: str = ""
    """The place in line that the last answer gave, where this is asked again."""
    key: str | None = None
    """`room` is an InstancedRoom: a seat in its instance for this key. `seated` says which room that is."""


class Locate(Message, frozen=True, kw_only=True):
    """Which room is the instance of `instanced_room` for `key`? It is made if there is none, not started.

    For actors that need no seat. Answered by `seated` with a room or a problem; called off by `unseat`.
    """

    instanced_room: str
    key: str
    id: str


class Unseat(Message, frozen=True, kw_only=True):
    """The player no longer wants that seat."""

    id: str


class Nudge(Message, frozen=True, kw_only=True):
    """Somebody is on the way to `room`: look for arrivals. `wake` starts the room if it sleeps."""

    room: str
    wake: bool = False


class Presence(StrEnum):
    """Whether a player is there, as the node knows that runs the room of the player's actor."""

    CONNECTED = "connected"
    RESUMABLE = "resumable"
    """Cut off, or on the way in: the actor stays for a while."""
    AWAY = "away"
    """Without a session: the actor, if there is one, is saved in its room."""


class Found(Message, frozen=True, kw_only=True):
    """The answer to `find`."""

    id: str
    player: str
    room: str | None
    presence: Presence = Presence.AWAY
    """Counts where this node runs the room."""


class Brought(Message, frozen=True, kw_only=True):
    """The answer to `bring`: where the player's actor is now, or will be when it arrives."""

    id: str
    room: str | None
    """None: there is no such actor."""


class MarkedRoom(Struct, frozen=True, kw_only=True):
    """A room in the store, and the uid of the Room object that its data belong to."""

    room: str
    uid: str
    epoch: int
    """That of its last claim. In an order to erase: data of a later claim stay."""


class Marked(Message, frozen=True, kw_only=True):
    """The answer to `findmarked`, in as many messages as it takes: rooms with saved data whose object said
    `onDelete: Delete`.
    """

    rooms: list[MarkedRoom]
    awaited: list[str] = []
    """Rooms that actors are on the way to, in the store."""


class Erased(Message, frozen=True, kw_only=True):
    """An answer to `erase`: these rooms have no data of that uid any more."""

    rooms: list[MarkedRoom]


class Unfit(Message, frozen=True, kw_only=True):
    """I cannot work for this master, and end: `message` says why, and the cure."""

    message: str


class Load(Struct, frozen=True, kw_only=True):
    """What a node has to do, over the last seconds."""

    busy: float
    """Share of one core that its event loop was busy; 1 is all that there is."""
    missed: float
    """Share of its rooms' ticks that were skipped because it was late."""


class Ping(Message, frozen=True, kw_only=True):
    """I am alive; answered by `pong`."""

    load: Load | None = None


class Draining(Message, frozen=True, kw_only=True):
    """I was told to end: move my rooms elsewhere. Answered by `drain`: so long I wait for that."""


class Prepared(Message, frozen=True, kw_only=True):
    """What the room needs is loaded here; with a `problem`, why it cannot be."""

    room: str
    problem: str = ""


FromNode = (
    Hello
    | Report
    | Seat
    | Locate
    | Unseat
    | Nudge
    | Found
    | Brought
    | Marked
    | Erased
    | Unfit
    | Ping
    | Draining
    | Prepared
)
from_node: Decoder[FromNode] = Decoder(FromNode, "node to master")


# -- to the node -------------------------------------------------------------------------------------------


class Accepted(Message, frozen=True, kw_only=True):
    """Known from now on. Sent again when the keys change."""

    keys: dict[str, str]
    """Public keys that sign tickets, by key id: the master's and the other nodes'."""
    master_key: str = ""
    """Which of them is the master's: it alone lets watchers in."""
    origins: list[str]
    """Origins whose pages may connect."""
    installation: str = ""
    """Whose database the node may use; a new one becomes that installation's. Empty: any."""
    adopts: str = ""
    """A database of that installation is taken over."""


class DesiredRoom(Struct, frozen=True, kw_only=True, gc=False):
    room: str
    epoch: int
    uid: str
    spec: RoomSpec
    frozen_at: float = 0.0
    """When another node stopped the room's time to hand it over (s since 1970)."""


class MovedRoom(Struct, frozen=True, kw_only=True):
    """A room that another node runs as soon as this one has saved it: its players follow."""

    room: str
    epoch: int
    """The epoch that is to be stopped."""
    boot: str
    """Of the node that takes it: whom tickets are for."""
    url: str


class Desired(Message, frozen=True, kw_only=True):
    """Every room that this node should run; it stops what is not named."""

    rooms: list[DesiredRoom]
    prepare: list[DesiredRoom] = []
    """Rooms that will run here soon: load what they need, claim nothing; answered by `prepared`. Who comes
    for one of them may wait. Their epoch means nothing."""
    moving: list[MovedRoom] = []
    """Of the rooms to be stopped those that are handed over."""


class Goodbye(Message, frozen=True, kw_only=True):
    """The Room object was deleted: players get a goodbye before the room is saved and gone."""

    room: str


class Seated(Message, frozen=True, kw_only=True):
    """About a `seat`: a ticket, a place in line, or a problem. About a `locate`: a room or a problem."""

    id: str
    room: str = ""
    """The room that the ticket is for."""
    url: str = ""
    ticket: str = ""
    position: int = 0
    eta_seconds: float | None = None
    line_token: str = ""
    """Gives the place back, should it be asked for again."""
    problem: Problem | None = None


class Find(Message, frozen=True, kw_only=True):
    """In which room is this player's actor?"""

    id: str
    player: str


class Bring(Message, frozen=True, kw_only=True):
    """Send this player's actor, which is in `origin`, to `room`, where a seat is kept. Said again until it is
    answered by `brought`."""

    id: str
    player: str
    origin: str
    room: str


class FindMarked(Message, frozen=True, kw_only=True):
    """Which rooms have saved data that go with their object? The node that is asked also brings to the actors
    what lost owners of any rooms had committed: the word of one may have been lost, too."""


class Mark(Message, frozen=True, kw_only=True):
    """The Room object of that uid has another `onDelete` now: note it in the room's saved data."""

    room: str
    uid: str
    on_delete: OnDelete


class Erase(Message, frozen=True, kw_only=True):
    """The objects of these rooms are gone: remove their saved data, if they are still those of that uid, and
    nobody claimed the room above that epoch since.

    Players' actors go back to where they came from, or to `entry`.
    """

    rooms: list[MarkedRoom]
    entry: str


class Sweep(Message, frozen=True, kw_only=True):
    """Nobody runs these rooms any more, and their last owner may have left off halfway: bring what it
    committed to the actors."""

    rooms: list[str]


class SendBack(Message, frozen=True, kw_only=True):
    """There is no such Room any more: whoever is on the way to it goes back to where they came from. `entry`:
    where those go who came from a room that is gone as well; empty: they stay."""

    room: str
    entry: str


class Drain(Message, frozen=True, kw_only=True):
    """Save everything, lead the players away, and stop."""

    seconds: float = 0.0
    """Above 0: only when no room is left, or after so long: the rooms are being moved."""


class Pong(Message, frozen=True, kw_only=True):
    """You are heard."""


ToNode = (
    Accepted
    | Desired
    | Goodbye
    | Seated
    | Find
    | Bring
    | FindMarked
    | Mark
    | Erase
    | Sweep
    | SendBack
    | Nudge
    | Drain
    | Pong
)
to_node: Decoder[ToNode] = Decoder(ToNode, "master to node")
