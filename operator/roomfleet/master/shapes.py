"""Objects as Kubernetes has them, and the core's events and statuses: one turned into the other. Pure.

What the adapters for a laptop and for a cluster share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from roomfleet.master.accepted import REASON, not_yet_supported
from roomfleet.master.core.effects import BindRoom, CreateRoom
from roomfleet.master.core.events import FleetApplied, RoomApplied, TemplateApplied
from roomfleet.master.core.instancing.template_status import note
from roomfleet.master.core.model import (
    Condition,
    ConditionStatus,
    FleetSpec,
    FleetStatus,
    Instance,
    Key,
    Phase,
    RoomStatus,
    TemplateSpec,
    TemplateStatus,
)
from roomfleet.wire.spec import (
    ENTRY_ANNOTATION,
    INSTANCE_OF_LABEL,
    KEY_ANNOTATION,
    WARM_LABEL,
    RoomSpec,
)

API_VERSION = "roomfleet.io/v1alpha1"
TEMPLATE_KIND = "InstancedRoom"

Json = dict[str, Any]

ACCEPTED = "Accepted"
"""The one condition that is not the core's: what the spec asks for and this version cannot do."""

MOST_EPOCHS = 2**52
"""A higher one was written by hand, and counts as lost: the store knows better."""

MESSAGE_LENGTH, CONDITION_MESSAGE_LENGTH = 4_096, 32_768
"""Characters that the CRDs allow. Scripts' errors may say more; a longer message would be refused together
with all else that the status has to say.
"""


def room_applied(key: Key, obj: Mapping[str, Any]) -> RoomApplied:
    """What the core is told of a Room object. Raises msgspec.ValidationError for a spec without a schema's
    help, naming the field.
    """
    metadata = obj["metadata"]
    return RoomApplied(
        key=key,
        uid=metadata["uid"],
        generation=metadata["generation"],
        version=metadata["resourceVersion"],
        spec=msgspec.convert(obj["spec"], RoomSpec),
        entry=(metadata.get("annotations") or {}).get(ENTRY_ANNOTATION) == "true",
        status=read_status(obj.get("status") or {}),
        instance=instance_of(obj),
    )


def instance_of(obj: Mapping[str, Any]) -> Instance | None:
    """Of which InstancedRoom the Room is a child, by its owner reference."""
    metadata = obj["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner["kind"] == TEMPLATE_KIND and owner["apiVersion"] == API_VERSION:
            key = (metadata.get("annotations") or {}).get(KEY_ANNOTATION)
            return Instance(owner["name"], owner["uid"], key)
    return None


def template_applied(key: Key, obj: Mapping[str, Any]) -> TemplateApplied:
    """What the core is told of an InstancedRoom object. Raises like `room_applied`."""
    metadata = obj["metadata"]
    spec = msgspec.convert(obj["spec"], TemplateSpec)
    waiting = (obj.get("status") or {}).get("waiting", 0)
    return TemplateApplied(key, metadata["uid"], metadata["generation"], spec, waiting=waiting)


def scale_note(obj: Mapping[str, Any]) -> str:
    """Why it does not help to scale the object, in the words of its status; empty: it does."""
    if obj["kind"] != "InstancedRoom":
        return ""
    return note(msgspec.convert(obj["spec"], TemplateSpec))


def child_room(create: CreateRoom) -> Json:
    """The Room object to make of an InstancedRoom."""
    labels = {**create.labels, INSTANCE_OF_LABEL: create.template}
    annotations = dict(create.annotations)
    if create.instance_key is None:
        labels[WARM_LABEL] = "true"
    else:
        annotations[KEY_ANNOTATION] = create.instance_key
    owner = {
        "apiVersion": API_VERSION,
        "kind": TEMPLATE_KIND,
        "name": create.template,
        "uid": create.template_uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    spec = {field: value for field, value in msgspec.to_builtins(create.spec).items() if value != ""}
    return {
        "apiVersion": API_VERSION,
        "kind": "Room",
        "metadata": {
            "name": create.key.name,
            "namespace": create.key.game,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner],
        },
        "spec": spec,
    }


def binding_patch(bind: BindRoom) -> Json:
    """What gives a warm instance its key: a merge patch with its preconditions."""
    return {
        "metadata": {
            "resourceVersion": bind.version,
            "uid": bind.uid,
            "labels": {WARM_LABEL: None},
            "annotations": {KEY_ANNOTATION: bind.instance_key},
        },
        "spec": {"onDelete": bind.on_delete.value},
    }


def is_bound(bind: BindRoom, obj: Mapping[str, Any]) -> bool:
    """Whether the object has the key that it was to get."""
    instance = instance_of(obj)
    return obj["metadata"]["uid"] == bind.uid and instance is not None and instance.key == bind.instance_key


def template_status(status: TemplateStatus, obj: Mapping[str, Any], now: str) -> Json:
    """The status to put on the InstancedRoom object, as it is known."""
    return {
        "instances": status.instances,
        "running": status.running,
        "warm": status.warm,
        "players": status.players,
        "waiting": status.waiting,
        "selector": status.selector,
        "observedGeneration": status.observed_generation,
        "message": _cut(status.message, MESSAGE_LENGTH),
        "conditions": _conditions(status.conditions, status.observed_generation, obj, now),
    }


def fleet_applied(key: Key, obj: Mapping[str, Any]) -> FleetApplied:
    """What the core is told of a RoomFleet object."""
    return FleetApplied(key, obj["metadata"]["generation"], msgspec.convert(obj["spec"], FleetSpec))


def read_status(status: Mapping[str, Any]) -> RoomStatus:
    """A Room's status as the core reads it; what is missing has its default."""
    phase, epoch = status.get("phase", ""), status.get("epoch", 0)
    return RoomStatus(
        phase=Phase(phase) if phase in set(Phase) else Phase.ASLEEP,
        node=status.get("node", ""),
        epoch=epoch if 0 <= epoch <= MOST_EPOCHS else 0,
        players=status.get("players", 0),
        waiting=status.get("waiting", 0),
        saved_at=status.get("savedAt") or "",
        started_at=status.get("startedAt") or "",
        observed_generation=status.get("observedGeneration", 0),
        message=status.get("message", ""),
        conditions=tuple(
            Condition(
                condition["type"],
                ConditionStatus(condition["status"]),
                condition["reason"],
                condition.get("message", ""),
            )
            for condition in status.get("conditions", [])
            if condition["type"] != ACCEPTED
        ),
    )


def room_status(status: RoomStatus, obj: Mapping[str, Any], now: str) -> Json:
    """The status to put on the Room object, as it is known; None removes a field.

    `now`: RFC 3339, the time of conditions that change.
    """
    return {
        "phase": status.phase.value,
        "node": status.node,
        "epoch": status.epoch,
        "players": status.players,
        "waiting": status.waiting,
        "savedAt": status.saved_at or None,
        "startedAt": status.started_at or None,
        "observedGeneration": status.observed_generation,
        "message": _cut(status.message, MESSAGE_LENGTH),
        "conditions": _conditions(status.conditions, status.observed_generation, obj, now),
    }


def fleet_status(status: FleetStatus, obj: Mapping[str, Any], now: str) -> Json:
    """The status to put on the RoomFleet object, as it is known."""
    return {
        "nodes": status.nodes,
        "ready": status.ready,
        "rooms": status.rooms,
        "players": status.players,
        "message": _cut(status.message, MESSAGE_LENGTH),
        "observedGeneration": status.observed_generation,
        "conditions": _conditions(status.conditions, status.observed_generation, obj, now),
    }


def accepted_conditions(obj: Mapping[str, Any], now: str) -> list[Json] | None:
    """All the object's conditions with Accepted as it should be; None: it is so already.

    An object that never asked for what is not done has no such condition.
    """
    conditions: list[Json] = (obj.get("status") or {}).get("conditions", [])
    missing = not_yet_supported(obj)
    if not missing and not any(condition["type"] == ACCEPTED for condition in conditions):
        return None
    accepted = (
        Condition(ACCEPTED, ConditionStatus.FALSE, REASON, "; ".join(missing))
        if missing
        else Condition(ACCEPTED, ConditionStatus.TRUE, "Supported")
    )
    kept = [condition for condition in conditions if condition["type"] != ACCEPTED]
    wanted = [*kept, *stamped([accepted], obj["metadata"]["generation"], conditions, now)]
    return None if wanted == conditions else wanted


def _conditions(wanted: Iterable[Condition], generation: int, obj: Mapping[str, Any], now: str) -> list[Json]:
    known: list[Json] = (obj.get("status") or {}).get("conditions", [])
    others = [condition for condition in known if condition["type"] == ACCEPTED]
    return [*stamped(wanted, generation, known, now), *others]


def stamped(wanted: Iterable[Condition], generation: int, known: Iterable[Json], now: str) -> list[Json]:
    """As metav1.Condition: the transition time moves only when the status does."""
    before = {condition["type"]: condition for condition in known}
    result = []
    for condition in wanted:
        old = before.get(condition.type)
        same = old is not None and old["status"] == condition.status.value
        result.append(
            {
                "type": condition.type,
                "status": condition.status.value,
                "reason": condition.reason,
                "message": _cut(condition.message, CONDITION_MESSAGE_LENGTH),
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if same and old is not None else now,
            }
        )
    return result


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
