"""A store that is away for longer than a claim is pursued: a room that runs waits as long as it takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roomfleet.node.saving import saver
from roomfleet.store import OutcomeUnknown, StoreUnavailable
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import RoomSpec
from support.hosted import Hosted, soon
from support.trial_game import stored_state

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
LONG = 30
"""Attempts: a claim is given up after fewer."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saver, "MOST_PAUSE_SECONDS", 0.01)


class Away:
    """Fails the operation of that name from now on."""

    def __init__(self, on: Hosted, name: str, error: Exception) -> None:
        self.tries = 0
        self.over = False
        self._name, self._error = name, error
        on.store.trouble = self._look

    def _look(self, name: str, args: tuple[Any, ...]) -> BaseException | None:
        if self.over or name != self._name:
            return None
        self.tries += 1
        return self._error


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("commit_room", OutcomeUnknown("the answer got lost")),
        ("commit_room", StoreUnavailable("gone")),
        ("replace_actors", StoreUnavailable("gone")),
        ("replace_actors", OutcomeUnknown("the answer got lost")),
    ],
)
def test_a_running_room_outlasts_it_and_saves_then(
    on_a_node: Any, tmp_path: Path, operation: str, error: Exception
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        away = Away(on, operation, error)
        room.call("ada", 1, "keep", {"value": 7})
        await soon(lambda: away.tries > LONG)
        assert room.phase is RoomPhase.RUNNING
        assert room.report().saved is False
        assert not listener.ended
        away.over = True
        await soon(lambda: listener.types()[-1] == "result" or "result" in listener.types())
        await soon(lambda: room.report().saved)
        assert stored_state(tmp_path, "p:ada")["kept"] == 7

    on_a_node(test)


def test_a_room_that_stops_meanwhile_is_saved_when_the_store_is_back(on_a_node: Any, tmp_path: Path) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        await on.enters(room, "ada")
        away = Away(on, "commit_room", OutcomeUnknown("the answer got lost"))
        room.call("ada", 1, "note", {"value": 4})
        on.unwant("alpha")
        await soon(lambda: away.tries > LONG)
        assert room.phase is RoomPhase.STOPPING
        away.over = True
        await soon(lambda: room.phase is RoomPhase.STOPPED)
        assert stored_state(tmp_path, "p:ada")["noted"] == 4

    on_a_node(test)


def test_who_comes_meanwhile_gets_in_when_the_store_is_back(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        away = Away(on, "commit_room", OutcomeUnknown("the answer got lost"))
        coming = asyncio.ensure_future(on.enters(room, "ada"))
        await soon(lambda: away.tries > LONG)
        assert not coming.done()
        away.over = True
        assert (await coming).types()[:2] == ["welcome", "snapshot"]

    on_a_node(test)


def test_a_room_that_was_taken_over_sends_nothing_more_of_what_was_in_doubt(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        await on.enters(room, "ada")
        away = Away(on, "commit_room", OutcomeUnknown("the answer got lost"))
        room.call("ada", 1, "keep", {"value": 7})
        await soon(lambda: away.tries > 2)
        room.fence(5)
        tries = away.tries
        await asyncio.gather(*(task for task in asyncio.all_tasks() if "save" in task.get_name()))
        assert away.tries == tries

    on_a_node(test)
