"""The oracle sees data erased that were claimed above the epoch that the order said."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.wire.link import MarkedRoom
from support.simulation.oracle import Broken
from support.simulation.simulation import Simulation


def test_erasing_above_the_ordered_epoch_breaks_a_promise() -> None:
    simulation, room = Simulation(0), Key("w", "cave")
    for epoch in (1, 2):
        simulation.stored.claimed(room, epoch, "w.default-0.b1")
    simulation.stored.erased(room, MarkedRoom(room="cave", uid="u", epoch=2))
    with pytest.raises(Broken, match="claimed with epoch 2 since"):
        simulation.stored.erased(room, MarkedRoom(room="cave", uid="u", epoch=1))
