"""Making, binding and deleting Rooms: what an API server's answers come to."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from msgspec.structs import replace

from roomfleet.master.core.effects import BindRoom, CreateRoom, DeleteRoomObject
from roomfleet.master.core.events import Event, RecordOutcome, RoomBound, RoomCreated
from roomfleet.master.core.model import Key
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Conflict, Forbidden, Invalid, NotFound
from roomfleet.master.kube.rooms import RoomChanges
from roomfleet.wire.spec import OnDelete, RoomSpec

Json = dict[str, Any]

CAVE = Key("game", "cave-1")
ID = Id("rooms", CAVE)
SPEC = RoomSpec(map="m.cave", state={"deep": 1})
CREATE = CreateRoom(CAVE, "cave", "t-1", "party-7", SPEC, {"a": "b"}, {"c": "d"})
BIND = BindRoom(CAVE, "u-1", "7", "party-7", OnDelete.DELETE)


def room(version: int = 7, uid: str = "u-1", key: str | None = None) -> Json:
    metadata = {"name": "cave-1", "namespace": "game", "uid": uid, "resourceVersion": str(version)}
    owner = {"apiVersion": "roomfleet.io/v1alpha1", "kind": "InstancedRoom", "name": "cave", "uid": "t-1"}
    annotations = {} if key is None else {"roomfleet.io/instance-key": key}
    return {"metadata": {**metadata, "ownerReferences": [owner], "annotations": annotations}, "spec": {}}


class Gate:
    """Takes note of trouble."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def trouble(self, error: Exception) -> None:
        self.errors.append(error)


class FakeApi:
    """Answers with what it was given, in turn: an object, or an error to raise."""

    def __init__(self, answers: tuple[Json | ApiError, ...]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    async def _answer(self, verb: str, path: str, body: Any = None) -> Json:
        self.asked.append((verb, path, body))
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    async def create(self, path: str, body: Json) -> Json:
        return await self._answer("create", path, body)

    async def patch(self, path: str, body: Json) -> Json:
        return await self._answer("patch", path, body)

    async def delete(self, path: str, uid: str) -> Json:
        return await self._answer("delete", path, uid)

    async def get(self, path: str) -> Json:
        return await self._answer("get", path)


class Tried:
    """One change, and what it came to."""

    def __init__(
        self, change: CreateRoom | BindRoom | DeleteRoomObject, *answers: Json | ApiError, owner: str = "t-1"
    ) -> None:
        self.api, self.gate = FakeApi(answers), Gate()
        self.events: list[Event] = []
        self.news: list[Json] = []
        self.gone: list[Id] = []
        cache = Cache()
        metadata = {"name": "cave", "namespace": "game", "uid": owner, "resourceVersion": "1"}
        cache.put(Id("instancedrooms", Key("game", "cave")), {"metadata": metadata})
        if not isinstance(change, CreateRoom):
            cache.put(ID, room(5))
        changes = RoomChanges(
            self.api,  # type: ignore[arg-type]
            cache,
            self.gate,  # type: ignore[arg-type]
            Echoes(),
            handle=self.events.append,
            news=lambda id, obj: self.news.append(obj),
            gone=lambda id, obj: self.gone.append(id),
        )
        self.own = asyncio.run(changes.carry_out(ID, change, ("5", "6")))
        assert not self.api.answers

    @property
    def outcome(self) -> RecordOutcome:
        (event,) = self.events
        assert isinstance(event, RoomCreated | RoomBound)
        return event.outcome


def test_a_room_is_made_with_its_owner_its_label_and_its_key() -> None:
    tried = Tried(CREATE, room(9, key="party-7"))
    ((verb, path, body),) = tried.api.asked
    assert (verb, path) == ("create", "/apis/roomfleet.io/v1alpha1/namespaces/game/rooms")
    metadata = body["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("cave-1", "game")
    assert metadata["labels"] == {"a": "b", "roomfleet.io/instance-of": "cave"}
    assert metadata["annotations"] == {"c": "d", "roomfleet.io/instance-key": "party-7"}
    assert (metadata["ownerReferences"][0]["uid"], metadata["ownerReferences"][0]["controller"]) == (
        "t-1",
        True,
    )
    assert (body["spec"]["map"], body["spec"]["state"]) == ("m.cave", {"deep": 1})
    assert "script" not in body["spec"]
    assert tried.outcome is RecordOutcome.WRITTEN
    assert len(tried.news) == 1


def test_a_warm_one_has_a_label_instead_of_a_key() -> None:
    body = Tried(replace(CREATE, instance_key=None), room(9)).api.asked[0][2]
    assert body["metadata"]["labels"]["roomfleet.io/warm"] == "true"
    assert body["metadata"]["annotations"] == {"c": "d"}


def test_one_that_is_there_already_is_told_as_it_is() -> None:
    tried = Tried(CREATE, Conflict("exists"), room(9, key="party-7"))
    assert tried.outcome is RecordOutcome.WRITTEN
    assert tried.news == [room(9, key="party-7")]


def test_nothing_is_made_for_a_template_that_is_gone() -> None:
    tried = Tried(CREATE, owner="another")
    assert tried.api.asked == []
    assert tried.outcome is RecordOutcome.GONE


@pytest.mark.parametrize("error", [Forbidden("exceeded quota"), Invalid("no such field")])
def test_a_refusal_is_told_with_its_reason_and_holds_up_nobody_else(
    error: ApiError, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, logger="roomfleet"):
        tried = Tried(CREATE, error)
    (event,) = tried.events
    assert isinstance(event, RoomCreated)
    assert (event.outcome, event.message) == (RecordOutcome.FAILED, str(error))
    assert tried.gate.errors == []


@pytest.mark.parametrize("change", [CREATE, BIND, DeleteRoomObject(CAVE, "u-1")])
def test_without_an_answer_it_is_tried_again_and_nothing_is_told(
    change: CreateRoom | BindRoom | DeleteRoomObject,
) -> None:
    tried = Tried(change, ApiDown("no answer"))
    assert tried.own is None
    assert (tried.events, tried.news, tried.gone) == ([], [], [])
    assert len(tried.gate.errors) == 1


def test_a_key_is_written_with_the_version_as_its_condition() -> None:
    tried = Tried(BIND, room(8, key="party-7"))
    ((verb, _, body),) = tried.api.asked
    assert verb == "patch"
    assert (body["metadata"]["resourceVersion"], body["metadata"]["uid"]) == ("7", "u-1")
    assert body["metadata"]["labels"] == {"roomfleet.io/warm": None}
    assert body["spec"] == {"onDelete": "Delete"}
    assert tried.outcome is RecordOutcome.WRITTEN
    assert tried.own == ("7", "8")


def test_a_status_that_we_wrote_ourselves_meanwhile_is_no_conflict() -> None:
    tried = Tried(replace(BIND, version="5"), room(8, key="party-7"))
    assert tried.api.asked[0][2]["metadata"]["resourceVersion"] == "6"


def test_a_conflict_is_told_with_the_object_as_it_is_now() -> None:
    tried = Tried(BIND, Conflict("changed"), room(9))
    assert tried.outcome is RecordOutcome.CONFLICT
    assert tried.news == [room(9)]


def test_a_conflict_with_our_own_attempt_whose_answer_was_lost_is_a_success() -> None:
    tried = Tried(BIND, Conflict("changed"), room(9, key="party-7"))
    assert tried.outcome is RecordOutcome.WRITTEN


@pytest.mark.parametrize(
    "answers", [(NotFound("gone"),), (Conflict("changed"), NotFound("gone")), (Conflict("x"), room(9, "u-2"))]
)
def test_a_room_that_is_gone_or_another_gets_no_key(answers: tuple[Json | ApiError, ...]) -> None:
    assert Tried(BIND, *answers).outcome is RecordOutcome.GONE


def test_a_deletion_names_the_uid_and_is_told_at_once() -> None:
    tried = Tried(DeleteRoomObject(CAVE, "u-1"), {"kind": "Status", "status": "Success"})
    assert tried.api.asked[0][2] == "u-1"
    assert tried.gone == [ID]


def test_a_room_that_is_gone_already_is_told_too() -> None:
    assert Tried(DeleteRoomObject(CAVE, "u-1"), NotFound("gone")).gone == [ID]


def test_another_room_of_that_name_is_left_to_the_watch() -> None:
    assert Tried(DeleteRoomObject(CAVE, "u-1"), Conflict("uid")).gone == []


def test_a_room_that_a_finalizer_keeps_is_gone_and_its_name_is_still_taken() -> None:
    going = room(9)
    going["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["example.org/backup"])
    assert Tried(DeleteRoomObject(CAVE, "u-1"), going).gone == [ID]
    assert Tried(BIND, Conflict("changed"), going).outcome is RecordOutcome.GONE
    (event,) = Tried(CREATE, Conflict("exists"), going).events
    assert isinstance(event, RoomCreated)
    assert (event.outcome, event.message) == (
        RecordOutcome.FAILED,
        "the last Room cave-1 is still being deleted, its finalizers keep it: example.org/backup",
    )
