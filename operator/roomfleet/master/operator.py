"""The master in a cluster: what `kopf run -m roomfleet.master.operator` loads. Nobody imports it.

kopf watches, and its handlers hand over what they hear; the core, the API and all writing have a thread and
an event loop of their own, since kopf cancels every task of its loop when it ends. Options come from
ROOMFLEET_… variables (`roomfleet.master.options`).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from socket import gethostname
from typing import Any

import kopf
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from roomfleet.master.api.application import make_application
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous
from roomfleet.master.api.link import LinkServer
from roomfleet.master.api.origins import Origins
from roomfleet.master.core.events import Event
from roomfleet.master.core.master import Core
from roomfleet.master.installation import INSTALLATION, given
from roomfleet.master.keys import BadKeyFile, signing_key
from roomfleet.master.kube.client import LIST_SECONDS, REQUEST_SECONDS, Api, login, path_of
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiError, Forbidden, NotFound
from roomfleet.master.kube.fleet import KubeFleet
from roomfleet.master.kube.gate import Gate
from roomfleet.master.kube.lease import Lease
from roomfleet.master.kube.session import session_of
from roomfleet.master.kube.stateless import NoDiffBase, NoProgress
from roomfleet.master.metrics import metrics_page
from roomfleet.master.options import DATA, MasterOptions
from roomfleet.master.runner import Runner
from roomfleet.wire.errors import WireError
from roomfleet.wire.options import LINK_SECRET
from roomfleet.wire.tickets import SigningKey

log = logging.getLogger("roomfleet.master")

NAMESPACE_VARIABLE = "POD_NAMESPACE"
"""Where the Lease is: the operator's own namespace, by the downward API."""

GARBAGE_THRESHOLDS = (50_000, 20, 20)
"""Objects that are made before the youngest are searched for cycles of garbage. Thousands of Kubernetes
objects and their parts live for long; with Python's default of 700 a third of the time went into that search.
"""

START_SECONDS = 60.0
"""The thread is up within that, or the start has failed."""

BACKOFF_SECONDS = 0.5
"""kopf asks the API server again after that, however long it was down; its default grows to 21 s."""


class CannotStart(Exception):
    """One line that says why, and the cure."""


class Master:
    """The core, the API and the adapter, on one event loop of a thread of their own."""

    def __init__(self, options: MasterOptions, key: SigningKey, installation: str, adopts: str) -> None:
        """`installation`: its id; empty: the uid of the master's own namespace. `adopts`: that of another."""
        self._options, self._key = options, key
        self._installation, self._adopts = installation, adopts
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fleet: KubeFleet | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="master", daemon=True)
        self._started: Future[None] = Future()
        self.echoes = Echoes()
        """The master's own writes, for the watches to leave out."""
        self.failure = ""
        """Why it ended by itself."""

    def start(self) -> Future[None]:
        """Start the thread. The future is done when it listens, or holds why it cannot."""
        self._thread.start()
        return self._started

    def stop(self) -> None:
        """Write what waits, give up the lease, and end. Blocks until then."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def seen(self, plural: str, change: str | None, obj: dict[str, Any]) -> None:
        """What a watch has reported. May be called from any thread."""
        if self._loop is not None and self._fleet is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._fleet.seen, plural, change, obj)

    def listed(self) -> None:
        """kopf has listed a kind anew. May be called from any thread."""
        if self._loop is not None and self._fleet is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._fleet.watched_anew)

    def _run(self) -> None:
        try:
            import uvloop
        except ImportError:  # uvloop is not made for every platform; asyncio's own loop does
            factory = asyncio.new_event_loop
        else:
            factory = uvloop.new_event_loop
        try:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(self._serve())
        except Exception as error:
            if not self._started.done():
                self._started.set_exception(error)
                return
            self.failure = str(error)
            if isinstance(error, CannotStart):
                log.error("the operator ends: %s", error)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            log.exception("the master has failed; the operator ends")
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self) -> None:
        options = self._options
        stop = asyncio.Event()
        api = Api(login)
        await api.open()
        identity = f"{gethostname()}_{secrets.token_hex(4)}"
        namespace = os.environ.get(NAMESPACE_VARIABLE, "default")
        lease = Lease(api, namespace, identity, time.monotonic, self._lease_lost)
        sockets = _bind(options.host, options.port, "ROOMFLEET_PORT")
        link_sockets = _bind(options.link_host, options.link_port, "ROOMFLEET_LINK_PORT")
        self._loop, self._stop = asyncio.get_running_loop(), stop
        self._started.set_result(None)
        lease.start()
        try:
            installation = await _next(
                lease, stop, sockets + link_sockets, _installation(api, self._installation, namespace)
            )
        except CannotStart:
            await lease.stop()
            await api.close()
            raise
        if installation is None:
            await lease.stop()
            await api.close()
            return
        probe = path_of("rooms", options.namespaces[0] if options.namespaces else "") + "?limit=1"
        gate = Gate(api, lease.may_act, back=lambda: fleet.look_now(), probe=probe)
        fleet = KubeFleet(api, gate, options.namespaces, identity, lambda event: handle(event), self.echoes)
        core = Core(options.settings, seed=secrets.randbits(64), now=time.time(), stopwatch=time.perf_counter)
        runner = Runner(core, fleet, self._key, time.time, lease.may_act)

        def handle(event: Event) -> None:
            runner.handle(event)

        port = sockets[0].getsockname()[1]
        context = Context(
            runner=runner,
            identity=Anonymous(),
            origins=Origins(*options.origins(port)),
            settings=options.settings,
            wall=time.time,
            installation=installation,
            adopts=self._adopts,
            metrics=metrics_page(
                core,
                time.time,
                fleet.statuses.writes,
                lambda: fleet.writer.lined_up,
                api.requests,
                lease.may_act,
            ).text,
            public_url=options.public_url,
            trouble=fleet.trouble,
        )
        links = LinkServer(context, options.link_secret)
        link_server = HTTPServer(links.application())
        link_server.add_sockets(link_sockets)
        server = HTTPServer(make_application(context))
        server.add_sockets(sockets)
        fleet.start()
        self._fleet = fleet
        log.info("page and API at %s", options.page_url(port))
        log.info("nodes dial ws://%s:%d/link", options.link_host, link_sockets[0].getsockname()[1])
        await stop.wait()
        server.stop()
        link_server.stop()
        runner.stop()
        await fleet.stop()
        await gate.stop()
        await lease.stop()
        await api.close()
        await server.close_all_connections()
        await link_server.close_all_connections()

    def _lease_lost(self) -> None:
        self.failure = "another master has taken the lease"
        os.kill(os.getpid(), signal.SIGTERM)


class _Standby(RequestHandler):
    """All that a master says while another one is at work."""

    def prepare(self) -> None:
        well = self.request.path.endswith("/healthz")
        self.set_status(200 if well else 503)
        self.set_header("Retry-After", "1")
        self.finish("another master holds the Lease; this one waits\n")


async def _next(
    lease: Lease, stop: asyncio.Event, sockets: list[Any], installation: Coroutine[Any, Any, str]
) -> str | None:
    """Wait until this master has the lease or will have it soon: the installation; None: it was stopped.

    Only then is there a core: one that stood by would take every node for lost, and start its rooms anew.
    """

    async def turn() -> str:
        found = await installation
        await lease.near.wait()
        return found

    standby = HTTPServer(Application([(".*", _Standby)], log_function=lambda _: None))
    standby.add_sockets([one.dup() for one in sockets])
    mine, stopped = asyncio.create_task(turn()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([mine, stopped], return_when=asyncio.FIRST_COMPLETED)
        return mine.result() if mine.done() and not stop.is_set() else None
    finally:
        mine.cancel()
        stopped.cancel()
        standby.stop()
        await standby.close_all_connections()


async def _installation(api: Api, configured: str, namespace: str) -> str:
    """The installation's id: as configured, or the uid of the master's own namespace. Raises CannotStart.

    That uid is stable, nobody else's, not copied with a backup, and a Role in the namespace may read it.
    """
    while not configured:
        try:
            configured = str((await api.get(f"/api/v1/namespaces/{namespace}"))["metadata"]["uid"])
        except (Forbidden, NotFound) as error:
            raise CannotStart(
                f"the uid of namespace {namespace} is this installation's id and cannot be read ({error}): "
                f"allow the master to get it, or set {INSTALLATION.variable}"
            ) from None
        except ApiError as error:
            log.info("cannot read this installation's id yet: %s", error)
            await asyncio.sleep(BACKOFF_SECONDS)
    return configured


def _bind(host: str, port: int, variable: str) -> list[Any]:
    try:
        return bind_sockets(port, host)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotStart(f"cannot listen on {host}:{port}: {why}: choose another with {variable}") from None


def _options() -> tuple[MasterOptions, SigningKey, str, str]:
    """From the environment, complete. Raises CannotStart, WireError or BadKeyFile."""
    options = MasterOptions.from_environment(os.environ)
    if not options.link_secret:
        raise CannotStart(f"{LINK_SECRET} is missing: set it to a secret that master and nodes share")
    if options.data is None:
        raise CannotStart(f"{DATA.variable} is missing: set it to a folder where the signing key is kept")
    installation, adopts = given(argparse.Namespace(), os.environ)
    return options, signing_key(Path(options.data) / "keys" / "master.pem"), installation, adopts


class _Always:
    """The same backoff for ever. kopf takes an iterable and goes on as long as it lasts."""

    def __iter__(self) -> Iterator[float]:
        while True:
            yield BACKOFF_SECONDS


# -- what kopf calls ---------------------------------------------------------------------------------------


@kopf.on.startup(errors=kopf.ErrorsMode.PERMANENT)
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    settings.peering.standalone = True  # the Lease decides; kopf's peering is no leader election
    settings.process.ultimate_exiting_timeout = None
    settings.networking.error_backoffs = _Always()
    settings.networking.request_timeout = LIST_SECONDS  # its default is five minutes
    settings.networking.connect_timeout = REQUEST_SECONDS
    settings.posting.enabled = False
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # a line for each event of each object
    settings.queueing.idle_timeout = 1.0
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    try:
        master = Master(*await asyncio.to_thread(_options))  # it reads and writes the key
        async with asyncio.timeout(START_SECONDS):
            await asyncio.wrap_future(master.start())
    except (CannotStart, BadKeyFile, WireError, ApiError) as error:
        # Through kopf and its tasks, without their tracebacks: whoever starts it wrongly is to see one line.
        sys.exit(f"roomfleet master: {error}")
    memo.master = master


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    master: Master | None = getattr(memo, "master", None)
    if master is None:
        return
    await asyncio.to_thread(master.stop)
    if master.failure:
        raise kopf.PermanentError(master.failure)


@kopf.on.login()
async def log_in(memo: kopf.Memo, **_: Any) -> kopf.AiohttpSession:
    """Credentials that work. kopf would end when it is given the same ones again after a 401; this waits."""
    while True:
        api = Api(login)
        try:
            info = login()
            await api.open()
            if not await api.rejected():
                # A new one is new to kopf, even with credentials that were refused once.
                return session_of(info, memo.master.listed, memo.master.echoes)
            log.warning("the API server does not accept the credentials: reading them again")
        finally:
            await api.close()
        await asyncio.sleep(BACKOFF_SECONDS)


@kopf.on.event("roomfleet.io", "v1alpha1", "rooms")
async def room(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    memo.master.seen("rooms", event["type"], dict(event["object"]))


@kopf.on.event("roomfleet.io", "v1alpha1", "roomfleets")
async def fleet(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    memo.master.seen("roomfleets", event["type"], dict(event["object"]))


@kopf.on.event("roomfleet.io", "v1alpha1", "instancedrooms")
async def instanced_room(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    memo.master.seen("instancedrooms", event["type"], dict(event["object"]))
