"""The oracle: watches what the core is told and what it does, and says when a promise is broken.

It keeps its own books, from the outside: what was written at the API server, claimed in the store, told to
nodes, and answered to players. (DESIGN 2: P1, P4 and P5, as far as they are the master's.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.joining.line import JoinState
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.master.core.running.reports import SEATED_FACTOR
from roomfleet.wire.joining import Refusal
from roomfleet.wire.link import Report, RoomPhase
from roomfleet.wire.spec import RoomSpec

if TYPE_CHECKING:
    from support.simulation.players import Attempt
    from support.simulation.simulation import Simulation

GRACE_SECONDS = 1.0
"""A join may end so much later than it should: the core is only called when something is due."""


class Broken(Exception):
    """A promise does not hold. `rule` names it; `about` is what a trace should show."""

    def __init__(self, rule: str, text: str, *about: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.about = about


@dataclass(slots=True, eq=False)
class Seat:
    """An admission: a seat is reserved until the ticket is used or has expired."""

    id: str
    who: tuple[str, str]
    room: Key
    boot: str
    uid: str
    expires: float
    session: int
    takes: bool
    """Whether it is one more than those that the node counts: not for a player who sits there already."""


class Oracle:
    """What must hold at each moment. Raises `Broken`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._specs: dict[Key, tuple[str, RoomSpec]] = {}
        """As the core was told: uid and spec."""
        self._highest: dict[tuple[Key, str], int] = {}
        """The highest epoch that a node was told to run the object of that uid with."""
        self._places: dict[tuple[Key, int], str] = {}
        """Where the room of that epoch was recorded."""
        self._told: dict[tuple[Key, str, int], str] = {}
        """The boot that was told to run the room of that uid with that epoch."""
        self._lines: dict[Key, dict[str, Attempt]] = defaultdict(dict)
        self._seats: dict[str, Seat] = {}
        """Reserved ones, by the id that a node reports as used."""
        self._replaced_seats: dict[str, Seat] = {}
        """Those that a newer join of the player made free; their tickets are good as before."""
        self._seated: dict[Key, set[str]] = defaultdict(set)
        """Players whose ticket was reported used, and who may still be there."""
        self._counts: dict[tuple[Key, str], int] = {}
        """Players and resumable ones of the room on that boot, as the core heard last."""
        self._brought: set[str] = set()
        """Joins for which an actor was sent for."""
        self._greeted: dict[Key, str] = {}
        """The boots of nodes that said hello to this start of the master last."""
        self._open: dict[str, tuple[Attempt, float]] = {}
        """Joins that the core has heard of, and how long it had been awake then."""
        self._behind: dict[str, tuple[str, int]] = {}
        """Joins that waited for their own seat when that was looked at last: at that boot and epoch."""
        self._elsewhere: dict[Key, set[str]] = defaultdict(set)
        """Who was said to sit in a copy that is not the one that counts: the core need not believe that."""
        self.admitted = 0
        self.refused: dict[str, int] = defaultdict(int)

    # -- P1: one place -------------------------------------------------------------------------------------

    def recorded(self, record: fx.Record) -> None:
        """It was written at the API server."""
        key, epoch = record.key, record.status.epoch
        before = self._highest.get((key, record.uid), 0)
        if epoch <= before and record.uid not in self._simulation.api.tampered:
            raise Broken("epochs rise", f"{key} is recorded with epoch {epoch} after {before}", str(key))
        self._places[key, epoch] = record.status.node

    def status_written(self, key: Key, uid: str, status: RoomStatus) -> None:
        before = self._highest.get((key, uid), 0)
        if status.epoch < before and uid not in self._simulation.api.tampered:
            raise Broken("epochs rise", f"{key} is to say epoch {status.epoch} after {before}", str(key))

    def told(self, effect: fx.SendDesired) -> None:
        """A node hears what it should run."""
        for wanted in effect.rooms:
            key = Key(effect.node.game, wanted.room)
            tampered = wanted.uid in self._simulation.api.tampered
            before = self._told.setdefault((key, wanted.uid, wanted.epoch), effect.boot)
            if before != effect.boot and not tampered:
                text = f"{key} epoch {wanted.epoch} is for {before} and for {effect.boot}"
                raise Broken("an epoch has one place", text, str(key))
            self._told[key, wanted.uid, wanted.epoch] = effect.boot
            highest = self._highest.get((key, wanted.uid), 0)
            self._highest[key, wanted.uid] = max(highest, wanted.epoch)
            if self._places.get((key, wanted.epoch)) != effect.node.name and not tampered:
                text = f"{effect.node} is told to run {key} with epoch {wanted.epoch}, which is not recorded"
                raise Broken("written ahead", text, str(key))

    def brings(self, id: str) -> None:
        """The join's actor is sent for: it has a seat from now on."""
        self._brought.add(id)

    def nodes_are_known(self) -> None:
        """Whoever said hello and is on the link is not taken for ended."""
        simulation = self._simulation
        for key, boot in self._greeted.items():
            node, known = simulation.node(key, boot), simulation.master.core._world.nodes.get(key)
            if node is not None and node.linked and (known is None or known.boot != boot):
                raise Broken("who said hello is known", f"{node} lives, the core has {known}", str(key))

    # -- P4: one seat --------------------------------------------------------------------------------------

    def heard(self, event: ev.Event) -> None:
        """What the core is about to be told."""
        match event:
            case ev.RoomApplied():
                self._specs[event.key] = (event.uid, event.spec)
            case ev.NodeReported():
                self._reported(event.node, event.boot, (event.report,))
            case ev.NodeConnected():
                self._greeted[event.node] = event.boot
                for place in [place for place in self._counts if place[1] == event.boot]:
                    del self._counts[place]
                self._reported(event.node, event.boot, event.rooms)
            case ev.JoinRequested():
                for player in (event.player, *event.others):
                    self._replaced((event.game, player), event.session)
                self._asked(event.id)
            case ev.InstanceRequested():
                self._asked(f"{event.boot}:{event.id}")
            case ev.SeatRequested():
                self._replaced((event.node.game, event.player))
                self._asked(f"{event.boot}:{event.id}")

    def _asked(self, id: str) -> None:
        attempt = self._simulation.players.attempts.get(id)
        if attempt is not None and id not in self._open:
            if attempt.node is not None:
                attempt.arrived = self._simulation.clock.now  # a seat's place in line counts from here
            self._open[id] = (attempt, self._simulation.master.awake)

    def _reported(self, node: Key, boot: str, reports: Iterable[Report]) -> None:
        for report in reports:
            key = Key(node.game, report.room)
            self._counts[key, boot] = report.players + report.resumable
            for id in report.used:
                seat = self._seats.pop(id, None) or self._replaced_seats.pop(id, None)
                if seat is not None:
                    self._seated[key].add(seat.who[1])
                    self._elsewhere[key].discard(seat.who[1])
            self._seated[key].update(report.seated)
            room = self._simulation.master.core._world.rooms.get(key)
            place = room.place if room is not None else None
            if place is None or (place.node.key, place.epoch) != (node, report.epoch):
                self._elsewhere[key].update(report.seated)
            else:
                self._elsewhere[key].difference_update(report.seated)

    def _replaced(self, who: tuple[str, str], session: int = 0) -> None:
        """A newer join of the same player: an older one's seat is given up."""
        for id, seat in list(self._seats.items()):
            if seat.who == who and (not session or seat.session <= session):
                self._replaced_seats[id] = self._seats.pop(id)

    def _admitted(self, id: str, attempt: Attempt, who: tuple[str, str], answer: fx.Admitted) -> None:
        now = self._simulation.clock.now
        key = Key(attempt.game, answer.room)
        if answer.expires <= now or answer.expires > now + self._simulation.settings.ticket_seconds:
            raise Broken("a ticket's life", f"{id} has one until {answer.expires}, now {now}")
        uid, spec = self._specs[key]
        self._replaced(who)
        takes = self._takes_seat(key, attempt, id, who[1])
        takes_now = takes and id not in self._brought  # who is brought has had the seat since that began
        if takes_now:
            self._first_in_line(attempt, key)
        self._seats[id] = Seat(id, who, key, answer.boot, uid, answer.expires, answer.session, takes)
        if takes_now:
            self._fits(key, answer.boot, uid, spec.capacity)

    def _takes_seat(self, key: Key, attempt: Attempt, id: str, player: str) -> bool:
        """Not where the player sits there already, as the core says that it knows: it can only know so by a
        ticket that was used, and only once on the strength of that.
        """
        join = self._simulation.master.core._world.joins[attempt.id if id == attempt.raw else id]
        if not join.takes_seat:
            if player not in self._seated[key]:
                raise Broken("a seat for each", f"{id}: {player} never came into {key}", str(key), id)
            self._seated[key].discard(player)
        return join.takes_seat

    def _fits(self, key: Key, boot: str, uid: str, capacity: int) -> None:
        now = self._simulation.clock.now
        sitting = self._counts.get((key, boot), 0)
        reserved = [
            seat.id
            for seat in self._seats.values()
            if seat.takes
            and seat.uid == uid
            and seat.room == key
            and seat.boot == boot
            and seat.expires > now
        ]
        if sitting + len(reserved) > capacity:
            text = f"{key} on {boot}: {sitting} sit, {reserved} are let in, capacity {capacity}"
            raise Broken("seats fit", text, str(key))

    def lets_in(self, key: Key) -> bool:
        """Whether the room has players, or somebody has a seat in it."""
        sitting = any(count for (room, _), count in self._counts.items() if room == key)
        return sitting or any(seat.room == key for seat in self._seats.values())

    # -- P5: nobody is forgotten ---------------------------------------------------------------------------

    def over(self, attempt: Attempt) -> None:
        """It ended for the player, by an answer or because they went away."""
        self._open.pop(attempt.id, None)
        for line in self._lines.values():
            line.pop(attempt.id, None)
        if attempt.over == "cancelled":
            self._seats.pop(attempt.raw or attempt.id, None)

    def answered(self, id: str, answer: fx.Admitted | fx.InLine | fx.Refused) -> None:
        attempt = self._simulation.players.attempts.get(id)
        if attempt is None:
            return
        match answer:
            case fx.InLine():
                attempt.arrived = answer.arrived
                if not answer.template:
                    self._lines[Key(attempt.game, answer.room)][id] = attempt
                if answer.position < 1:
                    raise Broken("positions", f"{id} is told to be number {answer.position}", id)
            case fx.Refused():
                self.refused[str(answer.problem.refusal)] += 1
                if answer.problem.refusal not in {refusal.value for refusal in Refusal}:
                    raise Broken("a reason", f"{id} is refused by {answer.problem}", id)
                if answer.problem.status in (429, 503) and not answer.problem.retry_after:
                    raise Broken("a reason", f"{id} is not told when to try again: {answer.problem}", id)
            case fx.Admitted():
                self.admitted += 1
                self._admitted(attempt.raw or id, attempt, attempt.who, answer)
                for other, player in answer.others:
                    self._admitted(other, attempt, (attempt.game, player), answer)

    def _first_in_line(self, attempt: Attempt, key: Key) -> None:
        for other in self._lines[key].values():
            known = self._simulation.master.core.join(other.id)
            waits = other is not attempt and known is not None and known.state is JoinState.WAITING
            if waits and other.arrived < attempt.arrived:
                text = f"{attempt.id} (since {attempt.arrived:.2f}) overtook {other.id} ({other.arrived:.2f})"
                raise Broken("first come, first served", f"{key}: {text}", str(key), attempt.id, other.id)

    def deadlines(self) -> None:
        """Each join ends in time, counted while there is a master that does anything."""
        simulation = self._simulation
        limit = simulation.settings.join_timeout_seconds + GRACE_SECONDS
        for attempt, since in list(self._open.values()):
            if attempt.node is not None and simulation.master.core.join(attempt.id) is None:
                simulation.players.void(attempt)  # its node is lost: nobody could be told
            elif simulation.master.awake - since > limit:
                raise Broken("every join ends", f"{attempt} has no end at {simulation.clock.now}", attempt.id)

    def own_seats(self) -> None:
        """Nobody waits for long for the seat that is kept for them, as the core was told that it is."""
        before, self._behind = self._behind, {}
        core = self._simulation.master.core
        for attempt, _ in self._open.values():
            known = core.join(attempt.id)
            if known is None or known.state is not JoinState.WAITING or known.room is None:
                continue
            key = Key(attempt.game, known.room)
            room = core._world.rooms.get(key)
            if attempt.template is not None and (room is None or room.child is None):
                continue  # for the instance that a Room of its name is in the way of
            view = core.room(key)
            node = self._simulation.nodes.get(Key(attempt.game, view.node)) if view is not None else None
            copy = node.copies.get(key.name) if node is not None and node.linked else None
            if node is None or copy is None or copy.phase is not RoomPhase.RUNNING or node.paused:
                continue
            seated = self._seated[key] - self._elsewhere[key]
            sits = all(p in copy.resumable and p in seated for p in attempt.players)
            if not sits or view is None or view.phase is not Phase.RUNNING:
                continue
            if len(self._seated[key]) > SEATED_FACTOR * view.capacity:
                continue  # more than the core keeps in mind
            self._behind[attempt.id] = (node.boot, copy.epoch)
            if before.get(attempt.id) == self._behind[attempt.id]:
                text = f"{attempt.id} waits for {attempt.players}, who sit in {key} on {node}"
                raise Broken("nobody waits behind themselves", text, str(key), attempt.id)

    def master_died(self) -> None:
        """What it had promised of seats it knows no more; tickets stay good."""
        self._open.clear()
        self._behind.clear()
        self._lines.clear()
        self._seats.clear()
        self._replaced_seats.clear()
        self._seated.clear()
        self._elsewhere.clear()
        self._counts.clear()
        self._specs.clear()
        self._greeted.clear()
