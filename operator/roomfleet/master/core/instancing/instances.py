"""InstancedRooms: their children, one for each key, and the warm ones that wait for a key (DESIGN 4).

What there is follows from the objects alone: which Room is whose instance, and for which key, stands on the
Rooms. A Room is made, or a warm one gets its key, before anybody who asked for it is answered; until the
object shows it the same effect is said again, and making what is there already is a success.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from msgspec.structs import replace as replaced

from roomfleet.master.core.effects import BindRoom, CreateRoom
from roomfleet.master.core.events import (
    RecordOutcome,
    RoomBound,
    RoomCreated,
    TemplateApplied,
    TemplateDeleted,
)
from roomfleet.master.core.instancing.ending import FAILED_SECONDS
from roomfleet.master.core.instancing.template_status import account, publish
from roomfleet.master.core.joining.line import Join
from roomfleet.master.core.model import Instance, Key, TemplateSpec, WhenBored
from roomfleet.master.core.queueing.queue import Lane, backoff
from roomfleet.master.core.state import Child, Making, Room, Template
from roomfleet.master.core.world import Alarm, World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import Keep, OnDelete, RoomSpec

SAY_AGAIN_SECONDS = 15.0
"""A CreateRoom or BindRoom without an answer is said again that often."""
CONFLICT_SECONDS = 0.2
"""A warm instance that changed under a BindRoom is bound again after that."""
WARM_AT_ONCE = 10
"""So many warm instances are made in one step; the next step follows when one of them is there."""
ENDED_KEPT = 10_000
"""Keys of deleted instances that are remembered in each game."""

MoveOn = Callable[[World, Join, Room], None]
"""Puts a join into a room's line, or refuses it."""


# -- what objects say --------------------------------------------------------------------------------------


def applied(world: World, event: TemplateApplied) -> None:
    """The object as it now is."""
    template = world.template(event.key)
    if template.spec is None and not world.synced:
        template.line.returning.recorded(event.waiting)
    world.game(event.key.game).templates.add(event.key.name)
    if template.uid != event.uid:
        template.uid = event.uid
        for room in [room for room in template.rooms.values() if _uid(room) != event.uid]:
            detach(world, room)
        template.creating.clear()
        template.binding.clear()
        template.written = None
        template.retries, template.retry_at, template.fault = 0, 0.0, ""
    if template.spec != event.spec:
        template.retry_at = 0.0
        for room in template.rooms.values():
            world.look_at(room)
    template.generation, template.spec, template.problem = event.generation, event.spec, event.problem
    world.look_at_template(template)


def deleted(world: World, event: TemplateDeleted) -> None:
    """The object is gone, and its children go: nobody waits for one any more."""
    template = world.templates.get(event.key)
    if template is None or template.uid != event.uid:
        return
    template.spec = None
    world.game(event.key.game).templates.discard(event.key.name)
    template.creating.clear()
    template.binding.clear()
    world.look_at_template(template)


def child_applied(world: World, room: Room, instance: Instance | None) -> None:
    """Whose instance the Room is, as the object says."""
    child = room.child
    if instance is None:
        if child is not None:
            detach(world, room)
        return
    template = world.template(Key(room.key.game, instance.template))
    if child is not None and (child.template is not template or child.uid != instance.template_uid):
        detach(world, room)
        child = None
    if template.uid not in ("", instance.template_uid):
        return  # a child of one that was deleted; it goes as well
    if child is None:
        _out_of_the_way(world, room)
        child = room.child = Child(template, instance.template_uid, None, world.now)
        template.rooms[room.key.name] = room
        template.unkeyed[room.key.name] = room
        template.creating.pop(room.key.name, None)
        world.game(room.key.game).ended.pop(room.key.name, None)
    if instance.key is not None and child.key != instance.key:
        _has_key(world, room, child, instance.key)
    elif child.key is None:
        world.look_at_template(template)


def detach(world: World, room: Room) -> None:
    """The Room is nobody's instance any more, or gone."""
    child, room.child = room.child, None
    if child is None:
        _out_of_the_way(world, room)
        return
    template = child.template
    account(world, template, child, (0, 0, 0))
    template.rooms.pop(room.key.name, None)
    template.unkeyed.pop(room.key.name, None)
    _give_up_key(template, room, child.key)
    for key, making in list(template.binding.items()):
        if making.effect.key == room.key:
            del template.binding[key]
    world.look_at_template(template)


def _out_of_the_way(world: World, room: Room) -> None:
    """A Room that was no instance has gone: its name may be what an instance waits for."""
    if (template := world.in_the_way.pop(room.key, None)) is not None:
        template.fault = ""
        world.look_at_template(template)


def child_gone(world: World, room: Room) -> None:
    """The Room's object was deleted. Its key is remembered, for who comes back to it."""
    child = room.child
    if child is None:
        _out_of_the_way(world, room)
        return
    if child.key is not None:
        ended = world.game(room.key.game).ended
        ended[room.key.name] = (child.template.key.name, child.key)
        if len(ended) > ENDED_KEPT:
            ended.popitem(last=False)
    child.template.line.departures.left(1, world.now)
    child.template.line.tell_all()
    detach(world, room)


def created(world: World, event: RoomCreated) -> None:
    """A Room could not be made, or is about to be told."""
    template = world.templates.get(Key(event.create.key.game, event.create.template))
    making = template.creating.get(event.create.key.name) if template is not None else None
    if template is None or making is None or making.effect != event.create:
        return
    if event.outcome is RecordOutcome.WRITTEN:
        return
    if event.outcome is RecordOutcome.FAILED:
        # Perhaps it is made: it counts until that is known.
        template.retries += 1
        template.retry_at = world.now + backoff(template.retries, world.rng)
        making.said = template.retry_at - SAY_AGAIN_SECONDS
        template.fault = event.message
    else:
        del template.creating[event.create.key.name]
    world.look_at_template(template)


def bound(world: World, event: RoomBound) -> None:
    """A warm instance has its key, or not."""
    room = world.rooms.get(event.bind.key)
    child = room.child if room is not None else None
    if room is None or child is None or room.uid != event.bind.uid:
        return
    template, key = child.template, event.bind.instance_key
    making = template.binding.get(key)
    if making is None or making.effect != event.bind:
        return
    match event.outcome:
        case RecordOutcome.WRITTEN:
            room.version = event.version or room.version
            _has_key(world, room, child, key)
        case RecordOutcome.CONFLICT:
            del template.binding[key]
            child.held_until = world.now + CONFLICT_SECONDS
        case RecordOutcome.GONE:
            room.gone = True
            detach(world, room)
            world.look_at(room, Lane.URGENT)
        case RecordOutcome.FAILED:
            # Perhaps it has the key now: no other room may get it.
            template.retries += 1
            making.said = world.now - SAY_AGAIN_SECONDS + backoff(template.retries, world.rng)
    world.look_at_template(template)


# -- reconciling -------------------------------------------------------------------------------------------


def reconcile(world: World, template: Template, move_on: MoveOn) -> None:
    """Bring the instances nearer to what they should be, and those in line to theirs."""
    spec = template.spec
    if spec is None:
        detail = f"the InstancedRoom {template.key.name} was deleted"
        world.refuse_all(template.line.joins, Refusal.NO_SUCH_ROOM, detail)
        if not template.rooms:
            del world.templates[template.key]
            world.timers.set(Alarm("template", template.key), None)
        return
    refusal = refusal_of(template)
    if refusal is not None:
        world.refuse_all(template.line.joins, *refusal)
    _say_again(world, template)
    _serve_line(world, template, spec, move_on)
    _keep_warm(world, template, spec)
    publish(world, template, spec)


def instance_of(template: Template, key: str) -> Room | None:
    """The Room that players of that key go to, if there is one that stays."""
    room = template.by_key.get(key)
    if room is None or room.gone or room.child is None or room.child.deleting_at is not None:
        return None
    return room


def is_double(room: Room) -> bool:
    """Whether another room is the one for its key."""
    return room.child is not None and room.key.name in room.child.template.doubles


def refusal_of(template: Template) -> tuple[Refusal, str] | None:
    """Why no instance is made, if so."""
    name = template.key.name
    if template.spec is None:
        return Refusal.NO_SUCH_ROOM, f"the game {template.key.game} has no InstancedRoom {name}"
    if template.problem:
        return Refusal.ROOM_FAILED, f"the InstancedRoom {name} cannot make rooms: {template.problem}"
    if template.spec.template.spec.keep is Keep.NEVER:
        return Refusal.ROOM_CLOSED, f"the InstancedRoom {name} is closed: its template says keep: Never"
    return None


def warm_wanted(spec: TemplateSpec) -> int:
    """How many warm instances are kept. None where the data of a key are kept after its instance was deleted:
    they hang on the name that is made from the key, which a warm instance does not have.
    """
    if spec.template.spec.keep is Keep.NEVER or (spec.keep_data and spec.when_bored is WhenBored.DELETE):
        return 0
    return spec.warm


def kept_warm(room: Room) -> bool:
    """Whether the room is to run though nobody is in it: a warm instance that is still wanted."""
    child = room.child
    if child is None or child.key is not None or child.unwanted or room.gone:
        return False
    return child.template.spec is not None and child.deleting_at is None


def _serve_line(world: World, template: Template, spec: TemplateSpec, move_on: MoveOn) -> None:
    """Whoever's instance is there goes on to its line; for others one is bound or made, in their order."""
    may_give = True
    for join in list(template.line.joins):
        key = join.key or ""
        room = instance_of(template, key)
        if room is not None:
            template.line.leave(join)
            join.lined, join.told_at = None, 0.0
            move_on(world, join, room)
        elif may_give and not _under_way(world, template, key):
            missing = world.missing_before(template.line, join)
            may_give = missing < _to_give(template, spec) and _give(world, template, spec, key)
    template.blocked = not may_give


def _under_way(world: World, template: Template, key: str) -> bool:
    """Whether the key's instance is being made or bound, or the last one of its name is still to go."""
    name = instance_name(template.key.name, key)
    if key in template.binding or name in template.creating or key in template.by_key:
        return True
    other = world.rooms.get(Key(template.key.game, name))
    if other is None or other.gone:
        return False
    world.in_the_way[other.key] = template
    template.fault = f"a Room {name}, which is no instance of this InstancedRoom, is in the way: delete it"
    return True


def _to_give(template: Template, spec: TemplateSpec) -> int:
    """How many more keys can have an instance: those that may be made, and the warm ones."""
    return max(0, spec.max_instances - _count(template)) + len(_free_warm(template, spec))


def _give(world: World, template: Template, spec: TemplateSpec, key: str) -> bool:
    """A warm instance gets the key, or a new one is made. False: there may be no more."""
    warm = _best_warm(template, spec)
    if warm is not None:
        child = warm.child
        if child is not None and child.held_until <= world.now:
            on_delete = OnDelete.RETAIN if spec.keep_data else OnDelete.DELETE
            bind = BindRoom(warm.key, warm.uid, warm.version, key, on_delete)
            template.binding[key] = Making(bind, world.now)
            world.do(bind)
        return True
    if _count(template) >= spec.max_instances or world.now < template.retry_at:
        return False
    name = Key(template.key.game, instance_name(template.key.name, key))
    _create(world, template, name, key, child_spec(spec, keyed=True))
    return True


def _best_warm(template: Template, spec: TemplateSpec) -> Room | None:
    """One that runs, else one that is on the way to it."""
    free = _free_warm(template, spec)
    return min(free, key=lambda room: (not room.running, room.place is None, room.key.name), default=None)


def _free_warm(template: Template, spec: TemplateSpec) -> list[Room]:
    """Warm instances that a key may get."""
    if not warm_wanted(spec):
        return []
    wanted = child_spec(spec, keyed=False)
    binding = {making.effect.key for making in template.binding.values()}
    return [
        room
        for room in template.unkeyed.values()
        if kept_warm(room) and room.spec == wanted and room.key not in binding and room.failure is None
    ]


def _keep_warm(world: World, template: Template, spec: TemplateSpec) -> None:
    """As many warm instances as there should be, made from the template as it is now."""
    wanted, number = child_spec(spec, keyed=False), warm_wanted(spec)
    if template.problem:
        number = 0
    binding = {making.effect.key for making in template.binding.values()}
    free = [room for room in template.unkeyed.values() if kept_warm(room) and room.key not in binding]
    current = [room for room in free if room.spec == wanted]
    coming = sum(_is_warm(making) for making in template.creating.values())
    surplus = sorted(current, key=lambda room: (room.running, room.place is not None, room.key.name))
    outdated = [room for room in free if room.spec != wanted]
    outdated += [room for room in current if room.failure is not None and world.now >= _given_up_at(room)]
    for room in outdated + surplus[: max(0, len(current) + coming - number)]:
        if room.child is not None:
            room.child.unwanted = True
            world.look_at(room, Lane.URGENT)
    if world.now < template.retry_at or template.line.joins:
        return
    lacking = number - len(current) - coming
    for _ in range(min(lacking, spec.max_instances - _count(template), WARM_AT_ONCE - coming)):
        name = Key(template.key.game, f"{template.key.name}-w-{world.rng.getrandbits(50):013x}")
        _create(world, template, name, None, wanted)


def child_spec(spec: TemplateSpec, *, keyed: bool) -> RoomSpec:
    """What an instance is made as. A warm one has nothing to keep until it has a key."""
    keep = keyed and spec.keep_data
    return replaced(spec.template.spec, on_delete=OnDelete.RETAIN if keep else OnDelete.DELETE)


def _create(world: World, template: Template, name: Key, key: str | None, spec: RoomSpec) -> None:
    if template.spec is None:
        return
    metadata = template.spec.template.metadata
    effect = CreateRoom(
        name, template.key.name, template.uid, key, spec, metadata.labels, metadata.annotations
    )
    template.creating[name.name] = Making(effect, world.now)
    world.do(effect)


def _count(template: Template) -> int:
    """Instances that there are or are about to be."""
    return len(template.rooms) + len(template.creating.keys() - template.rooms.keys())


def _is_warm(making: Making) -> bool:
    return isinstance(making.effect, CreateRoom) and making.effect.instance_key is None


def _has_key(world: World, room: Room, child: Child, key: str) -> None:
    """The room is the instance of that key from now on."""
    template = child.template
    template.unkeyed.pop(room.key.name, None)
    making = template.binding.get(key)
    if making is not None and making.effect.key == room.key:
        del template.binding[key]
    if child.key is None:
        child.wanted_at = world.now
    if child.key != key:
        _give_up_key(template, room, child.key)  # somebody changed it by hand
    child.key = key
    child.unwanted = False
    _take_key(world, template, room, key)
    template.retries, template.fault = 0, ""
    world.look_at(room)  # it is not kept running for its own sake any more
    world.look_at_template(template)


def _take_key(world: World, template: Template, room: Room, key: str) -> None:
    """The room is the one for the key, unless another is: a request of a master that was ousted may have made
    a second one. While the master starts, the one that was in use is.
    """
    first = template.by_key.setdefault(key, room)
    if first is room:
        return
    if not world.synced and _use(room) > _use(first):
        template.by_key[key], room = room, first
    template.doubles[room.key.name] = room


def _give_up_key(template: Template, room: Room, key: str | None) -> None:
    """The room has the key no more: if there is another that says it, that one is the one for it."""
    template.doubles.pop(room.key.name, None)
    if key is None or template.by_key.get(key) is not room:
        return
    del template.by_key[key]
    doubles = [one for one in template.doubles.values() if one.child is not None and one.child.key == key]
    if doubles:
        template.by_key[key] = heir = max(doubles, key=_use)
        del template.doubles[heir.key.name]


def _use(room: Room) -> tuple[int, int, str]:
    """Of two rooms with the same key, the one that was in use has more of it."""
    waiting = room.written.waiting if room.written is not None else 0
    return room.recorded, waiting, room.key.name


def _say_again(world: World, template: Template) -> None:
    """What was not answered for long."""
    for making in (*template.creating.values(), *template.binding.values()):
        if world.now < making.said + SAY_AGAIN_SECONDS:
            continue
        making.said = world.now
        if isinstance(making.effect, CreateRoom) and template.spec is not None:
            spec = child_spec(template.spec, keyed=making.effect.instance_key is not None)
            making.effect = replace(making.effect, spec=spec)
        if isinstance(making.effect, BindRoom) and (room := world.rooms.get(making.effect.key)) is not None:
            making.effect = replace(making.effect, version=room.version)
        world.do(making.effect)


def next_due(world: World, template: Template) -> float | None:
    """When it is to be reconciled again, if nothing happens."""
    dues = [making.said + SAY_AGAIN_SECONDS for making in template.creating.values()]
    dues += [making.said + SAY_AGAIN_SECONDS for making in template.binding.values()]
    if template.retry_at > world.now:
        dues.append(template.retry_at)
    if template.line.joins:
        if world.now < world.collect_until and template.line.returning.most:
            dues.append(world.collect_until)
        dues += [
            room.child.held_until
            for room in template.unkeyed.values()
            if room.child is not None and room.child.held_until > world.now
        ]
    if (told := template.line.next_told()) is not None:
        dues.append(told)
    failed = [room for room in template.unkeyed.values() if room.failure is not None]
    dues += [_given_up_at(room) for room in failed if _given_up_at(room) > world.now]
    return min(dues, default=None)


def _given_up_at(room: Room) -> float:
    """When a warm instance that could not start has been there to be looked at for long enough."""
    return room.failure.at + FAILED_SECONDS if room.failure is not None else float("inf")


def _uid(room: Room) -> str:
    return room.child.uid if room.child is not None else ""
