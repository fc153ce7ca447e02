"""What a node says that it has to do."""

from __future__ import annotations

import pytest

from roomfleet.node.measuring.load import WINDOW_SECONDS, LoadMeter


class Machine:
    """A clock, and the CPU time of a thread."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.cpu = 50.0
        self.meter = LoadMeter(lambda: self.now, lambda: self.cpu)

    def work(self, seconds: float, share: float) -> None:
        self.now += seconds
        self.cpu += seconds * share


def test_the_share_of_a_core_is_taken_over_the_last_seconds() -> None:
    machine = Machine()
    for _ in range(20):
        machine.work(2.5, 0.4)
        load = machine.meter.measure(0, 0)
    assert load.busy == pytest.approx(0.4)
    for _ in range(4):
        machine.work(2.5, 1.0)
        load = machine.meter.measure(0, 0)
    assert load.busy == pytest.approx(1.0)


def test_a_short_burst_is_not_much_of_it() -> None:
    machine = Machine()
    machine.work(WINDOW_SECONDS / 4, 1.0)
    assert machine.meter.measure(0, 0).busy == pytest.approx(0.25), "it was idle before its start"


def test_missed_ticks_are_a_share_of_those_that_were_due() -> None:
    machine = Machine()
    machine.work(5, 0)
    assert machine.meter.measure(0, 0).missed == 0.0
    machine.work(2.5, 0)
    assert machine.meter.measure(75, 25).missed == pytest.approx(0.25)
    for _ in range(10):
        machine.work(2.5, 0)
        load = machine.meter.measure(75, 25)
    assert load.missed == 0.0, "what was long ago is over"
