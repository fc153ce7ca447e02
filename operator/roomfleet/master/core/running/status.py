"""`Room.status` as it should read: phase, message and the conditions Ready, Placed and Saved."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from roomfleet.master.core.effects import Announce, WriteStatus
from roomfleet.master.core.model import Condition, ConditionStatus, Phase, RoomStatus
from roomfleet.master.core.state import Fleet, MoveStage, Place, Room, Stage, Tally
from roomfleet.master.core.world import World
from roomfleet.wire.spec import Keep

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def rfc3339(at: float) -> str:
    """A time (s since 1970) as Kubernetes writes it."""
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def no_space(fleet: Fleet) -> str:
    """Why the fleet has no node for a room, and what to do."""
    name = fleet.key.name
    if fleet.spec is None:
        return f"there is no RoomFleet {name}: apply one, or name another in spec.fleet"
    if len(fleet.nodes) < fleet.spec.max_nodes:
        return f"fleet {name} has no node with space: one more is being started"
    return f"fleet {name} is full at {fleet.spec.max_nodes} nodes: raise maxNodes or roomsPerNode"


def phase_of(room: Room) -> Phase:
    """The summary of where the room is."""
    place = room.place
    if place is not None:
        return Phase.RUNNING if moves_to(room) is not None else _PHASES[place.stage]
    if room.failure is not None or room.problem:
        return Phase.FAILED
    return Phase.QUEUED if room.awake else Phase.ASLEEP


def moves_to(room: Room) -> tuple[str, str, int] | None:
    """Of a room that is being handed over: the old node, the new one, and its epoch there."""
    place, move = room.place, room.move
    if place is None:
        return None
    if move is not None and move.stage in (MoveStage.RECORDING, MoveStage.HANDING_OVER):
        return (move.moved_from, move.node.key.name, move.epoch)
    if place.moved_from and place.stage is Stage.STARTING:
        return (place.moved_from, place.node.key.name, place.epoch)
    return None


def recorded(room: Room, node: str, epoch: int) -> RoomStatus:
    """The status that is written ahead of starting the room on the node."""
    reason, message = "Starting", f"{node} is starting the room"
    conditions = (
        Condition("Ready", FALSE, reason, message),
        Condition("Placed", TRUE, "Recorded", f"on {node} with epoch {epoch}"),
        _saved(room),
    )
    return RoomStatus(
        phase=Phase.STARTING,
        node=node,
        epoch=epoch,
        waiting=room.waiting,
        saved_at=room.saved_at,
        observed_generation=room.generation,
        message=message,
        conditions=conditions,
    )


def status_of(room: Room) -> RoomStatus:
    """What the object should say now."""
    place = room.place
    phase = phase_of(room)
    moving = moves_to(room)
    reason, message = _reason(room, place, phase, moving)
    on = place if place is not None and place.stage is not Stage.RECORDING else None
    node, epoch = (on.node.key.name, on.epoch) if on is not None else ("", room.highest)
    if moving is not None:
        _, node, epoch = moving
    ready = phase is Phase.RUNNING and on is not None and on.node.is_up and moving is None
    placed = f"on {node} with epoch {epoch}" if on is not None else message
    conditions = (
        _READY if ready else Condition("Ready", FALSE, reason, message),
        Condition("Placed", TRUE if on else FALSE, "Recorded" if on else reason, placed),
        _saved(room),
    )
    return RoomStatus(
        phase=phase,
        node=node,
        epoch=epoch,
        players=room.players,
        waiting=room.waiting,
        saved_at=room.saved_at,
        started_at=room.started_at,
        observed_generation=room.generation,
        message="" if ready else message,
        conditions=conditions,
    )


def publish(world: World, room: Room, phase: Phase) -> None:
    """Have the status written if it changed; a room whose Record is on its way or due is left to that."""
    place = room.place
    if room.gone or room.recording is not None or (place is not None and place.stage is Stage.UNHEARD):
        return
    if room.move is not None and room.move.stage is MoveStage.RECORDING:
        return
    if place is None and room.awake and room.held_back(world.now):
        return
    if phase is not Phase.RUNNING:
        room.started_at = ""
    before, after = room.written, status_of(room)
    if before == after:
        return
    urgent = before is None or not _same_but_counts(before, after)
    if room.line is not None and room.line.outgrew_record(room.line.players, written_now=urgent):
        urgent = True
    if not urgent and before is not None and _counts(before) == _counts(after):
        return
    room.written = after
    world.do(WriteStatus(room.key, after, urgent, room.uid))
    if before is not None and before.phase is not after.phase:
        failed = after.phase is Phase.FAILED
        world.do(Announce(room.key, after.phase.value, announcement(after), warning=failed))


def tally(room: Room, phase: Phase | None) -> None:
    """Count the room in its fleet's rooms of that phase, and in no other; None: nowhere."""
    tally = None
    if phase is not None:
        phases = room.fleet.phases
        tally = phases.get(phase) or phases.setdefault(phase, Tally())
    if tally is room.tally:
        return
    if room.tally is not None:
        room.tally.rooms -= 1
    if tally is not None:
        tally.rooms += 1
    room.tally = tally


def announcement(status: RoomStatus) -> str:
    """What a phase change says as an event."""
    if status.phase is Phase.RUNNING:
        return f"runs on {status.node} with epoch {status.epoch}"
    return status.message or status.phase.value


def publish_fault(world: World, room: Room, text: str) -> None:
    """Say on the object that reconciling it failed, without trusting anything else of the room."""
    before = room.written or RoomStatus()
    others = tuple(condition for condition in before.conditions if condition.type != "Ready")
    ready = Condition("Ready", FALSE, "InternalError", text)
    after = replace(before, message=text, conditions=(ready, *others))
    if room.gone or room.recording is not None or after == room.written:
        return
    room.written = after
    world.do(WriteStatus(room.key, after, urgent=True, uid=room.uid))


def _counts(status: RoomStatus) -> tuple[int, int]:
    return (status.players, status.waiting)


def _same_but_counts(one: RoomStatus, other: RoomStatus) -> bool:
    return (
        one.phase is other.phase
        and one.epoch == other.epoch
        and one.node == other.node
        and one.message == other.message
        and one.started_at == other.started_at
        and one.observed_generation == other.observed_generation
        and one.conditions == other.conditions
    )


_READY = Condition("Ready", TRUE, "Running")
_SAVED = Condition("Saved", TRUE, "Saved")
_NOT_SAVED = Condition("Saved", FALSE, "StoreDoesNotAnswer", "the store does not take this room's saves")
_NEVER_SAVED = Condition("Saved", UNKNOWN, "NeverSaved", "nothing was saved yet")


def _saved(room: Room) -> Condition:
    if not room.saved:
        return _NOT_SAVED
    return _SAVED if room.saved_at else _NEVER_SAVED


def _reason(
    room: Room, place: Place | None, phase: Phase, moving: tuple[str, str, int] | None
) -> tuple[str, str]:
    """A condition's reason and message for the phase."""
    if phase is Phase.FAILED:
        if room.problem:
            return "NotYetSupported", room.problem
        return "StartFailed", room.failure.message if room.failure is not None else ""
    if phase is Phase.ASLEEP:
        if room.spec.keep is Keep.NEVER:
            return "Closed", "closed: keep is Never"
        return "Asleep", ""
    if phase is Phase.QUEUED:
        if room.queued_for:
            return "NoSpace", room.queued_for
        return "Queued", "waits for its place to be recorded"
    if moving is not None:
        return "Moving", f"moves from {moving[0]} to {moving[1]}"
    node = place.node if place is not None else None
    name = node.key.name if node is not None else ""
    if phase is Phase.STARTING:
        return "Starting", f"{name} is starting the room"
    if phase is Phase.STOPPING:
        return "Stopping", f"{name} saves and stops the room"
    if node is not None and not node.is_up:
        return "NodeSilent", f"the link of {name} is down"
    return "Running", ""


_PHASES = {
    Stage.UNHEARD: Phase.RUNNING,
    Stage.RECORDING: Phase.QUEUED,
    Stage.STARTING: Phase.STARTING,
    Stage.RUNNING: Phase.RUNNING,
    Stage.STOPPING: Phase.STOPPING,
}
