"""One reader's events: kept until read, bounded, ending after a state that is final."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from roomfleet.client.actions import FINAL, ClientEvent, StateChanged

EVENTS_KEPT = 10_000
"""A reader that falls further behind loses the oldest."""


class EventStream(AsyncIterator[ClientEvent]):
    """What was put since it was made, in order."""

    def __init__(self) -> None:
        self._events: deque[ClientEvent] = deque(maxlen=EVENTS_KEPT)
        self._more = asyncio.Event()
        self._ended = False

    def put(self, event: ClientEvent) -> None:
        if not self._ended:
            self._events.append(event)
            self._more.set()

    async def __anext__(self) -> ClientEvent:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        event = self._events.popleft()
        if isinstance(event, StateChanged) and event.state in FINAL:
            self._ended = True
            self._events.clear()
        return event
