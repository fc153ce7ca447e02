"""Writing the status of objects: the requests, and what their answers mean.

Every write states the version that it is based on: none can hide a change by somebody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import FleetStatus, RoomStatus, TemplateStatus
from roomfleet.master.core.queueing.counted import Writes
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.client import Api, path_of
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Conflict, NotAllowed, NotFound
from roomfleet.master.kube.gate import Gate
from roomfleet.master.shapes import accepted_conditions, fleet_status, room_status, template_status

log = logging.getLogger(__name__)

Json = dict[str, Any]

UNCHECKED = "?fieldValidation=Ignore"
"""The API server need not look for fields that its CRD does not know: nobody would read that answer."""

Status = RoomStatus | FleetStatus | TemplateStatus

Fields = dict[str, Any]
"""Of a status as it is written; None removes one."""

Own = tuple[str, str]
"""The last write of an object by us: from which version to which."""

Recorded = tuple[RecordOutcome, str]
"""What became of a record, and the version that was written."""


class StatusWrites:
    """Carries writes of status out, one request each."""

    def __init__(
        self, api: Api, cache: Cache, gate: Gate, echoes: Echoes, *, news: Callable[[Id, Json], None]
    ) -> None:
        """`news(id, object)`: it is that now, through somebody else."""
        self._api, self._cache, self._gate, self._echoes = api, cache, gate, echoes
        self._news = news
        self._loop = asyncio.get_running_loop()
        self.writes = Writes()

    def difference(self, id: Id, wanted: Status | None, uid: str) -> Fields | None:
        """The fields of status that the object should have, if it says anything else. `uid`: the object that
        is meant; empty: whichever.
        """
        obj = self._cache.get(id)
        if obj is None or uid not in ("", obj["metadata"]["uid"]):
            return None
        before = obj.get("status") or {}
        after = _status(obj, wanted)
        same = all(before.get(field) == value for field, value in after.items())
        return None if same else after

    async def record(self, id: Id, record: Record, own: Own) -> Recorded | None:
        """Write it ahead with its precondition. None: nobody knows whether it was written, it is to be tried
        again.
        """
        obj = self._cache.get(id)
        if obj is None or obj["metadata"]["uid"] != record.uid:
            return RecordOutcome.GONE, ""
        before, after = own
        version = after if record.version == before else record.version
        try:
            written = await self._put(id, obj, room_status(record.status, obj, _now()), version)
        except Conflict:
            return await self._resolve(id, record)
        except NotFound:
            return RecordOutcome.GONE, ""
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)  # written or not, the precondition says at the next attempt
            return None
        except ApiError as error:
            log.error("cannot record the place of %s: %s", id.key, error)
            return RecordOutcome.FAILED, ""
        self._cache.put(id, written)
        return RecordOutcome.WRITTEN, _version(written)

    async def _resolve(self, id: Id, record: Record) -> Recorded | None:
        """The object has changed: by an attempt of ours whose answer got lost, or by somebody else."""
        try:
            obj = await self._api.get(path_of(id.plural, id.key.game, id.key.name))
        except NotFound:
            return RecordOutcome.GONE, ""
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return None
        fresh = self._cache.put(id, obj)
        status = obj.get("status") or {}
        ours = (status.get("epoch"), status.get("node")) == (record.status.epoch, record.status.node)
        if ours and status.get("phase") == record.status.phase.value:
            return RecordOutcome.WRITTEN, _version(obj)
        if fresh:
            self._news(id, obj)
        return RecordOutcome.CONFLICT, ""

    async def write(self, id: Id, fields: Fields, own: Own) -> Own | None:
        """Bring these fields of the object's status in line. None: it is to be tried again."""
        obj = self._cache.get(id)
        if obj is None:
            return own
        version = _version(obj)
        try:
            written = await self._put(id, obj, fields, version)
        except Conflict:
            return own if await self._is_gone(id) else None
        except NotFound:
            return own  # the watch or the next list tells
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return None
        except ApiError as error:
            log.error("cannot write the status of %s %s: %s", id.plural, id.key, error)
            return own
        if self._cache.put(id, written):
            self._news(id, written)
        return version, _version(written)

    async def _is_gone(self, id: Id) -> bool:
        """See what the object is now."""
        try:
            obj = await self._api.get(path_of(id.plural, id.key.game, id.key.name))
        except NotFound:
            return True
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return False
        if self._cache.put(id, obj):
            self._news(id, obj)
        return False

    async def _put(self, id: Id, obj: Json, fields: Fields, version: str) -> Json:
        """Replace the status; what `fields` do not name stays, and what they say is None goes."""
        path = path_of(id.plural, id.key.game, id.key.name, "status")
        status = {**(obj.get("status") or {}), **fields}
        body = {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "metadata": {
                "namespace": id.key.game,
                "name": id.key.name,
                "uid": obj["metadata"]["uid"],
                "resourceVersion": version,
            },
            "status": {field: value for field, value in status.items() if value is not None},
        }
        begun = self._loop.time()
        try:
            written = await self._api.replace(path + UNCHECKED, body)
        except ApiError as error:
            self.writes.failed(conflict=isinstance(error, Conflict), gone=isinstance(error, NotFound))
            raise
        self.writes.written(self._loop.time() - begun)
        self._echoes.wrote(written["metadata"]["resourceVersion"])
        return written


def _version(obj: Json) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


def _status(obj: Json, wanted: Status | None) -> Fields:
    """The status to write."""
    now = _now()
    accepted = accepted_conditions(obj, now)
    if accepted is not None:
        obj = {**obj, "status": {**(obj.get("status") or {}), "conditions": accepted}}
    match wanted:
        case RoomStatus():
            return room_status(wanted, obj, now)
        case FleetStatus():
            return fleet_status(wanted, obj, now)
        case TemplateStatus():
            return template_status(wanted, obj, now)
    return {} if accepted is None else {"conditions": accepted}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
