"""Another node takes a room over, in the store alone."""

from __future__ import annotations

import asyncio

from roomfleet.store import claim
from support.hosted import Hosted


async def taken_over(on: Hosted, room: str, epoch: int) -> None:
    """Another node claims the room of the trial game."""

    async def pause(attempt: int) -> None:
        await asyncio.sleep(0.01)

    await claim(
        on.store.inner,
        room=f"trial/{room}",
        epoch=epoch,
        node="other",
        url="ws://other",
        boot="other",
        uid=f"uid {room}",
        map=f"map1.{room}",
        on_delete="Retain",
        pause=pause,
    )
