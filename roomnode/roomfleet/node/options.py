"""What a node is started with: its flags, and the variables that stand for them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from roomfleet.wire.options import (
    LINK_SECRET,
    LINK_SECRET_FILE,
    MissingOption,
    Option,
    link_secret,
)
from roomfleet.wire.settings import Settings
from roomfleet.wire.urls import ws_url
from roomfleet.wire.version import __version__

SCHEMES = ("ws", "wss", "http", "https")

MASTER = Option("--master", "URL of the master's control link, ws://host:8081/link", metavar="URL")
STORE = Option("--store", "URL of the store, sqlite:///absolute/path or mongodb://…", metavar="URL")
PUBLIC_URL = Option(
    "--public-url", "where players reach it, wss://host/path; by default what it listens on", metavar="URL"
)
PREFIX = Option("--prefix", "path under which it serves; by default that of --public-url", metavar="PATH")
HOST = Option("--host", "address to listen on", "127.0.0.1")
PORT = Option("--port", "port to listen on; 0 takes a free one", "0")
NAME = Option("--name", "the node's name, <fleet>-<slot>", "default-0")
FLEET = Option("--fleet", "the RoomFleet that it belongs to", "default")
CAPACITY = Option("--capacity", "rooms at once", "100", metavar="ROOMS")
MAPS = Option(
    "--maps",
    "folder of the maps, or http(s) URL of a .zip, .tar.gz or .json; GAME_DIR/maps when not given",
    metavar="SOURCE",
)

OPTIONS = (MASTER, STORE, PUBLIC_URL, PREFIX, HOST, PORT, NAME, FLEET, CAPACITY, MAPS, LINK_SECRET_FILE)

LINK_PATH = "/link"
"""Where a master's control link is."""

MAX_ROOMS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class NodeOptions:
    """What a node is started with."""

    name: str
    fleet: str
    master: str
    """The control link's URL, `ws://host:port/link`."""
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    """Where players reach it, `ws(s)://host[:port][/path]`; by default what it listens on, and the prefix."""
    prefix: str = ""
    """Path under which it serves, without a trailing slash; it serves at the root as well."""
    capacity: int = 100
    secret: str = ""


def parser() -> argparse.ArgumentParser:
    """The node's flags. Each may come from the environment too: `--store` as ROOMFLEET_STORE."""
    made = argparse.ArgumentParser(prog="roomfleet node", description="Run a room node.", allow_abbrev=False)
    made.add_argument("game", metavar="GAME_DIR", help="the game's folder")
    for option in OPTIONS:
        option.add_to(made)
    made.add_argument("--parent-pipe", action="store_true", help="save and exit when standard input ends")
    made.add_argument("--version", action="version", version=f"roomfleet {__version__}")
    Settings.add_to(made)
    return made


def node_options(flags: argparse.Namespace, environment: Mapping[str, str]) -> NodeOptions:
    """What the node is to be, from flags and variables. Raises BadOption."""
    master = ws_url(MASTER.needed(flags, environment).url(*SCHEMES, example="ws://127.0.0.1:8081/link"))
    secret = link_secret(flags, environment, lambda name: Path(name).read_text())
    if not secret:
        text = f"{LINK_SECRET_FILE.flag} is missing: give it, or set {LINK_SECRET}: {LINK_SECRET_FILE.help}"
        raise MissingOption(text)
    public, prefix = PUBLIC_URL.given(flags, environment), PREFIX.given(flags, environment)
    url = ws_url(public.url(*SCHEMES, example="wss://play.example/nodes/0")) if public.text else ""
    return NodeOptions(
        name=NAME.given(flags, environment).text,
        fleet=FLEET.given(flags, environment).text,
        master=master if urlsplit(master).path else master + LINK_PATH,
        host=HOST.given(flags, environment).text,
        port=PORT.given(flags, environment).port(),
        public_url=url,
        prefix=prefix.path() if prefix.text else urlsplit(url).path,
        capacity=CAPACITY.given(flags, environment).number(1, MAX_ROOMS),
        secret=secret,
    )
