"""The SQLite file: opening it, its settings, its tables and their version."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from roomfleet.store.errors import CannotOpen, SchemaTooNew

SCHEMA_VERSION = 1
"""The newest schema known here, kept in the file's ``user_version``."""

BUSY_SECONDS = 5.0
"""How long to wait for another process's lock."""

_TABLES = """
CREATE TABLE installation (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL);
CREATE TABLE rooms (
    id TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL DEFAULT 0,
    ops BLOB NOT NULL DEFAULT '[]',
    has_ops INTEGER NOT NULL DEFAULT 0,
    state BLOB NOT NULL DEFAULT '{}',
    ceiling INTEGER NOT NULL DEFAULT 0,
    saved_at INTEGER,
    node TEXT NOT NULL DEFAULT '',
    url TEXT NOT NULL DEFAULT '',
    boot TEXT NOT NULL DEFAULT '',
    uid TEXT NOT NULL DEFAULT '',
    map TEXT NOT NULL DEFAULT '',
    on_delete TEXT NOT NULL DEFAULT ''
);
CREATE TABLE actors (
    id TEXT PRIMARY KEY,
    v INTEGER NOT NULL,
    room TEXT NOT NULL,
    presence TEXT NOT NULL,
    transit_to TEXT,
    transit BLOB,
    token TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX actors_by_room ON actors (room, id);
CREATE INDEX actors_in_transit ON actors (transit_to) WHERE transit_to IS NOT NULL;
CREATE INDEX rooms_with_ops ON rooms (id) WHERE has_ops = 1;
"""


def connect(path: Path) -> sqlite3.Connection:
    """An open connection with the tables in place, for use by one thread at a time. Raises CannotOpen."""
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
    except sqlite3.Error as error:
        raise CannotOpen(
            f"cannot open the store {path}: {error}; its folder must exist and be writable"
        ) from error
    try:
        _into_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        _bring_tables(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise CannotOpen(f"cannot use {path} as a store: {error}; {_cure(error)}") from error
    except CannotOpen:
        connection.close()
        raise
    return connection


def _into_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite's own waiting does not cover this lock, so wait here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _bring_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > SCHEMA_VERSION:
            raise SchemaTooNew(str(path), found, SCHEMA_VERSION)
        if found == 0:
            _refuse_foreign(connection, path)
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise CannotOpen(f"{path} is a database of another program: give the store a file of its own")


def _cure(error: sqlite3.Error) -> str:
    # A plain sqlite3.Error comes without a code.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return "it is not a database, or a damaged one: restore it from a backup or name another file"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "the file and its folder must be writable"
        case sqlite3.SQLITE_BUSY:
            return f"another process has held its lock for {BUSY_SECONDS:g} s"
        case sqlite3.SQLITE_FULL:
            return "the disk is full"
        case _:
            return "check the disk and the file"
