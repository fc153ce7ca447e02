"""A fleet that saves to MongoDB: `roomfleet up --store mongodb://…`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.client import Client
from support.nx import Nx, serving
from support.running import Running, running
from support.small_game import small_game


@pytest.fixture
def nx(tmp_path: Path) -> Iterator[Nx]:
    with serving(tmp_path / "nx") as server:
        yield server


def test_a_game_is_played_saved_and_played_on(nx: Nx, tmp_path: Path) -> None:
    game = small_game(tmp_path / "tiny", {"hall": {}, "attic": {}})
    data = tmp_path / "data"
    with running(game, data, options=["--store", nx.url("tiny")]) as fleet:
        before = asyncio.run(played(fleet, walk=True))
        epoch = fleet.room("attic")["epoch"]
        assert fleet.interrupt() == 0
        fleet.start()
        assert asyncio.run(played(fleet, walk=False)) == before
        assert fleet.room("attic")["epoch"] > epoch
    assert not (data / "store.db").exists()


async def played(fleet: Running, *, walk: bool) -> tuple[object, ...]:
    """The player's room, position and state."""
    async with Client(fleet.url, game=fleet.game, token="ada") as player:
        await player.join("attic" if walk else None)
        if walk:
            assert await player.call("walk", x=250, y=120)
        assert player.room is not None
        assert player.you is not None
        return player.room.name, player.position_of(player.you.id), player.actors[player.you.id]["state"]
