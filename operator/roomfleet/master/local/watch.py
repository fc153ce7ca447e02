"""Follows the store's changes from a coroutine, without a queue of its own: who is too slow hears that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from roomfleet.master.local.table import Event


class Changing(Protocol):
    """What can be followed."""

    def since(self, version: int) -> Sequence[Event]:
        """The changes after a version. Raises Expired."""

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls the listener after each change."""


async def follow(source: Changing, version: int, plural: str | None) -> AsyncGenerator[Event, None]:
    """The changes of a kind (None: of all) after a version, as they come, until closed. Raises Expired."""
    changed = asyncio.Event()
    unsubscribe = source.subscribe(lambda _: changed.set())
    try:
        while True:
            changed.clear()
            for event in source.since(version):
                version = event.version
                if plural is None or event.plural == plural:
                    yield event
            if not source.since(version):
                await changed.wait()
    finally:
        unsubscribe()
