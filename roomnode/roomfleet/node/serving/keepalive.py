"""Pings to all connections of a node, and an end to those that fall silent (RFC 6455, 5.5.2).

One timer for all of them, and none while there are none: a timer and a task for each connection would be a
twentieth of a core at ten thousand clients.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

SLICES = 20
"""Connections are looked at in so many parts, so that no look is long."""


class Kept(Protocol):
    """A connection that is kept alive."""

    heard: bool
    """Whether anything came since this was last made False."""

    def ping(self) -> None:
        """Ask for a sign of life."""

    def cut(self) -> None:
        """End the connection at once."""


class KeepAlive:
    """Pings each connection every `seconds`, and cuts it when nothing came in between."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._pause = seconds / SLICES
        self._slices: list[dict[Kept, None]] = [{} for _ in range(SLICES)]
        self._at = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Kept) -> None:
        """From now on; its first ping comes after `seconds`."""
        connection.heard = True
        # The part that was looked at last is looked at again after all others.
        self._slices[self._at - 1][connection] = None
        self._count += 1
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._look)

    def discard(self, connection: Kept) -> None:
        """The connection has ended, whether it was added or not."""
        for part in self._slices:
            if connection in part:
                del part[connection]
                self._count -= 1
                return

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._pause, self._look) if self._count else None
        part = self._slices[self._at]
        self._at = (self._at + 1) % SLICES
        for connection in list(part):
            if connection.heard:
                connection.heard = False
                connection.ping()
            else:
                connection.cut()
