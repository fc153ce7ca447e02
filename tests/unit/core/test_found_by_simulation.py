"""What random lives of a fleet have found: each by hand, small."""

from __future__ import annotations

from roomfleet.master.core import Key
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep
from unit.core.driver import GAME, Driver


def test_a_room_that_cannot_start_after_a_restart_keeps_the_master_idle() -> None:
    """The time for which tokens were collected is over, and nothing is left to do about it."""
    driver = Driver()
    driver.room("town", status=RoomStatus(phase=Phase.QUEUED, waiting=2))
    driver.join("ann", "town")
    driver.wait(16)
    due = driver.core.next_due()
    assert due is None or due > driver.now


def test_who_sat_in_a_room_that_emptied_is_forgotten() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("town")
    assert driver.core._world.seats == {(GAME, "town"): (GAME, "town")}
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    assert driver.core._world.seats == {}


def test_an_epoch_that_only_a_node_knew_of_is_written_down() -> None:
    """Its object's status was lost; a node that has just stopped the room names the epoch that it had."""
    driver = Driver()
    driver.two_nodes()
    driver.room("town")
    driver.report(0, "town", RoomPhase.STOPPED, epoch=7)
    assert driver.written("town").epoch == 7


def test_a_room_that_waited_for_space_to_move_to_and_may_stay_waits_no_more() -> None:
    driver = Driver()
    driver.fleet(max_nodes=1, min_nodes=1)
    driver.connect(0)
    driver.running("town")
    driver.fleet(max_nodes=1, min_nodes=1, cordoned=(0,))
    fleet = driver.core._world.fleets[Key(GAME, "default")]
    assert list(fleet.waiting) == [(GAME, "town")]
    driver.fleet(max_nodes=1, min_nodes=1)
    assert list(fleet.waiting) == []


def test_a_join_whose_actor_no_node_could_find_in_time_ends_as_others_do() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("town", capacity=1)
    driver.tell(ev.JoinRequested("late", GAME, "ann", "town", driver.now))
    driver.wait(3, alive=(0, 1))
    assert driver.position("late") == 1
    driver.wait(30, alive=(0, 1))
    assert driver.problem("late").refusal == "expired"


def test_a_room_that_a_join_too_large_has_tried_again_starts_all_the_same() -> None:
    """The party was refused, and the room neither started nor said what became of it until something else
    happened to it.
    """
    driver = Driver()
    driver.two_nodes()
    driver.room("town", keep=Keep.ALWAYS, capacity=2)
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.FAILED, message="broken")
    driver.wait(10.1, alive=(0, 1))
    assert driver.problem(driver.join("ann", "town", "bob", "cid")).refusal == "party-too-large"
    driver.run("town", epoch=2)
    assert driver.phase("town") is Phase.RUNNING
