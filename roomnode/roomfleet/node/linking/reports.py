"""What the master hears of rooms: how each stands now, at most once in a turn of the event loop."""

from __future__ import annotations

import asyncio

from roomfleet.node.linking.link import Link
from roomfleet.node.running.room import HostedRoom
from roomfleet.wire.link import Report


class Reports:
    """Reports that are due."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._changed: dict[str, HostedRoom] = {}
        self._ended: list[Report] = []

    def changed(self, room: HostedRoom) -> None:
        """Report this room soon, as it stands then."""
        self._send_soon()
        self._changed[room.name] = room

    def ended(self, room: HostedRoom) -> None:
        """The room is over here: report it soon, as it stands now."""
        self._send_soon()
        self._ended.append(room.report())

    def said(self) -> None:
        """A hello tells how the rooms stand now."""
        self._changed.clear()

    def _send_soon(self) -> None:
        if not self._changed and not self._ended:
            asyncio.get_running_loop().call_soon(self.send)

    def send(self) -> None:
        """All that are due."""
        changed, self._changed = self._changed, {}
        ended, self._ended = self._ended, []
        if not self._link.up:
            return  # the next hello says it all
        for report in ended:
            self._link.send(report)
        for room in changed.values():
            if not room.over:
                self._link.send(room.report())
