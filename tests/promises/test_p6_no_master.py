"""P6, no master, no harm: running rooms run on, and moves between them go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from roomfleet.client import Client
from roomfleet.wire.session import Waiting
from support.promised import two_live_on_while_the_master_is_away
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, playing, stored_actors, trial_game, until


def test_while_the_master_stands_still_players_notice_nothing_and_rooms_are_not_restarted(
    tmp_path: Path,
) -> None:
    async def play(fleet: Running) -> None:
        async def pause() -> None:
            fleet.pause_master()

        async def is_missed() -> None:
            await until(
                lambda: fleet.log().count("the master has been silent") >= 2, "both nodes miss the master"
            )

        async def resume() -> None:
            fleet.resume_master()

        await two_live_on_while_the_master_is_away(fleet, pause, is_missed, resume)
        assert {actor.room for actor in stored_actors(fleet.data).values()} == {"alpha"}

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        master = fleet.pid
        asyncio.run(play(fleet))
        assert fleet.pid == master


def test_before_a_sleeping_room_a_player_waits_until_the_master_is_back_and_goes_then(
    tmp_path: Path,
) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            events = ada.events()
            fleet.pause_master()
            try:
                going = asyncio.ensure_future(answer(ada.call("go", room="beta")))
                told = await first_waiting(events)
                assert (told.room, told.position) == ("beta", 0)
                assert await ada.call("keep", value=1) == 1
                assert not going.done()
            finally:
                fleet.resume_master()
            await playing(ada, "beta")
            await going

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_who_waited_too_long_for_a_master_hears_why_and_stays(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            fleet.pause_master()
            try:
                refused = await answer(ada.call("go", room="beta"))
                assert "beta" in str(refused)
                assert "the master" in str(refused)
                assert await ada.call("keep", value=1) == 1
            finally:
                fleet.resume_master()
            assert ada.room is not None
            assert ada.room.name == "alpha"

    short = {**SHORT, "ROOMFLEET_JOIN_TIMEOUT_SECONDS": "3"}
    with running(trial_game(tmp_path), tmp_path / "data", environment=short) as fleet:
        asyncio.run(play(fleet))


async def first_waiting(events: AsyncIterator[Any]) -> Waiting:
    async with asyncio.timeout(20):
        async for event in events:
            if isinstance(event, Waiting):
                return event
    raise AssertionError("nothing was said")


def test_who_waits_before_a_full_room_keeps_waiting_through_the_masters_absence(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        ada = Client(fleet.url, game=GAME, token="ada")
        bob = Client(fleet.url, game=GAME, token="bob")
        async with ada, bob:
            await ada.join("alpha")
            await bob.join("beta")
            events = ada.events()
            going = asyncio.ensure_future(answer(ada.call("go", room="beta")))
            assert (await first_waiting(events)).position == 1
            fleet.pause_master()
            try:
                await until(
                    lambda: fleet.log().count("the master has been silent") >= 2, "both nodes miss the master"
                )
                assert await ada.call("keep", value=1) == 1
                assert not going.done()
            finally:
                fleet.resume_master()
            assert (await first_waiting(events)).position == 1, (
                "asked again, as the answer may have been lost"
            )
            await bob.leave()
            await playing(ada, "beta")
            await going

    rooms = {"alpha": {}, "beta": {"capacity": 1}}
    with running(trial_game(tmp_path, rooms=rooms), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
