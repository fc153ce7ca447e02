"""P10, slow is lonely: a client that stops reading costs only itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from roomfleet.client import Client
from support.raw import Raw, ask, connected
from support.running import Running, running
from support.trial_game import GAME, SHORT, state_of, trial_game

SIZE = 400_000
"""Bytes of each patch: what the kernel keeps for a connection holds some of them, not all."""


@asynccontextmanager
async def slow_player(fleet: Running) -> AsyncIterator[Raw]:
    """A player in alpha whose client has its first snapshot and reads no further by itself."""
    place = (
        await asyncio.to_thread(
            ask, f"{fleet.url}/v1/games/{GAME}/joins", method="POST", player="slow", body={"room": "alpha"}
        )
    ).json
    async with connected(place["url"]) as raw:
        await raw.say({"type": "hello", "ticket": place["ticket"]})
        await raw.until("snapshot")
        yield raw


async def scribbled(player: Client, value: int) -> None:
    """A patch of `SIZE` for everybody; returns when the player has it."""
    await player.call("scribble", value=value, size=SIZE)
    await player.wait_for(lambda p: state_of(p)["noted"] == value, 20)


def test_a_client_that_reads_again_gets_a_fresh_snapshot_and_others_got_every_patch(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            async with slow_player(fleet) as slow:
                await ada.wait_for(lambda p: "p:slow" in p.actors, 10)
                for value in range(1, 61):
                    await scribbled(ada, value)  # ada sees each, while the other one is stuck
                # What was kept for it: some patches, until it was full; then a snapshot instead.
                patches = 0
                while (message := await slow.hear()) is not None and message["type"] != "snapshot":
                    patches += message["type"] == "patch" and "x" * SIZE in str(message["ops"])
                assert message is not None
                assert patches < 50
                assert message["actors"]["p:ada"]["state"]["noted"] == 60
                await ada.call("note", value=61)
                while (message := await slow.until("patch", "snapshot"))["type"] != "patch":
                    pass
                assert ["set", ["p:ada", "state", "noted"], 61] in message["ops"]
                assert "p:slow" in ada.actors

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_defect_04_a_client_that_is_stuck_too_long_is_put_out_and_nobody_else_notices(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            async with slow_player(fleet) as slow:
                await ada.wait_for(lambda p: "p:slow" in p.actors, 10)
                value = 0
                while "p:slow" in ada.actors:
                    value += 1
                    await scribbled(ada, value)
                    assert value < 200, "it was never put out"
                rest = [message["type"] for message in await slow.rest(20)]
                assert rest.count("patch") < value
                assert "bye" not in rest or slow.heard[-1]["code"] == "too-slow"
            await scribbled(ada, value + 1)

    environment = {**SHORT, "ROOMFLEET_SLOW_CLIENT_SECONDS": "1"}
    with running(trial_game(tmp_path), tmp_path / "data", environment=environment) as fleet:
        asyncio.run(play(fleet))
