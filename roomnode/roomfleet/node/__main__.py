"""A node process: `python -m roomfleet.node`. Wires the parts together; nobody imports it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.node.node import Node, NodeOptions
from roomfleet.store import CannotOpen, Store, open_store
from roomfleet.wire.errors import WireError
from roomfleet.wire.settings import Settings
from roomfleet.wire.version import __version__

log = logging.getLogger("roomfleet.node")


def parser() -> argparse.ArgumentParser:
    """The node's options. Each may come from the environment too: `--store` as ROOMFLEET_STORE."""

    def option(flag: str, default: str, text: str) -> None:
        variable = "ROOMFLEET_" + flag.removeprefix("--").replace("-", "_").upper()
        found = os.environ.get(variable, default)
        made.add_argument(flag, default=found, help=f"{text} ({variable})")

    made = argparse.ArgumentParser(prog="roomfleet node", description="Run a room node.")
    made.add_argument("game", metavar="GAME_DIR", help="the game's folder")
    option("--master", "", "URL of the master's control link, ws://host:port/link")
    option("--store", "", "URL of the store, sqlite:///absolute/path")
    option("--name", "default-0", "the node's name, <fleet>-<slot>")
    option("--fleet", "default", "the RoomFleet that it belongs to")
    option("--host", "127.0.0.1", "address to listen on")
    option("--port", "0", "port to listen on; 0 takes a free one")
    option("--public-url", "", "where players reach it, ws://host:port; by default what it listens on")
    option("--prefix", "", "path under which it serves")
    option("--capacity", "100", "rooms at once")
    made.add_argument("--parent-pipe", action="store_true", help="save and exit when standard input ends")
    made.add_argument("--version", action="version", version=f"roomfleet {__version__}")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run a node until it is told to stop. Returns the exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for flag in ("master", "store"):
        if not getattr(options, flag):
            print(f"roomfleet node: --{flag} is missing (or ROOMFLEET_{flag.upper()})", file=sys.stderr)
            return 2
    try:
        settings = Settings.from_environment(os.environ)
        game = Game.load(Path(options.game))
        store = open_store(options.store)
        node_options = NodeOptions(
            name=options.name,
            fleet=options.fleet,
            master=options.master,
            host=options.host,
            port=int(options.port),
            public_url=options.public_url,
            prefix=options.prefix.rstrip("/"),
            capacity=int(options.capacity),
            secret=os.environ.get("ROOMFLEET_LINK_SECRET", ""),
        )
    except (WireError, GameError, CannotOpen, ValueError) as error:
        print(f"roomfleet node: {error}", file=sys.stderr)
        return 1
    try:
        import uvloop
    except ImportError:  # uvloop is not made for every platform; asyncio's own loop does
        run = asyncio.run
    else:
        run = uvloop.run
    return run(_run(node_options, game, store, settings, parent_pipe=options.parent_pipe))


async def _run(
    options: NodeOptions, game: Game, store: Store, settings: Settings, *, parent_pipe: bool
) -> int:
    node = Node(
        options=options, game=game, store=store, settings=settings, wall=time.time, rng=random.Random()
    )
    loop = asyncio.get_running_loop()
    drains: set[asyncio.Task[None]] = set()

    def stop() -> None:
        drains.add(loop.create_task(node.drain()))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if parent_pipe:
        _watch_parent(loop, stop)
    try:
        await node.start()
    except OSError as error:
        print(f"roomfleet node: cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    log.info("node %s serves %s at %s", options.name, game.name, node.url)
    await node.stopped.wait()
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
