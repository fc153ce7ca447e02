"""P8, asleep is free: an idle room has no timer, no task and no query of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep, RoomSpec
from support.game_folder import imports_forgotten
from support.hosted import Hosted, hosted, soon
from support.many_rooms import make_game

ROOMS = 150
SPEC = RoomSpec(map="map1.room", keep=Keep.ALWAYS)


async def rounds(on: Hosted, number: int) -> dict[str, int]:
    """The store's operations during so many of the node's own rounds."""
    store = on.store
    store.calls.clear()
    await soon(lambda: store.calls["room_epochs"] + store.calls["actors_arriving"] >= number)
    return dict(store.calls)


def test_idle_rooms_have_no_deadlines_no_tasks_and_no_queries_of_their_own(tmp_path: Path) -> None:
    async def look() -> None:
        game = make_game(tmp_path / "many", ROOMS, keep="Always")
        async with hosted(game, tmp_path / "store.db") as on:
            node = on.node
            tasks_before = len(asyncio.all_tasks())
            assert len(node.schedule) == 0
            for number in range(ROOMS):
                on.want(f"r{number}", SPEC)
            await soon(
                lambda: all(
                    on.room(name) is not None and on.room(name).phase is RoomPhase.RUNNING
                    for name in on.wanted
                )
            )
            await soon(lambda: len(node.schedule) == 0)
            await soon(lambda: len(asyncio.all_tasks()) <= tasks_before)
            # Whatever is asked is asked once for all rooms; without a master, their epochs too.
            during = await rounds(on, 3)
            assert set(during) <= {"actors_arriving", "room_epochs"}
            assert sum(during.values()) < ROOMS / 10
            assert len(node.schedule) == 0
            assert len(asyncio.all_tasks()) <= tasks_before
            # Asleep, they are not even known here.
            on.unwant(*list(on.wanted))
            await soon(lambda: not node.rooms.sessions() and on.room("r0") is None)
            await soon(lambda: len(asyncio.all_tasks()) <= tasks_before)
            on.store.calls.clear()
            await node.arrivals.look()
            assert not on.store.calls
            assert len(node.schedule) == 0

    with imports_forgotten(tmp_path):
        asyncio.run(look())


def test_a_room_becomes_idle_again_when_its_player_has_left(tmp_path: Path) -> None:
    async def look() -> None:
        game = make_game(tmp_path / "many", 1, keep="Always")
        async with hosted(game, tmp_path / "store.db") as on:
            room = await on.runs("r0", SPEC)
            listener = await on.enters(room, "ada")
            assert listener.types()[:2] == ["welcome", "snapshot"]
            assert len(on.node.schedule) > 0
            room.visits.leave("ada", listener)
            await soon(lambda: len(on.node.schedule) == 0)
            assert not on.node.doors.resumes
            during = await rounds(on, 2)
            assert set(during) <= {"actors_arriving", "room_epochs"}

    with imports_forgotten(tmp_path):
        asyncio.run(look())
