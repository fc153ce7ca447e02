"""Who comes for a room that is about to run waits for it, and no longer than it may still come."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from roomfleet.node.running.preparing import Preparing
from roomfleet.wire.link import DesiredRoom
from roomfleet.wire.spec import RoomSpec

HALL = DesiredRoom(room="hall", epoch=2, uid="uid hall", spec=RoomSpec(map="map1.hall"))


def preparing() -> Preparing:
    game = SimpleNamespace(map_room=id, room_class=id, geography=id)
    return Preparing(cast(Any, game), lambda name: None, lambda message: True)


def test_who_waits_is_sent_away_when_the_node_stops() -> None:
    async def play() -> None:
        made = preparing()
        made.told([HALL])
        waiting = asyncio.ensure_future(made.awaited("hall"))
        await asyncio.sleep(0)
        assert not waiting.done()
        made.stop()
        async with asyncio.timeout(5):
            assert await waiting is None

    asyncio.run(play())


def test_nobody_waits_for_a_room_on_a_node_that_stops() -> None:
    async def play() -> None:
        made = preparing()
        made.stop()
        made.told([HALL])
        async with asyncio.timeout(5):
            assert await made.awaited("hall") is None

    asyncio.run(play())
