"""Talking to the API server: the few requests that the master makes, over one pool of connections.

The `kubernetes` package's client did 203 rooms/s where plain aiohttp did 315 (docs/decisions/007); there
are six requests, so they are written out here. Credentials are kopf's.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import kopf
import msgspec
import yaml

from roomfleet.master.kube.errors import ApiDown, ApiError, Forbidden, NotAllowed, error_of

log = logging.getLogger(__name__)

Json = dict[str, Any]

GROUP = "/apis/roomfleet.io/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

REQUEST_SECONDS = 3.0
"""A request without an answer by then has failed; whether it was carried out is unknown."""

LIST_SECONDS = 20.0
"""A page of a list may take longer."""

PAGE = 500
"""Objects in one answer of a list."""

Login = Callable[[], kopf.ConnectionInfo]


class NoCluster(ApiError):
    """No credentials were found."""


def login() -> kopf.ConnectionInfo:
    """The pod's service account, else KUBECONFIG. Read anew at each call: tokens are rotated.

    Raises NoCluster.
    """
    settings = kopf.OperatorSettings()
    try:
        found = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(
            settings=settings
        )
    except (OSError, ValueError, KeyError, TypeError, kopf.LoginError, yaml.YAMLError) as error:
        raise NoCluster(f"no cluster: KUBECONFIG cannot be read: {error}") from error
    if found is None:
        raise NoCluster("no cluster: set KUBECONFIG, or run in a pod with a service account")
    return found


def path_of(plural: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of a resource of ours; without a namespace all of them are meant."""
    parts = [GROUP]
    if namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts += [plural, *([quote(name, safe="")] if name else []), *([subresource] if subresource else [])]
    return "/".join(parts)


class Api:
    """One API server. Every method raises ApiError's children; ApiDown says nothing about the outcome."""

    def __init__(self, login: Login = login) -> None:
        self._login = login
        self._session: aiohttp.ClientSession | None = None
        self._server = ""
        self._headers: dict[str, str] = {}
        self.requests: Counter[tuple[str, str]] = Counter()
        """What became of each: method, and `ok` or the error's name."""
        self.on_down: Callable[[ApiDown], None] = lambda error: None
        """Told of each ApiDown, whoever asked: even a short outage hides what happened meanwhile."""

    async def open(self) -> None:
        """Read the credentials. Raises NoCluster."""
        info = self._login()
        self._server = info.server.rstrip("/")
        self._headers = info.as_http_headers()
        connector = aiohttp.TCPConnector(ssl=info.as_ssl_context(), limit=32, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Json:
        return await self._json("GET", path)

    async def create(self, path: str, body: Json) -> Json:
        return await self._json("POST", path, body)

    async def replace(self, path: str, body: Json) -> Json:
        """PUT. With metadata.resourceVersion in the body, only if it is still that."""
        return await self._json("PUT", path, body)

    async def patch(self, path: str, body: Json) -> Json:
        """A merge patch. With metadata.resourceVersion in the body, only if it is still that."""
        return await self._json("PATCH", path, body, content_type=MERGE_PATCH)

    async def delete(self, path: str, uid: str) -> Json:
        """DELETE, only of the object with that uid."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        return await self._json("DELETE", path, body)

    async def apply(self, path: str, body: Json, manager: str) -> Json:
        """Server-side apply; conflicts with other managers are forced."""
        query = f"?fieldManager={quote(manager, safe='')}&force=true"
        return await self._json("PATCH", path + query, body, content_type=APPLY_PATCH)

    async def list(self, path: str) -> tuple[list[Json], int]:
        """All objects of one moment, and that moment's resourceVersion."""
        items: list[Json] = []
        version, more = 0, ""
        while True:
            query = f"?limit={PAGE}" + (f"&continue={quote(more, safe='')}" if more else "")
            page = await self._json("GET", path + query, seconds=LIST_SECONDS)
            items += page["items"]
            version = version or int(page["metadata"]["resourceVersion"])
            more = page["metadata"].get("continue", "")
            if not more:
                return items, version

    async def answers(self, path: str) -> bool:
        """Whether the server answers, lets us in, and serves that path again. Raises Forbidden."""
        try:
            await self._json("GET", path, seconds=1.0)
        except Forbidden:
            raise
        except ApiError:
            return False
        return True

    async def rejected(self) -> bool:
        """Whether the server answers and does not accept the credentials."""
        try:
            await self._once("GET", "/apis", None, "application/json", REQUEST_SECONDS)
        except NotAllowed:
            return True
        except ApiError:
            return False
        return False

    async def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> Json:
        used = self._headers
        try:
            try:
                return await self._once(method, path, body, content_type, seconds)
            except NotAllowed as error:
                if self._headers is used and not self._renew():
                    raise
                log.info("%s: trying with the credentials as they are now", error)
            return await self._once(method, path, body, content_type, seconds)
        except ApiDown as error:
            self.on_down(error)
            raise

    async def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None, content_type: str, seconds: float
    ) -> Json:
        session = self._session
        if session is None or session.closed:
            raise ApiDown(f"{method} {path}: the client is closed")
        headers = {**self._headers, "Content-Type": content_type, "Accept": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with session.request(
                method,
                self._server + path,
                data=data,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                content = await answer.read()
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.requests[method, ApiDown.__name__] += 1
            why = str(error) or type(error).__name__
            raise ApiDown(f"{method} {path}: {why}") from error
        if status >= 400:
            text = f"{method} {path}: {status} {_reason(content)}"
            refused = error_of(status, text, names_object=_names_object(content))
            self.requests[method, type(refused).__name__] += 1
            raise refused
        self.requests[method, "ok"] += 1
        return cast(Json, msgspec.json.decode(content))

    def _renew(self) -> bool:
        """Read the credentials again: whether they are others now."""
        try:
            headers = self._login().as_http_headers()
        except (ApiError, kopf.LoginError, OSError, ValueError) as error:
            log.warning("cannot read the credentials again: %s", error)
            return False
        if headers == self._headers:
            return False
        self._headers = headers
        return True


def _reason(content: bytes) -> str:
    """What a Status object says, or the beginning of whatever came."""
    try:
        message: str = msgspec.json.decode(content)["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return content[:200].decode(errors="replace")
    return message


def _names_object(content: bytes) -> bool:
    """Whether a Status object says which object it is about."""
    try:
        return bool(msgspec.json.decode(content)["details"]["name"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return False
