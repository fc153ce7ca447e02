"""Where a join goes: its actors are looked for, then it comes into a room's line, or nowhere, and why."""

from __future__ import annotations

from roomfleet.master.core.effects import FindPlayer
from roomfleet.master.core.events import PlayerFound
from roomfleet.master.core.instancing import ending, instance_line, instances
from roomfleet.master.core.joining import admission, bring
from roomfleet.master.core.joining.join_alarms import set_alarm
from roomfleet.master.core.joining.line import Asked, Join, JoinState, without
from roomfleet.master.core.model import Key
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.running import leftovers
from roomfleet.master.core.running.reconcile import refusal_of
from roomfleet.master.core.state import Room, Template
from roomfleet.master.core.world import World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import ENTRY_ANNOTATION

FIND_SECONDS = 2.0
"""How long a node may take to say where a player's actor is; then the join goes on without."""


def begin(world: World, join: Join) -> None:
    """Refuse what cannot be, or find out where the player belongs. Waits until all objects are known."""
    if not world.synced:
        return
    game = world.game(join.game)
    if join.asked is not None and join.asked in game.ended:
        (join.template, join.key), join.asked = game.ended[join.asked], None
    room = _room(world, join, join.asked) if join.asked is not None else None
    if room is not None and room.child is not None and instances.is_double(room):
        join.template, join.key, join.asked = room.child.template.key.name, room.child.key, None
    elif join.asked is not None and room is None:
        _no_such_room(world, join, join.asked)
        return
    if join.template is not None and (refusal := instances.refusal_of(_template(world, join))) is not None:
        world.refuse(join, *refusal)
        return
    if join.seat is not None or not game.links:
        settle(world, join)
        return
    name = next(iter(game.links))
    node = game.links[name]
    game.links.move_to_end(name)
    join.state = JoinState.FINDING
    join.find_until = world.now + FIND_SECONDS
    join.finding = join.players
    set_alarm(world, join)
    world.do(*(FindPlayer(join.id, node.key, node.boot, player) for player in join.players))


def found(world: World, event: PlayerFound) -> None:
    """A node says which room holds a player's actor."""
    join = world.joins.get(event.id)
    if join is None or join.state is not JoinState.FINDING:
        return
    player = event.player or join.player
    join.finding = without(join.finding, player)
    if event.room is not None and player in join.players:
        join.found += ((player, event.room),)
    if not join.finding:
        settle(world, join)


def settle(world: World, join: Join) -> None:
    """Into the line of the room that holds the actor, else of that asked for, else of the entry room.

    Any other room than the holder could only send the player back to it: without it there is no way in,
    unless the player asks to be brought. A party goes together, so where one of its actors is elsewhere there
    is no way in for it. An instance that was deleted is made again.
    """
    holder = next((room for player, room in join.found if player == join.player), None)
    instance = _instance(world, join, holder)
    if instance is not None:
        _remember_onward(join, *instance)
        if (room := instances.instance_of(*instance)) is not None:
            move_on(world, join, room)
        else:
            instance_line.enter(world, join, *instance)
        return
    if join.bring and holder is not None and join.asked not in (None, holder):
        _bring(world, join, holder)
        return
    name = (holder or join.asked) if not join.others else (join.asked or holder)
    if name is None:
        room = _entry(world, join)
        if room is not None:
            _enter_together(world, join, room)
        return
    room = _room(world, join, name)
    if room is not None:
        _enter_together(world, join, room)
    elif holder is not None:
        _holder_is_gone(world, join, holder)
    else:
        _no_such_room(world, join, name)


def _remember_onward(join: Join, template: Template, key: str) -> None:
    """The way is by another instance than that asked for: the actor stands in its kept data, and is to be
    brought."""
    elsewhere = (join.template, join.key) != (template.key.name, key)
    if join.bring and elsewhere and (join.asked is not None or join.template is not None):
        join.onward = Asked(join.asked, join.template, join.key)


def _enter_together(world: World, join: Join, room: Room) -> None:
    elsewhere = [f"{player} is in {name}" for player, name in join.found if name != room.key.name]
    if join.others and elsewhere:
        detail = (
            f"the party cannot go to {room.key.name} together: {_some(sorted(elsewhere))}; players come from"
            " one room to another by its doors"
        )
        world.refuse(join, Refusal.MEMBER_ELSEWHERE, detail)
        return
    _enter_line(world, join, room)


def _bring(world: World, join: Join, holder: str) -> None:
    """Into the line of the room that was asked for; once there is a seat the actor is brought."""
    origin = _room(world, join, holder)
    target = _room(world, join, join.asked or "")
    if origin is None:
        _holder_is_gone(world, join, holder)
    elif target is None:
        _no_such_room(world, join, join.asked or "")
    elif (refusal := bring.refusal(origin, target)) is not None:
        world.refuse(join, *refusal)
    else:
        join.origin = origin.key
        _enter_line(world, join, target)


def move_on(world: World, join: Join, room: Room) -> None:
    """There is an instance for the join's key now: into that one's line."""
    holder = next((name for player, name in join.found if player == join.player), None)
    if not join.player:
        instance_line.answer_asked(world, join, room)
    elif join.onward is not None and room.key.name == holder:
        (join.asked, join.template, join.key), join.onward = join.onward, None
        settle(world, join)
    elif join.bring and holder not in (None, room.key.name):
        join.asked = room.key.name
        _bring(world, join, holder or "")
    else:
        _enter_together(world, join, room)


def _instance(world: World, join: Join, holder: str | None) -> tuple[Template, str] | None:
    """Of which InstancedRoom the join wants which key, unless the player's actor is in another room."""
    game = world.game(join.game)
    held = world.rooms.get(Key(join.game, holder)) if holder is not None else None
    if holder is not None and (held is None or held.gone) and holder in game.ended:
        name, key = game.ended[holder]
        template = world.templates.get(Key(join.game, name))
        return (template, key) if template is not None and template.spec is not None else None
    if join.template is None or join.key is None:
        return None
    template = _template(world, join)
    if holder is None or (held is not None and held is instances.instance_of(template, join.key)):
        return template, join.key
    gone = held is None or held.gone
    comes = holder == instance_name(join.template, join.key) if gone else join.bring
    return (template, join.key) if comes else None


def _template(world: World, join: Join) -> Template:
    key = Key(join.game, join.template or "")
    return world.templates.get(key) or Template(key)


def _enter_line(world: World, join: Join, room: Room) -> None:
    child = room.child
    if child is not None and ending.is_deleting(room) and child.key is not None:
        instance_line.enter(world, join, child.template, child.key)  # the next one of that key is to have it
        return
    if child is not None and child.key is None:
        name = child.template.key.name
        detail = f"{room.key.name} is a warm instance of {name} for whoever comes: join {name} with a key"
        world.refuse(join, Refusal.ROOM_CLOSED, detail)
        return
    world.try_again(room)
    refusal = refusal_of(room)
    if refusal is not None:
        world.refuse(join, *refusal)
        return
    if join.size > admission.most_at_once(world, room):
        admission.refuse_too_large(world, room, join)
        return
    line = room.lined()
    line.claim(join, _names(room))
    full = line.players + join.size > world.settings.line_limit
    if full and join.place is None and line.seats_for(join):
        detail = f"{line.players} players wait for {room.key.name} already: try again later"
        world.refuse(join, Refusal.LINE_FULL, detail, admission.retry_after(world, room))
        return
    join.room = room.key
    join.state = JoinState.WAITING
    line.came_back(join, world.started)
    line.enter(join)
    world.look_at(room, Lane.URGENT)


def _names(room: Room) -> tuple[str, ...]:
    """What line tokens call the room: a warm instance that has a key is also what others of the key are."""
    child = room.child
    if child is None or child.key is None:
        return (room.key.name,)
    return (room.key.name, instance_name(child.template.key.name, child.key))


def _entry(world: World, join: Join) -> Room | None:
    entries = world.game(join.game).entries
    if len(entries) == 1:
        return next(iter(entries.values()))
    cure = f'put the annotation {ENTRY_ANNOTATION}: "true" on exactly one Room, or ask for a room by name'
    if not entries:
        detail = f"the game {join.game} has no entry room: {cure}"
    else:
        detail = f"the game {join.game} has {len(entries)} entry rooms ({_some(sorted(entries))}): {cure}"
    world.refuse(join, Refusal.NO_ENTRY_ROOM, detail)
    return None


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _room(world: World, join: Join, name: str) -> Room | None:
    room = world.game(join.game).rooms.get(name)
    return None if room is None or room.gone else room


def _no_such_room(world: World, join: Join, name: str) -> None:
    world.refuse(join, Refusal.NO_SUCH_ROOM, f"the game {join.game} has no room {name}")


def _holder_is_gone(world: World, join: Join, name: str) -> None:
    if leftovers.seek_again(world, join, name):
        begin(world, join)
        return
    detail = (
        f"your actor is in the room {name}, which was deleted: you get in again when a Room {name} is made"
        " again, or when its saved data are erased (onDelete: Delete)"
    )
    world.refuse(join, Refusal.NO_SUCH_ROOM, detail)
