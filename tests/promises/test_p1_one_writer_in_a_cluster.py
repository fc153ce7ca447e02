"""P1, one writer, with rooms in a cluster: who lost a room while it stood still can change nothing after."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from roomfleet.client import CallError, Client
from support.kube import Cluster
from support.operating import Operated, operated
from support.trial_game import (
    SHORT,
    answer,
    playing,
    state_of,
    stored_epoch,
    stored_state,
    trial_game,
    until,
)


def test_a_paused_nodes_room_goes_elsewhere_and_nothing_that_the_node_does_afterwards_counts(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def play(fleet: Operated) -> None:
        async with Client(fleet.url, game=fleet.game, token="ada") as ada:
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            first, epoch = fleet.node_of("alpha"), fleet.view("alpha")["epoch"]
            fleet.nodes[first].send_signal(signal.SIGSTOP)
            # It will find these when it wakes, and think that the room is still its own.
            stale = [asyncio.ensure_future(answer(ada.call(name, value=99))) for name in ("note", "keep")]
            status = await until(
                lambda: (
                    (found := fleet.status("alpha"))["phase"] == "Running"
                    and found["node"] != first
                    and found
                ),
                "alpha on the other node",
            )
            assert status["epoch"] > epoch
            before, seq, owner = stored_epoch(tmp_path, "alpha", game=fleet.game)
            assert (before, owner) == (status["epoch"], status["node"])
            fleet.nodes[first].send_signal(signal.SIGCONT)
            for found in await asyncio.gather(*stale):
                assert found == 99 or isinstance(found, CallError)
            # The save that was awaited was never acknowledged.
            assert isinstance(stale[1].result(), CallError)
            await playing(ada, "alpha")
            assert state_of(ada)["kept"] == 1
            assert state_of(ada)["noted"] == 0
            assert await ada.call("keep", value=2) == 2
            assert stored_state(tmp_path, "p:ada")["kept"] == 2
            assert stored_state(tmp_path, "p:ada")["noted"] == 0
            after, later, owner = stored_epoch(tmp_path, "alpha", game=fleet.game)
            assert (after, owner) == (before, status["node"])
            assert later > seq
            fenced = f"room alpha at epoch {epoch} was taken over (found epoch {before})"
            await until(lambda: fenced in fleet.log(first), "the first node finds out")
            assert fleet.status("alpha")["epoch"] == before, "the takeover was the only one"

    with operated(cluster, tmp_path, source=trial_game(tmp_path), environment=SHORT) as fleet:
        asyncio.run(play(fleet))
