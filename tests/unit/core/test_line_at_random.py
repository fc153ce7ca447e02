"""The line under whatever happens: in order, within its seats, and everybody knows the place in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import RoomPhase
from unit.core.driver import GAME, Driver

CAPACITY = 4

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(1, 3)),
        st.tuples(st.just("come back"), st.integers(0, 60)),
        st.tuples(st.just("give up"), st.integers(0, 60)),
        st.tuples(st.just("lose"), st.integers(0, 60)),
        st.tuples(st.just("leave room"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.floats(0.05, 3)),
    ),
    min_size=1,
    max_size=80,
)


class Town:
    """A full room with a line, and what everybody ought to know of it."""

    def __init__(self) -> None:
        self.driver = Driver(ticket_seconds=1e6, join_timeout_seconds=1e6)
        self.driver.two_nodes()
        self.driver.running("town", capacity=CAPACITY)
        self.players = CAPACITY
        self._report()
        self.sizes: dict[str, int] = {}
        self.arrivals: dict[str, float] = {}
        self.lost: dict[str, tuple[str, int, float]] = {}
        self.line: list[str] = []
        self.number = 0

    def _report(self, used: list[str] | None = None) -> None:
        self.driver.report(0, "town", RoomPhase.RUNNING, players=self.players, used=used or [])

    def act(self, what: str, value: float) -> None:
        if what == "join":
            self.number += 1
            self._join(f"p{self.number}", int(value), None)
        elif what == "come back" and self.lost:
            player = sorted(self.lost)[int(value) % len(self.lost)]
            _, size, arrived = self.lost.pop(player)
            self._join(player, size, arrived)
        elif what in ("give up", "lose") and self.line:
            id = self.line[int(value) % len(self.line)]
            view = next(view for view in self.driver.core.line(Key(GAME, "town")) if view.id == id)
            if what == "lose":
                self.lost[view.player] = (id, self.sizes[id], self.arrivals[id])
            self.driver.tell(ev.JoinCancelled(id, for_good=what == "give up"))
            self.line.remove(id)
        elif what == "leave room":
            self.players = max(0, self.players - int(value))
            self._report()
        elif what == "wait":
            self.driver.wait(value, alive=(0, 1))
        self._admitted()

    def _join(self, player: str, size: int, arrived: float | None) -> None:
        others = [f"{player} {number}" for number in range(1, size)]
        id = self.driver.join(player, "town", *others, arrived=arrived or 0.0)
        self.sizes[id] = size
        self.arrivals[id] = self.driver.now if arrived is None else arrived
        self.line.append(id)
        self.line.sort(key=lambda each: (self.arrivals[each], int(each[1:])))

    def _admitted(self) -> None:
        """Whoever was let in were the first, in order, and there was a seat for each of them."""
        for polled in self.line:
            self.driver.tell(ev.JoinPolled(polled))
        while self.line and self.driver.admitted(self.line[0]):
            id = self.line.pop(0)
            answer = self.driver.answer(id)
            assert isinstance(answer, fx.Admitted)
            assert len(answer.others) == self.sizes[id] - 1
            self.players += self.sizes[id]
            assert self.players <= CAPACITY
            self._report([id, *(other for other, _ in answer.others)])
        assert not any(self.driver.admitted(id) for id in self.line), "nobody overtakes"
        if self.line:
            assert self.players + self.sizes[self.line[0]] > CAPACITY, "nobody waits for nothing"


@given(ACTIONS)
def test_the_line_keeps_its_order_its_seats_and_its_word(actions: list[tuple[str, float]]) -> None:
    town = Town()
    for what, value in actions:
        town.act(what, value)
    assert [view.id for view in town.driver.core.line(Key(GAME, "town"))] == town.line
    town.driver.wait(5, alive=(0, 1))
    assert [town.driver.position(id) for id in town.line] == list(range(1, len(town.line) + 1))
    assert town.driver.view("town").waiting == sum(town.sizes[id] for id in town.line)
