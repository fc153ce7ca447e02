"""P1, one writer: a node that lost a room can change nothing that counts, and finds out within seconds."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from roomfleet.client import CallError, Client
from support.running import Running, running
from support.trial_game import (
    GAME,
    SHORT,
    answer,
    playing,
    state_of,
    stored_epoch,
    stored_state,
    trial_game,
    until,
)


def test_a_paused_node_loses_its_room_and_nothing_that_it_does_afterwards_counts(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            first, epoch = fleet.node_of("alpha"), fleet.room("alpha")["epoch"]
            paused = fleet.signal_node(first, signal.SIGSTOP)
            # It will find these when it wakes, and think that the room is still its own.
            stale = [asyncio.ensure_future(answer(ada.call(name, value=99))) for name in ("note", "keep")]
            room = await until(
                lambda: (
                    (room := fleet.room("alpha"))["phase"] == "Running" and room["node"] != first and room
                ),
                "alpha on the other node",
            )
            assert room["epoch"] > epoch
            assert fleet.node_pids()[first] == paused
            before, seq, owner = stored_epoch(fleet.data, "alpha")
            assert (before, owner) == (room["epoch"], room["node"])
            fleet.signal_node(first, signal.SIGCONT)
            for found in await asyncio.gather(*stale):
                assert found == 99 or isinstance(found, CallError)
            # The save that was awaited was never acknowledged.
            assert isinstance(stale[1].result(), CallError)
            await playing(ada, "alpha")
            assert state_of(ada)["kept"] == 1
            assert state_of(ada)["noted"] == 0
            assert await ada.call("keep", value=2) == 2
            assert stored_state(fleet.data, "p:ada")["kept"] == 2
            assert stored_state(fleet.data, "p:ada")["noted"] == 0
            after, later, owner = stored_epoch(fleet.data, "alpha")
            assert (after, owner) == (before, room["node"])
            assert later > seq
            assert f"room alpha at epoch {epoch} was taken over (found epoch {before})" in fleet.log()
            assert fleet.room("alpha")["epoch"] == before, "the takeover was the only one"

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
