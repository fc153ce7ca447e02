"""All objects of a kind over HTTP: list, watch as a stream of JSON lines, create."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from typing import Any

from tornado.iostream import StreamClosedError

from roomfleet.master.local.errors import BadRequest, Expired, MethodNotAllowed, Unsupported
from roomfleet.master.local.kinds import Kind
from roomfleet.master.local.kubeapi.bodies import read_manifest
from roomfleet.master.local.kubeapi.handler import JSON, ApiHandler
from roomfleet.master.local.objects import Objects
from roomfleet.master.local.selectors import Selector, parse_selector
from roomfleet.master.local.table import Change, Event


class Collection(ApiHandler):
    async def get(self, plural: str, game: str | None = None) -> None:
        kind = self.kind(plural, game)
        wanted = _Wanted(
            parse_selector(self.get_query_argument("labelSelector", "")),
            _name_of(self.get_query_argument("fieldSelector", "")),
        )
        if self.get_query_argument("watch", "").lower() in ("1", "true"):
            await self._watch(kind, wanted)
            return
        found = [obj for obj in self.objects.list(plural, wanted.selector) if wanted.has(obj)]
        self.answer(
            {
                "apiVersion": kind.api_version,
                "kind": f"{kind.kind}List",
                "metadata": {"resourceVersion": str(self.objects.version)},
                "items": found,
            }
        )

    def post(self, plural: str, game: str) -> None:
        kind = self.kind(plural, game)
        if self.content_type() not in (JSON, "application/yaml"):
            raise Unsupported(f"send an object as {JSON} or application/yaml")
        manifest = read_manifest(self.request.body, kind, None)
        manager = self.get_query_argument("fieldManager", "create")
        self.answer(self.objects.create(manifest, manager=manager, dry_run=self.dry_run()), 201)

    def initialize(self, objects: Objects) -> None:
        super().initialize(objects)
        self._closed = asyncio.Event()

    def on_connection_close(self) -> None:
        self._closed.set()

    async def _watch(self, kind: Kind, wanted: _Wanted) -> None:
        version = _number(self.get_query_argument("resourceVersion", "0"), "resourceVersion")
        seconds = _number(self.get_query_argument("timeoutSeconds", "0"), "timeoutSeconds")
        self.set_header("Content-Type", JSON)
        if version == 0:
            version = self.objects.version
            for obj in self.objects.list(kind.plural, wanted.selector):
                if wanted.has(obj):
                    self._line(Change.ADDED, obj)
        else:
            self.objects.since(version)  # Too old: refused before the stream begins.
        await self.flush()
        pump = asyncio.ensure_future(self._pump(kind, wanted, version))
        closed = asyncio.ensure_future(self._closed.wait())
        await asyncio.wait({pump, closed}, timeout=seconds or None, return_when=asyncio.FIRST_COMPLETED)
        for task in (pump, closed):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _pump(self, kind: Kind, wanted: _Wanted, version: int) -> None:
        try:
            async with aclosing(self.objects.watch(version, kind.plural)) as events:
                async for event in events:
                    change = wanted.change(event)
                    if change is not None:
                        self._line(change, event.object)
                        await self.flush()
        except Expired as error:
            self._line("ERROR", error.status())
        except StreamClosedError:
            self._closed.set()

    def _line(self, change: str, obj: dict[str, Any]) -> None:
        self.write(json.dumps({"type": str(change), "object": obj}, ensure_ascii=False).encode() + b"\n")


class Everywhere(Collection):
    def post(self, plural: str, game: str = "") -> None:
        raise MethodNotAllowed("objects are created in a namespace: use /namespaces/GAME/" + plural)


class _Wanted:
    """What a list or watch asks for: by labels and by name."""

    def __init__(self, selector: Selector, name: str | None) -> None:
        self.selector = selector
        self._name = name

    def has(self, obj: dict[str, Any]) -> bool:
        """Whether it asks for that object."""
        named = self._name is None or obj["metadata"]["name"] == self._name
        return named and self.selector.matches(obj)

    def change(self, event: Event) -> Change | None:
        """What the event is to this watcher: an object that no longer matches is deleted for it."""
        before = event.before is not None and self.has(event.before)
        now = event.change is not Change.DELETED and self.has(event.object)
        if now:
            return Change.MODIFIED if before else Change.ADDED
        return Change.DELETED if before else None


def _name_of(field_selector: str) -> str | None:
    """The name that a field selector asks for; no other field can be asked for."""
    if not field_selector:
        return None
    field, sign, value = field_selector.replace("==", "=").partition("=")
    if field != "metadata.name" or not sign:
        raise BadRequest(f'field selector "{field_selector}": only metadata.name=NAME is there')
    return value


def _number(text: str, parameter: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'{parameter}: "{text}" is no number')
    return int(text)
