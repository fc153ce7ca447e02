"""Making, binding and deleting Rooms of InstancedRooms: the requests, and what their answers mean."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from roomfleet.master.core.effects import BindRoom, CreateRoom, DeleteRoomObject
from roomfleet.master.core.events import Event, RecordOutcome, RoomBound, RoomCreated
from roomfleet.master.core.model import Key
from roomfleet.master.kube.cache import Cache, Id, is_going
from roomfleet.master.kube.client import Api, path_of
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Conflict, Forbidden, NotAllowed, NotFound
from roomfleet.master.kube.gate import Gate
from roomfleet.master.shapes import binding_patch, child_room, is_bound

log = logging.getLogger(__name__)

Json = dict[str, Any]

INSTANCED = "instancedrooms"

Change = CreateRoom | BindRoom | DeleteRoomObject
"""What is to be done to a Room beside writing its status."""


class RoomChanges:
    """Carries changes out, one request each. What is done already counts as done."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        gate: Gate,
        echoes: Echoes,
        *,
        handle: Callable[[Event], None],
        news: Callable[[Id, Json], None],
        gone: Callable[[Id, Json], None],
    ) -> None:
        """`news(id, object)`: it is that now. `gone(id, object)`: it was deleted. None is called at once."""
        self._api, self._cache, self._gate, self._echoes = api, cache, gate, echoes
        self._handle, self._news, self._gone = handle, news, gone

    async def carry_out(self, id: Id, change: Change, own: tuple[str, str]) -> tuple[str, str] | None:
        """Do it, and tell what became of it. None: nobody answered, it is to be tried again.

        `own`: the last write of the object by us, from which version to which; the same afterwards.
        """
        try:
            match change:
                case CreateRoom():
                    await self._create(id, change)
                case BindRoom():
                    return await self._bind(id, change, own)
                case DeleteRoomObject():
                    await self._delete(id, change)
        except (ApiDown, NotAllowed) as error:
            self._gate.trouble(error)
            return None
        return own

    async def _create(self, id: Id, create: CreateRoom) -> None:
        owner = self._cache.get(Id(INSTANCED, Key(create.key.game, create.template)))
        if owner is None or owner["metadata"]["uid"] != create.template_uid:
            self._handle(RoomCreated(create, RecordOutcome.GONE))
            return
        made: Json | None
        try:
            made = await self._api.create(path_of(id.plural, id.key.game), child_room(create))
        except Conflict:
            made = await self._get(id)
        except Forbidden as error:
            # A quota, perhaps, which is one namespace's alone: nobody else waits for it.
            log.warning("cannot make room %s: %s", id.key, error)
            self._handle(RoomCreated(create, RecordOutcome.FAILED, str(error)))
            return
        except (ApiDown, NotAllowed):
            raise
        except ApiError as error:
            log.error("cannot make room %s: %s", id.key, error)
            self._handle(RoomCreated(create, RecordOutcome.FAILED, str(error)))
            return
        if made is not None and is_going(made):
            keepers = ", ".join(made["metadata"].get("finalizers", ()))
            message = f"the last Room {id.key.name} is still being deleted, its finalizers keep it: {keepers}"
            self._handle(RoomCreated(create, RecordOutcome.FAILED, message))
        elif made is not None:
            if self._cache.put(id, made):
                self._news(id, made)
            self._handle(RoomCreated(create, RecordOutcome.WRITTEN))

    async def _bind(self, id: Id, bind: BindRoom, own: tuple[str, str]) -> tuple[str, str]:
        before, after = own
        body = binding_patch(bind)
        version = after if bind.version == before else bind.version
        body["metadata"]["resourceVersion"] = version
        outcome = RecordOutcome.WRITTEN
        try:
            room: Json | None = await self._api.patch(path_of(id.plural, id.key.game, id.key.name), body)
        except Conflict:
            room = await self._get(id)  # changed by somebody else, or by an attempt whose answer got lost
            if room is not None and not is_bound(bind, room):
                outcome = RecordOutcome.CONFLICT
        except NotFound:
            room = None
        except (ApiDown, NotAllowed):
            raise
        except ApiError as error:
            log.error("cannot give room %s its key: %s", id.key, error)
            self._handle(RoomBound(bind, RecordOutcome.FAILED))
            return own
        if room is None or room["metadata"]["uid"] != bind.uid or is_going(room):
            self._handle(RoomBound(bind, RecordOutcome.GONE))
            return own
        now = room["metadata"]["resourceVersion"]
        self._echoes.wrote(now)
        if self._cache.put(id, room):
            self._news(id, room)
        self._handle(RoomBound(bind, outcome, now))
        return (version, now)

    async def _delete(self, id: Id, change: DeleteRoomObject) -> None:
        try:
            await self._api.delete(path_of(id.plural, id.key.game, id.key.name), change.uid)
        except NotFound:
            pass  # it is done
        except Conflict:
            return  # another one has its name now: the watch tells
        except (ApiDown, NotAllowed):
            raise
        except ApiError as error:
            log.error("cannot delete room %s: %s", id.key, error)
            return
        known = self._cache.get(id)
        if known is not None and self._cache.drop(id, change.uid):
            self._gone(id, known)

    async def _get(self, id: Id) -> Json | None:
        try:
            return await self._api.get(path_of(id.plural, id.key.game, id.key.name))
        except NotFound:
            return None
