"""One player, one join: of two sessions the one that began later counts, of its joins the last one."""

from __future__ import annotations

from collections.abc import Mapping

from roomfleet.master.core.events import JoinRequested, LinePlace, SeatRequested
from roomfleet.master.core.joining.destinations import settle
from roomfleet.master.core.joining.line import Join, JoinState, without
from roomfleet.master.core.queueing.queue import Lane
from roomfleet.master.core.world import World
from roomfleet.wire.joining import Refusal

CLOCKS_DIFFER_MS = 60_000
"""So much at most is the clock ahead of a master that gave out numbers before."""


def arrival(
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


def let_in(world: World, game: str, players: Mapping[str, float]) -> None:
    """These players were let in, by tickets signed then: older places are used up, also those that a master
    that started since has given back."""
    for player, at in players.items():
        world.given.used((game, player), at, world.now)
        join = world.players.get((game, player))
        if join is None or join.player != player or join.place is None:
            continue
        if world.given.is_good((game, player), join.arrived):
            continue
        room = world.rooms.get(join.room) if join.room is not None else None
        if join.lined is not None:
            template = world.template(join.lined)
            template.line.to_the_end(join)
            world.look_at_template(template)
        elif join.state is JoinState.WAITING and room is not None:
            room.lined().to_the_end(join)
            world.look_at(room, Lane.URGENT)
        elif join.state is not JoinState.ADMITTED:
            join.arrived, join.place = join.came, None


def session_number(world: World, told: int) -> int:
    """Of the session that goes on; of a new one, where `told` is 0 or begins in the future: nobody could ever
    join anew after that. Milliseconds since 1970: higher than that of any session that began before.
    """
    now = int(world.now * 1000)
    return told if 0 < told <= now + CLOCKS_DIFFER_MS else now


def who_joined_since(world: World, join: Join) -> str | None:
    """One of the players, who has a join of a session that began later."""
    for player in join.players:
        other = world.players.get((join.game, player))
        if other is not None and other.session > join.session:
            return player
    return None


def take_over(world: World, join: Join) -> None:
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


def _give_way(world: World, before: Join, player: str) -> None:
    if before.state is JoinState.ADMITTED:
        world.forget(before)
    elif player == before.player:
        world.end(before, Refusal.REPLACED, "you joined again: the newer join goes on")
    else:
        _leave_party(world, before, player)


def _leave_party(world: World, party: Join, player: str) -> None:
    if party.lined is not None:
        template = world.template(party.lined)
        template.line.shrink(party, player)
        world.look_at_template(template)
        return
    room = world.rooms.get(party.room) if party.room is not None else None
    if party.state is JoinState.WAITING and room is not None:
        room.lined().shrink(party, player)
        world.look_at(room, Lane.URGENT)
        return
    party.others = without(party.others, player)
    party.finding = without(party.finding, player)
    party.found = tuple(found for found in party.found if found[0] != player)
    if party.state is JoinState.FINDING and not party.finding:
        settle(world, party)
