"""Joins and seats on their way into a line: where the player belongs, refusals, and what ends a join."""

from __future__ import annotations

from roomfleet.master.core import admission, bring, ending, instance_line, instances, leftovers
from roomfleet.master.core.effects import FindPlayer
from roomfleet.master.core.events import (
    InstanceRequested,
    JoinCancelled,
    JoinPolled,
    JoinRequested,
    LinePlace,
    PlayerFound,
    SeatCancelled,
    SeatRequested,
)
from roomfleet.master.core.line import Join, JoinState, SeatOf, without
from roomfleet.master.core.model import Key
from roomfleet.master.core.queue import Lane
from roomfleet.master.core.reconcile import refusal_of
from roomfleet.master.core.state import Alarm, Room, Template, World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import ENTRY_ANNOTATION

FIND_SECONDS = 2.0
"""How long a node may take to say where a player's actor is; then the join goes on without."""
UNPOLLED_SECONDS = 30.0
"""A join that nobody asked about for that long has expired."""
FAILED_SECONDS = 10.0
"""A join that comes so long after a room's failure has it tried again."""


def requested(world: World, event: JoinRequested) -> None:
    """A player asks for a room, or for where they belong."""
    if event.id in world.joins:
        return
    arrived, place = _arrival(world, event.game, event, event.place, event.arrived)
    join = _new(world, event.id, event.game, event.player, event.room, arrived)
    join.template, join.key = event.template, event.key
    join.place = place
    join.others = event.others
    join.bring = event.bring and not event.others
    join.session = event.session or _new_session(world)
    newer = _who_joined_since(world, join)
    if newer is not None:
        world.joins[join.id] = join
        name = "you" if newer == join.player else newer
        world.refuse(join, Refusal.REPLACED, f"{name} joined again meanwhile, from another window")
        return
    _take_over(world, join)
    begin(world, join)


def seat_requested(world: World, event: SeatRequested) -> None:
    """A node asks for a seat: the player's actor is known to be there, so nobody is asked where it is."""
    node = world.nodes.get(event.node)
    id = seat_id(event.boot, event.id)
    if node is None or node.boot != event.boot or id in world.joins:
        return
    arrived, place = _arrival(world, event.node.game, event, event.place, world.now)
    asked = event.room if event.key is None else None
    join = _new(world, id, event.node.game, event.player, asked, arrived)
    if event.key is not None:
        join.template, join.key = event.room, event.key
    join.place = place
    join.session = event.session or _new_session(world)
    _take_over(world, join)
    join.seat = SeatOf(event.node, event.boot, event.id)
    node.seats[event.id] = id
    begin(world, join)


def instance_requested(world: World, event: InstanceRequested) -> None:
    """A node asks which room an instance is: a join of nobody, that ends when there is one."""
    node = world.nodes.get(event.node)
    id = seat_id(event.boot, event.id)
    if node is None or node.boot != event.boot or id in world.joins:
        return
    world.joins_seen += 1
    join = Join(id, event.node.game, "", None, world.now, world.joins_seen, world.now, world.now)
    join.template, join.key = event.template, event.key
    join.seat = SeatOf(event.node, event.boot, event.id)
    world.joins[id] = join
    node.seats[event.id] = id
    _set_alarm(world, join)
    begin(world, join)


def seat_id(boot: str, id: str) -> str:
    """The join's id of a node's seat request: unique over nodes."""
    return f"{boot}:{id}"


def cancelled(world: World, event: JoinCancelled) -> None:
    """The player went away: the place, or what is reserved and not used of a party, is free."""
    join = world.joins.get(event.id)
    if join is None:
        return
    if join.told and join.state is JoinState.WAITING:
        who = (join.game, join.player)
        if event.for_good:
            world.given.void(who, world.now)
        else:
            world.given.lost(who, world.now)
    for id in join.followers:
        if (follower := world.joins.get(id)) is not None:
            world.forget(follower)
    _cancel(world, join)


def seat_cancelled(world: World, event: SeatCancelled) -> None:
    """The node's player stays where they are."""
    if (join := world.joins.get(seat_id(event.boot, event.id))) is not None:
        if join.told and join.state is JoinState.WAITING:
            world.given.lost((join.game, join.player), world.now)
        _cancel(world, join)


def _cancel(world: World, join: Join) -> None:
    if join.state is not JoinState.ADMITTED:
        world.counted.cancelled(join)
    world.forget(join)


def polled(world: World, event: JoinPolled) -> None:
    """Somebody still waits for the answer."""
    if (join := world.joins.get(event.id)) is not None:
        join.polled = world.now
        _set_alarm(world, join)


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
        _settle(world, join)


def begin(world: World, join: Join) -> None:
    """Refuse what cannot be, or find out where the player belongs. Waits until all objects are known."""
    if not world.synced:
        return
    game = world.game(join.game)
    if join.asked is not None and join.asked in game.ended:
        (join.template, join.key), join.asked = game.ended[join.asked], None
    if join.asked is not None and _room(world, join, join.asked) is None:
        _no_such_room(world, join, join.asked)
        return
    if join.template is not None and (refusal := instances.refusal_of(_template(world, join))) is not None:
        world.refuse(join, *refusal)
        return
    if join.seat is not None or not game.links:
        _settle(world, join)
        return
    name = next(iter(game.links))
    node = game.links[name]
    game.links.move_to_end(name)
    join.state = JoinState.FINDING
    join.find_until = world.now + FIND_SECONDS
    join.finding = join.players
    _set_alarm(world, join)
    world.do(*(FindPlayer(join.id, node.key, node.boot, player) for player in join.players))


def due(world: World, join: Join) -> None:
    """One of the join's times has come."""
    if world.now >= _timeout(world, join):
        _time_out(world, join)
    elif join.state is JoinState.FINDING and world.now >= join.find_until:
        _settle(world, join)
    elif join.seat is None and world.now >= join.polled + UNPOLLED_SECONDS:
        if join.told:
            world.given.lost((join.game, join.player), world.now)
        world.end(join, Refusal.EXPIRED, f"nobody asked for this join for {UNPOLLED_SECONDS:.0f} s")
    else:
        _set_alarm(world, join)


def _new(world: World, id: str, game: str, player: str, asked: str | None, arrived: float) -> Join:
    world.joins_seen += 1
    return Join(id, game, player, asked, arrived, world.joins_seen, requested=world.now, polled=world.now)


def _arrival(
    world: World, game: str, event: JoinRequested | SeatRequested, place: LinePlace | None, now: float
) -> tuple[float, LinePlace | None]:
    """When they came into line: now, or as the place says that is given back: not used or given up since, and
    for nobody whom it was not for.
    """
    if place is None:
        return now, None
    others = event.others if isinstance(event, JoinRequested) else ()
    given_up = not world.given.is_good((game, event.player), place.arrived)
    if given_up or not place.players.issuperset((event.player, *others)):
        return now, None
    return min(place.arrived, now), place


def _who_joined_since(world: World, join: Join) -> str | None:
    """One of the players, who has a join of a session that began later."""
    for player in join.players:
        other = world.players.get((join.game, player))
        if other is not None and other.session > join.session:
            return player
    return None


def _new_session(world: World) -> int:
    """Milliseconds since 1970: higher than that of any session that began before."""
    return int(world.now * 1000)


def _take_over(world: World, join: Join) -> None:
    """The newer join of a player wins, and the older hears it. Who leaves a party that waits leaves the
    others their place."""
    for player in join.players:
        who = (join.game, player)
        before = world.players.get(who)
        goes_on = join.place is not None and player == join.player
        if not goes_on and (who in world.given or (before is not None and before.told)):
            world.given.void(who, world.now)
        if before is not None:
            _give_way(world, before, player)
        world.players[who] = join
    world.joins[join.id] = join
    _set_alarm(world, join)


def _give_way(world: World, before: Join, player: str) -> None:
    if before.state is JoinState.ADMITTED:
        world.forget(before)
    elif player == before.player:
        world.end(before, Refusal.REPLACED, "you joined again: the newer join goes on")
    else:
        _leave_party(world, before, player)


def _leave_party(world: World, party: Join, player: str) -> None:
    room = world.rooms.get(party.room) if party.room is not None else None
    if party.state is JoinState.WAITING and room is not None:
        room.lined().shrink(party, player)
        world.look_at(room, Lane.URGENT)
        return
    party.others = without(party.others, player)
    party.finding = without(party.finding, player)
    party.found = tuple(found for found in party.found if found[0] != player)
    if party.state is JoinState.FINDING and not party.finding:
        _settle(world, party)


def _settle(world: World, join: Join) -> None:
    """Into the line of the room that holds the actor, else of that asked for, else of the entry room.

    Any other room than the holder could only send the player back to it: without it there is no way in,
    unless the player asks to be brought. A party goes together, so where one of its actors is elsewhere there
    is no way in for it. An instance that was deleted is made again.
    """
    holder = next((room for player, room in join.found if player == join.player), None)
    instance = _instance(world, join, holder)
    if instance is not None:
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
    if room.failure is not None and world.now >= room.failure.at + FAILED_SECONDS:
        room.failure = None
    refusal = refusal_of(room)
    if refusal is not None:
        world.refuse(join, *refusal)
        return
    if join.size > admission.most_at_once(world, room):
        admission.refuse_too_large(world, room, join)
        return
    line = room.lined()
    if line.players + join.size > world.settings.line_limit and line.seats_for(join):
        detail = f"{line.players} players wait for {room.key.name} already: try again later"
        world.refuse(join, Refusal.LINE_FULL, detail, admission.retry_after(world, room))
        return
    join.room = room.key
    join.state = JoinState.WAITING
    if join.place is not None and join.place.room != room.key.name:
        join.arrived, join.place = join.requested, None
    elif join.place is not None and join.arrived < world.started:
        line.returning.came_back(join.players, join.arrived, join.place.ahead)
    line.enter(join)
    _set_alarm(world, join)
    world.look_at(room, Lane.URGENT)


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
    room = world.rooms.get(Key(join.game, name))
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


def _time_out(world: World, join: Join) -> None:
    if join.lined is not None:
        instance_line.time_out(world, join, world.template(join.lined))
        return
    room = world.rooms.get(join.room) if join.room is not None else None
    seconds = f"{world.settings.join_timeout_seconds:.0f} s"
    if room is None:
        world.refuse(join, Refusal.TIMEOUT, f"no answer within {seconds}: try again", RETRY_AFTER_SECONDS)
        return
    if join.origin is not None and join.state is JoinState.BRINGING:
        detail = f"your actor could not be brought from {join.origin.name} within {seconds}: try again"
        world.refuse(join, Refusal.TIMEOUT, detail, RETRY_AFTER_SECONDS)
        return
    why = room.queued_for or room.fault or ("every seat is taken" if room.running else "it is not up yet")
    detail = f"{room.key.name} had no seat within {seconds} ({why}): try again"
    world.refuse(join, Refusal.TIMEOUT, detail, admission.retry_after(world, room))


def _timeout(world: World, join: Join) -> float:
    return join.requested + world.settings.join_timeout_seconds


def _set_alarm(world: World, join: Join) -> None:
    if join.state is JoinState.ADMITTED:
        return
    dues = [_timeout(world, join)]
    if join.state is JoinState.FINDING:
        dues.append(join.find_until)
    if join.seat is None:
        dues.append(join.polled + UNPOLLED_SECONDS)
    world.timers.set(Alarm("join", join.id), min(dues))


RETRY_AFTER_SECONDS = admission.RETRY_LEAST_SECONDS
"""Retry-After of a join that came to no room's line."""
