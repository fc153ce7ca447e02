"""A writer of status on a server that the test makes up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.gate import Gate
from roomfleet.master.kube.statuses import StatusWrites
from roomfleet.master.kube.writer import Writer

Json = dict[str, Any]


def room_object(name: str, uid: str, version: str) -> Json:
    """A Room as the API server gives it."""
    metadata = {"namespace": "game", "name": name, "uid": uid, "resourceVersion": version, "generation": 1}
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "metadata": metadata,
        "spec": {"map": "m.town"},
    }


class WriterBench:
    """The writer with all that it needs."""

    def __init__(self, server: object, cache: Cache, *, acting: bool) -> None:
        """`acting`: it may write."""
        self.cache = cache
        self.acting = acting
        api = cast(Api, server)
        self.gate = Gate(api, lambda: self.acting, back=lambda: None)
        self.statuses = StatusWrites(api, cache, self.gate, Echoes(), news=self.changed)
        self.writer = Writer(self.gate, self.statuses, self.answered)

    def answered(self, record: Record, outcome: RecordOutcome, version: str) -> None:
        """The writer says what became of a record."""

    def changed(self, id: Id, obj: Json) -> None:
        """The writer says how an object is now."""

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - the writer has no event for it
                await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """All that is to be written is."""
        await self.until(lambda: not self.writer.waiting)


B = TypeVar("B", bound=WriterBench)


def run(make: Callable[[], B], play: Callable[[B], Awaitable[None]], *, patience: float) -> None:
    """Play with a writer that runs; at the end it has so many seconds to write what waits."""

    async def whole() -> None:
        bench = make()
        bench.writer.start()
        try:
            await play(bench)
        finally:
            await bench.writer.stop(patience)
            await bench.gate.stop()

    asyncio.run(whole())
