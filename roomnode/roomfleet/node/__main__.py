"""A node process: `python -m roomfleet.node`. Wires the parts together; nobody imports it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from roomfleet.game.errors import GameError
from roomfleet.game.loader import Game
from roomfleet.node.mapsource import BadMaps, maps_from
from roomfleet.node.node import Node
from roomfleet.node.options import MAPS, STORE, NodeOptions, node_options, parser
from roomfleet.store import CannotOpen, Store, open_store
from roomfleet.wire.options import BadOption
from roomfleet.wire.settings import Settings

log = logging.getLogger("roomfleet.node")


USAGE = 2
"""Exit code for options that are missing or cannot be; 1 is for what they name, and does not work."""


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
