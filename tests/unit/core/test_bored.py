"""Bored: a room is stopped exactly when it is, and whoever comes at any point of that gets in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase
from roomfleet.wire.link import RoomPhase
from unit.core.driver import GAME, Driver

BORED = 60
STEP = 0.25


class Slow:
    """A core with one node that takes its time to start and to stop rooms, and writes that take theirs."""

    def __init__(self, *, stops: float = 0.0, starts: float = 0.0, writes: float = 0.0) -> None:
        self.driver = Driver()
        self.driver.fleet(min_nodes=1, max_nodes=1)
        self.driver.connect(0)
        self._takes = {"stop": stops, "start": starts, "write": writes}
        self._due: list[tuple[float, Callable[[], object]]] = []
        self._has: dict[str, int] = {}
        self._seen = 0
        self.placed = 0

    def run(self, seconds: float) -> None:
        """Time passes."""
        until = self.driver.now + seconds
        self._act()
        while self.driver.now < until:
            following = [at for at, _ in self._due if at > self.driver.now]
            self.driver.now = min([until, self.driver.now + STEP, *following])
            self.driver.tell(ev.NodeHeard(self.driver.node(0), "b0"))
            self._act()

    def _act(self) -> None:
        """Take up what the core wants, and do what is due; until there is nothing left to do just now."""
        while True:
            fresh, self._seen = self.driver.effects[self._seen :], len(self.driver.effects)
            for effect in fresh:
                if isinstance(effect, fx.Record):
                    self._later("write", lambda epoch=effect.status.epoch: self._write(epoch))  # type: ignore[misc]
                elif isinstance(effect, fx.SendDesired):
                    self._desired({wanted.room: wanted.epoch for wanted in effect.rooms})
            due = [entry for entry in self._due if entry[0] <= self.driver.now]
            if not due and not fresh:
                return
            for entry in due:
                self._due.remove(entry)
                entry[1]()

    def _later(self, what: str, action: Callable[[], object]) -> None:
        self._due.append((self.driver.now + self._takes[what], action))

    def _write(self, epoch: int) -> None:
        self.placed += 1
        self.driver.recorded("town", epoch)

    def _desired(self, rooms: dict[str, int]) -> None:
        had, self._has = self._has, rooms
        if "town" in rooms and had.get("town") != rooms["town"]:
            self._later("start", lambda: self._report(RoomPhase.RUNNING, rooms["town"]))
        elif "town" in had and "town" not in rooms:
            self._report(RoomPhase.STOPPING, had["town"])
            self._later("stop", lambda: self._report(RoomPhase.STOPPED, had["town"]))

    def _report(self, phase: RoomPhase, epoch: int, players: int = 0) -> None:
        self.driver.report(0, "town", phase, epoch, players=players)

    def left(self, **spec: int) -> None:
        """The room ran, and its only player has just left it."""
        self.driver.room("town", **{"bored_after_seconds": BORED, **spec})
        id = self.driver.join("ann", "town")
        while not self.driver.admitted(id):
            self.run(STEP)
        self.driver.report(0, "town", RoomPhase.RUNNING, self._has["town"], players=1, used=[id])
        self.run(3)
        self.driver.report(0, "town", RoomPhase.RUNNING, self._has["town"])

    @property
    def phase(self) -> Phase:
        return self.driver.phase("town")


@pytest.mark.parametrize("bored", [1, 60, 600])
def test_it_stops_to_the_second(bored: int) -> None:
    town = Slow(stops=1)
    town.left(bored_after_seconds=bored)
    town.run(bored - 0.01)
    assert town.phase is Phase.RUNNING
    town.run(0.01)
    assert town.phase is Phase.STOPPING
    town.run(1)
    assert town.phase is Phase.ASLEEP


def test_bored_after_no_time_it_stops_at_once() -> None:
    town = Slow(stops=1)
    town.left(bored_after_seconds=0)
    assert town.phase is Phase.STOPPING
    town.run(1)
    assert town.phase is Phase.ASLEEP


def test_bored_after_no_time_it_is_still_there_for_who_was_let_in_and_is_on_the_way() -> None:
    town = Slow()
    town.driver.room("town", bored_after_seconds=0)
    id = town.driver.join("ann", "town")
    town.run(14)
    assert town.driver.admitted(id)
    assert town.phase is Phase.RUNNING, "the ticket is good for 15 s"
    town.run(2)
    assert town.phase is Phase.ASLEEP


def test_the_time_begins_when_the_last_one_who_may_resume_is_gone() -> None:
    town = Slow()
    town.left()
    town.driver.report(0, "town", RoomPhase.RUNNING, resumable=1)
    town.run(30)
    town.driver.report(0, "town", RoomPhase.RUNNING)
    town.run(BORED - 0.01)
    assert town.phase is Phase.RUNNING
    town.run(0.01)
    assert town.phase is Phase.ASLEEP


@pytest.mark.parametrize("after", [0.0, 30.0, 59.99])
def test_who_resumes_before_it_is_bored_keeps_it_up(after: float) -> None:
    town = Slow()
    town.left()
    town.run(after)
    town.driver.report(0, "town", RoomPhase.RUNNING, players=1)
    town.run(3 * BORED)
    assert town.phase is Phase.RUNNING


def test_a_player_who_comes_and_goes_starts_the_time_anew() -> None:
    town = Slow()
    town.left()
    town.run(BORED - 1)
    town.driver.tell(ev.JoinCancelled(town.driver.join("bob", "town")))
    town.run(BORED - 0.01)
    assert town.phase is Phase.RUNNING
    town.run(0.01)
    assert town.phase is Phase.ASLEEP


def join(town: Slow) -> Callable[[], bool]:
    id = town.driver.join("bob", "town")
    return lambda: town.driver.admitted(id)


def party(town: Slow) -> Callable[[], bool]:
    id = town.driver.join("bob", "town", "cid", "dan")
    return lambda: town.driver.admitted(id)


def back_from_a_lost_connection(town: Slow) -> Callable[[], bool]:
    id = town.driver.join("bob", "town", arrived=town.driver.now - 20)
    return lambda: town.driver.admitted(id)


def seat(town: Slow) -> Callable[[], bool]:
    town.driver.tell(ev.SeatRequested(town.driver.node(0), "b0", "s1", "bob", "town"))
    return lambda: any(
        isinstance(effect, fx.AnswerSeat) and isinstance(effect.answer, fx.Admitted)
        for effect in town.driver.effects
    )


def arrival(town: Slow) -> Callable[[], bool]:
    town.driver.tell(ev.Nudged(Key(GAME, "town"), wake=True))
    return lambda: town.phase is Phase.RUNNING


COMERS = [join, party, back_from_a_lost_connection, seat, arrival]


@pytest.mark.parametrize("comes", COMERS)
@pytest.mark.parametrize("after", [0.0, 30.0, 59.99, 60.0, 60.01, 61.0, 61.99, 62.0, 62.01, 90.0])
def test_whoever_comes_at_any_point_gets_in(
    comes: Callable[[Slow], Callable[[], bool]], after: float
) -> None:
    """60 bored and told to stop, 62 stopped and asleep."""
    town = Slow(stops=2, starts=1, writes=0.5)
    town.left()
    town.run(after)
    is_in = comes(town)
    town.run(8)
    assert is_in()
    assert town.phase is Phase.RUNNING
    assert town.placed == (1 if after < BORED else 2), "and the room is started once for that, if at all"


@given(
    comes=st.sampled_from(COMERS),
    after=st.floats(BORED - 1, BORED + 12),
    stops=st.floats(0, 6),
    starts=st.floats(0, 6),
    writes=st.floats(0, 4),
    bored=st.sampled_from([0, BORED]),
)
def test_so_does_whoever_comes_however_long_things_take(
    comes: Callable[[Slow], Callable[[], bool]],
    after: float,
    stops: float,
    starts: float,
    writes: float,
    bored: int,
) -> None:
    town = Slow(stops=stops, starts=starts, writes=writes)
    town.left(bored_after_seconds=bored)
    town.run(after - BORED + bored)
    is_in = comes(town)
    within = stops + writes + starts + 1
    while not is_in() and within > 0:
        town.run(STEP)
        within -= STEP
    assert is_in()
