"""Objects turned into the core's events, its statuses into objects': nothing lost, nothing refused."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roomfleet.master.core.model import (
    Condition,
    ConditionStatus,
    FleetStatus,
    Key,
    Phase,
    RoomStatus,
    Strategy,
    TemplateStatus,
)
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.validate import check_status, complete
from roomfleet.master.shapes import (
    accepted_conditions,
    fleet_applied,
    fleet_status,
    read_status,
    room_applied,
    room_status,
    stamped,
    template_applied,
    template_status,
)
from roomfleet.wire.spec import Arrivals, Keep, OnDelete, RoomSpec

KEY = Key("walkabout", "town")
NOW, LATER = "2026-11-21T12:00:00Z", "2026-11-21T12:00:07Z"
API_VERSION = "roomfleet.io/v1alpha1"
ROOM, FLEET, TEMPLATE = (
    installed_kinds().of(API_VERSION, kind) for kind in ("Room", "RoomFleet", "InstancedRoom")
)


def room(status: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A Room object as an API server gives it; `changes` to its metadata."""
    metadata = {"name": "town", "uid": "u1", "generation": 3, "resourceVersion": "77", **changes}
    found: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "Room", "metadata": metadata}
    found["spec"] = {"map": "map1.town"}
    return found if status is None else {**found, "status": status}


def stored(obj: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """The object after a merge patch of its status, as it comes back over the wire."""
    merged = {**(obj.get("status") or {}), **status}
    kept = {field: value for field, value in merged.items() if value is not None}
    found: dict[str, Any] = json.loads(json.dumps({**obj, "status": kept}))
    return found


times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
)
counts = st.integers(0, 2**31 - 1)
reasons = st.text(string.ascii_letters, min_size=1, max_size=20)
messages = st.text(max_size=30)
statuses_of_conditions = st.sampled_from(ConditionStatus)


def conditions(*types: str) -> st.SearchStrategy[tuple[Condition, ...]]:
    """Some of these types, each once."""
    one = st.builds(Condition, st.sampled_from(types), statuses_of_conditions, reasons, messages)
    return st.lists(one, max_size=len(types), unique_by=lambda condition: condition.type).map(tuple)


room_statuses = st.builds(
    RoomStatus,
    phase=st.sampled_from(Phase),
    node=st.just("") | st.from_regex(r"[a-z]{1,20}-[0-9]{1,3}", fullmatch=True),
    epoch=st.integers(0, 2**52),
    players=counts,
    waiting=counts,
    saved_at=st.just("") | times,
    started_at=st.just("") | times,
    observed_generation=st.integers(0, 2**63 - 1),
    message=messages,
    conditions=conditions("Ready", "Placed", "Saved"),
)
fleet_statuses = st.builds(
    FleetStatus,
    nodes=counts,
    ready=counts,
    rooms=counts,
    players=counts,
    observed_generation=st.integers(0, 2**63 - 1),
    conditions=conditions("Ready", "Full"),
)
accepted = st.just([]) | st.builds(
    lambda status, at: [
        {
            "type": "Accepted",
            "status": status.value,
            "reason": "NotYetSupported",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": at,
        }
    ],
    statuses_of_conditions,
    times,
)

# -- statuses


@given(room_statuses, room_statuses, accepted)
def test_a_status_is_read_back_as_it_was_written_whatever_was_there_before(
    before: RoomStatus, after: RoomStatus, others: list[dict[str, Any]]
) -> None:
    old = stored(room({"conditions": others}), room_status(before, room({"conditions": others}), NOW))
    new = stored(old, room_status(after, old, LATER))
    assert read_status(new["status"]) == after
    kept = [condition for condition in new["status"]["conditions"] if condition["type"] == "Accepted"]
    assert kept == others, "the one condition that is not the core's stays"


@given(room_statuses, room_statuses)
def test_written_twice_is_written_once(before: RoomStatus, after: RoomStatus) -> None:
    old = stored(room(), room_status(before, room(), NOW))
    once = room_status(after, old, LATER)
    assert room_status(after, stored(old, once), "2026-11-21T13:00:00Z") == once


@given(room_statuses, st.sampled_from(["message", "condition", "both"]), st.integers(1, 5))
def test_no_status_is_one_that_the_schema_refuses(status: RoomStatus, long: str, times: int) -> None:
    text = "a reason that goes on and ön " * 500 * times  # a script's error may be of any length
    if long != "condition":
        status = replace(status, message=text)
    if long != "message":
        status = replace(status, conditions=(Condition("Ready", ConditionStatus.FALSE, "Failed", text),))
    written = stored(room(), room_status(status, room(), NOW))
    check_status(ROOM, complete(ROOM, written))
    message = written["status"]["message"]
    assert status.message == message or (len(message) == 4096 and status.message.startswith(message[:-1]))


@given(fleet_statuses)
def test_nor_is_a_fleet_s(status: FleetStatus) -> None:
    obj = {"apiVersion": API_VERSION, "kind": "RoomFleet", "metadata": {"name": "default"}, "spec": {}}
    written = stored(obj, fleet_status(status, obj, NOW))
    check_status(FLEET, complete(FLEET, written))
    assert {condition["type"] for condition in written["status"]["conditions"]} == {
        condition.type for condition in status.conditions
    }
    assert written["status"]["nodes"] == status.nodes


def test_who_waits_for_an_instance_is_read_back_as_it_was_written() -> None:
    obj: dict[str, Any] = {**room(), "kind": "InstancedRoom", "spec": {"template": {"spec": {"map": "m.r"}}}}
    status = template_status(TemplateStatus(instances=3, waiting=7, selector="a=b"), obj, NOW)
    check_status(TEMPLATE, complete(TEMPLATE, stored(obj, status)))
    assert template_applied(KEY, obj).waiting == 0
    assert template_applied(KEY, stored(obj, status)).waiting == 7


def test_what_a_status_lacks_has_its_default_and_an_unknown_phase_is_asleep() -> None:
    assert read_status({}) == RoomStatus()
    assert read_status({"phase": "Dancing", "epoch": 4}) == RoomStatus(epoch=4)
    assert read_status({"epoch": 2**63 - 1}) == RoomStatus(), "by hand: nothing could be started above it"
    assert read_status({"savedAt": None, "startedAt": None}) == RoomStatus()


# -- conditions


@given(conditions("Ready", "Placed"), conditions("Ready", "Placed"))
def test_a_transition_time_moves_when_the_status_does_and_only_then(
    before: tuple[Condition, ...], after: tuple[Condition, ...]
) -> None:
    known = stamped(before, 1, [], NOW)
    assert all(condition["lastTransitionTime"] == NOW for condition in known)
    held = {condition.type: condition.status for condition in before}
    for wanted, condition in zip(after, stamped(after, 2, known, LATER), strict=True):
        same = held.get(wanted.type) is wanted.status
        assert condition["lastTransitionTime"] == (NOW if same else LATER)
        assert condition["observedGeneration"] == 2
        assert (condition["reason"], condition["message"]) == (wanted.reason, wanted.message)


def test_what_was_never_asked_for_needs_no_condition() -> None:
    assert accepted_conditions(room(), NOW) is None
    assert accepted_conditions(room({"conditions": stamped([READY], 1, [], NOW)}), NOW) is None


READY = Condition("Ready", ConditionStatus.TRUE, "Running")


@given(conditions("Ready", "Placed", "Saved"))
def test_accepted_comes_with_what_is_not_done_and_turns_when_that_is_taken_back(
    others: tuple[Condition, ...],
) -> None:
    obj = room({"conditions": stamped(others, 1, [], NOW)})
    obj["kind"], obj["spec"] = "RoomFleet", {"ingress": {}}
    first = accepted_conditions(obj, NOW)
    assert first is not None
    *kept, said = first
    assert kept == obj["status"]["conditions"]
    assert (said["type"], said["status"], said["lastTransitionTime"]) == ("Accepted", "False", NOW)
    assert "spec.ingress" in said["message"]
    obj["status"]["conditions"] = first
    assert accepted_conditions(obj, LATER) is None, "it is so already"
    del obj["spec"]["ingress"]
    second = accepted_conditions(obj, LATER)
    assert second is not None
    assert (second[-1]["status"], second[-1]["lastTransitionTime"]) == ("True", LATER)
    obj["status"]["conditions"] = second
    assert accepted_conditions(obj, LATER) is None


# -- events


def test_a_room_with_nothing_but_a_map_has_the_schema_s_defaults() -> None:
    event = room_applied(KEY, room())
    assert (event.key, event.uid, event.generation, event.version) == (KEY, "u1", 3, "77")
    assert event.spec == RoomSpec(map="map1.town")
    assert event.status == RoomStatus()
    assert not event.entry
    assert room_applied(KEY, complete(ROOM, room())) == event, "code and schema agree"


def test_a_fleet_is_read_with_the_schema_s_defaults() -> None:
    obj = {"apiVersion": API_VERSION, "kind": "RoomFleet", "metadata": {"generation": 2}, "spec": {}}
    obj = complete(FLEET, obj)
    event = fleet_applied(KEY, obj)
    assert (event.key, event.generation) == (KEY, 2)
    for field, value in msgspec.json.decode(msgspec.json.encode(event.spec)).items():
        assert value == obj["spec"].get(field, [])


@given(
    st.builds(
        RoomSpec,
        map=st.just("m.r"),
        capacity=counts,
        bored_after_seconds=counts,
        keep=st.sampled_from(Keep),
        arrivals=st.sampled_from(Arrivals),
        on_delete=st.sampled_from(OnDelete),
        state=st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    )
)
def test_a_spec_is_read_as_it_was_meant(spec: RoomSpec) -> None:
    assert room_applied(KEY, {**room(), "spec": msgspec.to_builtins(spec)}).spec == spec


@pytest.mark.parametrize(
    ("annotations", "entry"),
    [
        ({"roomfleet.io/entry": "true"}, True),
        ({"roomfleet.io/entry": "false"}, False),
        ({"roomfleet.io/entry": "True"}, False),
        ({"entry": "true"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_the_annotation_true_makes_an_entry_room(
    annotations: dict[str, str] | None, entry: bool
) -> None:
    assert room_applied(KEY, room(annotations=annotations)).entry is entry


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "map"),
        ({"map": 1}, "map"),
        ({"map": "m.r", "keep": "Ever"}, "keep"),
        ({"map": "m.r", "capacity": "9"}, "capacity"),
    ],
)
def test_a_spec_that_is_not_understood_is_refused_with_the_field_s_name(
    spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        room_applied(KEY, {**room(), "spec": spec})


def test_a_field_of_a_later_version_is_passed_over() -> None:
    assert room_applied(KEY, {**room(), "spec": {"map": "m.r", "weather": "fine"}}).spec == RoomSpec(
        map="m.r"
    )
    fleet = {"metadata": {"generation": 1}, "spec": {"strategy": "Distributed", "colour": "red"}}
    assert fleet_applied(KEY, fleet).spec.strategy is Strategy.DISTRIBUTED
