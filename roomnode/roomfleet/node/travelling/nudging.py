"""Telling the master that somebody is on the way to a room, also when it is away at that moment.

A poll finds arrivals without a nudge, but not where the room sleeps and is to be woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from roomfleet.wire.link import FromNode, Nudge

KEPT_SECONDS = 15.0
"""What was sent so shortly before the link was lost may not have been heard, and is said again."""


class Nudges:
    """What the master was told lately, or is to be told when it is back."""

    def __init__(self, send: Callable[[FromNode], bool]) -> None:
        """`send` says whether the link is up."""
        self._send = send
        self._sent: dict[str, tuple[float, bool]] = {}
        """By room: when it was sent (infinity: not yet), and whether the room is to be woken."""

    def say(self, room: str, *, wake: bool) -> None:
        """Somebody is on the way to that room."""
        now = asyncio.get_running_loop().time()
        while self._sent:  # the oldest first: one nudge costs the same however many there were
            oldest = next(iter(self._sent))
            if self._sent[oldest][0] > now - KEPT_SECONDS:
                break
            del self._sent[oldest]
        _, before = self._sent.pop(room, (0.0, False))
        up = self._send(Nudge(room=room, wake=wake))
        self._sent[room] = (now if up else float("inf"), wake or before)

    def link_up(self) -> None:
        """The master is there (again)."""
        now = asyncio.get_running_loop().time()
        said, self._sent = self._sent, {}
        for room, (at, wake) in said.items():
            if at > now - KEPT_SECONDS:
                self.say(room, wake=wake)
