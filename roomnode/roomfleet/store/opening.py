"""Opening a store by its URL, and whose it is."""

from __future__ import annotations

import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roomfleet.store.errors import CannotOpen, UnknownScheme, WrongInstallation
from roomfleet.store.operations import Store
from roomfleet.store.sqlite import SqliteStore


def open_store(url: str) -> Store:
    """The store at ``sqlite:///absolute/path`` (percent-encoding is understood). Raises CannotOpen."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise UnknownScheme(f"unknown kind of store {parts.scheme!r}: use sqlite:///absolute/path/store.db")
    path = Path(unquote(parts.path))
    if parts.netloc or parts.query or parts.fragment or not path.is_absolute() or path == Path("/"):
        raise CannotOpen(f"cannot tell the file from {url!r}: use sqlite:///absolute/path/store.db")
    return SqliteStore(path)


async def installation(store: Store, expected: str | None = None) -> str:
    """The id of the installation that the store belongs to; made by whoever asks first.

    With ``expected``, raises WrongInstallation where it is another one.
    """
    found = await store.installation_id(expected or uuid.uuid4().hex)
    if expected is not None and found != expected:
        raise WrongInstallation(found, expected)
    return found
