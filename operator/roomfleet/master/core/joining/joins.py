"""Joins and seats that are asked for, given up, and asked about; and what ends one that takes too long."""

from __future__ import annotations

from roomfleet.master.core.events import (
    InstanceRequested,
    JoinCancelled,
    JoinPolled,
    JoinRequested,
    SeatCancelled,
    SeatRequested,
)
from roomfleet.master.core.instancing import instance_line
from roomfleet.master.core.joining import admission
from roomfleet.master.core.joining.destinations import begin, settle
from roomfleet.master.core.joining.join_alarms import UNPOLLED_SECONDS, ends_at, set_alarm
from roomfleet.master.core.joining.line import Join, JoinState, SeatOf
from roomfleet.master.core.joining.newest import arrival, session_number, take_over, who_joined_since
from roomfleet.master.core.world import World
from roomfleet.wire.joining import Refusal

RETRY_AFTER_SECONDS = admission.RETRY_LEAST_SECONDS
"""Retry-After of a join that came to no room's line."""


def requested(world: World, event: JoinRequested) -> None:
    """A player asks for a room, or for where they belong."""
    if event.id in world.joins:
        return
    arrived, place = arrival(world, event.game, event, event.place, event.arrived)
    join = _new(world, event.id, event.game, event.player, event.room, arrived, event.arrived)
    join.template, join.key = event.template, event.key
    join.place = place
    join.others = event.others
    join.bring = event.bring and not event.others
    join.session = session_number(world, event.session)
    join.comes_back = join.session == event.session
    newer = who_joined_since(world, join)
    if newer is not None:
        world.joins[join.id] = join
        name = "you" if newer == join.player else newer
        world.refuse(join, Refusal.REPLACED, f"{name} joined again meanwhile, from another window")
        return
    take_over(world, join)
    set_alarm(world, join)
    begin(world, join)


def seat_requested(world: World, event: SeatRequested) -> None:
    """A node asks for a seat: the player's actor is known to be there, so nobody is asked where it is."""
    node = world.nodes.get(event.node)
    id = seat_id(event.boot, event.id)
    if node is None or node.boot != event.boot or id in world.joins:
        return
    arrived, place = arrival(world, event.node.game, event, event.place, world.now)
    asked = event.room if event.key is None else None
    join = _new(world, id, event.node.game, event.player, asked, arrived, world.now)
    if event.key is not None:
        join.template, join.key = event.room, event.key
    join.place = place
    join.session = session_number(world, event.session)
    take_over(world, join)
    set_alarm(world, join)
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
    join = Join(id, event.node.game, "", None, world.now, world.joins_seen, world.now, world.now, world.now)
    join.template, join.key = event.template, event.key
    join.seat = SeatOf(event.node, event.boot, event.id)
    world.joins[id] = join
    node.seats[event.id] = id
    set_alarm(world, join)
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
        set_alarm(world, join)


def due(world: World, join: Join) -> None:
    """One of the join's times has come."""
    if world.now >= ends_at(world, join):
        _time_out(world, join)
    elif join.state is JoinState.FINDING and world.now >= join.find_until:
        settle(world, join)
        if world.joins.get(join.id) is join:
            set_alarm(world, join)
    elif join.seat is None and world.now >= join.polled + UNPOLLED_SECONDS:
        if join.told:
            world.given.lost((join.game, join.player), world.now)
        world.end(join, Refusal.EXPIRED, f"nobody asked for this join for {UNPOLLED_SECONDS:.0f} s")
    else:
        set_alarm(world, join)


def _new(
    world: World, id: str, game: str, player: str, asked: str | None, arrived: float, came: float
) -> Join:
    world.joins_seen += 1
    return Join(id, game, player, asked, arrived, world.joins_seen, came, world.now, world.now)


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
