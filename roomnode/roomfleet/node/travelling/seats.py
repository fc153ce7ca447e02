"""Seats from node to node, for moves between running rooms while the master is away (DESIGN 8, P6).

The room's document names who runs it. That node is shown the ticket with which the player is to come, signed
with this node's own key, and reserves a seat for as long as the ticket is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.web import RequestHandler

from roomfleet.node.travelling.tickets import TravelTickets
from roomfleet.store import Store, StoreError, doc_id
from roomfleet.wire.errors import TicketError
from roomfleet.wire.urls import http_url, seat_path, session_path

if TYPE_CHECKING:
    from roomfleet.node.running.rooms import Rooms
    from roomfleet.node.serving.doors import Doors

PEER_SECONDS = 5.0
"""How long another node may take to answer."""


class NoSeat(Exception):
    """There is no seat to be had; the text says why."""


class SeatAnswer(msgspec.Struct, frozen=True):
    """What the other node says: empty, or why there is no seat."""

    reason: str = ""


class PeerSeats:
    """Asks whoever runs a room for a seat in it."""

    def __init__(self, store: Store, game: str, tickets: TravelTickets) -> None:
        self._store, self._game, self._tickets = store, game, tickets

    async def ask(self, player: str, room: str, session: int) -> tuple[str, str]:
        """The room's session URL and the player's ticket. Raises NoSeat."""
        try:
            found = await self._store.get_room(doc_id(self._game, room))
        except StoreError as error:
            raise NoSeat(f"neither the master nor the store is there at the moment: {error}") from error
        if found is None or not found.owner.boot or not found.owner.url:
            raise NoSeat(
                f"{room} does not run, and the master is not there at the moment to start it; try again"
            )
        token = self._tickets.sign(player, room, found.owner.boot, session)
        try:
            answer = await AsyncHTTPClient().fetch(
                http_url(found.owner.url) + seat_path(self._game, room),
                method="POST",
                body="",
                headers={"Authorization": f"Bearer {token}"},
                connect_timeout=PEER_SECONDS,
                request_timeout=PEER_SECONDS,
                raise_error=False,
            )
            said = msgspec.json.decode(answer.body, type=SeatAnswer)
        except (OSError, HTTPClientError, msgspec.MsgspecError) as error:
            raise NoSeat(
                f"the node of {room} does not answer ({error}), nor does the master; try again"
            ) from error
        if answer.code != 201:
            raise NoSeat(said.reason or f"the node of {room} answered {answer.code}; try again")
        return found.owner.url + session_path(self._game, room), token


class SeatHandler(RequestHandler):
    """`POST …/v1/games/{game}/rooms/{room}/seats`, with the player's ticket as the bearer."""

    def initialize(self, doors: Doors, rooms: Rooms) -> None:
        self._doors, self._rooms = doors, rooms

    def check_xsrf_cookie(self) -> None:
        """Nothing here goes by cookies."""

    def post(self, game: str, room: str) -> None:
        self.set_header("Content-Type", "application/json")
        status, reason = self._reserve(game, room)
        self.set_status(status)
        self.finish(msgspec.json.encode(SeatAnswer(reason)))

    def _reserve(self, game: str, name: str) -> tuple[int, str]:
        token = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            ticket = self._doors.checked(token)
        except TicketError as error:
            return 401, str(error)
        if (ticket.game, ticket.room) != (game, name):
            return 403, f"the ticket is for room {ticket.room} of {ticket.game}"
        room = self._rooms.get(name)
        if room is None:
            return 404, f"{name} is not here any more; try again"
        reason = room.visits.reserve(ticket.sub, self._doors.lasts(ticket))
        return (409, reason) if reason else (201, "")
