"""`GET /v1/games/{game}/play` upgraded to a websocket: a join whose answers are pushed (DESIGN 9)."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import UNSET
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from roomfleet.master.answers import AdmittedAnswer, Answer, Join, RefusedAnswer, WaitingAnswer
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Unauthenticated
from roomfleet.master.api.joins import (
    Unwelcome,
    Wanted,
    key_of,
    members,
    party_of,
    place_in_line,
    rfc3339,
    wanted_room,
)
from roomfleet.master.api.problems import write_problem
from roomfleet.wire.codec import encode
from roomfleet.wire.errors import WireError
from roomfleet.wire.joining import (
    SUBPROTOCOL,
    Admitted,
    JoinBody,
    Problem,
    Refusal,
    Refused,
    Waiting,
    from_player,
)
from roomfleet.wire.joining import Join as JoinMessage
from roomfleet.wire.urls import reachable

FIRST_MESSAGE_SECONDS = 5.0
UNREAD_SECONDS = 1.0
"""Until then it has read what was said while it stood still itself."""
POLL_SECONDS = 10.0
"""How often the core hears that somebody still waits: while the socket is open."""


class Play(WebSocketHandler):
    """One player who waits to get in. The upgrade is always accepted; a refusal is a message."""

    def initialize(self, context: Context) -> None:
        self.context = context
        self._join: Join | None = None
        self._done = False
        self._timer: asyncio.TimerHandle | None = None
        self._writing = False
        """A place is being written, and was not taken yet."""
        self._newest: Waiting | None = None
        """The one that follows when it was."""

    def check_origin(self, origin: str) -> bool:
        return self.context.origins.allow(origin, self.request.host)

    async def get(self, *args: Any, **kwargs: Any) -> None:
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            self.set_header("Upgrade", "websocket")
            self.set_header("Connection", "Upgrade")
            raise HTTPError(426, "play is a websocket: ask for the upgrade, or POST to …/joins")
        await super().get(*args, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        write_problem(self, status_code, kwargs.get("exc_info", (None, None, None))[1])

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self, game: str) -> None:
        self.set_nodelay(True)
        self._game = game
        self._timer = asyncio.get_running_loop().call_later(FIRST_MESSAGE_SECONDS, self._seems_silent)

    def _seems_silent(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(UNREAD_SECONDS, self._silent)

    def _silent(self) -> None:
        self._refuse(
            Problem.of(
                Refusal.UNAUTHENTICATED, f"no join message within {FIRST_MESSAGE_SECONDS:g} s of connecting"
            )
        )

    def on_message(self, text: str | bytes) -> None:
        if self._done or self._join is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        try:
            message = from_player.decode(text)
            player = self.context.identity.player(message.token)
            asked = self._asked()
            wanted = wanted_room(self.context, self._game, asked)
            others = party_of(self.context, player, message.party or ())
        except WireError as error:
            self._refuse(Problem.of(Refusal.BAD_REQUEST, str(error)))
        except HTTPError:
            self._refuse(Problem.of(Refusal.BAD_REQUEST, "the query is not UTF-8, percent-encoded"))
        except Unauthenticated as error:
            self._refuse(Problem.of(Refusal.UNAUTHENTICATED, str(error)))
        except Unwelcome as unwelcome:
            self._refuse(unwelcome.problem)
        else:
            self._begin(message, player, wanted, others, asked.bring)

    def _begin(
        self, message: JoinMessage, player: str, wanted: Wanted, others: list[str], bring: bool
    ) -> None:
        place = None
        if message.line_token is not UNSET:
            place = place_in_line(self.context, self._game, player, wanted, message.line_token)
        # An answer may come before `join` returns: it is kept in the join, and told right after.
        join = self.context.runner.join(
            self._game,
            player,
            wanted.room,
            place=place,
            listen=self._early,
            others=others,
            session=message.session or 0,
            bring=bring,
            template=wanted.template,
            key=wanted.key,
        )
        self._join = join
        join.listeners[:] = [self._answered]
        self._poll()
        if join.answer is not None:
            self._answered(join.answer)

    def _early(self, answer: Answer) -> None:
        """Told by `_begin`."""

    def _asked(self) -> JoinBody:
        return JoinBody(
            room=self.get_query_argument("room", None),
            instanced_room=self.get_query_argument("instanced_room", None),
            key=self.get_query_argument("key", None),
            bring=self.get_query_argument("bring", "false") == "true",
        )

    def _poll(self) -> None:
        if self._join is not None and not self._done:
            self.context.runner.polled(self._join)
            self._timer = asyncio.get_running_loop().call_later(POLL_SECONDS, self._poll)

    def _answered(self, answer: Answer) -> None:
        assert self._join is not None
        join = self._join.id
        core = self.context.runner.core
        match answer:
            case WaitingAnswer(room, position, eta, token, session, party):
                self._tell(
                    Waiting(
                        id=join,
                        room=room,
                        position=position,
                        eta_seconds=eta,
                        line_token=token,
                        session=session,
                        party=list(party) or UNSET,
                        key=key_of(core, self._join, room),
                    )
                )
            case AdmittedAnswer(room, url, ticket, expires, session):
                self._finish(
                    Admitted(
                        id=join,
                        room=room,
                        url=reachable(url, self.request.host),
                        ticket=ticket,
                        expires_at=rfc3339(expires),
                        session=session,
                        members=members(answer),
                        key=key_of(core, self._join, room),
                    )
                )
            case RefusedAnswer(problem):
                self._refuse(problem)

    def _refuse(self, problem: Problem) -> None:
        self._finish(Refused(problem=problem))

    def _finish(self, message: Any) -> None:
        if self._done:
            return
        self._send(message)
        self._done = True
        self.close()

    def _tell(self, place: Waiting) -> None:
        """Who does not take what is sent hears the newest place once they do: nothing piles up here."""
        if self._writing:
            self._newest = place
        elif (written := self._send(place)) is not None:
            self._writing = True
            written.add_done_callback(self._taken)

    def _taken(self, written: asyncio.Future[None]) -> None:
        self._writing = False
        newest, self._newest = self._newest, None
        if newest is not None and not self._done:
            self._tell(newest)

    def _send(self, message: Any) -> asyncio.Future[None] | None:
        try:
            written = asyncio.ensure_future(self.write_message(encode(message)))
        except WebSocketClosedError:
            return None
        written.add_done_callback(lambda future: future.cancelled() or future.exception())
        return written

    def on_close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._join is not None and not self._done:
            self._done = True
            self.context.runner.cancel(self._join)
