"""Where a node's maps come from: a folder, or an archive or a single map that is fetched by http(s).

Of an archive only the maps' texts are taken, each under its own file name: whatever else an archive may
contain, paths that lead elsewhere, links, devices, cannot reach the disk, and is refused by name.
"""

from __future__ import annotations

import io
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

FETCH_SECONDS = 30.0
"""How long fetching may take in all."""

MAX_FETCHED_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""All files of an archive together."""
MAX_FILES = 10_000

MAPS_FOLDER = "maps"
"""When an archive has files in a folder of this name, the maps are those and no others."""

_CHUNK_BYTES = 65_536


class BadMaps(Exception):
    """The maps cannot be had. One line: from where, why, and the cure."""


@contextmanager
def maps_from(source: str, *, seconds: float = FETCH_SECONDS) -> Iterator[Path]:
    """A folder with the maps of the source, for the length of a block. Raises BadMaps.

    `source`: a folder, or the http(s) URL of a .zip or .tar.gz archive or of one .json map.
    """
    if urlsplit(source).scheme not in ("http", "https"):
        folder = Path(source)
        if not folder.is_dir():
            cure = "give a folder, or the http(s) URL of a .zip, .tar.gz or .json"
            raise BadMaps(f"maps {source}: no such folder: {cure}")
        yield folder
        return
    maps = _maps_in(_fetch(source, seconds), source)
    with tempfile.TemporaryDirectory(prefix="roomfleet-") as parent:
        folder = Path(parent) / MAPS_FOLDER
        folder.mkdir()
        for name, text in maps.items():
            (folder / name).write_bytes(text)
        yield folder


def _fetch(url: str, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    try:
        with _opener().open(Request(url, headers={"User-Agent": "roomfleet"}), timeout=seconds) as answer:
            content = bytearray()
            while chunk := answer.read1(_CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_FETCHED_BYTES:
                    limit = MAX_FETCHED_BYTES // 1024**2
                    raise BadMaps(f"maps {url}: larger than {limit} MiB: leave out what is no map")
                if time.monotonic() > deadline:
                    raise TimeoutError
            left = answer.length
    except HTTPError as error:
        error.close()
        raise BadMaps(f"maps {url}: the server answers {error.code} {error.reason}: check the URL") from None
    except TimeoutError:
        raise BadMaps(f"maps {url}: not there within {seconds:g} s: check the server") from None
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            raise BadMaps(f"maps {url}: not there within {seconds:g} s: check the server") from None
        why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise BadMaps(f"maps {url}: cannot be fetched ({why}): check the URL and the server") from None
    if left:
        raise BadMaps(f"maps {url}: ended {left} bytes early: check the server")
    return bytes(content)


def _opener() -> OpenerDirector:
    """For http and https alone: a redirection cannot lead to a file or to FTP."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _maps_in(content: bytes, url: str) -> dict[str, bytes]:
    """The maps' texts by file name. What it is shows in its first bytes: a URL may be called anything."""
    if content.lstrip()[:1] == b"{":
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        if not name.endswith(".json"):
            raise BadMaps(f"maps {url}: a map is named after its file: serve it as NAME.json")
        return {name: content}
    try:
        if content.startswith(b"PK"):
            files = list(_unzip(content))
        elif content.startswith(b"\x1f\x8b"):
            files = list(_untar(content))
        else:
            raise BadMaps(f"maps {url}: is neither a .zip nor a .tar.gz archive nor a .json map")
    except _BadArchive as error:
        raise BadMaps(f"maps {url}: {error}") from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise BadMaps(f"maps {url}: is a broken archive ({error}): make it again") from None
    except (RuntimeError, NotImplementedError) as error:
        raise BadMaps(f"maps {url}: cannot be unpacked ({error}): make it without that") from None
    if any(MAPS_FOLDER in path.parts[:-1] for path, _ in files):
        files = [(path, text) for path, text in files if path.parts[-2:-1] == (MAPS_FOLDER,)]
    maps: dict[str, bytes] = {}
    for path, text in files:
        if path.name in maps:
            raise BadMaps(f"maps {url}: two files are called {path.name}: put the maps into a folder maps/")
        maps[path.name] = text
    if not maps:
        raise BadMaps(f"maps {url}: no .json map is in it")
    return maps


class _BadArchive(Exception):
    """Something in an archive that is refused."""


class _Budget:
    """How much an archive may still unpack."""

    def __init__(self) -> None:
        self._bytes = MAX_UNPACKED_BYTES
        self._files = MAX_FILES

    def take(self, size: int) -> None:
        """Raises _BadArchive when that is too much."""
        self._bytes -= size
        self._files -= 1
        if self._bytes < 0:
            limit = MAX_UNPACKED_BYTES // 1024**2
            raise _BadArchive(f"unpacks to more than {limit} MiB: leave out what is no map")
        if self._files < 0:
            raise _BadArchive(f"has more than {MAX_FILES:,} files: leave out what is no map")


def _map_path(name: str) -> PurePosixPath | None:
    """The member's path if it is a map's. Raises _BadArchive when it leads out of the archive."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise _BadArchive(f"{name!r} leads out of the archive: make it with plain relative paths")
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path if path.suffix == ".json" and not hidden else None


def _unzip(content: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    budget = _Budget()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            budget.take(member.file_size)
            path = _map_path(member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _BadArchive(f"{member.filename!r} is a link or a device: put the file itself into it")
            if path is not None and not member.is_dir():
                yield path, archive.read(member)


def _untar(content: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    budget = _Budget()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            budget.take(member.size)
            path = _map_path(member.name)
            if not (member.isfile() or member.isdir()):
                raise _BadArchive(f"{member.name!r} is a link or a device: put the file itself into it")
            if path is not None and member.isfile():
                file = archive.extractfile(member)
                assert file is not None  # it is a plain file
                yield path, file.read()
