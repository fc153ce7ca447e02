"""Maps come from a folder, an archive or a single file; what is bad is one line that names the source."""

from __future__ import annotations

import io
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from roomfleet.game.loader import Game
from roomfleet.node import mapsource
from roomfleet.node.mapsource import BadMaps, maps_from
from support.game_folder import map_text

MAP = map_text("map1", hall={})
OTHER = map_text("map2", cave={})


class Server:
    """What it serves, by path; some paths misbehave."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.stalled = threading.Event()


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/stalls.zip":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"PK")
                self.wfile.flush()
                served.stalled.wait(20)
            elif self.path.startswith("/to-file"):
                self.send_response(302)
                self.send_header("Location", "file:///etc/hostname")
                self.end_headers()
            elif self.path == "/short.json":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"{}")
            elif (content := served.files.get(self.path)) is not None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Server(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield served
    served.stalled.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def zipped(files: dict[str, str], *, link: str = "") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        if link:
            member = zipfile.ZipInfo(link)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, "/etc/passwd")
    return made.getvalue()


def tarred(files: dict[str, str], *, link: str = "", kind: bytes = tarfile.SYMTYPE) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    return made.getvalue()


def rooms(source: str, game: Path) -> set[str]:
    with maps_from(source) as folder:
        return set(Game.load(game, folder).maps)


def refusal(source: str, seconds: float = 20) -> str:
    with pytest.raises(BadMaps) as caught, maps_from(source, seconds=seconds):
        pass
    said = str(caught.value)
    assert said.startswith(f"maps {source}: ")
    assert "\n" not in said
    return said


@pytest.fixture
def game(tmp_path: Path) -> Path:
    folder = tmp_path / "isle"
    folder.mkdir()
    return folder


def test_a_folder_serves_as_it_is(game: Path, tmp_path: Path) -> None:
    (tmp_path / "map1.json").write_text(MAP)
    assert rooms(str(tmp_path), game) == {"map1.hall"}


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_the_maps_of_an_archive_are_taken_wherever_they_lie(
    packed: object, server: Server, game: Path
) -> None:
    assert callable(packed)
    server.files["/any?name=1"] = packed({"isle/a/map1.json": MAP, "isle/b/map2.json": OTHER, "README": "x"})
    assert rooms(server.url + "/any?name=1", game) == {"map1.hall", "map2.cave"}


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_with_a_folder_maps_in_it_only_that_counts(packed: object, server: Server, game: Path) -> None:
    assert callable(packed)
    server.files["/m"] = packed(
        {"isle-1/maps/map1.json": MAP, "isle-1/package.json": "{}", "isle-1/maps/.hidden.json": "no map"}
    )
    assert rooms(server.url + "/m", game) == {"map1.hall"}


def test_a_single_map_is_called_as_its_url(server: Server, game: Path) -> None:
    server.files["/maps/map1.json?v=2"] = MAP.encode()
    assert rooms(server.url + "/maps/map1.json?v=2", game) == {"map1.hall"}
    server.files["/latest"] = MAP.encode()
    assert "serve it as NAME.json" in refusal(server.url + "/latest")


def test_nothing_of_what_was_fetched_stays(server: Server) -> None:
    server.files["/map1.json"] = MAP.encode()
    with maps_from(server.url + "/map1.json") as folder:
        assert folder.is_dir()
    assert not folder.parent.exists()


@pytest.mark.parametrize("packed", [zipped, tarred])
@pytest.mark.parametrize("name", ["../map1.json", "/etc/map1.json", "a/../../x", "..\\map1.json"])
def test_paths_that_lead_out_of_an_archive_are_refused(packed: object, name: str, server: Server) -> None:
    assert callable(packed)
    server.files["/m"] = packed({"map1.json": MAP, name: MAP})
    assert "leads out of the archive" in refusal(server.url + "/m")


@pytest.mark.parametrize(
    "content",
    [
        zipped({"map1.json": MAP}, link="map2.json"),
        tarred({"map1.json": MAP}, link="map2.json"),
        tarred({"map1.json": MAP}, link="map2.json", kind=tarfile.LNKTYPE),
        tarred({"map1.json": MAP}, link="map2.json", kind=tarfile.FIFOTYPE),
    ],
    ids=["zip", "symbolic", "hard", "fifo"],
)
def test_links_and_devices_in_an_archive_are_refused(content: bytes, server: Server) -> None:
    server.files["/m"] = content
    assert "'map2.json' is a link or a device" in refusal(server.url + "/m")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({"map1.json": MAP})[:-30], "is a broken archive"),
        (tarred({"map1.json": MAP})[:-30], "is a broken archive"),
        (b"\x1f\x8bnonsense", "is a broken archive"),
        (zipped({"README": "x"}), "no .json map is in it"),
        (tarred({}), "no .json map is in it"),
        (zipped({"a/map1.json": MAP, "b/map1.json": MAP}), "two files are called map1.json"),
        (b"<!doctype html>", "is neither a .zip nor a .tar.gz archive nor a .json map"),
        (b"", "is neither a .zip nor a .tar.gz archive nor a .json map"),
    ],
    ids=[
        "cut zip",
        "cut tar",
        "no gzip",
        "zip of no map",
        "empty tar",
        "twice the same",
        "a page",
        "nothing",
    ],
)
def test_what_is_no_archive_of_maps_is_refused(content: bytes, said: str, server: Server) -> None:
    server.files["/m"] = content
    assert said in refusal(server.url + "/m")


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_what_is_too_large_is_refused(
    packed: object, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(packed)
    monkeypatch.setattr(mapsource, "MAX_UNPACKED_BYTES", 2 * 1024**2)
    server.files["/m"] = packed({"map1.json": MAP, "filler": "x" * 2 * 1024**2})
    assert "unpacks to more than 2 MiB" in refusal(server.url + "/m")
    monkeypatch.setattr(mapsource, "MAX_FETCHED_BYTES", 100)
    assert "larger than 0 MiB" in refusal(server.url + "/m")
    monkeypatch.undo()
    monkeypatch.setattr(mapsource, "MAX_FILES", 1)
    assert "has more than 1 files" in refusal(server.url + "/m")


def test_a_server_that_does_not_answer_well_is_named(server: Server) -> None:
    assert "the server answers 404 Not Found" in refusal(server.url + "/nothing")
    assert "not there within 0.2 s" in refusal(server.url + "/stalls.zip", seconds=0.2)
    assert "bytes early" in refusal(server.url + "/short.json")
    refusal(server.url + "/to-file")
    assert "cannot be fetched (Connection refused)" in refusal("http://127.0.0.1:1/maps.zip")
