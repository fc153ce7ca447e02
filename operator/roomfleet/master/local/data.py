"""The embedded fleet's data folder: who has it, and what lies where.

DATA/lock        held by the one fleet that uses the folder; says which process and where it serves
DATA/keys/       the master's signing key
DATA/objects/    Room and RoomFleet objects with their status
DATA/store.db    what is saved of rooms and actors
DATA/log/        what the master and its nodes log
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from roomfleet.master.keys import BadKeyFile, signing_key
from roomfleet.wire.tickets import SigningKey


class DataError(Exception):
    """The data folder cannot be used; one line that says why, and the cure."""


class DataFolder:
    """The folder, locked for as long as this object lives."""

    def __init__(self, folder: Path) -> None:
        """Makes and locks the folder. Raises DataError."""
        self.folder = folder.resolve()
        self.objects = self.folder / "objects"
        self.logs = self.folder / "log"
        self.store = self.folder / "store.db"
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DataError(
                f"cannot use the data folder: {error.filename}: {error.strerror}: "
                "make it writable or choose another with DATA="
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 4096, 0).decode(errors="replace").strip() or "another process"
            os.close(self._lock)
            raise DataError(
                f"the data folder {self.folder} is in use by {holder}: "
                "stop that one or choose another with DATA="
            ) from None
        self.held_by(f"process {os.getpid()}")

    def held_by(self, holder: str) -> None:
        """Say to others who has the folder."""
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, holder.encode(), 0)

    def signing_key(self) -> SigningKey:
        """The master's key, made at the first start. Raises DataError."""
        try:
            return signing_key(self.folder / "keys" / "master.pem")
        except BadKeyFile as error:
            raise DataError(str(error)) from None

    def release(self) -> None:
        """Let others have the folder."""
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
