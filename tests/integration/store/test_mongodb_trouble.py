"""MongoDB in trouble: killed in the middle of saves, away, silent, too new, or named by a wrong URL."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from roomfleet.store import (
    CannotOpen,
    Create,
    DamagedDocument,
    OutcomeUnknown,
    Save,
    SchemaTooNew,
    Store,
    StoreUnavailable,
    UnknownScheme,
    open_store,
)
from roomfleet.store.records import Batch, Owner, RoomSave
from support.nx import Nx, free_port, serving
from support.store_tools import ROOM, claim_room, op, put, run

SECRET = "hunter2-and-more"

# A connection that pymongo gives up while it is being made is closed by the garbage collector only: let that
# happen in the test that it belongs to.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def nx(tmp_path: Path) -> Any:
    with serving(tmp_path / "nx") as server:
        yield server


def test_acknowledged_saves_survive_kill_9_of_the_server_and_the_session_goes_on(nx: Nx) -> None:
    async def test(store: Store) -> None:
        session = (await claim_room(store, ROOM, 1)).session
        await session.commit([Create("g/a", {"n": 0})], ceiling_ms=0, saved_at_ms=0)
        acknowledged = 0
        some = asyncio.Event()

        async def save_on(until: int) -> None:
            nonlocal acknowledged
            while acknowledged < until:
                n = acknowledged + 1
                try:
                    await session.commit([Save("g/a", {"n": n})], state={"n": n}, ceiling_ms=0, saved_at_ms=0)
                except StoreUnavailable:
                    continue
                acknowledged = n
                if n % 10 == 0:
                    some.set()

        for kill in range(1, 4):
            some.clear()
            saving = asyncio.create_task(save_on(kill * 50))
            await some.wait()
            await asyncio.to_thread(nx.kill)
            before = acknowledged
            await asyncio.to_thread(nx.start)
            found = await claimed_state(nx.url("game"))
            assert found >= before
            await saving
        assert (await store.get_room(ROOM)).state == {"n": 150}  # type: ignore[union-attr]
        await session.applied()
        assert (await store.get_actor("g/a")).body == {"n": 150}  # type: ignore[union-attr]

    run(nx.url("game"), test)


async def claimed_state(url: str) -> int:
    """What another process would find."""
    other = open_store(url)
    found = await other.get_room(ROOM)
    await other.close()
    assert found is not None
    return int(found.state.get("n", 0))


def test_what_may_be_done_twice_outlives_a_restart_of_the_server_unnoticed(nx: Nx) -> None:
    async def test(store: Store) -> None:
        await put(store, [op("g/a", 1)])
        calls: list[Awaitable[object]] = [
            store.get_actor("g/a"),
            store.insert_room(ROOM),
            store.replace_actors([op("g/a", 2)], insert=False),
        ]
        for call in calls:
            nx.kill()
            nx.start()
            await call
        found = await store.get_actor("g/a")
        assert found is not None
        assert found.v == 2

    run(nx.url(), test)


def test_a_write_whose_answer_is_late_has_an_unknown_outcome_and_is_sent_once(nx: Nx) -> None:
    async def test(store: Store) -> None:
        await store.insert_room(ROOM)
        nx.pause()
        with pytest.raises(OutcomeUnknown, match="not known"):
            await store.take_room(ROOM, 1, Owner("n"), None)
        with pytest.raises(StoreUnavailable):
            await store.get_room(ROOM)
        nx.resume()
        assert await store.take_room(ROOM, 2, Owner("n"), None) is not None
        assert await store.commit_room(ROOM, 2, 0, Batch(1, (), RoomSave(None, 0, 1)))

    run(nx.url() + "?socketTimeoutMS=300", test)


def test_without_a_server_nothing_happens_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()

    async def test(store: Store) -> None:
        with pytest.raises(StoreUnavailable) as error:
            await claim_room(store, ROOM, 1)
        said = str(error.value)
        assert f"127.0.0.1:{port}" in said
        assert "check that MongoDB runs" in said
        assert "\n" not in said
        assert SECRET not in said

    url = f"mongodb://me:{SECRET}@127.0.0.1:{port}/game?authSource=admin&serverSelectionTimeoutMS=200"
    run(url, test)
    assert SECRET not in caplog.text


def test_a_server_that_went_away_is_waited_for_and_then_there_again(nx: Nx) -> None:
    async def test(store: Store) -> None:
        await store.insert_room(ROOM)
        nx.kill()
        calls = [store.get_room(ROOM), store.insert_room("g/inn"), store.take_room(ROOM, 1, Owner(), None)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, StoreUnavailable | OutcomeUnknown) for one in results), results
        with pytest.raises(StoreUnavailable):
            await store.take_room(ROOM, 1, Owner(), None)
        nx.start()
        assert await store.take_room(ROOM, 2, Owner(), None) is not None

    run(nx.url() + "?serverSelectionTimeoutMS=1000", test)


def test_a_server_that_does_not_answer_is_not_waited_for_longer_than_the_url_says() -> None:
    async def test(store: Store) -> None:
        with pytest.raises(StoreUnavailable):
            await store.insert_room(ROOM)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        waits = "connectTimeoutMS=200&serverSelectionTimeoutMS=300&socketTimeoutMS=200"
        run(f"mongodb://127.0.0.1:{port}/game?{waits}", test)


def test_a_newer_schema_is_refused_and_left_alone(nx: Nx) -> None:
    with MongoClient[dict[str, Any]](nx.url()) as client:
        client["game"]["roomfleet"].insert_one({"_id": "schema", "value": 99})

    with pytest.raises(SchemaTooNew, match="99"):
        open_store(nx.url("game"))
    with MongoClient[dict[str, Any]](nx.url()) as client:
        assert client["game"]["rooms"].find_one() is None


def test_a_newer_schema_of_a_server_that_was_away_is_refused_by_the_first_call(nx: Nx) -> None:
    with MongoClient[dict[str, Any]](nx.url()) as client:
        client["game"]["roomfleet"].insert_one({"_id": "schema", "value": 99})
    nx.kill()

    async def test(store: Store) -> None:
        nx.start()
        with pytest.raises(SchemaTooNew, match="99"):
            await store.insert_room(ROOM)

    run(nx.url("game") + "?serverSelectionTimeoutMS=300", test)


def test_a_document_that_cannot_be_read_is_named(nx: Nx) -> None:
    async def test(store: Store) -> None:
        await put(store, [op("g/a", 1), op("g/b", 1), op("g/c", 1)])
        with MongoClient[dict[str, Any]](nx.url()) as client:
            actors = client["game"]["actors"]
            actors.replace_one({"_id": "g/a"}, {"_id": "g/a", "v": 1})
            actors.replace_one({"_id": "g/b"}, {**(actors.find_one({"_id": "g/b"}) or {}), "body": "{"})
        for actor in ("g/a", "g/b"):
            with pytest.raises(DamagedDocument, match=actor):
                await store.get_actor(actor)
        assert await store.get_actor("g/c") is not None

    run(nx.url("game"), test)


def test_admins_find_what_a_game_keeps_as_it_is(nx: Nx) -> None:
    async def test(store: Store) -> None:
        session = (await claim_room(store, ROOM, 1)).session
        await session.commit(
            [Create("g/a", {"hp": 3})], state={"door": {"open": True}}, ceiling_ms=0, saved_at_ms=0
        )
        await session.applied()

    run(nx.url(), test)
    with MongoClient[dict[str, Any]](nx.url()) as client:
        room = client["roomfleet"]["rooms"].find_one({"_id": ROOM})
        actor = client["roomfleet"]["actors"].find_one({"body.hp": 3})
    assert room is not None
    assert room["state"] == {"door": {"open": True}}
    assert actor is not None
    assert actor["_id"] == "g/a"


def refused(url: str) -> str:
    with pytest.raises(CannotOpen) as error:
        open_store(url)
    said = str(error.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(UnknownScheme, match="mongodb://host"):
        open_store("mongo://localhost")


@pytest.mark.parametrize(
    "url",
    [
        "mongodb:localhost",
        "mongodb://",
        "mongodb:///game",
        f"mongodb://me:{SECRET}@/game",
        f"mongodb://me:{SECRET}@host:port/game",
        f"mongodb://me:{SECRET}/x@host/game",
        f"mongodb://m@e:{SECRET}@host/game",
        f"mongodb://{SECRET}@host/my.game",
        f"mongodb://me:{SECRET}@host/a/b",
        f"mongodb://me:{SECRET}@host/game?authMechanism={SECRET}",
        f"mongodb://me:{SECRET}@host/game?sokcetTimeoutMS=1",
    ],
)
def test_a_url_that_cannot_be_right_is_refused_and_tells_no_secret(url: str) -> None:
    assert "mongodb://host:27017/roomfleet" in refused(url)


@pytest.mark.parametrize(
    "option", ["w=1", "journal=false", "readPreference=secondary", "readConcernLevel=local"]
)
def test_an_option_against_the_promises_is_refused(option: str) -> None:
    name, _, value = option.lower().partition("=")
    said = refused(f"mongodb://me:{SECRET}@host/game?retryWrites=true&{option}")
    assert f"{name}={value}" in said
    assert "leave the option out" in said


def test_without_pymongo_it_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)
    for module in ("mongodb", "mongodb_calls"):
        monkeypatch.delitem(sys.modules, f"roomfleet.store.{module}", raising=False)
    assert "pip install 'roomfleet[mongodb]'" in refused("mongodb://host/game")
