"""What the core holds of each room, template, node, fleet and game."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from roomfleet.master.core.effects import (
    BindRoom,
    CreateRoom,
    Record,
)
from roomfleet.master.core.joining.line import Line
from roomfleet.master.core.model import (
    FleetSpec,
    FleetStatus,
    Key,
    Phase,
    RoomStatus,
    Strategy,
    TemplateSpec,
    TemplateStatus,
)
from roomfleet.master.core.placing.placement import NodeIndex
from roomfleet.master.core.queueing.measure import Average
from roomfleet.wire.link import DesiredRoom, Report
from roomfleet.wire.spec import RoomSpec


class Stage(StrEnum):
    """How far a place has got."""

    UNHEARD = "unheard"
    """Recorded before the master's start; the node has not said whether it runs the room."""
    RECORDING = "recording"
    """Being written ahead; the node knows nothing of it."""
    STARTING = "starting"
    """Recorded and told to the node."""
    RUNNING = "running"
    STOPPING = "stopping"
    """The node was told to save and stop it, or does so by itself."""


@dataclass(slots=True, eq=False)
class Place:
    """Where a room is, or is about to be. There is at most one for each room."""

    node: Node
    boot: str
    epoch: int
    uid: str
    spec: RoomSpec
    stage: Stage
    since: float
    """When it came into its stage."""
    moved_from: str = ""
    """The node from which the room was moved here, until it runs: to everybody else it ran all the time."""
    frozen_at: float = 0.0
    """When that node stopped its time (s since 1970, by that node's clock); 0: it did not say."""


class MoveStage(StrEnum):
    """How far a move has got. Up to the Record it may be called off, from then on it goes forward only."""

    PREPARING = "preparing"
    """The new node loads what the room needs; it claims nothing."""
    PREPARED = "prepared"
    """It is ready, or took too long: the Record is next."""
    RECORDING = "recording"
    """The new epoch and node are being written ahead, or may have been."""
    HANDING_OVER = "handing over"
    """Recorded: the old node stops the room, then the new one is told to run it."""


@dataclass(slots=True, eq=False)
class Move:
    """A running room on its way to another node. Its place is the old one until that has stopped it."""

    node: Node
    boot: str
    stage: MoveStage
    since: float
    """When it came into its stage."""
    epoch: int = 0
    """The epoch that is recorded for the new node."""
    moved_from: str = ""
    """The old node."""
    group: str = ""
    """The spread group that it counts for on the new node."""
    frozen_at: float = 0.0
    """When the old node stopped the room's time (s since 1970, by its clock); 0: not yet."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the room could not start."""

    message: str
    at: float
    generation: int


class Recording(msgspec.Struct, frozen=True):
    """A Record on its way: one at a time for each room."""

    record: Record
    said: float
    """When it was given out last."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A node that runs a room which it was not told to run, and until when that is waited for."""

    node: Node
    until: float


@dataclass(slots=True, eq=False)
class Tally:
    """How many rooms there are of a kind."""

    rooms: int = 0


@dataclass(slots=True, eq=False)
class Child:
    """What a room is beyond others that was made from an InstancedRoom."""

    template: Template
    uid: str
    """Of its template."""
    key: str | None
    wanted_at: float
    """When somebody wanted it last; when it was seen first."""
    unwanted: bool = False
    """Warm, and one too many, or made from what the template was before."""
    erase_at: float = 0.0
    """When its data are to be erased again, if no answer comes."""
    erase_tries: int = 0
    erased: bool = False
    deleting_at: float | None = None
    """When its deletion was said last: from the first time on nobody is let in any more."""
    held_until: float = 0.0
    """It is not bound before, after a conflict."""
    counted: tuple[int, int, int] = (0, 0, 0)
    """What the template's counts contain of it: running, warm, players."""


@dataclass(slots=True, eq=False)
class Making:
    """A CreateRoom or BindRoom on its way."""

    effect: CreateRoom | BindRoom
    said: float


@dataclass(slots=True, eq=False)
class Template:
    """An InstancedRoom; `spec` is None while there is no such object."""

    key: Key
    uid: str = ""
    generation: int = 0
    spec: TemplateSpec | None = None
    problem: str = ""
    rooms: dict[str, Room] = field(default_factory=dict)
    """Its children, by name."""
    by_key: dict[str, Room] = field(default_factory=dict)
    doubles: dict[str, Room] = field(default_factory=dict)
    """Children, by name, whose key another one in `by_key` has: nobody new is let into them."""
    unkeyed: dict[str, Room] = field(default_factory=dict)
    creating: dict[str, Making] = field(default_factory=dict)
    """By the room's name."""
    binding: dict[str, Making] = field(default_factory=dict)
    """By the instance's key."""
    line: Line = field(default_factory=Line)
    """Joins for keys that have no instance yet."""
    running: int = 0
    warm: int = 0
    players: int = 0
    retries: int = 0
    retry_at: float = 0.0
    """Nothing is made before, after a failure."""
    fault: str = ""
    """Why the last instance could not be made."""
    blocked: bool = False
    """Somebody in line gets no instance for the time being: there may be no more, or it failed, or those who
    were there before the start come first."""
    written: TemplateStatus | None = None


@dataclass(slots=True, eq=False)
class Room:
    """A Room object, and what became of it."""

    key: Key
    uid: str
    generation: int
    version: str
    spec: RoomSpec
    fleet: Fleet
    """The one that the spec names."""
    entry: bool
    problem: str
    written: RoomStatus | None
    """The status that the object has as far as is known; None after a write of unknown outcome."""
    highest: int = 0
    """The highest epoch that anybody has named."""
    recorded: int = 0
    """The highest epoch that was written to this object by us, or stood there when it was first seen. What
    was claimed above it was placed by somebody else: those data are not ours to erase."""
    gone: bool = False
    """The object was deleted; the place that is left is being stopped."""
    awake: bool = False
    """Whether it should be on a node."""
    place: Place | None = None
    move: Move | None = None
    failure: Failure | None = None
    recording: Recording | None = None
    retry_at: float = 0.0
    """No Record before that."""
    retries: int = 0
    stale: str | None = None
    """The resourceVersion that a Record conflicted with: wait for a newer one, at most until `retry_at`."""
    queued_for: str = ""
    """Why no node was found."""
    fault: str = ""
    """The error that reconciling it raised."""
    idle_since: float | None = None
    hold_until: float = 0.0
    """Counts as wanted until then: somebody is on the way."""
    woken: bool = False
    """An arrival asked to wake it, and it has not run since."""
    players: int = 0
    resumable: int = 0
    occupied: int = 0
    """What the node's load contains of this room: players, resumable ones and reserved seats."""
    saved_at: str = ""
    started_at: str = ""
    saved: bool = True
    line: Line | None = None
    told_goodbye: bool = False
    stray: Stray | None = None
    """A node that still has it while it is placed nowhere: it saves and stops it first."""
    tally: Tally | None = None
    """Where it is counted: its fleet's rooms of its phase."""
    child: Child | None = None
    """If it was made from an InstancedRoom."""

    def awaited(self, now: float) -> bool:
        """Whether somebody is in line, or on the way."""
        return self.waiting > 0 or self.hold_until > now

    def held_back(self, now: float) -> bool:
        """Whether the next Record has to wait: for a fresh object, or after failures."""
        if self.stale is not None and self.stale != self.version:
            return False
        return now < self.retry_at

    def lined(self) -> Line:
        """The line, made when it is first needed: most rooms sleep and have none."""
        if self.line is None:
            self.line = Line()
        return self.line

    @property
    def waiting(self) -> int:
        """Players in line."""
        return self.line.players if self.line is not None else 0

    @property
    def running(self) -> bool:
        return self.place is not None and self.place.stage is Stage.RUNNING


class Link(StrEnum):
    """What is known of a node's process."""

    EXPECTED = "expected"
    """Rooms were recorded on it before the master's start; not heard yet."""
    CREATING = "creating"
    """Asked for, not heard yet."""
    UP = "up"
    DOWN = "down"
    """Its link closed; not lost yet."""
    LOST = "lost"
    """Silent for too long: its rooms are placed elsewhere."""


@dataclass(slots=True, eq=False)
class Node:
    """A room node, by its name. `boot` tells its processes apart."""

    key: Key
    fleet: Fleet
    slot: int
    link: Link
    since: float
    """When it came into that."""
    boot: str = ""
    url: str = ""
    capacity: int = 0
    heard: float = 0.0
    rooms: dict[str, Room] = field(default_factory=dict)
    """Rooms whose place is here, in whatever stage."""
    incoming: dict[str, Room] = field(default_factory=dict)
    """Rooms that are being moved here: their space is kept."""
    outgoing: dict[str, Room] = field(default_factory=dict)
    """Rooms that are being moved away."""
    unmoved: dict[str, Room] = field(default_factory=dict)
    """Rooms that are to be moved away when one of those is done."""
    desired: dict[str, DesiredRoom] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    """What it said last of each room that it runs."""
    seats: dict[str, str] = field(default_factory=dict)
    """Seat requests of this boot: its id to the join's id."""
    occupied: int = 0
    """Players, resumable ones and reserved seats on it."""
    crowded: dict[Key, None] = field(default_factory=dict)
    """Rooms with a line and a free seat that wait for this node to have fewer players."""
    avoid_until: float = 0.0
    """It stopped a room unasked, which a node does when it drains: no new rooms until then."""
    create_again_at: float = 0.0
    draining: bool = False
    """Its process was told to end: it waits until its rooms are elsewhere."""
    emptied_since: float | None = None
    """Since when it has to be emptied, for whatever reason."""
    groups: dict[str, int] = field(default_factory=dict)
    """How many rooms of each spread group it has, with those that are on their way here."""
    space: int = 0
    """How many more rooms it takes, as the fleet's index has it."""
    overloaded: bool = False
    """It has said that it has too much to do, and not yet that this is over."""

    @property
    def is_up(self) -> bool:
        return self.link is Link.UP

    @property
    def deleting(self) -> bool:
        """It was told to drain and end."""
        return self.slot in self.fleet.deleting


@dataclass(frozen=True, slots=True)
class Crashes:
    """How often in a row a slot's process ended early, and when to try again."""

    number: int
    again_at: float


@dataclass(slots=True, eq=False)
class Fleet:
    """A RoomFleet; `spec` is None while there is no such object."""

    key: Key
    spec: FleetSpec | None = None
    generation: int = 0
    nodes: dict[int, Node] = field(default_factory=dict)
    """By slot. A node whose name has no slot gets a number below zero."""
    creating: dict[int, Node] = field(default_factory=dict)
    """Nodes that were asked for and have not been heard, the one that is asked for again first in front."""
    expected: dict[int, Node] = field(default_factory=dict)
    """Nodes that rooms were recorded on before the start, and that were neither heard nor asked for."""
    emptying: dict[int, Node] = field(default_factory=dict)
    """Nodes that have to be empty."""
    first_free: int = 0
    """All slots below have a node."""
    phases: dict[Phase, Tally] = field(default_factory=dict)
    """How many of its rooms are in each phase."""
    deleting: set[int] = field(default_factory=set)
    crashes: dict[int, Crashes] = field(default_factory=dict)
    """Slots whose process ended soon after it was asked for."""
    index: NodeIndex = field(default_factory=lambda: NodeIndex(Strategy.PACKED))
    waiting: dict[Key, None] = field(default_factory=dict)
    """Rooms that no node had space for, longest waiting first."""
    ready: int = 0
    rooms: int = 0
    players: int = 0
    free: int = 0
    """How many more rooms its nodes take."""
    giving_back: int | None = None
    """The slot whose node is being emptied because the others do without it."""
    surplus_since: float | None = None
    """Since when it could do with one node less."""
    keep_until: float = 0.0
    """No node is given back before that: it turned out that one was needed."""
    vanished: deque[float] = field(default_factory=deque)
    """When nodes were lost lately."""
    replace_at: float = 0.0
    """While very many nodes are lost together: when the next of their rooms may be placed again."""
    hurry: bool = False
    """minNodes was lowered: what is not needed goes at once."""
    node_start: Average = field(default_factory=Average)
    room_start: Average = field(default_factory=Average)
    written: FleetStatus | None = None
    counts_at: float = 0.0
    """When counts may be written next."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """Saved data that go with their object, which is gone."""

    uid: str
    since: float
    """The first complete list without it."""
    seen: float
    """The list after which it was named last."""


@dataclass(slots=True, eq=False)
class Game:
    """What is looked up by game."""

    name: str
    rooms: dict[str, Room] = field(default_factory=dict)
    entries: dict[str, Room] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)
    """InstancedRooms that there are."""
    links: OrderedDict[str, Node] = field(default_factory=OrderedDict)
    """Nodes that are up, the one that was asked last at the end."""
    heard_last: Node | None = None
    listed: bool = False
    """A complete list was made, and no node has been asked for marked rooms since."""
    asked: float = 0.0
    """When one was asked last."""
    orphans: dict[str, Orphan] = field(default_factory=dict)
    """By room."""
    kept: set[str] = field(default_factory=set)
    """Rooms whose last object said `onDelete: Retain`, whatever the store says: it may not know yet."""
    ended: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)
    """Instances that were deleted: name to template and key, the oldest first."""
    just_gone: set[str] = field(default_factory=set)
    """Rooms whose object went after the last list that a node was asked about."""
    told_no_entry: bool = False
    """It was logged that erasing waits for an entry room."""
    lost: dict[str, None] = field(default_factory=dict)
    """Rooms whose owner was lost, and that no node was told to sweep since."""

    def runs(self, room: str) -> bool:
        """Whether a node runs the room, or is to."""
        return any(room in node.reports or room in node.desired for node in self.nodes.values())
