"""P5 where there are several windows or players: one session for each player, and parties together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from roomfleet.client import Client, Invitation, Refused, SessionEnded, State
from support.promised import pause
from support.running import Running, running
from support.trial_game import GAME, SHORT, playing, trial_game, until

ROOMS = {"alpha": {}, "beta": {}, "gamma": {"capacity": 3}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("one session")
    with running(trial_game(folder, rooms=ROOMS), folder / "data", environment=SHORT) as made:
        yield made


async def replaced(player: Client) -> str:
    """The player's client ends, and was told that a newer window is why; how."""
    with pytest.raises((Refused, SessionEnded)) as ended:
        await player.wait_for(lambda p: False, 40)
    if isinstance(ended.value, SessionEnded):
        assert ended.value.code == "replaced"
        return "bye"
    assert ended.value.problem.refusal == "replaced"
    return "refused"


def test_the_older_window_hears_that_a_newer_one_came(fleet: Running) -> None:
    async def play() -> None:
        older = Client(fleet.url, game=GAME, token="ann")
        newer = Client(fleet.url, game=GAME, token="ann")
        async with older, newer:
            await older.join("alpha")
            await newer.join("beta")
            assert newer.room is not None
            assert newer.room.name == "alpha", "the actor is there"
            assert await replaced(older) == "bye"
            assert await newer.call("keep", value=1) == 1

    asyncio.run(play())


def test_a_newer_window_that_came_in_while_the_older_ones_node_was_silent_stays_in(fleet: Running) -> None:
    async def play() -> None:
        older = Client(fleet.url, game=GAME, token="bea")
        newer = Client(fleet.url, game=GAME, token="bea")
        async with older, newer:
            await older.join("beta")
            silent = fleet.node_of("beta")
            pause(fleet, silent)
            try:
                await until(lambda: fleet.room("beta")["node"] not in ("", silent), "beta elsewhere")
                await newer.join("beta")
            finally:
                fleet.signal_node(silent, signal.SIGCONT)
            # Its node leads the older one on by itself: it comes with a session that began before.
            await replaced(older)
            assert newer.state is State.PLAYING
            assert await newer.call("keep", value=2) == 2
        await until(lambda: len(fleet.node_pids()) == 2, "both nodes are there")

    asyncio.run(play())


def test_a_party_waits_for_seats_for_all_and_is_let_in_together(fleet: Running) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:

            async def client(name: str) -> Client:
                return await stack.enter_async_context(Client(fleet.url, game=GAME, token=name))

            sitting, leader, second, third, single = [
                await client(name) for name in ("cal", "dan", "eve", "fay", "gus")
            ]
            await sitting.join("gamma")
            events = leader.events()
            joining = asyncio.ensure_future(leader.join("gamma", party=["eve", "fay"]))
            await leader.wait_for(lambda p: p.change.position == 1, 10)
            assert list(leader.change.party) == ["dan", "eve", "fay"]
            later = asyncio.ensure_future(single.join("gamma"))
            await single.wait_for(lambda p: p.change.position == 2, 10)
            assert fleet.room("gamma")["waiting"] == 4
            await sitting.leave()
            invited: dict[str, Invitation] = {}
            async for event in events:
                if found := getattr(event, "invitations", ()):
                    invited = {each.player: each for each in found}
                    break
            assert set(invited) == {"eve", "fay"}
            await second.join(invitation=invited["eve"])
            await third.join(invitation=invited["fay"])
            await joining
            for player in (leader, second, third):
                await player.wait_for(lambda p: {"p:dan", "p:eve", "p:fay"} <= p.actors.keys(), 10)
            assert single.state is State.WAITING
            await third.leave()
            await later

    asyncio.run(play())


def test_a_party_one_of_whom_is_in_another_room_is_refused_and_nobody_gets_in(fleet: Running) -> None:
    async def play() -> None:
        leader = Client(fleet.url, game=GAME, token="hal")
        elsewhere = Client(fleet.url, game=GAME, token="ida")
        async with leader, elsewhere:
            await elsewhere.join("alpha")
            with pytest.raises(Refused, match="ida is in alpha") as refused:
                await leader.join("beta", party=["ida"])
            assert refused.value.problem.refusal == "member-elsewhere"
            await playing(elsewhere, "alpha")

    asyncio.run(play())
