"""Runs the core: gives it events and the time, carries out its effects.

One event loop, one thread. What differs between a laptop and a cluster stands behind `Adapter`; players
and nodes are reached through `roomfleet.master.api`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec.structs import replace

from roomfleet.master.core.effects import (
    Admitted,
    Announce,
    AnswerInstance,
    AnswerJoin,
    AnswerSeat,
    BindRoom,
    BringPlayer,
    CreateNode,
    CreateRoom,
    DeleteNode,
    DeleteRoomObject,
    Effect,
    EraseRooms,
    FindMarked,
    FindPlayer,
    InLine,
    MarkRoom,
    Record,
    Refused,
    SendBack,
    SendDesired,
    SendDrain,
    SendGoodbye,
    SendNudge,
    SweepRooms,
    WriteFleetStatus,
    WriteStatus,
    WriteTemplateStatus,
)
from roomfleet.master.core.events import Event, JoinCancelled, JoinPolled, JoinRequested, LinePlace, Tick
from roomfleet.master.core.joining.telling import NEAR
from roomfleet.master.core.master import Core
from roomfleet.master.core.model import Key
from roomfleet.master.finding import Finder
from roomfleet.wire import link as wire
from roomfleet.wire.joining import Problem
from roomfleet.wire.link import Bring, Desired, Drain, Erase, Find, Goodbye, Mark, Nudge, Seated, ToNode
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS, LineToken, SigningKey, Ticket
from roomfleet.wire.urls import session_path

log = logging.getLogger(__name__)

RENEW_SECONDS = 15.0
"""A line token that was given longer ago is not given again: there is a fresh one with the next word."""

DESIRED_SECONDS = 0.02
"""A node hears its whole set of rooms at most that often: a thousand rooms that start do not send it a
thousand times."""

ORDERS = (SendDesired, SendDrain, SendGoodbye, CreateNode, DeleteNode)
"""What changes where rooms run: only the master that holds the lease orders that."""

HELD_SECONDS = 0.1
"""How often a master that may not act asks whether it may."""

ANSWER_KEPT_SECONDS = 60.0
"""How long a final answer can be asked for again by REST."""


class Adapter(Protocol):
    """Where Room objects and nodes live: a folder and child processes, or a cluster."""

    def record(self, effect: Record) -> None:
        """Write it with its precondition; the outcome comes back as `Recorded`."""

    def write_status(self, effect: WriteStatus) -> None: ...

    def write_fleet_status(self, effect: WriteFleetStatus) -> None: ...

    def write_template_status(self, effect: WriteTemplateStatus) -> None: ...

    def create_room(self, effect: CreateRoom) -> None:
        """Make the Room; what fails comes back as `RoomCreated`."""

    def bind_room(self, effect: BindRoom) -> None:
        """Give it its key; the outcome comes back as `RoomBound`."""

    def delete_room(self, effect: DeleteRoomObject) -> None: ...

    def announce(self, effect: Announce) -> None: ...

    def create_node(self, effect: CreateNode) -> None: ...

    def delete_node(self, effect: DeleteNode) -> None: ...


class NodeLink(Protocol):
    """A node's end of the control link, as the runner needs it."""

    def send(self, message: ToNode) -> None: ...


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


class Runner:
    """The master's one loop around the core."""

    def __init__(
        self,
        core: Core,
        adapter: Adapter,
        key: SigningKey,
        wall: Callable[[], float],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_act`: whether this master is the one now. While it is not, nodes are told nothing."""
        self.core = core
        self.key = key
        self.wall = wall
        self._adapter = adapter
        self._loop = asyncio.get_running_loop()
        self._joins: dict[str, Join] = {}
        self._links: dict[tuple[Key, str], NodeLink] = {}
        self._pausing: dict[tuple[Key, str], SendDesired | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        """When it rings."""
        self._may_act = may_act
        self._held: list[Effect] = []
        self._stopped = False
        self.finder = Finder(self._send)

    # -- events in, effects out ----------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Tell the core something, and do what it wants done."""
        if self._stopped:
            return
        for effect in self.core.handle(event, self.wall()):
            if isinstance(effect, ORDERS) and (self._held or not self._may_act()):
                self._hold(effect)
            else:
                self._try(effect)
        self._arm()

    def _hold(self, effect: Effect) -> None:
        """Keep an order until this master may act again."""
        self._held.append(effect)
        if len(self._held) == 1:
            self._loop.call_later(HELD_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if self._stopped:
            return
        if not self._may_act():
            self._loop.call_later(HELD_SECONDS, self._let_go)
            return
        held, self._held = self._held, []
        for effect in held:
            self._try(effect)

    def _try(self, effect: Effect) -> None:
        """One effect that fails takes no other along; the core comes back to it."""
        try:
            self._carry_out(effect)
        except Exception:
            log.exception("could not carry out %s", type(effect).__name__)
            self.core.counted.failures["effect"] += 1

    def stop(self) -> None:
        """No event counts from now on."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        due = self.core.next_due()
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, due - self.wall()), self._tick)

    def _tick(self) -> None:
        self._timer = self._due = None
        self.handle(Tick())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Record():
                self._adapter.record(effect)
            case WriteStatus():
                self._adapter.write_status(effect)
            case WriteFleetStatus():
                self._adapter.write_fleet_status(effect)
            case WriteTemplateStatus():
                self._adapter.write_template_status(effect)
            case CreateRoom():
                self._adapter.create_room(effect)
            case BindRoom():
                self._adapter.bind_room(effect)
            case DeleteRoomObject():
                self._adapter.delete_room(effect)
            case Announce():
                self._adapter.announce(effect)
            case CreateNode():
                self._adapter.create_node(effect)
            case DeleteNode(node=node):
                for (name, boot), _ in list(self._links.items()):
                    if name == node:
                        self._send(name, boot, Drain())
                self._adapter.delete_node(effect)
            case SendDesired():
                self._desired(effect)
            case SendDrain(node, boot, seconds):
                self._send(node, boot, Drain(seconds=seconds))
            case SendGoodbye(node, boot, room):
                self._send(node, boot, Goodbye(room=room))
            case SendNudge(node, boot, room):
                self._send(node, boot, Nudge(room=room))
            case FindPlayer(find, node, boot, player):
                self._send(node, boot, Find(id=find, player=player))
            case BringPlayer(id, node, boot, player, origin, room):
                self._send(node, boot, Bring(id=id, player=player, origin=origin, room=room))
            case FindMarked(node, boot):
                self._send(node, boot, wire.FindMarked())
            case MarkRoom(node, boot, room, uid, on_delete):
                self._send(node, boot, Mark(room=room, uid=uid, on_delete=on_delete))
            case EraseRooms(node, boot, rooms, entry):
                self._send(node, boot, Erase(rooms=list(rooms), entry=entry))
            case SweepRooms(node, boot, names):
                self._send(node, boot, wire.Sweep(rooms=list(names)))
            case SendBack(node, boot, room, entry):
                self._send(node, boot, wire.SendBack(room=room, entry=entry))
            case AnswerJoin():
                self._answer_join(effect)
            case AnswerSeat():
                self._answer_seat(effect)
            case AnswerInstance(node, boot, asked, str() as room):
                self._send(node, boot, Seated(id=asked, room=room))
            case AnswerInstance(node, boot, asked, Problem() as problem):
                self._send(node, boot, Seated(id=asked, problem=problem))

    # -- nodes ---------------------------------------------------------------------------------------------

    def link_up(self, node: Key, boot: str, link: NodeLink) -> None:
        """From now on messages for that boot of the node go there."""
        self._links[node, boot] = link

    def is_link(self, node: Key, boot: str, link: NodeLink) -> bool:
        """Whether it is the newest link of that boot of the node."""
        return self._links.get((node, boot)) is link

    def link_down(self, node: Key, boot: str, link: NodeLink) -> bool:
        """That link is gone. False: another one had taken its place before."""
        if not self.is_link(node, boot, link):
            return False
        del self._links[node, boot]
        return True

    def _desired(self, effect: SendDesired) -> None:
        """The whole set, at once; while it changes often, only the latest one of each pause."""
        key = (effect.node, effect.boot)
        if key in self._pausing:
            self._pausing[key] = effect
            return
        self._pausing[key] = None
        self._loop.call_later(DESIRED_SECONDS, self._pause_over, key)
        desired = Desired(rooms=list(effect.rooms), prepare=list(effect.prepare), moving=list(effect.moving))
        self._send(*key, desired)

    def _pause_over(self, key: tuple[Key, str]) -> None:
        latest = self._pausing.pop(key)
        if latest is not None:
            self._desired(latest)

    def _send(self, node: Key, boot: str, message: ToNode) -> None:
        link = self._links.get((node, boot))
        if link is not None:
            link.send(message)

    # -- joins ---------------------------------------------------------------------------------------------

    def join(
        self,
        game: str,
        player: str,
        room: str | None,
        *,
        place: LineToken | None,
        listen: Callable[[Answer], None],
        others: Sequence[str] = (),
        session: int = 0,
        bring: bool = False,
        template: str | None = None,
        key: str | None = None,
    ) -> Join:
        """Ask to get in, with `others` as a party: a room, or the instance of an InstancedRoom for a key.

        `listen` hears each answer; `place` gives back a place in line; `session` goes on with one that began
        before; `bring`: the player's actor is to be brought.
        """
        join = Join(secrets.token_urlsafe(12), game, player, template, key, listeners=[listen])
        self._joins[join.id] = join
        claimed = None
        if place is not None:
            claimed, session = claim(player, place), session or place.session
        self.handle(
            JoinRequested(
                *(join.id, game, player, room, self.wall()),
                others=tuple(others),
                place=claimed,
                session=session,
                bring=bring,
                template=template,
                key=key,
            )
        )
        return join

    def find_join(self, game: str, join_id: str) -> Join | None:
        join = self._joins.get(join_id)
        return join if join is not None and join.game == game else None

    def polled(self, join: Join) -> None:
        """Somebody still waits for this join."""
        if not join.final:
            self.handle(JoinPolled(join.id))

    def cancel(self, join: Join, *, for_good: bool = False) -> None:
        """The player went away; `for_good`: gave it up, and keeps no place."""
        self._joins.pop(join.id, None)
        self.handle(JoinCancelled(join.id, for_good))

    def _answer_join(self, effect: AnswerJoin) -> None:
        join = self._joins.get(effect.id)
        if join is None:
            return
        join.answer = self._answer(join, effect.answer)
        if join.final:
            self._loop.call_later(ANSWER_KEPT_SECONDS, self._joins.pop, join.id, None)
        for listener in list(join.listeners):
            listener(join.answer)

    def _answer_seat(self, effect: AnswerSeat) -> None:
        match effect.answer:
            case Admitted() as admitted:
                ticket = self._ticket(effect.id, effect.game, effect.player, admitted)
                url = admitted.url + session_path(effect.game, admitted.room)
                message = Seated(id=effect.id, room=admitted.room, url=url, ticket=ticket)
            case InLine(position=position, eta_seconds=eta) as place:
                token = self.key.sign(self._place_token(effect.id, effect.game, effect.player, place))
                message = Seated(id=effect.id, position=position, eta_seconds=eta, line_token=token)
            case Refused(problem=problem):
                message = Seated(id=effect.id, problem=problem)
        self._send(effect.node, effect.boot, message)

    def _answer(self, join: Join, answer: Admitted | InLine | Refused) -> Answer:
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

    def _ticket(self, join: str, game: str, player: str, admitted: Admitted) -> str:
        return self.key.sign(
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
            exp=self.wall() + LINE_TOKEN_SECONDS,
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
        join.line_token, join.signed_token = fresh, self.key.sign(fresh)
        return join.signed_token
