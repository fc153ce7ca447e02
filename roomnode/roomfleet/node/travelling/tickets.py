"""Tickets that this node signs, good for travel between rooms only (DESIGN 6)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable

from roomfleet.wire.link import MovedRoom
from roomfleet.wire.session import Travel
from roomfleet.wire.tickets import SigningKey, Ticket
from roomfleet.wire.urls import session_path

SIGNED_AT_ONCE = 16
"""Tickets that are signed without a pause: 2 ms."""

WaysOn = Callable[[str], Travel]
"""What sends a player on to where the room runs next."""


class TravelTickets:
    """Signs with the node's own key."""

    def __init__(self, key: SigningKey, game: str, seconds: float, wall: Callable[[], float]) -> None:
        """A ticket is good for `seconds`; `wall` gives seconds since 1970."""
        self._key, self._game, self._seconds, self._wall = key, game, seconds, wall

    def sign(self, player: str, room: str, boot: str, session: int = 0) -> str:
        """A ticket for the room on the node of that boot; `session`: the number of the player's session."""
        return self._key.sign(
            Ticket(
                sub=player,
                game=self._game,
                room=room,
                aud=boot,
                exp=self._wall() + self._seconds,
                jti=secrets.token_urlsafe(12),
                session=session,
            )
        )

    def way_on(self, player: str, room: str, to: MovedRoom) -> Travel:
        """What sends the player on to the node that takes the room."""
        return Travel(
            room=room, url=to.url + session_path(self._game, room), ticket=self.sign(player, room, to.boot)
        )

    async def ways_on(self, players: Iterable[str], room: str, to: MovedRoom) -> WaysOn:
        """The same for all who are in the room when it goes; signed now for those who are there now."""
        travels: dict[str, Travel] = {}
        for player in players:
            travels[player] = self.way_on(player, room, to)
            if len(travels) % SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)  # rooms go on meanwhile, this one too
        return lambda player: travels.get(player) or self.way_on(player, room, to)
