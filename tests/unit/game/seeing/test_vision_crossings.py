"""The calendar of crossings: each item once, at the tick that was said last; nothing when nobody waits."""

from __future__ import annotations

from roomfleet.game.saving.dirty import Dirty
from roomfleet.game.scripting.steps import Steps
from roomfleet.game.seeing.crossings import NEVER, Calendar, Timed


class Note(Timed):
    """Writes down when it was due."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self.steps = steps
        self.came: list[int] = []

    def due(self) -> None:
        self.came.append(self.steps.tick)


def made(count: int = 1) -> tuple[Steps, Calendar, list[Note]]:
    steps = Steps(20, 0.0, Dirty())
    return steps, Calendar(steps), [Note(steps) for _ in range(count)]


def run(steps: Steps, ticks: int) -> int:
    """Until that tick, stepping when something is due; how many steps there were."""
    taken = 0
    while (due := steps.next_due()) is not None and due <= ticks / 20:
        steps.advance(due)
        steps.run_due()
        taken += 1
    return taken


def test_each_item_comes_once_at_the_tick_that_was_said_last() -> None:
    steps, calendar, (one, other, third) = made(3)
    calendar.put(one, 10)
    calendar.put(other, 10)
    calendar.put(other, 5)
    calendar.put(third, 5)
    calendar.put(third, 12)
    run(steps, 100)
    assert (one.came, other.came, third.came) == ([10], [5], [12])


def test_what_was_called_off_needs_no_step() -> None:
    steps, calendar, (one, other) = made(2)
    calendar.put(one, 10)
    calendar.put(other, 20)
    one.when = NEVER
    assert run(steps, 100) == 1
    assert (one.came, other.came) == ([], [20])
    calendar.put(one, 30)
    calendar.put(one, 25)
    one.when = NEVER
    assert steps.next_due() is None
    calendar.put(one, 30)
    run(steps, 100)
    assert one.came == [30]


def test_putting_off_again_and_again_keeps_one_deadline() -> None:
    steps, calendar, (one,) = made()
    for tick in range(10, 2_000):
        calendar.put(one, tick)
    assert run(steps, 3_000) == 2
    assert one.came == [1_999]


def test_what_is_past_comes_in_the_next_tick() -> None:
    steps, calendar, (one,) = made()
    steps.advance(5.0)
    calendar.put(one, 3)
    run(steps, 200)
    assert one.came == [101]
