"""The status of objects on a laptop: written soon, counts coalesced, and on disk a little later."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from roomfleet.master.core.queueing.counted import Writes
from roomfleet.master.local.errors import ApiError, Conflict, NotFound
from roomfleet.master.local.files import StorageError
from roomfleet.master.local.objects import Objects

log = logging.getLogger(__name__)

COUNTS_SECONDS = 1.0
"""Counts are written at most that often per object."""

URGENT_SECONDS = 0.02
"""Phases and conditions wait that long for what follows on their heels."""

DISK_SECONDS = 1.0
"""Status reaches the disk within that."""


class Statuses:
    """What of the status of objects is not written yet. Objects go by plural and name."""

    def __init__(self, objects: Objects) -> None:
        self.writes = Writes()
        self._objects = objects
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}
        self._urgent: set[tuple[str, str]] = set()
        self._disk: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Objects with a status to write."""
        return len(self._waiting)

    def start(self) -> None:
        """Bring it to the disk from now on."""
        self._disk = self._loop.create_task(self._keep_writing(), name="object status to disk")

    async def stop(self) -> None:
        """Write what still waits."""
        for plural, name in list(self._waiting):
            self._write_waiting(plural, name)
        if self._disk is not None:
            self._disk.cancel()
            await asyncio.wait([self._disk])
        await self._to_disk()

    def write_later(self, plural: str, name: str, status: dict[str, Any], *, at_once: bool) -> None:
        """The newest of what is said of an object within a while; `at_once`: within a moment."""
        key = (plural, name)
        if at_once and key not in self._urgent:
            self._urgent.add(key)
            self._loop.call_later(URGENT_SECONDS, self._write_waiting, plural, name)
        elif key not in self._waiting:
            self._loop.call_later(COUNTS_SECONDS, self._write_waiting, plural, name)
        self._waiting[key] = status

    def forget(self, plural: str, name: str) -> None:
        """The object is gone, or what waits was written with something newer."""
        self._waiting.pop((plural, name), None)

    def patch(self, plural: str, name: str, status: dict[str, Any]) -> None:
        """Write now, if the object is still there."""
        try:
            self.written(plural, name, {"status": status})
        except NotFound:
            return  # deleted meanwhile
        except (ApiError, StorageError) as error:
            log.error("cannot write the status of %s %s: %s", plural, name, error)

    def written(self, plural: str, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """The object with the patch, which is counted. Raises what `Objects.patch_status` raises."""
        begun = self._loop.time()
        try:
            written = self._objects.patch_status(plural, name, patch)
        except (ApiError, StorageError) as error:
            self.writes.failed(conflict=isinstance(error, Conflict), gone=isinstance(error, NotFound))
            raise
        self.writes.written(self._loop.time() - begun)
        return written

    def _write_waiting(self, plural: str, name: str) -> None:
        self._urgent.discard((plural, name))
        status = self._waiting.pop((plural, name), None)
        if status is not None:
            self.patch(plural, name, status)

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(DISK_SECONDS)
            await asyncio.shield(self._to_disk())

    async def _to_disk(self) -> None:
        unwritten = self._objects.unwritten()
        if unwritten:
            try:
                await self._loop.run_in_executor(None, self._objects.write, unwritten)
            except StorageError as error:
                log.error("cannot write the status of objects: %s", error)
