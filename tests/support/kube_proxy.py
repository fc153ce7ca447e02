"""A proxy between an operator and its API server: what can go wrong on the wire, at the flick of a switch.

It ends TLS with the API server's own certificate, so that a kubeconfig needs nothing but another URL.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from support.kube import Cluster
from support.running import eventually

DROPPED = ("host", "transfer-encoding", "content-length", "content-encoding", "accept-encoding", "connection")


class Fault(Enum):
    """What happens to a request."""

    ANSWER = "it is answered with `status`, the API server never hears of it"
    LOSE = "it is carried out, and the connection is cut instead of an answer"
    SILENCE = "it is carried out, and no answer ever comes"


@dataclass
class Rule:
    """The next `times` requests of that method whose path and query contain `part`."""

    method: str
    part: str
    fault: Fault
    times: int
    status: int = 0
    met: int = 0

    @property
    def is_spent(self) -> bool:
        return self.met >= self.times


class Proxy:
    """Between `url` and a cluster. Switches may be used from any thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._sockets = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._sockets)
        self._own_sockets = len(self._sockets.get_map())
        self._thread = threading.Thread(target=self._loop.run_forever, name="kube proxy", daemon=True)
        self._rules: list[Rule] = []
        self._open: dict[int, web.Request] = {}
        self._watches: dict[int, asyncio.Event] = {}
        self._cut = False
        self._frozen = False
        self._last = b""
        self.requests: list[tuple[str, str, int]] = []
        """Method, path with query, and status (0: none was given), in order of their ends."""
        self.url = ""

    # -- switches ------------------------------------------------------------------------------------------

    def fault(self, method: str, part: str, fault: Fault, *, times: int = 1, status: int = 0) -> Rule:
        """From now on, so many times; the rule counts."""
        rule = Rule(method, part, fault, times, status)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """No faults any more."""
        self._rules.clear()

    def cut(self) -> None:
        """Every connection breaks, and each new one too, until `mend`."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._break_off)

    def mend(self) -> None:
        """Connections hold again."""
        self._cut = False

    def freeze_watches(self) -> None:
        """Watches stay open and tell nothing more, for ever."""
        self._frozen = True

    def expire_watches(self) -> None:
        """Each watch ends with 410 Gone: the API server has forgotten where it was. Later ones work."""
        self.end_watches({"type": "ERROR", "object": _status(410)})

    def end_watches(self, last: dict[str, object] | bytes, part: str = "") -> None:
        """Each watch whose path contains `part` ends with that, an event or mere bytes. Later ones work."""
        self._frozen = False
        self._last = last if isinstance(last, bytes) else json.dumps(last).encode() + b"\n"
        for path, gone in self._going():
            if part in path:
                self._loop.call_soon_threadsafe(gone.set)

    def watches(self, part: str) -> bool:
        """Whether a watch is open whose path contains `part`."""
        return any(part in path and not gone.is_set() for path, gone in self._going())

    def _going(self) -> list[tuple[str, asyncio.Event]]:
        """The open watches' paths. A watch may end at any moment, on the proxy's own thread."""
        going = [(self._open.get(watch), gone) for watch, gone in list(self._watches.items())]
        return [(request.path, gone) for request, gone in going if request is not None]

    def kubeconfig(self, path: Path, token: str, namespace: str) -> Path:
        """A kubeconfig that leads here."""
        self._cluster.write_kubeconfig(path, token, namespace)
        path.write_text(path.read_text().replace(self._cluster.url, self.url))
        return path

    # -- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        self.cut()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        # TLS is closed in the background, by a conversation: the loop has to live as long as that goes on.
        eventually(lambda: len(self._sockets.get_map()) <= self._own_sockets, what="connections to be closed")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        folder = self._cluster.folder
        upstream = ssl.create_default_context(cafile=str(self._cluster.ca))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=upstream, limit=0), auto_decompress=False
        )
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._session.close()

    # -- requests ------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self._open[id(request)] = request
        status = 0
        try:
            if self._cut:
                return _broken(request)
            rule = self._rule(request)
            if rule is not None and rule.fault is Fault.ANSWER:
                status = rule.status
                return _failure(status)
            if request.query.get("watch") == "true":
                return await self._watch(request)
            try:
                answer, body = await self._forward(request)
            except (aiohttp.ClientError, OSError):
                return _broken(request)
            if rule is not None and rule.fault is Fault.LOSE:
                return _broken(request)
            if rule is not None:
                await asyncio.Event().wait()
            status = answer.status
            return web.Response(status=status, body=body, content_type=answer.content_type)
        finally:
            del self._open[id(request)]
            self.requests.append((request.method, request.path_qs, status))

    def _rule(self, request: web.Request) -> Rule | None:
        for rule in self._rules:
            if not rule.is_spent and rule.method == request.method and rule.part in request.path_qs:
                rule.met += 1
                return rule
        return None

    async def _forward(self, request: web.Request) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self._ask(request, await request.read()) as answer:
            return answer, await answer.read()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        gone = self._watches[id(request)] = asyncio.Event()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            async with self._ask(request, b"") as answer:
                response.set_status(answer.status)
                await response.prepare(request)
                copying = asyncio.create_task(self._copy(answer, response))
                going = asyncio.create_task(gone.wait())
                try:
                    await asyncio.wait([copying, going], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    copying.cancel()
                    going.cancel()
                    await asyncio.gather(copying, going, return_exceptions=True)
            if gone.is_set():
                await response.write(self._last)
                await response.write_eof()
                return response
        except (aiohttp.ClientError, OSError):
            pass  # the operator's connection ends as that to the API server did
        finally:
            del self._watches[id(request)]
        return _broken(request)

    async def _copy(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        async for line in answer.content:
            if self._frozen:
                await asyncio.Event().wait()
            await response.write(line)

    def _ask(self, request: web.Request, body: bytes) -> aiohttp.client._RequestContextManager:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
        headers["Accept-Encoding"] = "identity"  # what it packed would be passed on as it is
        url = self._cluster.url + request.path_qs
        return self._session.request(request.method, _exact(url), data=body or None, headers=headers)

    def _break_off(self) -> None:
        for request in self._open.values():
            _broken(request)


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # nobody is there to read it


def _failure(status: int) -> web.Response:
    return web.json_response(_status(status), status=status)


def _status(code: int) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"{code}, by the tests' proxy",
        "reason": "Expired" if code == 410 else "",
        "code": code,
    }


def _exact(url: str) -> URL:
    """The URL as it is: yarl would decode and encode it anew."""
    return URL(url, encoded=True)


@contextmanager
def proxied_cluster(cluster: Cluster) -> Iterator[Proxy]:
    """A proxy for the length of a block."""
    proxy = Proxy(cluster)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
