"""The end of a node that was told to end: the master moves its rooms elsewhere, then it stops.

Without a master, and at the deadline, what is left is saved and closed; its players are sent to the master.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from roomfleet.wire.link import Draining, FromNode

log = logging.getLogger(__name__)

ANSWER_SECONDS = 3.0
"""A master that does not say by then how long the node may take is not there."""

MASTERLESS_SECONDS = 5.0
"""A link that has been down for so long while the node leaves: nobody moves its rooms."""

LOOK_SECONDS = 0.05
"""How often the node looks whether it is empty: nothing else happens to it any more."""


class Leaving:
    """From the signal on until the node may stop."""

    def __init__(self, send: Callable[[FromNode], bool], is_empty: Callable[[], bool]) -> None:
        """`send` says whether the link is up; `is_empty`: no room is here, and none is to come."""
        self._send, self._is_empty = send, is_empty
        self.begun = False
        self._now = asyncio.Event()
        self._seconds: float | None = None
        self._answered = asyncio.Event()
        self._link_down_since: float | None = None

    async def until_empty(self) -> None:
        """Returns when the node may stop: empty, out of time, or without a master."""
        self.begun = True
        loop = asyncio.get_running_loop()
        if not self._send(Draining()):
            return
        await self._either(self._answered, ANSWER_SECONDS)
        if self._seconds is None:
            log.warning("the master does not answer: no room is moved")
            return
        deadline = loop.time() + self._seconds
        while not (self._now.is_set() or self._is_empty()):
            now = loop.time()
            if now >= deadline:
                log.warning("not every room could be moved within %g s", self._seconds)
                return
            if self._link_down_since is not None and now >= self._link_down_since + MASTERLESS_SECONDS:
                log.warning("the master is away: the rooms that are left are saved and closed")
                return
            await self._either(self._now, min(LOOK_SECONDS, deadline - now))

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.ensure_future(each.wait()) for each in {event, self._now}]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def answered(self, seconds: float) -> None:
        """The master moves the rooms; it thinks that this takes so long at most."""
        if self._seconds is None:
            self._seconds = seconds
        self._answered.set()

    def at_once(self) -> None:
        """Wait for nothing any more."""
        self._now.set()

    def link_is(self, up: bool) -> None:
        """The link to the master came up or went down."""
        if up:
            self._link_down_since = None
        elif self._link_down_since is None:
            self._link_down_since = asyncio.get_running_loop().time()
