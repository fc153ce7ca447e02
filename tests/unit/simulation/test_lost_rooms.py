"""The oracle sees that nobody was told to sweep a lost room, once the core can know of the loss."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.wire.spec import OnDelete, RoomSpec
from support.simulation.oracle import Broken
from support.simulation.simulation import Simulation

GAME, CAVE = "w", Key("w", "cave")


@pytest.fixture
def simulation() -> Simulation:
    """A room that a node claimed before the master heard of that node; the node died with a journal left."""
    made = Simulation(0)
    made.store.claim(CAVE, 3, "w.default-3.b1", "u", OnDelete.RETAIN)
    made.stored.claimed(CAVE, 3, "w.default-3.b1")
    made.store.commit(CAVE, "n1", "wood")
    status = RoomStatus(phase=Phase.STARTING, node="default-3", epoch=3)
    made.master.tell(ev.RoomApplied(CAVE, "u", 1, "1", RoomSpec(map="m.cave"), False, status))
    made.master.tell(ev.Synced())
    made.master.tell(ev.NodeConnected(Key(GAME, "default-0"), "w.default-0.b1", "default", 9, "ws://0", ()))
    return made


def test_while_the_core_waits_for_the_node_it_cannot_know_of_the_loss(simulation: Simulation) -> None:
    simulation.stored.left_overs(1.0)


def test_once_the_node_is_known_to_be_gone_another_one_has_to_be_told(simulation: Simulation) -> None:
    gone = ev.NodeGone(Key(GAME, "default-3"), "w.default-3.b1")
    simulation.master.core.handle(gone, simulation.clock.now)  # and nobody hears what it says
    with pytest.raises(Broken, match="no node was told"):
        simulation.stored.left_overs(1.0)


def test_that_a_node_was_told_is_enough(simulation: Simulation) -> None:
    simulation.master.tell(ev.NodeGone(Key(GAME, "default-3"), "w.default-3.b1"))
    simulation.stored.left_overs(1.0)
