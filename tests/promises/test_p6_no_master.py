"""P6, no master, no harm: running rooms run on, and moves between them go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

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


def test_a_door_to_a_sleeping_room_is_refused_while_the_master_is_away_and_the_player_stays(
    tmp_path: Path,
) -> None:
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
            moving = asyncio.ensure_future(
                ask_again(ada, "beta")  # the link may take a moment to come back
            )
            await playing(ada, "beta")
            await moving

    async def ask_again(player: Client, room: str) -> None:
        while player.room is not None and player.room.name != room:
            found = await answer(player.call("go", room=room))
            if "the master" not in str(found):
                return
            await asyncio.sleep(0.05)

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_who_waits_before_a_full_room_keeps_waiting_through_the_masters_absence(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        ada = Client(fleet.url, game=GAME, token="ada")
        bob = Client(fleet.url, game=GAME, token="bob")
        async with ada, bob:
            await ada.join("alpha")
            await bob.join("beta")
            events = ada.events()
            going = asyncio.ensure_future(answer(ada.call("go", room="beta")))

            async def told() -> Waiting:
                async for event in events:
                    if isinstance(event, Waiting):
                        return event
                raise AssertionError("nothing was said")

            assert (await told()).position == 1
            fleet.pause_master()
            try:
                await until(
                    lambda: fleet.log().count("the master has been silent") >= 2, "both nodes miss the master"
                )
                assert await ada.call("keep", value=1) == 1
                assert not going.done()
            finally:
                fleet.resume_master()
            assert (await told()).position == 1, "asked again, as the answer may have been lost"
            await bob.leave()
            await playing(ada, "beta")
            await going

    rooms = {"alpha": {}, "beta": {"capacity": 1}}
    with running(trial_game(tmp_path, rooms=rooms), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
