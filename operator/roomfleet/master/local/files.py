"""Objects on disk: a file for each, replaced atomically, in a folder that says its schema version.

DATA/objects/format.json          {"schema": 1, "game": …, "versions": the highest that may be in use}
DATA/objects/rooms/town.json      {"schema": 1, "object": {…}, "managers": {…}}
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roomfleet.master.local.fields import Managers

SCHEMA = 1
VERSIONS_AT_ONCE = 1_000
"""How many resource versions are set aside with one write; a restart skips what is left of them."""


class StorageError(Exception):
    """The objects' folder cannot be used; the text says why and what to do, in one line."""


class NewerSchema(StorageError):
    """Written by a newer program."""


@dataclass(frozen=True)
class Stored:
    """An object with what its field managers applied."""

    plural: str
    object: dict[str, Any]
    managers: Managers


class ObjectFiles:
    """The folder. One process at a time: the data folder's lock sees to that.

    Writes may come from several threads; per object the newest version stays.
    """

    def __init__(self, folder: Path, game: str) -> None:
        """Opens the folder, making it when it is not there. Raises StorageError."""
        self._folder = folder
        self._format = folder / "format.json"
        self._game = game
        self._lock = threading.Lock()
        self._newest: dict[tuple[str, str], int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob("**/*.tmp"):
                leftover.unlink()
            self._versions = self._read_format() if self._format.exists() else 0
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}: choose another data folder") from error
        self.start = self._versions
        """The highest resource version that may have been given out before."""

    def load(self) -> Iterator[Stored]:
        """All objects. Raises StorageError for a file that is damaged or of a newer schema."""
        for path in sorted(self._folder.glob("*/*.json")):
            content = self._read(path)
            try:
                yield Stored(path.parent.name, content["object"], content["managers"])
            except KeyError as error:
                raise StorageError(
                    f"{path}: has no {error}: restore it from a backup or delete it"
                ) from error

    def reserve(self, version: int) -> None:
        """Makes sure that no later start gives out this version again. Raises StorageError."""
        if version > self._versions:
            ceiling = version + VERSIONS_AT_ONCE
            self._replace(self._format, {"schema": SCHEMA, "game": self._game, "versions": ceiling})
            self._versions = ceiling

    def write(self, stored: Stored) -> None:
        """The object is on disk when this returns, unless a newer version was written or it was deleted.

        Raises StorageError; then the former one still is.
        """
        metadata = stored.object["metadata"]
        key, version = (stored.plural, metadata["name"]), int(metadata["resourceVersion"])
        content = {"schema": SCHEMA, "object": stored.object, "managers": stored.managers}
        with self._lock:
            if self._newest.get(key, 0) <= version:
                self._replace(self._path(*key), content)
                self._newest[key] = version

    def delete(self, plural: str, name: str, version: int) -> None:
        """The object's file is gone when this returns, as of that version. Raises StorageError."""
        path = self._path(plural, name)
        try:
            with self._lock:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
                self._newest[plural, name] = version
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error

    def _path(self, plural: str, name: str) -> Path:
        return self._folder / plural / f"{name}.json"

    def _read_format(self) -> int:
        content = self._read(self._format)
        if content.get("game") != self._game:
            raise StorageError(
                f'{self._folder}: has the objects of the game "{content.get("game")}", '
                f'not of "{self._game}": choose another data folder'
            )
        versions = content.get("versions")
        if not isinstance(versions, int):
            raise StorageError(f"{self._format}: damaged: restore it from a backup")
        return versions

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise StorageError(f"{path}: damaged ({error}): restore it from a backup or delete it") from error
        schema = content.get("schema") if isinstance(content, dict) else None
        if not isinstance(schema, int):
            raise StorageError(f"{path}: damaged (no schema version): restore it from a backup or delete it")
        if schema > SCHEMA:
            raise NewerSchema(
                f"{path}: written by a newer roomfleet (schema {schema}, this one knows {SCHEMA}): "
                "install that version, or choose another data folder"
            )
        return dict(content)

    def _replace(self, path: Path, content: dict[str, Any]) -> None:
        """Writes beside the file, makes it durable, and renames it over the old one."""
        beside = path.with_name(path.name + ".tmp")
        try:
            if not path.parent.exists():
                path.parent.mkdir()
                _sync_folder(self._folder)
            with open(beside, "wb") as file:
                file.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
            _sync_folder(path.parent)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}: check space and rights") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
