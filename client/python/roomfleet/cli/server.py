"""The server as the commands see it: objects of one game, over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from roomfleet.cli.errors import CliError, Refused, Unreachable, UsageError
from roomfleet.master.local.kinds import Kind
from roomfleet.wire.version import __version__

DEFAULT_SERVER = "http://127.0.0.1:8080"
FIELD_MANAGER = "roomfleet"
MERGE_PATCH = "application/merge-patch+json"
TIMEOUT_SECONDS = 10.0

Json = dict[str, Any]

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
"""A warning of an API server about what was asked, as RFC 7234 writes it."""
_ESCAPED = re.compile(r"\\(.)")


class Server:
    """One server and one namespace, the game; the server is asked for it when it is not given."""

    def __init__(self, url: str | None = None, namespace: str | None = None) -> None:
        """Without a URL: ROOMFLEET_SERVER, or this machine's port 8080. Raises UsageError."""
        self.url = (url or os.environ.get("ROOMFLEET_SERVER") or DEFAULT_SERVER).rstrip("/")
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError as error:
            raise UsageError(f"{self.url}: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url} is no URL of a server: write it like {DEFAULT_SERVER}")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._prefix = parts.hostname, port, parts.path
        self._namespace = namespace or os.environ.get("ROOMFLEET_NAMESPACE")

    @property
    def namespace(self) -> str:
        """The game. Raises CliError when the server serves several, or cannot be reached."""
        if self._namespace is None:
            games = self._call("GET", "/v1/games").get("games") or []
            if len(games) != 1:
                known = ", ".join(games) or "none"
                raise UsageError(
                    f"{self.url} serves {len(games)} games ({known}): choose one by -n, --namespace"
                )
            self._namespace = str(games[0])
        return self._namespace

    def get(self, kind: Kind, name: str) -> Json:
        """The object. Raises Refused, Unreachable."""
        return self._call("GET", self._path(kind, name))

    def find(self, kind: Kind, name: str) -> Json | None:
        """The object, or None when there is none."""
        try:
            return self.get(kind, name)
        except Refused as error:
            if error.reason == "NotFound":
                return None
            raise

    def list(self, kind: Kind, selector: str) -> Json:
        """The objects of a kind: the List object, with `items` and its resourceVersion."""
        return self._call("GET", self._path(kind), {"labelSelector": selector} if selector else {})

    def apply(self, kind: Kind, manifest: Mapping[str, Any], *, dry_run: bool) -> Json:
        """Server-side apply; the object as it is then."""
        name = str((manifest.get("metadata") or {}).get("name") or "")
        if not name:
            raise UsageError("resource name may not be empty: set metadata.name")
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        if dry_run:
            query["dryRun"] = "All"
        return self._call("PATCH", self._path(kind, name), query, manifest, "application/apply-patch+yaml")

    def scale(self, kind: Kind, name: str, replicas: int) -> None:
        """Sets how many of it there are to be. Raises Refused, Unreachable."""
        path = self._path(kind, name) + "/scale"
        self._call("PATCH", path, body={"spec": {"replicas": replicas}}, content_type=MERGE_PATCH)

    def delete(self, kind: Kind, name: str) -> None:
        """Deletes the object and what it owns."""
        self._call("DELETE", self._path(kind, name))

    def watch(self, kind: Kind, version: str, *, selector: str, name: str | None) -> Iterator[Json]:
        """The events after that version, until the server ends it. Raises Refused when it is too old."""
        query = {"watch": "1", "resourceVersion": version}
        if selector:
            query["labelSelector"] = selector
        if name is not None:
            query["fieldSelector"] = f"metadata.name={name}"
        connection = self._connect()
        try:
            response = self._ask(connection, "GET", self._path(kind), query)
            if connection.sock is not None:
                connection.sock.settimeout(None)
            while line := response.readline():
                event: Json = json.loads(line)
                if event["type"] == "ERROR":
                    raise Refused(event["object"])
                yield event
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _path(self, kind: Kind, name: str | None = None) -> str:
        path = f"/apis/{kind.api_version}/namespaces/{quote(self.namespace, safe='')}/{kind.plural}"
        return path if name is None else f"{path}/{quote(name, safe='')}"

    def _connect(self) -> http.client.HTTPConnection:
        made = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return made(self._host, self._port, timeout=TIMEOUT_SECONDS)

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "",
    ) -> Json:
        connection = self._connect()
        try:
            response = self._ask(connection, method, path, query or {}, body, content_type)
            content = _json(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if content is None:
            raise CliError(f"{self.url} does not answer like a roomfleet server: look at --server")
        return content

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = "",
    ) -> http.client.HTTPResponse:
        """The response, its body unread, once the server said yes. Raises Refused."""
        headers = {"User-Agent": f"roomfleet/{__version__}", "Accept": "application/json"}
        if content_type:
            headers["Content-Type"] = content_type
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        connection.request(method, target, content, headers)
        response = connection.getresponse()
        if response.status >= 400:
            status = _json(response.read())
            if status is None or status.get("kind") != "Status":
                answer = f"{response.status} {response.reason}"
                raise CliError(f"{self.url}{path} answers {answer}: is this a roomfleet server? (--server)")
            raise Refused(status)
        for warning in response.headers.get_all("Warning", ()):
            if found := _WARNING.fullmatch(warning):
                print("Warning:", _ESCAPED.sub(r"\1", found[1]), file=sys.stderr)
        return response


def _json(content: bytes) -> Json | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
