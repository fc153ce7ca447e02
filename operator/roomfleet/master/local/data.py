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
        path = self.folder / "keys" / "master.pem"
        try:
            if not path.exists():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                fresh = path.with_suffix(".tmp")
                handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(SigningKey.from_seed(os.urandom(32)).to_pem())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, path)
            return SigningKey.from_pem(path.read_bytes())
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}: make it readable for this user") from None
        except ValueError as error:
            raise DataError(f"{path}: {error}: delete it, and a new key is made") from None

    def release(self) -> None:
        """Let others have the folder."""
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
