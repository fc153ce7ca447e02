"""`POST /v1/games/{game}/rooms/{room}/watches`: a ticket for looking into a running room, for admins.

Whoever watches is no player: it takes no seat, keeps no room awake, and does not wake one.
"""

from __future__ import annotations

import secrets

from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import NotAdmin
from roomfleet.master.api.joins import rfc3339
from roomfleet.master.api.problems import JsonHandler
from roomfleet.master.core.model import Key, Phase
from roomfleet.wire.joining import Problem, Refusal, WatchAnswer
from roomfleet.wire.tickets import Ticket, watch_audience
from roomfleet.wire.urls import reachable, session_path

ADMIN = "admin"
"""The `sub` of a watcher's ticket: for the node's log."""


class Watches(JsonHandler):
    """Ask to watch."""

    def initialize(self, context: Context) -> None:
        self.context = context

    def post(self, game: str, name: str) -> None:
        try:
            self.context.admin(self.request)
        except NotAdmin as error:
            self.refuse(Problem.of(Refusal.FORBIDDEN, str(error)))
            return
        core = self.context.runner.core
        room = core.room(Key(game, name))
        if room is None:
            self.refuse(Problem.of(Refusal.NO_SUCH_ROOM, f"there is no room {name!r} in {game}"))
            return
        node = core.node(Key(game, room.node))
        if room.phase is not Phase.RUNNING or not room.url or node is None or not node.boot:
            detail = f"{name} is {room.phase.value}: only a running room can be watched; a player wakes it"
            self.refuse(Problem.of(Refusal.ROOM_NOT_RUNNING, detail))
            return
        expires = self.context.wall() + self.context.settings.ticket_seconds
        ticket = Ticket(
            sub=ADMIN,
            game=game,
            room=name,
            aud=watch_audience(node.boot),
            exp=expires,
            jti=secrets.token_urlsafe(12),
        )
        answer = WatchAnswer(
            room=name,
            url=reachable(room.url + session_path(game, name), self.request.host),
            ticket=self.context.runner.key.sign(ticket),
            expires_at=rfc3339(expires),
        )
        self.answer(answer, 201)
