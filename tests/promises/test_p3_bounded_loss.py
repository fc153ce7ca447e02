"""P3, bounded loss: what nobody saved by hand is saved soon, and a room that cannot save says so."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
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


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Another program holds the store's file for itself."""
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


def saved_condition(fleet: Running, room: str) -> str:
    found = fleet.get(f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/rooms/{room}")
    conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", [])}
    return str(conditions.get("Saved", ""))


def test_what_nobody_saved_by_hand_is_saved_by_interval_and_survives_a_kill(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            await ada.call("note", value=5)
            await until(lambda: stored_state(fleet.data, "p:ada")["noted"] == 5, "the note is saved")
            await ada.call("note", value=6)
            fleet.signal_node(fleet.node_of("alpha"), signal.SIGKILL)
            # The value as it was last saved: 5, or 6 where the save was quicker than the kill.
            await ada.wait_for(lambda p: p.state != "playing", 10)
            await playing(ada, "alpha")
            assert state_of(ada)["noted"] in (5, 6)

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_a_room_that_cannot_save_runs_on_says_so_takes_no_commands_and_saves_when_it_can(
    tmp_path: Path,
) -> None:
    async def play(fleet: Running) -> None:
        store = fleet.data / "store.db"
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            assert await ada.call("keep", value=1) == 1
            await until(lambda: saved_condition(fleet, "alpha") == "True", "Saved is True")
            with locked(store):
                assert await ada.call("note", value=7) == 7, "it runs on"
                waiting = asyncio.ensure_future(answer(ada.call("keep", value=2)))
                await until(lambda: saved_condition(fleet, "alpha") == "False", "Saved is False")
                before = ada.now
                refused = None
                while not isinstance(refused, CallError):
                    refused = await answer(ada.call("note", value=8))
                    await asyncio.sleep(0.01)
                assert refused.code == "not-saved"
                assert "could not save" in refused.message
                await ada.wait_for(lambda p: p.now > before, 10)
                assert not waiting.done(), "nothing is acknowledged that is not saved"
                assert stored_state(fleet.data, "p:ada")["kept"] == 1
            assert await waiting == 2
            assert stored_state(fleet.data, "p:ada")["kept"] == 2
            await until(lambda: saved_condition(fleet, "alpha") == "True", "Saved is True again")
            assert await ada.call("note", value=9) == 9
            assert fleet.room("alpha")["epoch"] == 1
            await until(lambda: stored_state(fleet.data, "p:ada")["noted"] == 9, "the note is saved")

    environment = {**SHORT, "ROOMFLEET_MAX_UNSAVED_SECONDS": "1"}
    with running(trial_game(tmp_path), tmp_path / "data", environment=environment) as fleet:
        asyncio.run(play(fleet))


def test_many_changes_within_the_interval_are_few_commits(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with Client(fleet.url, game=GAME, token="ada") as ada:
            await ada.join("alpha")
            await ada.call("keep", value=1)
            _, before, _ = stored_epoch(fleet.data, "alpha")
            for value in range(200):
                await ada.call("note", value=value)
            await until(lambda: stored_state(fleet.data, "p:ada")["noted"] == 199, "the last note is saved")
            _, after, _ = stored_epoch(fleet.data, "alpha")
            assert after - before < 20

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))
