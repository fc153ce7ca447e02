"""The operator and two nodes on this machine, against any cluster: for developing. Nobody imports it.

`make operator KUBECONFIG=… STORE=… PORT=…`: CRDs and the game's manifests are applied, the page is served,
and Ctrl-C saves and ends everything. Nodes are processes here, reached on this machine's address.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from roomfleet.master.installation import ADOPT, INSTALLATION, OPTIONS, BadInstallation, given, kept_in
from roomfleet.master.kube.client import Api, NoCluster, path_of
from roomfleet.master.kube.errors import ApiError, Conflict, NotServed
from roomfleet.master.local.children import Children
from roomfleet.master.local.crds import definitions_folder
from roomfleet.master.local.data import DataError, DataFolder
from roomfleet.master.local.kinds import BadDefinition
from roomfleet.master.local.manifests import BadManifest, read_path
from roomfleet.master.options import DATA, VARIABLES
from roomfleet.wire.errors import WireError
from roomfleet.wire.options import LINK_SECRET, Option
from roomfleet.wire.version import __version__

HOST = Option("--host", "address to serve at; 0.0.0.0 lets phones in", "127.0.0.1")
PORT = Option("--port", "port of the page and the API", "8080")
STORE = Option("--store", "URL of the store; DATA/store.db when not given", metavar="URL")

NODES = ("default-0", "default-1")
FLEET = "default"

MANAGER = "roomfleet-develop"
"""Field manager of what is applied here."""

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RETRY_SECONDS = 0.1


class CannotStart(Exception):
    """One line that says why, and the cure."""


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="roomfleet operator",
        description="Run the operator and two nodes here, against the cluster of KUBECONFIG.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "game", metavar="GAME_DIR", type=Path, help="the game's folder; its name: the namespace"
    )
    for option in (HOST, PORT, STORE, DATA, *OPTIONS):
        option.add_to(parser)
    flags = parser.parse_args(arguments)
    try:
        if not (flags.game / "k8s").is_dir():
            raise CannotStart(f"{flags.game / 'k8s'}: no such folder: give a game with its manifests there")
        return asyncio.run(_Development(flags).run())
    except (
        *(CannotStart, DataError, BadInstallation, BadManifest),
        *(BadDefinition, NoCluster, ApiError, WireError),
    ) as error:
        print(f"roomfleet operator: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def say(text: str) -> None:
    """Progress, for whoever started it."""
    print(text, flush=True)


class _Development:
    """Everything that was started, from the first to the last."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self._game_dir: Path = flags.game.resolve()
        self._game = self._game_dir.name
        self._host = HOST.given(flags, os.environ).text
        self._port = PORT.given(flags, os.environ).port() or _free_port()
        data = DATA.given(flags, os.environ).text
        self._data = DataFolder(Path(data) if data else Path(".roomfleet") / f"{self._game}-operator")
        store = STORE.given(flags, os.environ).text
        self._store = store or f"sqlite:///{str(self._data.store).lstrip('/')}"
        self._installation, self._adopts = given(flags, os.environ)
        self._installation = self._installation or kept_in(self._data.folder)
        self._link_port = _free_port()
        self._url = f"http://{'127.0.0.1' if self._host == '0.0.0.0' else self._host}:{self._port}"
        self._failure = ""
        self._stop = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        try:
            self._data.held_by(f"process {os.getpid()} at {self._url}")
            say(f"roomfleet {__version__}: {self._game}, data in {self._data.folder}")
            await self._apply()
            return await self._serve()
        finally:
            self._data.release()

    async def _apply(self) -> None:
        """CRDs, namespace, manifests, and a fleet where the game names none."""
        api = Api()
        await api.open()
        try:
            for document in read_path(definitions_folder()):
                await api.apply(f"{CRDS}/{document.content['metadata']['name']}", document.content, MANAGER)
            with contextlib.suppress(Conflict):
                namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._game}}
                await api.create("/api/v1/namespaces", namespace)
            documents = [document.content for document in read_path(self._game_dir / "k8s")]
            if not any(document.get("kind") == "RoomFleet" for document in documents):
                documents.append(_default_fleet())
            for content in documents:
                await self._apply_one(api, content)
        finally:
            await api.close()
        say(f"  cluster: CRDs and {len(documents)} objects applied in namespace {self._game}")

    async def _apply_one(self, api: Api, document: dict[str, Any]) -> None:
        plural = f"{str(document['kind']).lower()}s"
        path = path_of(plural, self._game, document["metadata"]["name"])
        for _ in range(int(READY_SECONDS / RETRY_SECONDS)):
            try:
                await api.apply(path, document, MANAGER)
                return
            except NotServed:
                await asyncio.sleep(RETRY_SECONDS)  # the CRD was made a moment ago and is not served yet
        raise CannotStart(f"the cluster does not serve {plural}: look at kubectl get crd")

    async def _serve(self) -> int:
        secret = secrets.token_urlsafe(24)
        operator = await self._start_operator(secret)
        # In the environment, not on the command line: a store's URL may hold a password.
        environment = {**_clean(), LINK_SECRET: secret, STORE.variable: self._store}
        children = Children(self._node, environment, self._data.logs, _gone, self._hopeless)
        ended = asyncio.create_task(operator.wait())
        stopped = asyncio.create_task(self._stop.wait())
        try:
            if await self._until("/readyz", ended):
                for name in NODES:
                    children.start(name, FLEET)
                say(f"  nodes:   {', '.join(NODES)}")
                say(f"  log:     {self._data.logs}/")
                say(f"  get:     kubectl get rooms -n {self._game}")
                say(f"  play:    {self._url}")
            await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not self._stop.is_set():
                self._failure = self._failure or f"the operator has ended: see {self._data.logs}/operator.log"
            if not self._failure:
                say("\nsaving")
            clean = await children.stop_all()
        finally:
            stopped.cancel()
            if operator.returncode is None:
                operator.terminate()
                try:
                    await asyncio.wait_for(asyncio.shield(ended), STOP_SECONDS)
                except TimeoutError:
                    operator.kill()
                    clean = False
            await ended
        if self._failure:
            raise CannotStart(self._failure)
        say("saved; bye" if clean else "a process had to be killed: see the log")
        return 0 if clean else 1

    async def _start_operator(self, secret: str) -> asyncio.subprocess.Process:
        environment = {
            **_clean(),
            LINK_SECRET: secret,
            "POD_NAMESPACE": self._game,
            INSTALLATION.variable: self._installation,
            ADOPT.variable: self._adopts,
            "ROOMFLEET_NAMESPACES": self._game,
            "ROOMFLEET_DATA": str(self._data.folder.resolve()),
            "ROOMFLEET_HOST": self._host,
            "ROOMFLEET_PORT": str(self._port),
            "ROOMFLEET_LINK_PORT": str(self._link_port),
        }
        log = os.open(self._data.logs / "operator.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kopf", "run", "-n", self._game, "--log-format=full"),
                *("-m", "roomfleet.master.operator"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _node(self, name: str, fleet: str) -> list[str]:
        return [
            *(sys.executable, "-m", "roomfleet.node", str(self._game_dir), "--parent-pipe"),
            *("--name", name, "--fleet", fleet, "--host", self._host),
            *("--master", f"ws://127.0.0.1:{self._link_port}/link"),
        ]

    async def _until(self, path: str, ended: asyncio.Task[int]) -> bool:
        """Wait until the operator answers well. False: it has ended, or nobody wants it any more."""
        client = AsyncHTTPClient()
        for _ in range(int(READY_SECONDS / RETRY_SECONDS)):
            if ended.done() or self._stop.is_set():
                return False
            with contextlib.suppress(HTTPClientError, OSError):
                await client.fetch(self._url + path, request_timeout=2)
                return True
            await asyncio.sleep(RETRY_SECONDS)
        self._hopeless("", f"the operator is not ready: see {self._data.logs}/operator.log")
        return False

    def _hopeless(self, name: str, why: str) -> None:
        self._failure = self._failure or why.removeprefix("roomfleet node: ")
        self._stop.set()


def _gone(name: str) -> None:
    logging.getLogger("roomfleet.master").info("node %s has ended", name)


def _clean() -> dict[str, str]:
    """The environment without what is meant for this process alone."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES}


def _default_fleet() -> dict[str, Any]:
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": FLEET},
        "spec": {"minNodes": len(NODES), "maxNodes": len(NODES)},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
