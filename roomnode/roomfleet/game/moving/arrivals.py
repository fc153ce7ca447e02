"""How actors become live in a room: restored with it, by a player's join, or from another room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roomfleet.game.actor import Actor
from roomfleet.game.errors import ScriptFailed
from roomfleet.game.outbox import ScriptFailure
from roomfleet.game.saving.saved import actor_from, body_of, make_actor, one_line
from roomfleet.game.seeing.sight import depth_of
from roomfleet.wire.names import player_actor

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom

Arrival = tuple[str, dict[str, Any], dict[str, Any]]
"""An actor's id, its body, and where it arrives: `{"at": tag | [x, y] | None, "door", "from"}`."""


def restore(live: LiveRoom, actors: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """All that were live when the room was saved. Raises ScriptFailed when a class cannot be had."""
    restored = [(actor_from(id_, body, body["path"], live.now), body) for id_, body in actors]
    for actor, _ in restored:
        live.actors.attach(actor)
    for actor, body in restored:
        live.actors.relink(actor, body["parent"])
    for actor, body in sorted(restored, key=lambda each: depth_of(each[0])):
        live.steps.begin()
        _first_time(live, actor, body)
        live.steps.end()
        if actor._live is live:
            live.actors.show(actor)
            live.scripts.kickoff(actor)


def new_player_body(live: LiveRoom, player: str) -> dict[str, Any]:
    """A fresh actor of the room's player class, at the entry. Raises ScriptFailed."""
    path = [[*live.actors.spot(None), live.now]]
    actor = make_actor(live.room.player_class, player_actor(player), player, player, path)
    return {**body_of(actor, live.now), "new": True}


def enter(live: LiveRoom, player: str, body: dict[str, Any]) -> None:
    """A player's actor, fresh or as it was when the player went away. Raises ScriptFailed.

    When it went away from this room and that was not composed yet, what it was then is newer than `body`.
    """
    actor_id = player_actor(player)
    left = live.unsaved.take_back(actor_id)
    body = left.body if left is not None else body
    actor = actor_from(actor_id, body, body["path"], live.now)
    live.actors.attach(actor)
    live.unsaved.touch(actor_id)  # the store has it as away
    _first_time(live, actor, body)
    _begin_life(live, [actor])


def arrive(live: LiveRoom, actors: Sequence[Arrival]) -> None:
    """Actors that travelled here. One whose class cannot be had is told as a failure and stays saved."""
    here = [[*live.actors.spot(None), live.now]]
    arrived: list[tuple[Actor, dict[str, Any]]] = []
    for actor_id, body, arrival in actors:
        try:
            actor = actor_from(actor_id, body, here, live.now)
        except ScriptFailed as error:
            failure = ScriptFailure(actor_id, "arrive", one_line(error), error.traceback, None)
            live.outbox.failures.append(failure)
            continue
        live.actors.attach(actor)
        live.unsaved.touch(actor.id)
        live.actors.arrive_at(actor, arrival.get("at"))
        arrived.append((actor, body))
    for actor, body in arrived:
        live.actors.relink(actor, body["parent"])
    _begin_life(live, [actor for actor, _ in arrived])


def _first_time(live: LiveRoom, actor: Actor, body: Mapping[str, Any]) -> None:
    """`created` of a player's actor that was saved before it was ever live."""
    if body.get("new"):
        live.unsaved.touch(actor.id)
        live.scripts.hook(actor, "created")


def _begin_life(live: LiveRoom, actors: Sequence[Actor]) -> None:
    for actor in sorted(actors, key=depth_of):
        if actor._live is live:
            live.actors.show(actor)
    for actor in actors:
        if actor._live is live and actor.player is not None:
            live.scripts.hook(live.room, "joined", actor)
        if actor._live is live:
            live.scripts.kickoff(actor)
