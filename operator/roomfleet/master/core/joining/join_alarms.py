"""When a join is looked at again, if nothing happens."""

from __future__ import annotations

from roomfleet.master.core.joining.line import Join, JoinState
from roomfleet.master.core.world import Alarm, World

UNPOLLED_SECONDS = 30.0
"""A join that nobody asked about for that long has expired."""


def ends_at(world: World, join: Join) -> float:
    """When it is refused at the latest."""
    return join.requested + world.settings.join_timeout_seconds


def set_alarm(world: World, join: Join) -> None:
    """Have it looked at when the next of its times comes."""
    if join.state is JoinState.ADMITTED:
        return
    dues = [ends_at(world, join)]
    if join.state is JoinState.FINDING:
        dues.append(join.find_until)
    if join.seat is None:
        dues.append(join.polled + UNPOLLED_SECONDS)
    world.timers.set(Alarm("join", join.id), min(dues))
