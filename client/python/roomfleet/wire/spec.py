"""`Room.spec` as master and node read it (DESIGN 4): fields in camelCase, defaults as in the CRD."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

ENTRY_ANNOTATION = "roomfleet.io/entry"

INSTANCE_OF_LABEL = "roomfleet.io/instance-of"
"""On each instance: the name of its InstancedRoom."""
WARM_LABEL = "roomfleet.io/warm"
"""`"true"` on an instance as long as no key has it."""
KEY_ANNOTATION = "roomfleet.io/instance-key"
"""On an instance that has a key. An annotation: a key may be any text, a label's value may not."""


class Keep(StrEnum):
    """How long a room stays on its node."""

    WHEN_WANTED = "WhenWanted"
    ALWAYS = "Always"
    NEVER = "Never"


class Arrivals(StrEnum):
    """Whether a player whose actor is elsewhere may ask to be brought here."""

    DOORS = "Doors"
    ANYONE = "Anyone"


class OnDelete(StrEnum):
    """What becomes of saved data when the Room object is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class RoomSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a Room asks for. `state` is the room's initial state, used at its first start only."""

    map: str
    fleet: str = "default"
    script: str = ""
    capacity: int = 100
    bored_after_seconds: int = 60
    keep: Keep = Keep.WHEN_WANTED
    save_interval_seconds: int = 1
    arrivals: Arrivals = Arrivals.DOORS
    on_delete: OnDelete = OnDelete.RETAIN
    spread_group: str = ""
    """Rooms of one group go to different nodes, as far as there are any."""
    state: dict[str, Any] = {}
