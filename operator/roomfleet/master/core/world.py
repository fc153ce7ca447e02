"""Everything the core knows, and what all its parts do with it: look at keys, answer, forget."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from roomfleet.master.core.effects import (
    Admitted,
    AnswerInstance,
    AnswerJoin,
    AnswerSeat,
    Effect,
    InLine,
    Refused,
)
from roomfleet.master.core.joining.given import GivenPlaces
from roomfleet.master.core.joining.line import Join, JoinState, Line
from roomfleet.master.core.model import (
    Key,
)
from roomfleet.master.core.queueing.counted import Counted
from roomfleet.master.core.queueing.queue import Lane, RoomQueue
from roomfleet.master.core.queueing.timers import Timers
from roomfleet.master.core.state import (
    Fleet,
    Game,
    Node,
    Place,
    Room,
    Template,
)
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS

FAILED_SECONDS = 10.0
"""A join that comes so long after a room's failure has it tried again."""
STALL_SECONDS = 5.0
"""Looked at so much later than was due, the core itself stood still: silence before that proves nothing."""

STALL_PART = 1 / 20
"""So does lateness of that part of `nodeLostAfterSeconds`, once within twice that time."""


class Work(Struct, frozen=True):
    """A key of the room queue."""

    kind: Literal["room", "fleet", "template"]
    key: Key


class Alarm(Struct, frozen=True, gc=False):
    """A subject of the timers."""

    kind: Literal["room", "fleet", "node", "avoid", "empty", "drain", "join", "counts", "template"]
    key: Key | str


class World:
    """Everything the core knows, and the effects that are due."""

    def __init__(self, settings: Settings, seed: int, now: float, stopwatch: Callable[[], float]) -> None:
        self.settings = settings
        self.stopwatch = stopwatch
        self.rng = random.Random(seed)
        self.now = now
        self.started = now
        self.silent_from = now
        """Silence counts from here at the earliest: the start, or the end of a stall."""
        self.synced = False
        self.synced_at = now
        self.rooms: dict[Key, Room] = {}
        self.nodes: dict[Key, Node] = {}
        self.fleets: dict[Key, Fleet] = {}
        self.games: dict[str, Game] = {}
        self.templates: dict[Key, Template] = {}
        self.in_the_way: dict[Key, Template] = {}
        """Rooms that have the name of an instance that is to be made, and are not it."""
        self.joins: dict[str, Join] = {}
        self.players: dict[tuple[str, str], Join] = {}
        """The one join of each player that is not over."""
        self.unswept: dict[str, None] = {}
        """Games with `lost` rooms."""
        self.brings: dict[Key, dict[str, Join]] = {}
        """By the room that holds the actor: joins that wait for it to be brought to the room they ask for."""
        self.seats: dict[tuple[str, str], Key] = {}
        """Where a player used a ticket last."""
        self.queue: RoomQueue[Work] = RoomQueue(self.rng, now, game=lambda work: work.key.game)
        self.timers: Timers[Alarm] = Timers()
        self.effects: list[Effect] = []
        self.untold: dict[Key, Node] = {}
        """Nodes whose desired set changed."""
        self.joins_seen = 0
        self.letting_in: Join | None = None
        """The join that a room is letting in: if that raises, it is refused, and others have their turn."""
        self.counted = Counted()
        self.given = GivenPlaces()
        self.collect_until = float("inf")
        """Until then those who were in line before the start may come back to their places."""

    def game(self, name: str) -> Game:
        game = self.games.get(name)
        if game is None:
            game = self.games[name] = Game(name)
        return game

    def fleet(self, key: Key) -> Fleet:
        fleet = self.fleets.get(key)
        if fleet is None:
            fleet = self.fleets[key] = Fleet(key)
        return fleet

    def advance(self, now: float) -> None:
        """Time goes on, and never back."""
        due = self.next_due()
        late = now - due if due is not None else 0.0
        lost_after = self.settings.node_lost_after_seconds
        # A core that is always a little late must find out who is lost, too.
        stalled = late > lost_after * STALL_PART and now > self.silent_from + 2 * lost_after
        if late > STALL_SECONDS or stalled:
            self.silent_from = now
        self.now = max(self.now, now)

    def next_due(self) -> float | None:
        """When there is something to do without being told."""
        alarm = self.timers.next_due()
        work = self.queue.next_due(self.now) if self.synced else None
        if alarm is None or work is None:
            return work if alarm is None else alarm
        return min(alarm, work)

    def look_at(self, room: Room, lane: Lane = Lane.HOUSEKEEPING) -> None:
        """Have the room reconciled."""
        self.queue.add(Work("room", room.key), lane, self.now)

    def try_again(self, room: Room) -> None:
        """A join needs the room: a failure that is long enough ago counts no more. The room is looked at even
        if the join is refused: it may be wanted anyway."""
        if room.failure is not None and self.now >= room.failure.at + FAILED_SECONDS:
            room.failure = None
            self.look_at(room, Lane.URGENT)

    def template(self, key: Key) -> Template:
        template = self.templates.get(key)
        if template is None:
            template = self.templates[key] = Template(key)
        return template

    def look_at_template(self, template: Template) -> None:
        self.queue.add(Work("template", template.key), Lane.URGENT, self.now)

    def look_at_fleet(self, fleet: Fleet) -> None:
        self.queue.add(Work("fleet", fleet.key), Lane.URGENT, self.now)

    def do(self, *effects: Effect) -> None:
        self.effects += effects

    def tell(self, node: Node) -> None:
        """Its desired set changed: it goes out once, at the end of the call."""
        if node.is_up:
            self.untold[node.key] = node

    def answer(self, join: Join, answer: Admitted | InLine | Refused) -> None:
        self.counted.answered(join, answer, self.now)
        if join.seat is None:
            self.do(AnswerJoin(join.id, join.game, join.player, answer))
        elif not join.player:
            if isinstance(answer, Refused):
                self.do(AnswerInstance(join.seat.node, join.seat.boot, join.seat.id, answer.problem))
        else:
            seat = join.seat
            self.do(AnswerSeat(seat.node, seat.boot, seat.id, join.game, join.player, answer))

    def admit(self, join: Join, place: Place) -> None:
        """The join has a reserved seat at that place: in."""
        join.state = JoinState.ADMITTED
        join.boot = place.boot
        self.timers.set(Alarm("join", join.id), None)
        self.place_used(join)
        name = join.room.name if join.room is not None else ""
        self.answer(join, Admitted(name, place.boot, place.node.url, join.expires, session=join.session))

    def place_used(self, join: Join) -> None:
        """The join is let in: every place that its player may have a token for is used up."""
        who = (join.game, join.player)
        unknown = self.now < self.started + LINE_TOKEN_SECONDS  # there may be tokens of before the start
        if join.told or join.place is not None or unknown or who in self.given:
            self.given.void(who, self.now)

    def refuse(self, join: Join, refusal: Refusal, detail: str, retry_after: int | None = None) -> None:
        """The join ends here, and its place is not given back."""
        if join.told:
            self.given.void((join.game, join.player), self.now)
        self.end(join, refusal, detail, retry_after)

    def end(self, join: Join, refusal: Refusal, detail: str, retry_after: int | None = None) -> None:
        """The join ends here; a token may give its place back."""
        self.forget(join)
        self.answer(join, Refused(Problem.of(refusal, detail, retry_after)))

    def refuse_all(self, joins: Iterable[Join], refusal: Refusal, detail: str) -> None:
        for join in list(joins):
            self.refuse(join, refusal, detail)

    def missing_before(self, line: Line, join: Join) -> int:
        """How many players may still come back to places before the join's that they had before the start."""
        if self.now >= self.collect_until:
            line.forget_returning()
            return 0
        if join.place is not None and join.arrived < self.started:
            return line.returning.missing_before(join.arrived, join.place.ahead)
        return line.returning.missing()

    def members(self, leader: Join) -> list[Join]:
        """A join for each player of one that is let in: itself, and one of its own for each other member."""
        members = [leader]
        for number, player in enumerate(leader.others, 1):
            member = Join(
                f"{leader.id}.{number}",
                leader.game,
                player,
                leader.asked,
                leader.arrived,
                leader.number,
                leader.came,
                leader.requested,
                self.now,
                session=leader.session,
            )
            members.append(member)
            self.joins[member.id] = member
            self.players[leader.game, player] = member
        leader.followers = tuple(member.id for member in members[1:])
        return members

    def brought(self, join: Join) -> None:
        """The join's actor needs not be brought any more."""
        origin, join.origin = join.origin, None
        joins = self.brings.get(origin) if origin is not None else None
        if origin is None or joins is None or joins.pop(join.id, None) is None:
            return
        if not joins:
            del self.brings[origin]
        if (room := self.rooms.get(origin)) is not None:
            self.look_at(room, Lane.URGENT)

    def forget(self, join: Join) -> None:
        """The join is over: out of the line, its reservation free."""
        self.joins.pop(join.id, None)
        self.timers.set(Alarm("join", join.id), None)
        for player in join.players:
            if self.players.get((join.game, player)) is join:
                del self.players[join.game, player]
        node = self.nodes.get(join.seat.node) if join.seat is not None else None
        if join.seat is not None and node is not None and node.seats.get(join.seat.id) == join.id:
            del node.seats[join.seat.id]
        self.brought(join)
        if join.lined is not None:
            template, join.lined = self.template(join.lined), None
            template.line.leave(join)
            self.look_at_template(template)
            return
        room = self.rooms.get(join.room) if join.room is not None else None
        if room is None or room.line is None:
            return
        if join.state is JoinState.WAITING:
            room.line.leave(join)
        elif join.id in room.line.reserved:
            room.line.free(join)
        for player in join.players:
            if player not in room.line.seated:
                self._sits_no_more(player, room)
        self.look_at(room, Lane.URGENT)

    def unseat(self, room: Room, line: Line) -> None:
        """Nobody sits in the room."""
        for player in line.seated:
            self._sits_no_more(player, room)
        line.unseat()

    def _sits_no_more(self, player: str, room: Room) -> None:
        who = (room.key.game, player)
        if self.seats.get(who) == room.key:
            del self.seats[who]
