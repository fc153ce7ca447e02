"""`POST /v1/games/{game}/joins`, and asking again (DESIGN 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from roomfleet.master.answers import AdmittedAnswer, Answer, Join, RefusedAnswer, WaitingAnswer
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Unauthenticated, bearer
from roomfleet.master.api.problems import JsonHandler
from roomfleet.master.core.master import Core
from roomfleet.master.core.model import Key
from roomfleet.wire.errors import TicketError
from roomfleet.wire.joining import JoinAnswer, JoinBody, JoinState, Member, Problem, Refusal
from roomfleet.wire.names import BadName, instance_key, instance_name
from roomfleet.wire.tickets import LineToken, check_line_token
from roomfleet.wire.urls import reachable

FIRST_ANSWER_SECONDS = 5.0
"""How long a POST waits for the first answer."""
NAMED_GAMES = 5
"""A refusal names so many of the games that there are."""
PARTY_MOST = 999
"""Other members of a party; a room takes fewer, as a rule."""


class Unwelcome(Exception):
    """A join that is refused before the core hears of it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a room, an instance, or neither: wherever the player belongs."""

    room: str | None
    template: str | None
    key: str | None


def wanted_room(context: Context, game: str, body: JoinBody) -> Wanted:
    """What is asked for. Raises Unwelcome."""
    # Until every object has been told a game may be one that is not known yet: its joins wait for that.
    if context.runner.core.synced and not context.has_game(game):
        games = context.games()
        some = ", ".join(games[:NAMED_GAMES]) + (", …" if len(games) > NAMED_GAMES else "")
        detail = f"there is no game {game!r} here; there are: {some}"
        raise Unwelcome(Problem.of(Refusal.NO_SUCH_GAME, detail))
    if body.instanced_room is None and body.key is not None:
        raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, "a key needs an instanced_room: name both"))
    key: str | None = None
    if body.instanced_room is not None:
        if body.room is not None:
            raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, "ask for a room or an instanced_room, not both"))
        if body.key is None:
            raise Unwelcome(
                Problem.of(Refusal.BAD_REQUEST, "an instanced_room needs a key: whose instance it is to be")
            )
        try:
            key = instance_key(body.key)
        except BadName as error:
            raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, str(error))) from None
    return Wanted(body.room, body.instanced_room, key)


def place_in_line(context: Context, game: str, player: str, wanted: Wanted, token: str) -> LineToken | None:
    """The place that a line token gives back. One that is void or not this player's gives none."""
    try:
        place = check_line_token(
            token, {context.runner.key.id: context.runner.key.public}, now=context.wall()
        )
    except TicketError:
        return None
    if place.sub != player or place.game != game or place.room not in _rooms(context, game, wanted, place):
        return None
    return place


def _rooms(context: Context, game: str, wanted: Wanted, place: LineToken) -> tuple[str | None, ...]:
    """The rooms that a place in line may be for."""
    if wanted.template is not None and wanted.key is not None:
        bound = context.runner.core.instance(Key(game, wanted.template), wanted.key)
        return (instance_name(wanted.template, wanted.key), bound)
    return (wanted.room if wanted.room is not None else place.room,)


def key_of(core: Core, join: Join, room: str) -> str | UnsetType:
    """The key that was asked for, if the room is the instance for it."""
    if join.template is None or join.key is None:
        return UNSET
    names = (core.instance(Key(join.game, join.template), join.key), instance_name(join.template, join.key))
    return join.key if room in names else UNSET


def answer_body(core: Core, join: Join, answer: AdmittedAnswer | WaitingAnswer, host: str) -> JoinAnswer:
    """The body of a 201 or 202, for a client that reached us as `host`."""
    key = key_of(core, join, answer.room)
    if isinstance(answer, AdmittedAnswer):
        return JoinAnswer(
            id=join.id,
            room=answer.room,
            state=JoinState.ADMITTED,
            url=reachable(answer.url, host),
            ticket=answer.ticket,
            expires_at=rfc3339(answer.expires),
            session=answer.session,
            members=members(answer),
            key=key,
        )
    return JoinAnswer(
        id=join.id,
        room=answer.room,
        state=JoinState.WAITING,
        position=answer.position,
        eta_seconds=answer.eta_seconds,
        line_token=answer.line_token,
        session=answer.session,
        party=list(answer.party) or UNSET,
        key=key,
    )


def members(answer: AdmittedAnswer) -> list[Member] | UnsetType:
    """Everybody's ticket, where it is a party."""
    return [Member(player=player, ticket=ticket) for player, ticket in answer.members] or UNSET


def party_of(context: Context, player: str, tokens: Sequence[str]) -> list[str]:
    """The other members, each by the own token. Raises Unwelcome."""
    if len(tokens) > PARTY_MOST:
        raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, f"a party has {PARTY_MOST} other members at most"))
    others: list[str] = []
    for number, token in enumerate(tokens, 1):
        try:
            other = context.identity.player(token)
        except Unauthenticated as error:
            detail = f"token {number} of the party: {error}"
            raise Unwelcome(Problem.of(Refusal.UNAUTHENTICATED, detail)) from None
        if other == player or other in others:
            detail = f"the party names {other} twice: give each other member's token once"
            raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, detail))
        others.append(other)
    return others


class _JoinHandler(JsonHandler):
    def initialize(self, context: Context) -> None:
        self.context = context

    def player(self) -> str:
        """The caller. Raises Unwelcome."""
        try:
            return self.context.identity.player(bearer(self.request.headers.get("Authorization")))
        except Unauthenticated as error:
            raise Unwelcome(Problem.of(Refusal.UNAUTHENTICATED, str(error))) from None

    def own_join(self, game: str, join_id: str) -> Join:
        """The join, if it is the caller's. Raises Unwelcome."""
        join = self.context.runner.find_join(game, join_id)
        if join is None or join.player != self.player():
            raise Unwelcome(
                Problem.of(Refusal.NO_SUCH_JOIN, f"there is no join {join_id!r} of yours; POST a new one")
            )
        return join

    def answer_join(self, join: Join) -> None:
        match join.answer:
            case RefusedAnswer(problem):
                self.refuse(problem)
            case AdmittedAnswer() | WaitingAnswer() as answer:
                body = answer_body(self.context.runner.core, join, answer, self.request.host)
                self.set_header("Location", f"{self.context.prefix}/v1/games/{join.game}/joins/{join.id}")
                self.answer(body, 201 if body.state is JoinState.ADMITTED else 202)
            case None:
                self.refuse(Problem.of(Refusal.TIMEOUT, "no answer yet; ask again", retry_after=1))


class Joins(_JoinHandler):
    """Ask to get in."""

    async def post(self, game: str) -> None:
        try:
            player = self.player()
            try:
                body = msgspec.json.decode(self.request.body or b"{}", type=JoinBody)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Unwelcome(Problem.of(Refusal.BAD_REQUEST, f"the body is not a join: {error}")) from None
            wanted = wanted_room(self.context, game, body)
            others = party_of(self.context, player, body.party)
        except Unwelcome as unwelcome:
            self.refuse(unwelcome.problem)
            return
        place = None
        if body.line_token is not None:
            place = place_in_line(self.context, game, player, wanted, body.line_token)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()

        def listen(_: Answer | None = None) -> None:
            if not answered.done():
                answered.set_result(None)

        join = self.context.runner.join(
            game,
            player,
            wanted.room,
            place=place,
            listen=listen,
            others=others,
            session=body.session,
            bring=body.bring,
            template=wanted.template,
            key=wanted.key,
        )
        # No wait_for: that would make a task for each join.
        timer = loop.call_later(FIRST_ANSWER_SECONDS, listen)
        await answered
        timer.cancel()
        if join.answer is None:
            self.context.runner.cancel(join)
        self.answer_join(join)


class OneJoin(_JoinHandler):
    """Ask again, or give up."""

    def get(self, game: str, join_id: str) -> None:
        try:
            join = self.own_join(game, join_id)
        except Unwelcome as unwelcome:
            self.refuse(unwelcome.problem)
            return
        self.context.runner.polled(join)
        self.answer_join(join)

    def delete(self, game: str, join_id: str) -> None:
        try:
            join = self.own_join(game, join_id)
        except Unwelcome as unwelcome:
            self.refuse(unwelcome.problem)
            return
        self.context.runner.cancel(join, for_good=True)
        self.set_status(204)
        self.finish()
