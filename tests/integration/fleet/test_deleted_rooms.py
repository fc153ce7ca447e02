"""What becomes of saved data when a Room is deleted, on a running fleet; and of a Room made again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from roomfleet.client import Client, Refused, SessionEnded, State
from support.running import Running, running
from support.trial_game import GAME, SHORT, playing, state_of, stored_actors, stored_state, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {
    "alpha": {"boredAfterSeconds": 1},
    "doomed": {"boredAfterSeconds": 1, "onDelete": "Delete", "state": {"carts": 0}},
    "spared": {"boredAfterSeconds": 1},
    "changed": {"boredAfterSeconds": 1},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Data of a deleted Room go after a second instead of ten minutes."""
    folder = tmp_path_factory.mktemp("deleted")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 2, "maxNodes": 2})
    environment = {**SHORT, "ROOMFLEET_DELETE_AFTER_SECONDS": "1"}
    with running(game, folder / "data", environment=environment) as made:
        yield made


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


def saved(data: Path, room: str) -> bool:
    """Whether the store has data of the room."""
    with closing(sqlite3.connect(data / "store.db")) as db:
        row = db.execute("SELECT saved_at FROM rooms WHERE id = ?", (f"{GAME}/{room}",)).fetchone()
    return row is not None and row[0] is not None


def inhabitants(data: Path, room: str) -> list[str]:
    """The names of the saved actors that are the room's."""
    return sorted(actor.body["name"] for actor in stored_actors(data).values() if actor.room == room)


async def command(fleet: Running, *arguments: str, stdin: str | None = None) -> None:
    done = await asyncio.to_thread(fleet.roomfleet, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr


async def apply(fleet: Running, name: str, **spec: Any) -> None:
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "metadata": {"name": name},
        "spec": {"map": f"map1.{name}", "script": "trial.rooms:Place", **ROOMS[name], **spec},
    }
    await command(fleet, "apply", "-f", "-", stdin=yaml.safe_dump(manifest))


async def visit(fleet: Running, name: str, room: str, kept: int) -> None:
    """A player comes, keeps something, leaves two pets behind, and goes."""
    async with player(fleet, name) as who:
        await who.join(room)
        await who.call("keep", value=kept)
        await who.call("tame", pets=2)
        await who.leave()


def test_marked_data_go_and_players_find_themselves_at_the_entry(fleet: Running) -> None:
    async def play() -> None:
        await visit(fleet, "ada", "doomed", 7)
        async with player(fleet, "bob") as bob:
            await bob.join("doomed")
            await bob.call("keep", value=8)
            assert len(inhabitants(fleet.data, "doomed")) == 4
            await command(fleet, "delete", "room", "doomed")
            with pytest.raises(SessionEnded):
                await bob.wait_for(lambda p: p.state is State.IDLE, 20)
        await until(lambda: not saved(fleet.data, "doomed"), "the data are gone")
        assert inhabitants(fleet.data, "doomed") == []
        assert inhabitants(fleet.data, "alpha") == ["ada", "bob"]
        for name, kept in (("ada", 7), ("bob", 8)):
            async with player(fleet, name) as who:
                await who.join()
                await playing(who, "alpha")
                assert (state_of(who)["kept"], state_of(who)["coins"]) == (kept, 10)
                path = who.actors[f"p:{name}"]["path"]
                assert path[0][:2] == [100, 150], "at the entry, as somebody new"
                await who.call("keep", value=kept + 10)
        assert stored_state(fleet.data, "p:ada")["kept"] == 17
        await apply(fleet, "doomed", map="map1.spared")
        await visit(fleet, "carl", "doomed", 1)
        names = ["carl", "carl's 0", "carl's 1"]
        await until(lambda: inhabitants(fleet.data, "doomed") == names, "it began anew, on another map")
        await command(fleet, "delete", "room", "doomed")
        await until(lambda: not saved(fleet.data, "doomed"), "and so it ends")

    asyncio.run(play())


def test_retained_data_stay_and_attach_to_the_same_name(fleet: Running) -> None:
    async def play() -> None:
        await visit(fleet, "dora", "spared", 5)
        await command(fleet, "delete", "room", "spared")
        # Two sweeps see another room go that was deleted later.
        await apply(fleet, "doomed")
        await visit(fleet, "emil", "doomed", 1)
        await command(fleet, "delete", "room", "doomed")
        await until(lambda: not saved(fleet.data, "doomed"), "the other one's data are gone")
        assert saved(fleet.data, "spared")
        await apply(fleet, "spared")
        async with player(fleet, "dora") as dora:
            await dora.join()
            await playing(dora, "spared")
            assert state_of(dora)["kept"] == 5
            assert {actor["name"] for actor in dora.actors.values()} == {"dora", "dora's 0", "dora's 1"}

    asyncio.run(play())


def test_whoever_is_in_a_retained_room_without_an_object_is_told_so_and_gets_in_again_with_it(
    fleet: Running,
) -> None:
    async def play() -> None:
        await apply(fleet, "spared")
        await visit(fleet, "ivy", "spared", 4)
        await command(fleet, "delete", "room", "spared")
        for asked in (None, "alpha"):
            async with player(fleet, "ivy") as ivy, asyncio.timeout(20):
                with pytest.raises(Refused) as refused:
                    await ivy.join(asked)
                assert refused.value.problem.refusal == "no-such-room"
                for part in ("your actor is in the room spared", "was deleted", "made again"):
                    assert part in str(refused.value)
        await apply(fleet, "spared")
        async with player(fleet, "ivy") as ivy:
            await ivy.join()
            await playing(ivy, "spared")
            assert state_of(ivy)["kept"] == 4

    asyncio.run(play())


def test_retained_data_of_another_map_are_refused_with_the_cure(fleet: Running) -> None:
    async def play() -> None:
        await apply(fleet, "changed")
        await visit(fleet, "fay", "changed", 3)
        await command(fleet, "delete", "room", "changed")
        await apply(fleet, "changed", map="map1.alpha")
        async with player(fleet, "gus") as gus:
            with pytest.raises(Refused) as refused:
                await gus.join("changed")
        told = str(refused.value)
        for part in ("map1.changed", "map1.alpha", "set its map back to"):
            assert part in told
        found = await asyncio.to_thread(fleet.wait_phase, "changed", "Failed")
        assert "map1.changed" in found["message"]
        await apply(fleet, "changed")
        async with player(fleet, "fay") as fay:
            await fay.join()
            await playing(fay, "changed")
            assert state_of(fay)["kept"] == 3

    asyncio.run(play())


def test_a_wish_changed_while_the_room_sleeps_counts(fleet: Running) -> None:
    async def play() -> None:
        for room, first, then in (("spared", "Delete", "Retain"), ("doomed", "Retain", "Delete")):
            await apply(fleet, room, onDelete=first)
            await visit(fleet, f"hal {room}", room, 9)
            await asyncio.to_thread(fleet.wait_phase, room, "Asleep")
            await apply(fleet, room, onDelete=then)
            await command(fleet, "delete", "room", room)
        await until(lambda: not saved(fleet.data, "doomed"), "what was marked at the end is gone")
        assert saved(fleet.data, "spared")

    asyncio.run(play())


def test_travellers_to_a_room_deleted_while_nobody_looked_come_back_in_the_end(fleet: Running) -> None:
    async def play() -> None:
        async with player(fleet, "jan") as jan:
            await jan.join("alpha")
            await apply(fleet, "spared")
            await asyncio.to_thread(fleet.wait_phase, "spared", "Asleep")
            await jan.call("send", name="late", room="spared", wake=False)
            await until(lambda: "late" in inhabitants(fleet.data, "spared"), "it waits there")
            await command(fleet, "delete", "room", "spared")
            await until(lambda: "late" in inhabitants(fleet.data, "alpha"), "it is back")
            await jan.wait_for(lambda p: "late" in {each["name"] for each in p.actors.values()}, 10)

    asyncio.run(play())
