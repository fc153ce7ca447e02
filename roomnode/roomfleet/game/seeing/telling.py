"""What scripts tell players: events, and that they are put out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from roomfleet.game.actor import Actor, Player
from roomfleet.game.errors import ActorError
from roomfleet.game.outbox import Kicked, Told
from roomfleet.game.state.plain import plain, text
from roomfleet.wire.session import Event

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom


class Telling:
    """Speaks for the scripts of one room."""

    __slots__ = ("_live",)

    def __init__(self, live: LiveRoom) -> None:
        self._live = live

    def event(self, name: str, data: Mapping[str, Any], to: Actor | Iterable[Actor] | None) -> None:
        """Tell one player, several, or all."""
        event = Event(name=text(name, "event"), data=plain(dict(data), f"event {name!r}"))
        if to is None:
            self._live.outbox.told.append(Told(None, event))
            return
        # Each of them once, however often it was named.
        listeners = dict.fromkeys([to] if isinstance(to, Actor) else to)
        players = tuple(self._player(each, name) for each in listeners)
        if players:
            self._live.outbox.told.append(Told(players[0] if len(players) == 1 else players, event))

    def _player(self, actor: Actor, event: str) -> str:
        player = actor.player if isinstance(actor, Actor) else None
        if player is None or self._live.player_actor(player) is not actor:
            raise ActorError(f"{actor!r} is no player's actor in this room: nobody can be told {event!r}")
        return player

    def kick(self, player: Player, reason: str) -> None:
        """Put a player out."""
        self._live.outbox.kicked.append(Kicked(player.player, text(reason, "reason")))
