"""`InstancedRoom.status` as it should read, from counts that are kept as rooms change."""

from __future__ import annotations

from msgspec.structs import replace

from roomfleet.master.core.effects import WriteTemplateStatus
from roomfleet.master.core.model import Condition, ConditionStatus, TemplateSpec, TemplateStatus, WhenBored
from roomfleet.master.core.state import Child, Room, Template
from roomfleet.master.core.world import World
from roomfleet.wire.spec import INSTANCE_OF_LABEL, WARM_LABEL, Keep


def count(world: World, room: Room) -> None:
    """The room was reconciled: what of it counts in its template."""
    child = room.child
    if child is None:
        return
    running = room.running and not room.gone
    account(world, child.template, child, (running, running and child.key is None, room.players))


def account(world: World, template: Template, child: Child, counts: tuple[int, int, int]) -> None:
    """Bring the template's counts in line with one child's."""
    if counts == child.counted:
        return
    template.running += counts[0] - child.counted[0]
    template.warm += counts[1] - child.counted[1]
    template.players += counts[2] - child.counted[2]
    child.counted = counts
    world.look_at_template(template)


def publish(world: World, template: Template, spec: TemplateSpec) -> None:
    """Have the status written if it changed."""
    if not world.synced:
        return
    before, after = template.written, status_of(template, spec)
    if before == after:
        return
    urgent = before is None or _without_counts(before) != _without_counts(after)
    if template.line.outgrew_record(after.waiting, written_now=urgent):
        urgent = True
    template.written = after
    world.do(WriteTemplateStatus(template.key, template.uid, after, urgent))


def publish_fault(world: World, template: Template, text: str) -> None:
    """Say on the object that reconciling it failed; the next reconcile that goes well says what is."""
    ready = Condition("Ready", ConditionStatus.FALSE, "InternalError", text)
    after = replace(template.written or TemplateStatus(), message=text, conditions=(ready,))
    if template.spec is None or after == template.written:
        return
    template.written = after
    world.do(WriteTemplateStatus(template.key, template.uid, after, urgent=True))


def status_of(template: Template, spec: TemplateSpec) -> TemplateStatus:
    """What the object should say now."""
    reason, message = _trouble(template, spec)
    serves = ConditionStatus.FALSE if reason else ConditionStatus.TRUE
    ready = Condition("Ready", serves, reason or "Serving", message)
    return TemplateStatus(
        instances=len(template.rooms),
        running=template.running,
        warm=template.warm,
        players=template.players,
        waiting=template.line.players if template.blocked else 0,
        selector=f"{INSTANCE_OF_LABEL}={template.key.name},{WARM_LABEL}=true",
        observed_generation=template.generation,
        message=message or note(spec),
        conditions=(ready,),
    )


def full(template: Template, spec: TemplateSpec) -> str:
    """That there may be no more instances, and what to do."""
    return f"all {spec.max_instances} instances exist: raise maxInstances, or lower boredAfterSeconds" + (
        " or warm" if spec.warm else ""
    )


def _trouble(template: Template, spec: TemplateSpec) -> tuple[str, str]:
    """A reason and a message why joins are not served; empty when they are."""
    if template.problem:
        return "Refused", template.problem
    if spec.template.spec.keep is Keep.NEVER:
        return "Closed", "closed: the template says keep: Never"
    if template.fault:
        return "CannotMakeInstances", template.fault
    if template.line.joins and len(template.rooms) >= spec.max_instances:
        return "Full", f"joins wait: {full(template, spec)}"
    return "", ""


def note(spec: TemplateSpec) -> str:
    """What is served, but perhaps not as was meant."""
    if spec.warm and spec.keep_data and spec.when_bored is WhenBored.DELETE:
        return (
            "no instances are kept warm: with keepData and whenBored: Delete the saved data of a key hang on"
            " the name that is made from it; whenBored: Sleep goes with warm"
        )
    return ""


def _without_counts(status: TemplateStatus) -> TemplateStatus:
    return replace(status, instances=0, running=0, warm=0, players=0, waiting=0)
