"""What differs between a laptop and a cluster, as the runner sees it."""

from __future__ import annotations

from typing import Protocol

from roomfleet.master.core.effects import (
    Announce,
    BindRoom,
    CreateNode,
    CreateRoom,
    DeleteNode,
    DeleteRoomObject,
    Record,
    WriteFleetStatus,
    WriteStatus,
    WriteTemplateStatus,
)


class Adapter(Protocol):
    """Where Room objects and nodes live: a folder and child processes, or a cluster."""

    def record(self, effect: Record) -> None:
        """Write it with its precondition; the outcome comes back as `Recorded`."""

    def write_status(self, effect: WriteStatus) -> None: ...

    def write_fleet_status(self, effect: WriteFleetStatus) -> None: ...

    def write_template_status(self, effect: WriteTemplateStatus) -> None: ...

    def create_room(self, effect: CreateRoom) -> None:
        """Make the Room; what fails comes back as `RoomCreated`."""

    def bind_room(self, effect: BindRoom) -> None:
        """Give it its key; the outcome comes back as `RoomBound`."""

    def delete_room(self, effect: DeleteRoomObject) -> None: ...

    def announce(self, effect: Announce) -> None: ...

    def create_node(self, effect: CreateNode) -> None: ...

    def delete_node(self, effect: DeleteNode) -> None: ...
