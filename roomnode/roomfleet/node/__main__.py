"""A node process: `python -m roomfleet.node`. Wires the parts together; nobody imports it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.node.mapsource import BadMaps, maps_from
from roomfleet.node.node import Node, NodeOptions
from roomfleet.store import CannotOpen, Store, open_store
from roomfleet.wire.options import (
    LINK_SECRET,
    LINK_SECRET_FILE,
    BadOption,
    MissingOption,
    Option,
    link_secret,
)
from roomfleet.wire.settings import Settings
from roomfleet.wire.urls import ws_url
from roomfleet.wire.version import __version__

log = logging.getLogger("roomfleet.node")


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

USAGE = 2
"""Exit code for options that are missing or cannot be; 1 is for what they name, and does not work."""


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


def main(arguments: list[str] | None = None) -> int:
    """Run a node until it is told to stop. Returns the exit code."""
    flags = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        options = node_options(flags, os.environ)
        store_url = STORE.needed(flags, os.environ).text
        settings = Settings.given(flags, os.environ)
        maps = MAPS.given(flags, os.environ).text
        with maps_from(maps) if maps else nullcontext() as folder:
            game = Game.load(Path(flags.game), folder)
        store = open_store(store_url)
    except BadOption as error:
        print(f"roomfleet node: {error}", file=sys.stderr)
        return USAGE
    except (BadMaps, GameError, CannotOpen) as error:
        print(f"roomfleet node: {error}", file=sys.stderr)
        return 1
    try:
        import uvloop
    except ImportError:  # uvloop is not made for every platform; asyncio's own loop does
        run = asyncio.run
    else:
        run = uvloop.run
    return run(_run(options, game, store, settings, parent_pipe=flags.parent_pipe))


def _spare_the_collector() -> None:
    """Have it look seldom, and not at what stays anyway: each look at everything is a pause for all rooms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _run(
    options: NodeOptions, game: Game, store: Store, settings: Settings, *, parent_pipe: bool
) -> int:
    node = Node(
        options=options, game=game, store=store, settings=settings, wall=time.time, rng=random.Random()
    )
    loop = asyncio.get_running_loop()
    drains: set[asyncio.Task[None]] = set()

    def leave() -> None:
        drains.add(loop.create_task(node.leave()))

    def stop() -> None:
        drains.add(loop.create_task(node.drain()))

    loop.add_signal_handler(signal.SIGTERM, leave)
    loop.add_signal_handler(signal.SIGINT, stop)
    if parent_pipe:
        _watch_parent(loop, stop)
    try:
        await node.start()
    except OSError as error:
        print(f"roomfleet node: cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    _spare_the_collector()
    log.info("node %s serves %s at %s", options.name, game.name, node.url)
    await node.stopped.wait()
    if node.failure:
        print(f"roomfleet node: {node.failure}", file=sys.stderr)
        return 1
    return 0


def _watch_parent(loop: asyncio.AbstractEventLoop, ended: Callable[[], None]) -> None:
    """Call `ended` when standard input ends: the parent holds the other end as long as it lives."""
    stdin = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            ended()

    loop.add_reader(stdin, readable)


if __name__ == "__main__":
    sys.exit(main())
