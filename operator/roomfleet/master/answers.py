"""What who asked to get in is told: the core's answers, with tickets and line tokens signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from roomfleet.master.core.effects import Admitted, AnswerSeat, InLine, Refused
from roomfleet.master.core.events import LinePlace
from roomfleet.master.core.joining.telling import NEAR
from roomfleet.wire.joining import Problem
from roomfleet.wire.link import Seated
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS, LineToken, SigningKey, Ticket
from roomfleet.wire.urls import session_path

RENEW_SECONDS = 15.0
"""A line token that was given longer ago is not given again: there is a fresh one with the next word."""


@dataclass(frozen=True, slots=True)
class AdmittedAnswer:
    """In: connect to `url` with `ticket` before `expires` (s since 1970)."""

    room: str
    url: str
    ticket: str
    expires: float
    session: int
    members: tuple[tuple[str, str], ...] = ()
    """Of a party: every player with the ticket, the leader first."""


@dataclass(frozen=True, slots=True)
class WaitingAnswer:
    """In line."""

    room: str
    position: int
    eta_seconds: float | None
    line_token: str
    session: int
    party: tuple[str, ...] = ()
    """Who waits together, the leader first; empty: one alone."""


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    problem: Problem


Answer = AdmittedAnswer | WaitingAnswer | RefusedAnswer


@dataclass(slots=True)
class Join:
    """A player's wish to get in, and the newest answer to it."""

    id: str
    game: str
    player: str
    template: str | None = None
    """The InstancedRoom that was asked for, and the key."""
    key: str | None = None
    answer: Answer | None = None
    line_token: LineToken | None = None
    """The one that `signed_token` is."""
    signed_token: str = ""
    listeners: list[Callable[[Answer], None]] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return isinstance(self.answer, AdmittedAnswer | RefusedAnswer)


def claim(player: str, token: LineToken) -> LinePlace:
    """The place that the player's token says there was."""
    return LinePlace(
        token.room, token.arrived, token.ahead, frozenset((player, *token.others)), token.instanced_room
    )


class Answers:
    """Makes them."""

    def __init__(self, key: SigningKey, wall: Callable[[], float]) -> None:
        self._key, self._wall = key, wall

    def for_player(self, join: Join, answer: Admitted | InLine | Refused) -> Answer:
        """What the join is told, with a ticket for each player or the token that keeps the place."""
        match answer:
            case Admitted(room, _, url, expires):
                ticket = self._ticket(join.id, join.game, join.player, answer)
                members = tuple(
                    (player, self._ticket(id, join.game, player, answer)) for id, player in answer.others
                )
                return AdmittedAnswer(
                    room,
                    url + session_path(join.game, room),
                    ticket,
                    expires,
                    answer.session,
                    ((join.player, ticket), *members) if members else (),
                )
            case InLine(room, position, eta):
                party = (join.player, *answer.others) if answer.others else ()
                return WaitingAnswer(
                    room, position, eta, self._line_token(join, answer), answer.session, party
                )
            case Refused(problem):
                return RefusedAnswer(problem)

    def for_node(self, effect: AnswerSeat) -> Seated:
        """What the node is told that asked for a seat."""
        match effect.answer:
            case Admitted() as admitted:
                ticket = self._ticket(effect.id, effect.game, effect.player, admitted)
                url = admitted.url + session_path(effect.game, admitted.room)
                return Seated(id=effect.id, room=admitted.room, url=url, ticket=ticket)
            case InLine(position=position, eta_seconds=eta) as place:
                token = self._key.sign(self._place_token(effect.id, effect.game, effect.player, place))
                return Seated(id=effect.id, position=position, eta_seconds=eta, line_token=token)
            case Refused(problem=problem):
                return Seated(id=effect.id, problem=problem)

    def _ticket(self, join: str, game: str, player: str, admitted: Admitted) -> str:
        return self._key.sign(
            Ticket(
                sub=player,
                game=game,
                room=admitted.room,
                aud=admitted.boot,
                exp=admitted.expires,
                jti=join,
                session=admitted.session,
            )
        )

    def _place_token(self, join: str, game: str, player: str, place: InLine) -> LineToken:
        return LineToken(
            sub=player,
            game=game,
            room=place.room,
            jti=join,
            arrived=place.arrived,
            exp=self._wall() + LINE_TOKEN_SECONDS,
            ahead=place.ahead,
            others=list(place.others),
            session=place.session,
            instanced_room=place.template,
        )

    def _line_token(self, join: Join, place: InLine) -> str:
        """The one that was given before while it is fresh and says no less than it should: far from the
        head most positions change all the time, and need no signature each."""
        fresh, before = self._place_token(join.id, join.game, join.player, place), join.line_token
        if before is not None and fresh.exp < before.exp + RENEW_SECONDS:
            known = replace(before, exp=fresh.exp, ahead=fresh.ahead)
            if known == fresh and (place.position > NEAR or before.ahead == place.ahead):
                return join.signed_token
        join.line_token, join.signed_token = fresh, self._key.sign(fresh)
        return join.signed_token
