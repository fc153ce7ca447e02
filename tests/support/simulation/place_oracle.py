"""The oracle for line tokens: a place is given back after a restart, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from support.simulation.oracle import Broken

if TYPE_CHECKING:
    from support.simulation.players import Attempt
    from support.simulation.simulation import Simulation


class PlaceOracle:
    """Raises `Broken`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._known: set[tuple[str, str]] = set()
        """Players who joined since the master's start."""
        self._claimed: dict[str, ev.LinePlace] = {}
        """Those of them that were had before the master's start."""
        self._used: dict[tuple[str, str], float] = {}
        """When the ticket was given out that the player used last."""
        self._known_used: dict[tuple[str, str], float] = {}
        """The same, as far as the core can know since its start."""
        self._asked_back: dict[str, tuple[ev.LinePlace, float]] = {}
        """Places that joins ask back, and when."""

    def heard(self, event: ev.Event) -> None:
        """What the core is about to be told."""
        match event:
            case ev.NodeConnected():
                self._let_in(event)
            case ev.JoinRequested():
                if event.place is not None:
                    self._asked_back[event.id] = (event.place, event.arrived)
                    self._in_line_since(event.id)
                    if not self._known.intersection((event.game, p) for p in event.place.players):
                        self._claimed[event.id] = event.place
                self._known.update((event.game, player) for player in (event.player, *event.others))
            case ev.SeatRequested():
                self._known.add((event.node.game, event.player))

    def answered(self, id: str, answer: fx.Admitted | fx.InLine | fx.Refused) -> None:
        attempt = self._simulation.players.attempts.get(id)
        match answer:
            case fx.InLine() if attempt is not None:
                self._given_once(id, attempt, answer)
                self._given_back(id, attempt, answer)
            case fx.Admitted() if attempt is not None:
                for player in (attempt.player, *(player for _, player in answer.others)):
                    self._known_used[attempt.game, player] = self._simulation.clock.now

    def over(self, attempt: Attempt) -> None:
        self._asked_back.pop(attempt.id, None)

    def master_died(self) -> None:
        """The next one knows what it is told."""
        self._known.clear()
        self._known_used.clear()
        self._asked_back.clear()
        self._claimed.clear()

    def used(self, who: tuple[str, str], given: float) -> None:
        """The player came in by a ticket that was given out then."""
        self._used[who] = given

    def _let_in(self, event: ev.NodeConnected) -> None:
        """The core hears whose places were used up."""
        for player, at in event.let_in.items():
            who = (event.node.game, player)
            self._known_used[who] = max(at, self._known_used.get(who, at))
        for id in self._asked_back:
            self._in_line_since(id)

    def _in_line_since(self, id: str) -> None:
        """Whoever asks a place back that is known to be used up is in line since they asked."""
        place, asked = self._asked_back[id]
        attempt = self._simulation.players.attempts.get(id)
        if attempt is not None and place.arrived < self._known_used.get(attempt.who, 0.0):
            attempt.arrived = max(attempt.arrived, asked)

    def _given_back(self, id: str, attempt: Attempt, answer: fx.InLine) -> None:
        """A place that was had before the start is the same after it, if it was not used."""
        place = self._claimed.get(id)
        if place is None or place.arrived < self._used.get(attempt.who, 0.0):
            return
        if place.room == answer.room and place.arrived != answer.arrived:
            text = f"{id} was in line since {place.arrived:.2f} and is now since {answer.arrived:.2f}"
            raise Broken("a place survives a restart", text, id, answer.room)

    def _given_once(self, id: str, attempt: Attempt, answer: fx.InLine) -> None:
        """A place is not given back after an admission that the core knows of."""
        place, _ = self._asked_back.get(id, (None, 0.0))
        known = self._known_used.get(attempt.who, 0.0)
        if place is not None and place.arrived == answer.arrived and place.arrived < known:
            text = f"{id} is in line since {answer.arrived:.2f} once more, and was let in at {known:.2f}"
            raise Broken("a place is used once", text, id, answer.room)
