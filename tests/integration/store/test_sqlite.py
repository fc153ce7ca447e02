"""SQLite keeps every promise of a store, and says clearly what is wrong with its file."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

for part in ("operations", "protocol", "processes"):
    pytest.register_assert_rewrite(f"support.store_conformance_{part}")

from roomfleet.store import CannotOpen, SchemaTooNew, Store, StoreUnavailable, UnknownScheme, open_store  # noqa: E402
from roomfleet.store.errors import DamagedDocument  # noqa: E402
from roomfleet.store.sqlite_schema import SCHEMA_VERSION  # noqa: E402
from support.store_conformance import StoreConformance  # noqa: E402
from support.store_tools import ROOM, op, put, run  # noqa: E402


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path / 'store.db'}"


class TestSqlite(StoreConformance):
    """The conformance suite."""


def refused(url: str) -> str:
    with pytest.raises(CannotOpen) as error:
        open_store(url)
    return str(error.value)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(UnknownScheme, match="sqlite:///"):
        open_store("redis://localhost")
    with pytest.raises(UnknownScheme, match="sqlite:///"):
        open_store("store.db")


@pytest.mark.parametrize(
    "url", ["sqlite://store.db", "sqlite:///", "sqlite://", "sqlite:relative.db", "sqlite:///a?b=c"]
)
def test_a_url_without_an_absolute_path_is_refused(url: str) -> None:
    assert "sqlite:///absolute/path" in refused(url)


def test_a_path_may_be_percent_encoded(tmp_path: Path) -> None:
    run(f"sqlite://{tmp_path}/my%20store.db", lambda store: store.insert_room(ROOM))
    assert (tmp_path / "my store.db").exists()


def test_a_new_file_may_be_opened_by_many_at_once(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: open_store(url), range(8)))

    async def close_all() -> None:
        assert len({await store.installation_id(str(n)) for n, store in enumerate(stores)}) == 1
        for store in stores:
            await store.close()

    asyncio.run(close_all())


def test_a_newer_schema_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    run(url, lambda store: store.insert_room(ROOM))
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SchemaTooNew) as error:
        open_store(url)
    assert (error.value.place, error.value.found, error.value.known) == (str(path), 99, SCHEMA_VERSION)
    assert all(word in str(error.value) for word in (str(path), "99", str(SCHEMA_VERSION)))


def test_a_file_that_is_no_database_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"something else altogether " * 100)
    assert str(path) in refused(url)
    assert path.read_bytes().startswith(b"something else")


def test_another_programs_database_is_refused(url: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    assert "another program" in refused(url)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refused(f"sqlite://{tmp_path}/none/store.db")


def test_an_unwritable_folder_is_named() -> None:
    assert "/proc/store.db" in refused("sqlite:///proc/store.db")


def test_a_folder_in_the_files_place_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    assert str(tmp_path / "store.db") in refused(url)


def test_a_document_that_cannot_be_read_is_named_and_harms_no_other(url: str, tmp_path: Path) -> None:
    async def begin(store: Store) -> None:
        await put(store, [op("g/a", 1), op("g/b", 1)])

    async def test(store: Store) -> None:
        bad, good = await asyncio.gather(
            store.get_actor("g/a"), store.get_actor("g/b"), return_exceptions=True
        )
        assert isinstance(bad, DamagedDocument)
        assert "g/a" in str(bad)
        assert not isinstance(good, BaseException)
        assert good is not None

    run(url, begin)
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE actors SET body = '{' WHERE id = 'g/a'")
    database.close()
    run(url, test)


def test_calls_gathered_into_one_transaction_do_not_harm_one_another(url: str) -> None:
    async def test(store: Store) -> None:
        good = [store.replace_actors([op(f"g/{n}", 1, create=True)], insert=True) for n in range(20)]
        bad = store.replace_actors([op("g/bad", 2**70, create=True)], insert=True)
        results = await asyncio.gather(*good[:10], bad, *good[10:], return_exceptions=True)
        assert [n for n, result in enumerate(results) if isinstance(result, BaseException)] == [10]
        assert len(await store.actors_in(ROOM, away=False)) == 20

    run(url, test)


def test_a_lock_held_for_too_long_is_an_error_that_changed_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roomfleet.store.sqlite_schema.BUSY_SECONDS", 0.05)

    async def test(store: Store) -> None:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(
            *(store.insert_room(f"g/{n}") for n in range(20)), return_exceptions=True
        )
        assert [type(result) for result in results] == [StoreUnavailable] * 20
        assert "locked" in str(results[0])
        assert await store.get_room(ROOM) is None, "reading goes on meanwhile"
        other.execute("ROLLBACK")
        other.close()
        await store.insert_room(ROOM)

    run(url, test)
