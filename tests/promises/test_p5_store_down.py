"""P5 and P2 while the store does not answer: rooms run on, joins wait, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from roomfleet.client import CallError, Client, State
from support.nx import Nx
from support.running import Running, running
from support.trial_game import GAME, SHORT, answer, playing, state_of, trial_game, until

IMPATIENT = {**SHORT, "ROOMFLEET_MAX_UNSAVED_SECONDS": "2"}


def saved_condition(fleet: Running, room: str) -> str:
    found = fleet.get(f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/rooms/{room}")
    conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", [])}
    return str(conditions.get("Saved", ""))


def test_while_the_store_is_gone_rooms_run_on_joins_wait_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    async def play(fleet: Running, store: Nx) -> None:
        async with (
            Client(fleet.url, game=GAME, token="ada") as ada,
            Client(fleet.url, game=GAME, token="bob") as bob,
            Client(fleet.url, game=GAME, token="cid") as cid,
        ):
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            await until(lambda: saved_condition(fleet, "alpha") == "True", "Saved is True")
            epoch = fleet.room("alpha")["epoch"]
            store.kill()
            assert await ada.call("note", value=7) == 7, "it runs on"
            saving = asyncio.ensure_future(answer(ada.call("keep", value=2)))
            # One for a running room, one for a room that sleeps: both need the store.
            joins = [asyncio.ensure_future(bob.join("alpha")), asyncio.ensure_future(cid.join("beta"))]
            await until(lambda: saved_condition(fleet, "alpha") == "False", "Saved is False")
            refused = None
            while not isinstance(refused, CallError):
                refused = await answer(ada.call("note", value=8))
                await asyncio.sleep(0.05)
            assert refused.code == "not-saved"
            assert ada.state is State.PLAYING
            assert not saving.done(), "nothing is acknowledged that is not saved"
            assert not any(join.done() for join in joins)
            store.start()
            assert await saving == 2
            await asyncio.gather(*joins)
            await until(lambda: saved_condition(fleet, "alpha") == "True", "Saved is True again")
            assert fleet.room("alpha")["epoch"] == epoch
            assert await ada.call("keep", value=3) == 3
            fleet.signal_node(fleet.node_of("alpha"), signal.SIGKILL)
            await ada.wait_for(lambda p: p.state is not State.PLAYING, 20)
            await playing(ada, "alpha")
            assert state_of(ada)["kept"] == 3

    store = Nx(tmp_path / "nx")
    store.start()
    try:
        options = ["--store", store.url("fleet")]
        with running(
            trial_game(tmp_path), tmp_path / "data", environment=IMPATIENT, options=options
        ) as fleet:
            asyncio.run(play(fleet, store))
    finally:
        store.kill()
