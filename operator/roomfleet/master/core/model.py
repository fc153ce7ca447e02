"""What the master knows: rooms, fleets, nodes (DESIGN 4, 5). Plain data; `Core` alone changes it.

What there is of each room is not searched for garbage (`gc=False`): nothing in it can lead back to it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from roomfleet.wire.spec import RoomSpec


class Key(NamedTuple):
    """A namespaced object: `walkabout/town`. A namespace is a game."""

    game: str
    name: str

    def __str__(self) -> str:
        return f"{self.game}/{self.name}"


class Phase(StrEnum):
    """`Room.status.phase`: a summary; the conditions are the truth."""

    ASLEEP = "Asleep"
    """On no node; nobody wants it."""
    QUEUED = "Queued"
    """Wanted, and no node has space or the record is on its way."""
    STARTING = "Starting"
    """Recorded on a node that has not reported it running."""
    RUNNING = "Running"
    STOPPING = "Stopping"
    """Its node was told to save and stop it."""
    FAILED = "Failed"
    """Cannot start; the message says why. Tried again on a spec change, or by a join 10 s later."""


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(msgspec.Struct, frozen=True, gc=False):
    """A metav1.Condition without its transition time, which the adapter keeps."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""


class RoomStatus(msgspec.Struct, frozen=True, gc=False):
    """`Room.status` as the core wants it recorded. Times are RFC 3339 text; empty means absent."""

    phase: Phase = Phase.ASLEEP
    node: str = ""
    epoch: int = 0
    players: int = 0
    waiting: int = 0
    saved_at: str = ""
    started_at: str = ""
    observed_generation: int = 0
    message: str = ""
    conditions: tuple[Condition, ...] = ()


class Strategy(StrEnum):
    """Which node with space a room goes to."""

    PACKED = "Packed"
    """The fullest."""
    DISTRIBUTED = "Distributed"
    """The emptiest."""


class FleetSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the core reads of `RoomFleet.spec`."""

    min_nodes: int = 1
    max_nodes: int = 10
    rooms_per_node: int = 100
    players_per_node: int = 1_000
    strategy: Strategy = Strategy.PACKED
    spare_nodes: int = 0
    """So many nodes' worth of free space is kept ready."""
    scale_down_after_seconds: int = 300
    drain_seconds: int = 30
    cordoned: tuple[int, ...] = ()
    """Slots whose nodes take no rooms; those that they have are moved."""


class WhenBored(StrEnum):
    """What becomes of an instance that is bored."""

    DELETE = "Delete"
    SLEEP = "Sleep"


class ChildMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Labels and annotations that each instance gets beside the master's own."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ChildTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """The Room that each instance is made from."""

    spec: RoomSpec
    metadata: ChildMetadata = ChildMetadata()


class TemplateSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`InstancedRoom.spec`."""

    template: ChildTemplate
    when_bored: WhenBored = WhenBored.DELETE
    keep_data: bool = False
    max_instances: int = 100
    warm: int = 0


class Instance(msgspec.Struct, frozen=True):
    """What a Room says that was made from an InstancedRoom."""

    template: str
    template_uid: str
    key: str | None
    """None: a warm one, which no key has yet."""


class TemplateStatus(msgspec.Struct, frozen=True):
    """`InstancedRoom.status` as the core wants it recorded."""

    instances: int = 0
    running: int = 0
    warm: int = 0
    players: int = 0
    waiting: int = 0
    selector: str = ""
    observed_generation: int = 0
    message: str = ""
    conditions: tuple[Condition, ...] = ()


class FleetStatus(msgspec.Struct, frozen=True):
    """`RoomFleet.status` as the core wants it recorded."""

    nodes: int = 0
    ready: int = 0
    rooms: int = 0
    players: int = 0
    observed_generation: int = 0
    message: str = ""
    """Which nodes are being emptied, and why; empty when none is."""
    conditions: tuple[Condition, ...] = ()
