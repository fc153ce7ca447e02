"""The master's signing key, as a file: a folder's on a laptop, a Secret's in a cluster."""

from __future__ import annotations

import os
from pathlib import Path

from roomfleet.wire.tickets import SigningKey


class BadKeyFile(Exception):
    """The key cannot be read or made; the text names the file and the cure."""


def signing_key(path: Path) -> SigningKey:
    """The key in that file, made if there is none: tickets and places in line outlive a restart with it.

    Raises BadKeyFile.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_suffix(".tmp")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(SigningKey.from_seed(os.urandom(32)).to_pem())
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        return SigningKey.from_pem(path.read_bytes())
    except OSError as error:
        raise BadKeyFile(f"{path}: {error.strerror}: make it readable for this user") from None
    except ValueError as error:
        raise BadKeyFile(f"{path}: {error}: delete it, and a new key is made") from None
