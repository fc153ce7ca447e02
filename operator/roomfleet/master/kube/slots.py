"""What is to be written onto one object, and how soon."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from roomfleet.master.core.effects import CreateRoom, DeleteRoomObject, Record
from roomfleet.master.kube.lanes import Lane
from roomfleet.master.kube.rooms import Change
from roomfleet.master.kube.statuses import Own, Status


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a record that was written."""

    record: Record
    version: str


@dataclass(slots=True)
class Slot:
    """What is to be written onto one object."""

    record: Record | None = None
    answer: Answer | None = None
    wanted: Status | None = None
    change: Change | None = None
    """To be made, bound or deleted: before anything else of the object is written."""
    uid: str = ""
    """The object that `wanted` is about; empty: whichever."""
    dirty: bool = False
    urgent: bool = False
    """More than counts may differ."""
    busy: bool = False
    counts_at: float = 0.0
    timer: asyncio.TimerHandle | None = None
    own: Own = ("", "")


def lane_of(change: Change) -> Lane:
    """Somebody waits for an instance with a key; warm ones, and those that go, have time."""
    has_time = isinstance(change, DeleteRoomObject) or (
        isinstance(change, CreateRoom) and change.instance_key is None
    )
    return Lane.STATUS if has_time else Lane.AWAITED
