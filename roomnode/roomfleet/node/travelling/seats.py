"""Seats from node to node, for moves between running rooms while the master is away (DESIGN 8, P6).

The room's document names who runs it. That node is shown the ticket with which the player is to come, signed
with this node's own key, and reserves a seat for as long as the ticket is good.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Protocol

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.web import RequestHandler

from roomfleet.store import Store, StoreError, doc_id
from roomfleet.wire.errors import TicketError
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import SigningKey, Ticket, check_ticket
from roomfleet.wire.urls import http_url, seat_path, session_path

log = logging.getLogger(__name__)

PEER_SECONDS = 5.0
"""How long another node may take to answer."""


class NoSeat(Exception):
    """There is no seat to be had; the text says why."""


class SeatAnswer(msgspec.Struct, frozen=True):
    """What the other node says: empty, or why there is no seat."""

    reason: str = ""


class Reserves(Protocol):
    """A running room's visits, as the handler needs them."""

    def reserve(self, player: str, seconds: float) -> str:
        """Keep a seat for the player for so long. Why not, or an empty string."""


class SeatDoors(Protocol):
    """What the handler needs of its node."""

    game_name: str
    boot: str
    settings: Settings

    def wall(self) -> float: ...

    def keys(self) -> Mapping[str, str]: ...

    def visits(self, room: str) -> Reserves | None:
        """None: the room is not here."""


async def ask_peer(
    store: Store,
    key: SigningKey,
    settings: Settings,
    *,
    game: str,
    room: str,
    player: str,
    session: int,
    now: float,
) -> tuple[str, str]:
    """The room's session URL and the player's ticket, from whoever runs the room. Raises NoSeat.

    `now` is in seconds since 1970.
    """
    try:
        found = await store.get_room(doc_id(game, room))
    except StoreError as error:
        log.info("where %s runs cannot be asked: %s", room, error)
        raise NoSeat("neither the master nor the store is there at the moment; try again") from error
    if found is None or not found.owner.boot or not found.owner.url:
        raise NoSeat(f"{room} does not run, and the master is not there at the moment to start it; try again")
    token = key.sign(
        Ticket(
            sub=player,
            game=game,
            room=room,
            aud=found.owner.boot,
            exp=now + settings.ticket_seconds,
            jti=secrets.token_urlsafe(12),
            session=session,
        )
    )
    url = http_url(found.owner.url) + seat_path(game, room)
    try:
        answer = await AsyncHTTPClient().fetch(
            url,
            method="POST",
            body="",
            headers={"Authorization": f"Bearer {token}"},
            connect_timeout=PEER_SECONDS,
            request_timeout=PEER_SECONDS,
            raise_error=False,
        )
        said = msgspec.json.decode(answer.body, type=SeatAnswer)
    except (OSError, HTTPClientError, msgspec.MsgspecError) as error:
        log.info("the node of %s does not answer at %s: %s", room, url, error)
        raise NoSeat(f"the node of {room} does not answer, nor does the master; try again") from error
    if answer.code != 201:
        raise NoSeat(said.reason or f"the node of {room} answered {answer.code}; try again")
    return found.owner.url + session_path(game, room), token


class SeatHandler(RequestHandler):
    """`POST …/v1/games/{game}/rooms/{room}/seats`, with the player's ticket as the bearer."""

    def initialize(self, doors: SeatDoors) -> None:
        self._doors = doors

    def check_xsrf_cookie(self) -> None:
        """Nothing here goes by cookies."""

    def post(self, game: str, room: str) -> None:
        self.set_header("Content-Type", "application/json")
        status, reason = self._reserve(game, room)
        self.set_status(status)
        self.finish(msgspec.json.encode(SeatAnswer(reason)))

    def _reserve(self, game: str, name: str) -> tuple[int, str]:
        doors = self._doors
        token = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            ticket = check_ticket(token, doors.keys(), audience=doors.boot, now=doors.wall())
        except TicketError as error:
            return 401, str(error)
        if (ticket.game, ticket.room) != (game, name):
            return 403, f"the ticket is for room {ticket.room} of {ticket.game}"
        visits = doors.visits(name)
        if visits is None:
            return 404, f"{name} is not here any more; try again"
        seconds = min(ticket.exp - doors.wall(), doors.settings.ticket_seconds)
        reason = visits.reserve(ticket.sub, seconds)
        return (409, reason) if reason else (201, "")
