"""The line of an InstancedRoom: joins for keys that have no instance yet, first come first served."""

from __future__ import annotations

import math

from roomfleet.master.core.effects import AnswerInstance, InLine
from roomfleet.master.core.instancing.instances import refusal_of
from roomfleet.master.core.instancing.template_status import full
from roomfleet.master.core.joining import admission
from roomfleet.master.core.joining.line import Join, JoinState
from roomfleet.master.core.joining.telling import RENEW_SECONDS
from roomfleet.master.core.state import Room, Template
from roomfleet.master.core.world import World
from roomfleet.wire.joining import Refusal
from roomfleet.wire.names import instance_name


def enter(world: World, join: Join, template: Template, key: str) -> None:
    """Wait until the key has an instance, which may be at once."""
    refusal = refusal_of(template)
    if refusal is not None:
        world.refuse(join, *refusal)
        return
    template.line.claim(join, (instance_name(template.key.name, key),), template.key.name)
    if join.place is None and template.line.players + join.size > world.settings.line_limit:
        detail = f"{template.line.players} players wait for {template.key.name} already: try again later"
        world.refuse(join, Refusal.LINE_FULL, detail, _retry_after(template))
        return
    join.template, join.key = template.key.name, key
    join.lined = template.key
    join.state = JoinState.WAITING
    template.line.came_back(join, world.started)
    template.line.enter(join)
    world.look_at_template(template)


def tell_positions(world: World, template: Template) -> None:
    """Everybody in line whose place changed hears the new one."""
    line = template.line
    if not line.joins:
        return
    for position, join in line.to_tell(world.now):
        seconds = _eta(template, position)
        same = join.told == position and join.told_eta == seconds
        if not join.player or (same and world.now < join.told_at + RENEW_SECONDS / 2):
            continue
        join.told, join.told_eta, join.told_at = position, seconds, world.now
        place = InLine(
            instance_name(template.key.name, join.key or ""),
            position,
            seconds,
            join.arrived,
            ahead=line.players_ahead(position),
            others=tuple(join.others),
            session=join.session,
            template=template.key.name,
        )
        world.answer(join, place)


def answer_asked(world: World, join: Join, room: Room) -> None:
    """A node asked which room it is: that is all, and the room stays for whoever is on the way there."""
    if join.seat is not None:
        world.forget(join)
        world.look_at(room)
        room.hold_until = max(room.hold_until, world.now + world.settings.ticket_seconds)
        world.do(AnswerInstance(join.seat.node, join.seat.boot, join.seat.id, room.key.name))


def time_out(world: World, join: Join, template: Template) -> None:
    """It waited too long."""
    seconds = f"{world.settings.join_timeout_seconds:.0f} s"
    why = template.fault or "it is not made yet"
    if template.spec is not None and len(template.rooms) >= template.spec.max_instances:
        why = full(template, template.spec)
    detail = f"{template.key.name} had no instance for {join.key!r} within {seconds} ({why}): try again"
    world.refuse(join, Refusal.TIMEOUT, detail, _retry_after(template))


def _eta(template: Template, position: int) -> float | None:
    """Seconds until an instance has gone for it, from what was measured; None: unknown."""
    each = template.line.departures.seconds
    return None if each is None else position * each


def _retry_after(template: Template) -> int:
    estimate = _eta(template, len(template.line.joins) + 1)
    if estimate is None:
        return admission.RETRY_UNKNOWN_SECONDS
    return min(admission.RETRY_MOST_SECONDS, max(admission.RETRY_LEAST_SECONDS, math.ceil(estimate)))
