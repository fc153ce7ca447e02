"""kopf's connections to the API server: what would end kopf 1.45, and the operator with it, is waited out.

- An API server that starts answers 404 for custom resources until it has read their definitions.
- An error in a watch's stream other than 410, such as 500 InternalError or 429 TooManyRequests, and a stream
  that ends in the middle of a line: kopf raises WatchingError or JSONDecodeError. Here they become a 410,
  after which kopf lists and watches anew.
- 410 as the answer itself, to a list's `continue` or to a watch, and other refusals that make no sense.

It also tells when kopf has listed anew, and keeps the objects of such a list from kopf, which would make a
task and an event of each: since a list does not say what was deleted before it, the master makes one of its
own anyway, and compares.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import aiohttp
import kopf
import msgspec

from roomfleet.master.kube.client import GROUP
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.pauses import Pauses

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
MOST_PAUSE_SECONDS = 5.0
"""A watch that fails again and again begins anew after pauses that double up to this."""

STEADY_SECONDS = 30.0
"""One that lived that long begins with the first pause again."""

EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'
"""What kopf takes for: list and watch anew."""


class NotServedYet(aiohttp.ClientConnectionError):
    """The resource is not served, or not yet. kopf retries errors of connections."""


class Refused(aiohttp.ClientConnectionError):
    """An answer that nobody should get to a list or a watch. kopf tries again."""


class ListExpired(aiohttp.ClientPayloadError):
    """The server has forgotten the list that was being read. kopf begins it anew."""


class Source(Protocol):
    """A body that is read in pieces, as aiohttp's StreamReader."""

    def iter_chunked(self, n: int) -> AsyncIterator[bytes]: ...

    async def read(self) -> bytes: ...


class _InPlace:
    """Stands where a response's body was; aiohttp still reaches that to close it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class WatchStream(_InPlace):
    """A watch's body whose errors are all of the one kind that kopf survives."""

    def __init__(self, source: Source, path: str, pauses: Pauses, echoes: Echoes) -> None:
        super().__init__(source)
        self._path, self._pauses, self._echoes = path, pauses, echoes

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """The stream in whole lines, without the echoes of our writes, until it ends or fails."""
        rest = b""
        async for data in self._source.iter_chunked(n):
            whole, newline, rest = (rest + data).rpartition(b"\n")
            if not newline:
                continue
            good, error = _until_error(whole)
            if news := self._echoes.without(good):
                yield news
            if error is not None:
                yield await self._ended(error)
                return
        if rest.strip():
            yield await self._ended(rest)

    async def _ended(self, line: bytes) -> bytes:
        """An error, or half a line: what kopf gets instead, after a pause where that is due."""
        found = _decoded(line)
        status = found.get("object") if found.get("type") == "ERROR" else None
        if not isinstance(status, dict):
            if found and found.get("type") != "ERROR":
                return line + b"\n"  # a last event without a line's end
            status = {"message": f"what is no event: {line[:100]!r}"}
        if status.get("code") == 410:
            return EXPIRED
        asked = (status.get("details") or {}).get("retryAfterSeconds") or 0
        pause = self._pauses.next(asyncio.get_running_loop().time(), float(asked))
        log.warning(
            "the watch of %s ended with %s %s, it begins anew in %.1f s",
            self._path,
            status.get("code", ""),
            status.get("message") or status.get("reason"),
            pause,
        )
        await asyncio.sleep(pause)
        return EXPIRED


class _ListHead(msgspec.Struct):
    """What kopf needs of a list: from where to watch on."""

    metadata: dict[str, Any]


class ListWithoutObjects(_InPlace):
    """A list's body as it would be of nothing; there is no further page of it."""

    async def read(self) -> bytes:
        head = msgspec.json.decode(await self._source.read(), type=_ListHead)
        head.metadata.pop("continue", None)
        return msgspec.json.encode({"metadata": head.metadata, "items": []})


class _Expired(_InPlace):
    """The body of a watch that cannot go on where it was."""

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        yield EXPIRED


def session_of(info: kopf.ConnectionInfo, listed: Callable[[], None], echoes: Echoes) -> kopf.AiohttpSession:
    """The same credentials, for kopf, with the patience that it lacks. Call it on kopf's loop.

    `listed`: called there each time kopf gets a list of a kind of ours.
    """
    pauses = defaultdict[str, Pauses](lambda: Pauses(FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS, STEADY_SECONDS))

    async def patient(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        answer = await handler(request)
        path, ours = request.url.path, request.url.path.startswith(GROUP + "/")
        watches = request.url.query.get("watch") == "true"
        if watches and answer.status == 410:
            answer.status = 200
            answer.content = _Expired(answer.content)  # type: ignore[assignment]
        elif watches and answer.status == 200:
            answer.content = WatchStream(answer.content, path, pauses[path], echoes)  # type: ignore[assignment]
        elif answer.status == 410:
            answer.close()
            raise ListExpired(f"{path}: the list has expired")
        elif ours and answer.status == 200:
            answer.content = ListWithoutObjects(answer.content)  # type: ignore[assignment]
            listed()
        if ours and answer.status == 404:
            answer.close()
            raise NotServedYet(f"{path} is not served: is its CRD applied?")
        if (ours or watches) and 400 <= answer.status < 500 and answer.status not in (401, 403, 429):
            answer.close()
            raise Refused(f"{path}: {answer.status} {answer.reason}")
        return answer

    return kopf.AiohttpSession(
        server=info.server,
        default_namespace=info.default_namespace,
        aiohttp_session=aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
            headers=info.as_http_headers(),
            middlewares=(patient,),
        ),
    )


def _until_error(lines: bytes) -> tuple[bytes, bytes | None]:
    """Whole lines: those before the first that is an error or no event, and that one."""
    if b'"ERROR"' not in lines and lines.startswith(b"{") and b"\n" not in lines:
        return lines + b"\n", None
    good: list[bytes] = []
    for line in lines.split(b"\n"):
        if not line.strip():
            continue
        if not line.startswith(b"{") or (b'"ERROR"' in line and _decoded(line).get("type") == "ERROR"):
            return b"".join(good), line
        good.append(line + b"\n")
    return b"".join(good), None


def _decoded(line: bytes) -> dict[str, Any]:
    """Empty for what is no JSON object."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
