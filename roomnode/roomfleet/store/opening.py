"""Opening a store by its URL, and whose it is."""

from __future__ import annotations

import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roomfleet.store.errors import CannotOpen, UnknownScheme, WrongInstallation
from roomfleet.store.mongodb_url import EXAMPLE, SCHEMES
from roomfleet.store.operations import Store
from roomfleet.store.sqlite import SqliteStore


def open_store(url: str) -> Store:
    """The store at ``sqlite:///absolute/path`` (percent-encoding is understood), or at
    ``mongodb://host:27017/database`` (the database is ``roomfleet`` where none is named). Raises CannotOpen.
    """
    scheme = url.partition(":")[0]
    if scheme in SCHEMES:
        return _open_mongodb(url)
    if scheme != "sqlite":
        kind = scheme if scheme.isalnum() and scheme != url else ""
        raise UnknownScheme(
            f"unknown kind of store {kind!r}: use sqlite:///absolute/path/store.db or {EXAMPLE}"
        )
    return _open_sqlite(url)


def _open_sqlite(url: str) -> Store:
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc or parts.query or parts.fragment or not path.is_absolute() or path == Path("/"):
        raise CannotOpen(f"cannot tell the file from {url!r}: use sqlite:///absolute/path/store.db")
    return SqliteStore(path)


def _open_mongodb(url: str) -> Store:
    if not url.partition(":")[2].startswith("//"):
        raise CannotOpen(f"cannot tell the server from the store's URL: use {EXAMPLE}")
    try:
        from roomfleet.store.mongodb import MongoStore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pymongo", "bson"):
            raise
        raise CannotOpen(
            "saving to MongoDB needs pymongo, which is not installed: pip install 'roomfleet[mongodb]'"
        ) from error
    return MongoStore(url)


async def installation(store: Store, expected: str | None = None, *, adopts: str = "") -> str:
    """The id of the installation that the store belongs to; made by whoever asks first.

    With ``expected``, raises WrongInstallation where it is another one; unless that is the one which
    ``adopts`` names: then the store belongs to ``expected`` from now on.
    """
    found = await store.installation_id(expected or uuid.uuid4().hex)
    if expected is None or found == expected:
        return found
    if found == adopts:
        await store.adopt_installation(found, expected)
        found = await store.installation_id(expected)
    if found != expected:
        raise WrongInstallation(store.place, found, expected)
    return found
