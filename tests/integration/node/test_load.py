"""What a node says of itself at /healthz."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient

from roomfleet.wire.spec import RoomSpec
from support.hosted import Hosted, hosted, soon
from support.trial_game import trial_game

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")


async def health(on: Hosted) -> dict[str, Any]:
    answer = await AsyncHTTPClient().fetch(on.node.url.replace("ws://", "http://") + "/healthz")
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_healthz_counts_rooms_and_players(tmp_path: Path) -> None:
    async def play() -> None:
        async with asyncio.timeout(40), hosted(trial_game(tmp_path), tmp_path / "store.db") as on:
            assert await health(on) == {"status": "ok", "rooms": 0, "players": 0, "missed_ticks": 0}
            await on.enters(await on.runs("alpha", ALPHA), "ada")
            found = await health(on)
            assert (found["rooms"], found["players"]) == (1, 1)

    asyncio.run(play())


def test_ticks_that_a_blocked_loop_missed_are_skipped_and_counted(tmp_path: Path) -> None:
    async def play() -> None:
        async with asyncio.timeout(40), hosted(trial_game(tmp_path), tmp_path / "store.db") as on:
            room = await on.runs("alpha", ALPHA)
            ada = await on.enters(room, "ada")
            room.call("ada", 1, "walk", {"x": 110.0, "y": 150.0})  # there within 25 ms
            time.sleep(0.5)  # noqa: ASYNC251  that is the fault
            await soon(lambda: "result" in ada.types())
            assert (await health(on))["missed_ticks"] >= 5
            assert ada.types().count("patch") <= 2, "what was due in the missed ticks is one frame"

    asyncio.run(play())
