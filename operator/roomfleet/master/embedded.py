"""The embedded fleet: master, nodes and page on one machine (DESIGN 12). A composition root.

`roomfleet up GAME_DIR` runs it; nobody imports it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets

from roomfleet.master.api.application import make_application
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous, NotAdmin
from roomfleet.master.api.link import LinkServer
from roomfleet.master.api.origins import Origins
from roomfleet.master.core.events import NodeGone
from roomfleet.master.core.master import Core
from roomfleet.master.core.model import Key
from roomfleet.master.core.state import Link
from roomfleet.master.installation import OPTIONS, BadInstallation, given, kept_in
from roomfleet.master.local.children import Children
from roomfleet.master.local.data import DataError, DataFolder
from roomfleet.master.local.errors import ApiError, Forbidden
from roomfleet.master.local.files import StorageError
from roomfleet.master.local.fleet import FLEETS, INSTANCED, ROOMS, LocalFleet
from roomfleet.master.local.kubeapi.handler import refuse_strangers
from roomfleet.master.local.kubeapi.urls import local_api_handlers
from roomfleet.master.local.manifests import BadManifest, read_path
from roomfleet.master.local.objects import Objects
from roomfleet.master.metrics import metrics_page
from roomfleet.master.options import DATA, VARIABLES, MasterOptions
from roomfleet.master.runner import Runner
from roomfleet.wire.errors import WireError
from roomfleet.wire.options import LINK_SECRET, BadOption, Option
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import ENTRY_ANNOTATION
from roomfleet.wire.urls import ANY_HOSTS, host_in_url
from roomfleet.wire.version import __version__

log = logging.getLogger("roomfleet.master")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

READY_SECONDS = 30.0
"""How long the first nodes may take."""

MANIFESTS_MANAGER = "game"
"""Field manager of the game's own manifests, applied at each start."""


DEFAULT_PORT = 8080
"""Where the command line looks for a fleet."""

FREE_PORT = "0"
"""The link's: its nodes are told, unless others are to dial in, who need to know it beforehand."""

STORE = Option("--store", "URL of the store; DATA/store.db when not given", metavar="URL")

NODE_STORE = STORE.variable

NODE_VARIABLES = (
    NODE_STORE,
    "ROOMFLEET_PREFIX",
    "ROOMFLEET_CAPACITY",
    "ROOMFLEET_NAME",
    "ROOMFLEET_FLEET",
)
"""What nodes could be told by variables, and are told by flags."""

DEFAULT_FLEET = "default"
"""The RoomFleet of rooms that name none."""


class CannotStart(Exception):
    """One line that says why, and the cure."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="roomfleet up", description="Run a game on this machine.", allow_abbrev=False
    )
    made.add_argument("game", metavar="GAME_DIR", type=Path, help="the game's folder, with k8s/ and maps/")
    MasterOptions.add_to(made, link_port=FREE_PORT)
    for option in (DATA, STORE, *OPTIONS):
        option.add_to(made)
    return made


def _only_this_machine(request: HTTPServerRequest) -> None:
    """Raises NotAdmin unless a program on this machine asks."""
    try:
        refuse_strangers(request.remote_ip, request.host, request.headers)
    except Forbidden as error:
        raise NotAdmin(str(error)) from None


def main(arguments: list[str] | None = None) -> int:
    """Run the fleet until Ctrl-C. Returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        import uvloop
    except ImportError:  # uvloop is not made for every platform; asyncio's own loop does
        run = asyncio.run
    else:
        run = uvloop.run
    try:
        master = MasterOptions.given(options, os.environ, link_port=FREE_PORT)
        installation, adopts = given(options, os.environ)
    except BadOption as error:
        print(f"roomfleet: {error}", file=sys.stderr)
        return 1
    store = STORE.given(options, os.environ).text
    fleet = Fleet(options.game, store, master, installation, adopts)
    for number in STOP_SIGNALS:
        signal.signal(number, fleet.stop)
    try:
        if not options.game.is_dir():
            raise CannotStart(f"{options.game}: no such folder: give the folder of a game")
        return run(fleet.run())
    except (
        *(CannotStart, DataError, BadInstallation, StorageError),
        *(BadManifest, ApiError, WireError),
    ) as error:
        print(f"roomfleet: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    finally:
        # There is nothing left to stop: a Ctrl-C more must not spoil the exit code.
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def say(text: str) -> None:
    """Progress, for whoever started it."""
    print(text, flush=True)


class Fleet:
    """Everything that runs in the master's process."""

    def __init__(
        self, game_dir: Path, store: str, options: MasterOptions, installation: str = "", adopts: str = ""
    ) -> None:
        """`store`: its URL; empty for a file in the data folder. `installation`: its id; empty: the one that
        the data folder keeps. `adopts`: the id of another one, whose database is taken over.
        """
        self._game_dir = game_dir
        self._installation, self._adopts = installation, adopts
        self._store = store
        self._options = options
        self._failure = ""
        self._stop = asyncio.Event()
        self._stop_asked = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self, *_: object) -> None:
        """Save and end. A handler of signals: may be called at any time, and more than once."""
        self._stop_asked = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def run(self) -> int:
        self._loop = asyncio.get_running_loop()
        if self._stop_asked:
            self._stop.set()
        try:
            return await self._run()
        finally:
            self._loop = None

    async def _run(self) -> int:
        options = self._options
        game_dir = self._game_dir.resolve()
        game = game_dir.name
        # The data first: a second start of the same game is to hear who has it, not that the port is taken.
        data = DataFolder(options.data or Path(".roomfleet") / game)
        try:
            sockets = _bind(options.host, options.port)
            link_sockets = _bind(options.link_host, options.link_port)
            self._log_to(data.logs / "master.log")
            objects = self._objects(game_dir, game, data)
            url = options.page_url(sockets[0].getsockname()[1])
            data.held_by(f"process {os.getpid()} at {url}")
            say(f"roomfleet {__version__}: {game}, data in {_short(data.folder)}")
            return await self._serve(game_dir, game, sockets, link_sockets, data, objects)
        finally:
            data.release()

    def _log_to(self, path: Path) -> None:
        handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=1)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        root.addHandler(handler)

    def _objects(self, game_dir: Path, game: str, data: DataFolder) -> Objects:
        """The saved objects, with the game's manifests applied. All of them, or none."""
        manifests = game_dir / "k8s"
        if not manifests.is_dir():
            raise CannotStart(f"{manifests}: no such folder: put the game's Room manifests there")
        documents = read_path(manifests)
        objects = Objects(data.objects, game=game)
        objects.apply_all(documents, manager=MANIFESTS_MANAGER)
        self._default_fleet(objects)
        entries = [
            room["metadata"]["name"]
            for room in objects.list(ROOMS)
            if room["metadata"].get("annotations", {}).get(ENTRY_ANNOTATION) == "true"
        ]
        if len(entries) != 1:
            found = "no Room is" if not entries else f"{len(entries)} Rooms are ({', '.join(entries)})"
            cure = f'annotate exactly one Room with {ENTRY_ANNOTATION}: "true"'
            ours = {document.content["metadata"]["name"] for document in documents}
            # An object outlives its manifest, and nothing runs here with which it could be deleted.
            files = [str(data.objects / ROOMS / f"{name}.json") for name in entries if name not in ours]
            if files:
                cure += f"; no manifest names what is in {', '.join(files)}: delete that"
            raise CannotStart(f"{found} the entry room: {cure}")
        return objects

    def _default_fleet(self, objects: Objects) -> None:
        """A game that names no RoomFleet gets one: what runs on a laptop needs no word about nodes."""
        specs = [room["spec"] for room in objects.list(ROOMS)]
        specs += [template["spec"]["template"]["spec"] for template in objects.list(INSTANCED)]
        wanted = any(spec["fleet"] == DEFAULT_FLEET for spec in specs)
        if wanted and not _has(objects, DEFAULT_FLEET):
            kind = objects.kinds.plural(FLEETS)
            manifest = {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "metadata": {"name": DEFAULT_FLEET},
                "spec": {"minNodes": 1, "maxNodes": 2},
            }
            objects.apply(manifest, manager=MANIFESTS_MANAGER)

    async def _serve(
        self,
        game_dir: Path,
        game: str,
        sockets: list[socket.socket],
        link_sockets: list[socket.socket],
        data: DataFolder,
        objects: Objects,
    ) -> int:
        options, settings = self._options, self._options.settings
        port = sockets[0].getsockname()[1]
        core = Core(settings, seed=secrets.randbits(64), now=time.time(), stopwatch=time.perf_counter)
        fleet = LocalFleet(objects, lambda event: runner.handle(event), settings.delete_after_seconds)
        runner = Runner(core, fleet, data.signing_key(), time.time)
        context = Context(
            runner=runner,
            identity=Anonymous(),
            origins=Origins(*options.origins(port)),
            settings=settings,
            only_game=game,
            wall=time.time,
            admin=_only_this_machine,
            installation=self._installation or kept_in(data.folder),
            adopts=self._adopts,
            metrics=metrics_page(core, time.time, fleet.statuses.writes, lambda: len(fleet.statuses)).text,
            public_url=options.public_url,
        )
        secret = options.link_secret or secrets.token_urlsafe(24)
        links = LinkServer(context, secret)
        link_server = HTTPServer(links.application())
        link_server.add_sockets(link_sockets)
        link_host = "127.0.0.1" if options.link_host in ANY_HOSTS else host_in_url(options.link_host)
        master = f"ws://{link_host}:{link_sockets[0].getsockname()[1]}/link"
        store = self._store or f"sqlite:///{str(data.store).lstrip('/')}"

        def command(name: str, node_fleet: str) -> list[str]:
            rooms = (
                objects.get(FLEETS, node_fleet)["spec"]["roomsPerNode"] if _has(objects, node_fleet) else 100
            )
            return [
                *(sys.executable, "-m", "roomfleet.node", str(game_dir), "--parent-pipe"),
                *("--name", name, "--fleet", node_fleet, "--host", options.host),
                *("--master", master, "--capacity", str(rooms)),
            ]

        children = Children(
            command,
            # In the environment, not on the command line: a store's URL may hold a password.
            {**_environment_of_children(settings), LINK_SECRET: secret, NODE_STORE: store},
            data.logs,
            gone=lambda name: runner.handle(NodeGone(Key(game, name), "")),
            hopeless=self._hopeless,
        )
        server = HTTPServer(make_application(context, local_api_handlers(objects)))
        server.add_sockets(sockets)
        fleet.start(children)
        say(f"  nodes: starting {', '.join(sorted(children.names())) or 'none until a player comes'}")
        ready = await self._ready(runner, game, children)
        if ready:
            say(f"  log:   {_short(data.logs)}/")
            if options.host in ANY_HOSTS and not options.public_url and (address := _lan_address()):
                say(f"  phone: http://{address}:{port}")
            if port != DEFAULT_PORT:
                say(f"  get:   ROOMFLEET_SERVER={options.local_url(port)} roomfleet get rooms")
            say(f"  play:  {options.page_url(port)}")
        await self._stop.wait()
        if not self._failure:
            say("\nsaving")
        fleet.closing = True
        server.stop()
        clean = await children.stop_all()
        runner.stop()
        await fleet.stop()
        link_server.stop()
        await server.close_all_connections()
        await link_server.close_all_connections()
        if self._failure:
            raise CannotStart(self._failure)
        say("saved; bye" if clean else "a node had to be killed: see the log")
        return 0 if clean else 1

    async def _ready(self, runner: Runner, game: str, children: Children) -> bool:
        """Wait for the first nodes to connect. False: it was stopped before."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._stop.is_set() and time.monotonic() < deadline:
            connected = {node.name for node in runner.core.nodes(game) if node.link is Link.UP}
            if children.names() <= connected:
                return True
            await asyncio.sleep(0.02)
        if not self._stop.is_set():
            self._hopeless("", f"the nodes did not connect within {READY_SECONDS:g} s; see the log")
        return False

    def _hopeless(self, name: str, why: str) -> None:
        self._failure = self._failure or why.removeprefix("roomfleet node: ")
        self._stop.set()


def _has(objects: Objects, fleet: str) -> bool:
    return any(known["metadata"]["name"] == fleet for known in objects.list(FLEETS))


def _environment_of_children(settings: Settings) -> dict[str, str]:
    """What nodes inherit: all but what is meant for the master or said by flags; the master's settings."""
    ours = {*VARIABLES, *NODE_VARIABLES}
    return {**{k: v for k, v in os.environ.items() if k not in ours}, **settings.environment()}


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        return bind_sockets(port, host)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotStart(
            f"cannot listen on {host}:{port}: {why}: choose another with PORT= or HOST="
        ) from None


def _lan_address() -> str:
    """The address by which others on the network reach this machine; empty when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way it would go (RFC 5737)
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
    return "" if address.startswith("127.") else address


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
