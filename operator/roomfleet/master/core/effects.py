"""What the master wants done. `Core.handle` returns them in order; the shell carries them out."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from roomfleet.master.core.model import FleetStatus, Key, RoomStatus, TemplateStatus
from roomfleet.wire.joining import Problem
from roomfleet.wire.link import DesiredRoom, MarkedRoom, MovedRoom
from roomfleet.wire.spec import OnDelete, RoomSpec


@dataclass(frozen=True, slots=True)
class Record:
    """Write ahead: put this status on the Room, if its resourceVersion is still `version`.

    Answered by `Recorded`, after however long. The node is told only after it was written. Until the answer
    comes the same Record is said again now and then: that changes nothing where it still waits or is under
    way, and brings it back where it got lost.
    """

    key: Key
    uid: str
    """The object that is meant: one made again under the same name has another, and is not to be written."""
    version: str
    status: RoomStatus
    awaited: bool = field(default=False, compare=False)
    """Somebody is in line for the room or on the way to it: it goes before those of rooms that nobody waits
    for. A record that waits already may be said again with this set.
    """


class WriteStatus(msgspec.Struct, frozen=True):
    """Put this status on the Room when it suits; a later one replaces it. Nothing waits for it.

    `urgent`: phase or condition changed, write at once; else counts only, which may wait.
    A `Record` of the room replaces it too: written after that, it would undo it.
    """

    key: Key
    status: RoomStatus
    urgent: bool
    uid: str = ""
    """The object that is meant: one made again under the same name has another. Empty: whichever."""


class WriteFleetStatus(msgspec.Struct, frozen=True):
    key: Key
    status: FleetStatus


class WriteTemplateStatus(msgspec.Struct, frozen=True):
    """Put this status on the InstancedRoom. Nothing waits for it. `urgent` as in `WriteStatus`."""

    key: Key
    uid: str
    status: TemplateStatus
    urgent: bool


class CreateRoom(msgspec.Struct, frozen=True):
    """Make this Room, a child of an InstancedRoom. One that is there already is as good: the object itself,
    told as `RoomApplied`, is the answer; `RoomCreated` tells of failures. Said again until either came.
    """

    key: Key
    template: str
    template_uid: str
    instance_key: str | None
    """None: a warm one, which no key has yet."""
    spec: RoomSpec
    labels: dict[str, str]
    annotations: dict[str, str]
    """Beside the master's own."""


class BindRoom(msgspec.Struct, frozen=True):
    """Give a warm instance its key, if its resourceVersion is still `version`. Answered by `RoomBound`; said
    again until then. One that has the key already is as good.
    """

    key: Key
    uid: str
    version: str
    instance_key: str
    on_delete: OnDelete


class DeleteRoomObject(msgspec.Struct, frozen=True):
    """Delete the Room, if it still has this uid. `RoomDeleted` is the answer; said again until then."""

    key: Key
    uid: str


class SendDesired(msgspec.Struct, frozen=True):
    """The whole set of rooms that the node should run."""

    node: Key
    boot: str
    rooms: tuple[DesiredRoom, ...]
    prepare: tuple[DesiredRoom, ...] = ()
    """Rooms that are about to be moved there."""
    moving: tuple[MovedRoom, ...] = ()
    """Rooms that it hands over, and to whom."""


class SendDrain(msgspec.Struct, frozen=True):
    """Answer a node that was told to end: its rooms are being moved, it waits so long for that."""

    node: Key
    boot: str
    seconds: float


class SendGoodbye(msgspec.Struct, frozen=True):
    """The Room object was deleted: its players get `bye room-deleted` before the room is stopped."""

    node: Key
    boot: str
    room: str


class SendNudge(msgspec.Struct, frozen=True):
    """Tell the node that runs the room to look for arrivals."""

    node: Key
    boot: str
    room: str


class CreateNode(msgspec.Struct, frozen=True):
    """Start the node of this name (`<fleet>-<slot>`)."""

    node: Key
    fleet: str


class DeleteNode(msgspec.Struct, frozen=True):
    """End the node: what it still has it saves and closes."""

    node: Key


class Admitted(msgspec.Struct, frozen=True):
    """Sign a ticket for the node's boot id, good until `expires` (s since 1970)."""

    room: str
    boot: str
    url: str
    """The node's base URL."""
    expires: float
    others: tuple[tuple[str, str], ...] = ()
    """Join ids and names of the other members of the party: a ticket for each of them."""
    session: int = 0
    """The number of the player's session."""


class InLine(msgspec.Struct, frozen=True):
    """`position` 1 is next. Sent on each change to those near the head, at most once a second to others."""

    room: str
    position: int
    eta_seconds: float | None
    arrived: float
    ahead: int = 0
    """How many players are in line before it."""
    others: tuple[str, ...] = ()
    """The other members of the party."""
    session: int = 0
    template: str = ""
    """The InstancedRoom in whose line it is; empty: the room's own."""


class Refused(msgspec.Struct, frozen=True):
    problem: Problem


class AnswerJoin(msgspec.Struct, frozen=True):
    """`Admitted` and `Refused` are final."""

    id: str
    game: str
    player: str
    answer: Admitted | InLine | Refused


class AnswerSeat(msgspec.Struct, frozen=True):
    """About a `SeatRequested`; `Admitted` and `Refused` are final."""

    node: Key
    boot: str
    id: str
    game: str
    player: str
    answer: Admitted | InLine | Refused


class AnswerInstance(msgspec.Struct, frozen=True):
    """About an `InstanceRequested`: the room that it is, or why there is none."""

    node: Key
    boot: str
    id: str
    answer: str | Problem


class FindPlayer(msgspec.Struct, frozen=True):
    """Ask this node in which room the player's actor is. Answered by `PlayerFound`."""

    id: str
    node: Key
    boot: str
    player: str


class BringPlayer(msgspec.Struct, frozen=True):
    """Have the node that runs `origin` send the player's actor to `room`. Answered by `PlayerBrought`; said
    again until then."""

    id: str
    node: Key
    boot: str
    player: str
    origin: str
    room: str


class FindMarked(msgspec.Struct, frozen=True):
    """Ask this node which rooms have saved data that go with their object. Answered by `MarkedFound`. It also
    finishes what lost owners of any rooms had committed of travels: a `SweepRooms` may come to nothing."""

    node: Key
    boot: str


class MarkRoom(msgspec.Struct, frozen=True):
    """Have this node note in the room's saved data what `onDelete` its object has now."""

    node: Key
    boot: str
    room: str
    uid: str
    on_delete: OnDelete


class EraseRooms(msgspec.Struct, frozen=True):
    """Have this node remove the saved data of rooms whose objects are gone. Said again after the next list,
    if it comes to nothing.
    """

    node: Key
    boot: str
    rooms: tuple[MarkedRoom, ...]
    entry: str
    """The room where players' actors go that came from nowhere."""


class SweepRooms(msgspec.Struct, frozen=True):
    """Have this node finish what the lost owners of these rooms had committed."""

    node: Key
    boot: str
    rooms: tuple[str, ...]


class SendBack(msgspec.Struct, frozen=True):
    """Have this node send everybody back who is on the way to the room, which is gone."""

    node: Key
    boot: str
    room: str
    entry: str
    """Where those go whose origin is gone as well; empty: they stay."""


class Announce(msgspec.Struct, frozen=True):
    """A Kubernetes event on the Room: a phase change or a failure."""

    key: Key
    reason: str
    """CamelCase, as events have it."""
    message: str
    warning: bool = False


Effect = (
    Record
    | WriteStatus
    | WriteFleetStatus
    | WriteTemplateStatus
    | CreateRoom
    | BindRoom
    | DeleteRoomObject
    | SendDesired
    | SendDrain
    | SendGoodbye
    | SendNudge
    | CreateNode
    | DeleteNode
    | AnswerJoin
    | AnswerSeat
    | AnswerInstance
    | FindPlayer
    | BringPlayer
    | FindMarked
    | MarkRoom
    | EraseRooms
    | SweepRooms
    | SendBack
    | Announce
)
