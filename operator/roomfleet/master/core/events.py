"""What the master is told. Each is given to `Core.handle` with the time, in seconds since 1970."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from roomfleet.master.core.effects import BindRoom, CreateRoom, Record
from roomfleet.master.core.model import FleetSpec, Instance, Key, RoomStatus, TemplateSpec
from roomfleet.wire.link import Load, MarkedRoom, Report
from roomfleet.wire.spec import RoomSpec


class RoomApplied(msgspec.Struct, frozen=True):
    """A Room object as it now is; repeated and echoed ones do no harm."""

    key: Key
    uid: str
    generation: int
    version: str
    """metadata.resourceVersion: what `Record` states as its precondition."""
    spec: RoomSpec
    entry: bool
    status: RoomStatus
    problem: str = ""
    """Not empty: the spec asks for what is not supported; the room is Failed with this text."""
    instance: Instance | None = None
    """Of which InstancedRoom it is a child, if so."""


class RoomDeleted(msgspec.Struct, frozen=True):
    """The Room object is gone."""

    key: Key
    uid: str


class FleetApplied(msgspec.Struct, frozen=True):
    """A RoomFleet object as it now is."""

    key: Key
    generation: int
    spec: FleetSpec


class FleetDeleted(msgspec.Struct, frozen=True):
    key: Key


class TemplateApplied(msgspec.Struct, frozen=True):
    """An InstancedRoom object as it now is."""

    key: Key
    uid: str
    generation: int
    spec: TemplateSpec
    problem: str = ""
    """Not empty: the spec cannot be followed; joins are refused with this text."""
    waiting: int = 0
    """How many were in its line, as its status says."""


class TemplateDeleted(msgspec.Struct, frozen=True):
    """The InstancedRoom object is gone. Its children go with it, by their owner references."""

    key: Key
    uid: str


class Synced(msgspec.Struct, frozen=True):
    """Every object that existed at the start has been told: placing and refusing may begin."""


class Listed(msgspec.Struct, frozen=True):
    """A complete list of the game's Rooms was made, and every difference has been told: a Room that is not
    known now does not exist. Given every `deleteAfterSeconds`, or more often.
    """

    game: str


class RecordOutcome(StrEnum):
    """What became of a `Record`."""

    WRITTEN = "written"
    CONFLICT = "conflict"
    """The object changed meanwhile: a fresh RoomApplied is on its way; decide again."""
    GONE = "gone"
    """The object does not exist any more."""
    FAILED = "failed"
    """It may or may not have been written: try again with backoff."""


class Recorded(msgspec.Struct, frozen=True):
    """The answer to a `Record`. Of records that are equal each may be answered; of others it says nothing."""

    record: Record
    outcome: RecordOutcome
    version: str = ""
    """WRITTEN: the new resourceVersion."""


class RoomCreated(msgspec.Struct, frozen=True):
    """What became of a `CreateRoom`: WRITTEN; GONE: there is no InstancedRoom; FAILED: perhaps made."""

    create: CreateRoom
    outcome: RecordOutcome
    message: str = ""
    """FAILED: why."""


class RoomBound(msgspec.Struct, frozen=True):
    """The answer to a `BindRoom`, with the outcomes of a `Record`."""

    bind: BindRoom
    outcome: RecordOutcome
    version: str = ""


class NodeConnected(msgspec.Struct, frozen=True):
    """A node said hello. `rooms` is all that it runs. The latest boot of a name is the one that counts."""

    node: Key
    boot: str
    fleet: str
    capacity: int
    url: str
    rooms: tuple[Report, ...]
    draining: bool = False
    let_in: dict[str, float] = {}
    """Who came in by a ticket lately, and when that was signed: older places in line were used up."""


class NodeHeard(msgspec.Struct, frozen=True):
    """Any sign of life over the link."""

    node: Key
    boot: str
    load: Load | None = None
    """What it has to do, if it said that."""


class NodeDraining(msgspec.Struct, frozen=True):
    """The node's process was told to end; it waits until its rooms are elsewhere, or `drainSeconds`."""

    node: Key
    boot: str


class RoomPrepared(msgspec.Struct, frozen=True):
    """The node has loaded what a room needs that is to be moved there."""

    node: Key
    boot: str
    room: str
    problem: str = ""
    """Not empty: why the room cannot run there."""


class NodeReported(msgspec.Struct, frozen=True):
    """One room of a node changed."""

    node: Key
    boot: str
    report: Report


class NodeDisconnected(msgspec.Struct, frozen=True):
    """Its link closed. It may come back within `nodeLostAfterSeconds`."""

    node: Key
    boot: str


class NodeGone(msgspec.Struct, frozen=True):
    """Its process or pod ended: lost at once."""

    node: Key
    boot: str
    """Empty: whichever boot it was."""


class LinePlace(msgspec.Struct, frozen=True):
    """A place in line, as a line token of `player` says that there was one."""

    room: str
    arrived: float
    ahead: int
    """How many players were in line before it."""
    players: frozenset[str]
    """Whom it was for."""
    template: str = ""
    """The InstancedRoom in whose line it was; empty: the line was the room's own."""


class JoinRequested(msgspec.Struct, frozen=True):
    """A player asks for a room, or for where they belong (`room` is None)."""

    id: str
    game: str
    player: str
    room: str | None
    arrived: float
    """When they came into line."""
    others: tuple[str, ...] = ()
    """The other members of a party that `player` leads: all are admitted, or none."""
    place: LinePlace | None = None
    """The place that they had, if they claim one. It counts instead of `arrived`, where it is still good."""
    session: int = 0
    """The number of the session that this join goes on with; 0: a new one. Later ones have higher numbers."""
    bring: bool = False
    """The player's actor is to be brought to `room` from wherever it is; not those of a party."""
    template: str | None = None
    """An InstancedRoom instead of a room: its instance for `key`."""
    key: str | None = None


class JoinCancelled(msgspec.Struct, frozen=True):
    """The player went away."""

    id: str
    for_good: bool = False
    """Gave the join up, and did not just lose the connection: the place is not given back."""


class JoinPolled(msgspec.Struct, frozen=True):
    """Somebody still waits for the answer. REST joins are polled; pushed ones are while connected."""

    id: str


class PlayerFound(msgspec.Struct, frozen=True):
    """The answer to `FindPlayer`: the room that holds the player's actor, or None."""

    id: str
    room: str | None
    player: str = ""
    """Empty: the one whose join it is."""


class PlayerBrought(msgspec.Struct, frozen=True):
    """An answer to `BringPlayer`: the room that holds the player's actor now, or will when it arrives. None:
    there is no such actor."""

    id: str
    room: str | None


class SeatRequested(msgspec.Struct, frozen=True):
    """A node wants a seat elsewhere for a player of its own. `id` is unique with the node's boot."""

    node: Key
    boot: str
    id: str
    player: str
    room: str
    session: int = 0
    """As `JoinRequested`."""
    place: LinePlace | None = None
    key: str | None = None
    """`room` is an InstancedRoom: its instance for this key."""


class InstanceRequested(msgspec.Struct, frozen=True):
    """A node asks which room the instance for a key is: made if there is none, not started.

    Answered by `AnswerInstance`; called off by `SeatCancelled`.
    """

    node: Key
    boot: str
    id: str
    template: str
    key: str


class SeatCancelled(msgspec.Struct, frozen=True):
    node: Key
    boot: str
    id: str


class Nudged(msgspec.Struct, frozen=True):
    """An actor is on its way to a room."""

    key: Key
    wake: bool


class MarkedFound(msgspec.Struct, frozen=True):
    """An answer, or part of it, to `FindMarked`."""

    node: Key
    boot: str
    rooms: tuple[MarkedRoom, ...]
    awaited: tuple[str, ...] = ()
    """Rooms that actors are on the way to."""


class RoomsErased(msgspec.Struct, frozen=True):
    """An answer to `EraseRooms`: these rooms have no saved data of that uid any more."""

    node: Key
    boot: str
    rooms: tuple[MarkedRoom, ...]


class Tick(msgspec.Struct, frozen=True):
    """Time has passed. Given about four times a second, or when `Core.next_due()` says."""


Event = (
    RoomApplied
    | RoomDeleted
    | FleetApplied
    | FleetDeleted
    | TemplateApplied
    | TemplateDeleted
    | Synced
    | Listed
    | Recorded
    | RoomCreated
    | RoomBound
    | NodeConnected
    | NodeHeard
    | NodeDraining
    | RoomPrepared
    | NodeReported
    | NodeDisconnected
    | NodeGone
    | JoinRequested
    | JoinCancelled
    | JoinPolled
    | PlayerFound
    | PlayerBrought
    | SeatRequested
    | InstanceRequested
    | SeatCancelled
    | Nudged
    | MarkedFound
    | RoomsErased
    | Tick
)
