"""Players who have been in the room before, put into a store: coming back costs a node one read each.

A benchmark of ten thousand clients would spend its time on making their actors otherwise, one commit each.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from roomfleet.game.actor import Player
from roomfleet.game.saving.saved import body_of, class_of, make_actor
from roomfleet.store import Create, Save, claim, doc_id, open_store
from roomfleet.wire.names import player_actor

BATCH = 1_000


def put_players(
    data: Path, *, game_dir: Path, room: str, map_room: str, player_class: str, names: list[str]
) -> None:
    """Players of that class, away in the room; nothing else of the room is there afterwards.

    `data` is the data folder of a fleet that was never started.
    """
    data.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(game_dir))
    try:
        cls = class_of(player_class)
    finally:
        sys.path.remove(str(game_dir))
    assert issubclass(cls, Player)
    asyncio.run(_put(data, game_dir.name, room, map_room, cls, names))


async def _put(data: Path, game: str, room: str, map_room: str, cls: type[Player], names: list[str]) -> None:
    store = open_store(f"sqlite://{data / 'store.db'}")
    try:
        claimed = await claim(
            store,
            room=doc_id(game, room),
            epoch=1,
            node="",
            url="",
            boot="",
            uid="",
            map=map_room,
            on_delete="Retain",
            pause=_pause,
        )
        left = iter(names)
        while batch := list(itertools.islice(left, BATCH)):
            bodies = {
                doc_id(game, player_actor(name)): body_of(
                    make_actor(cls, player_actor(name), name, name, [[0.0, 0.0, 0.0]]), 0.0
                )
                for name in batch
            }
            await claimed.session.save([Create(*each) for each in bodies.items()], None)
            await claimed.session.save([Save(*each, away=True) for each in bodies.items()], None)
            await claimed.session.applied()
    finally:
        await store.close()


async def _pause(attempt: int) -> None:
    await asyncio.sleep(0.05 * attempt)
