"""Fleets: how many nodes there are, and what the RoomFleet's status says."""

from __future__ import annotations

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import ConditionStatus, Strategy
from roomfleet.wire.link import Report, RoomPhase
from unit.core.driver import GAME, Driver

FLEET = Key(GAME, "default")


def created(driver: Driver) -> list[str]:
    return [effect.node.name for effect in driver.all(fx.CreateNode)]


def deleted(driver: Driver) -> list[str]:
    return [effect.node.name for effect in driver.all(fx.DeleteNode)]


def test_the_least_nodes_always_exist() -> None:
    driver = Driver()
    driver.fleet(min_nodes=2)
    assert created(driver) == ["default-0", "default-1"]
    driver.connect(0)
    driver.connect(1)
    driver.gone(0)
    assert created(driver) == ["default-0"]


def test_no_node_is_made_before_all_objects_are_known() -> None:
    driver = Driver(synced=False)
    driver.fleet(min_nodes=1)
    assert created(driver) == []
    driver.tell(ev.Synced())
    assert created(driver) == ["default-0"]


def test_a_fleet_grows_when_a_room_finds_no_space_up_to_its_most() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=2, rooms_per_node=1)
    names = []
    for number in range(3):
        driver.room(f"r{number}")
        driver.join(f"p{number}", f"r{number}")
        names += created(driver)
    assert names == ["default-0", "default-1"]
    driver.connect(0)
    assert driver.one(fx.Record).status.node == "default-0"


def test_one_new_node_is_enough_for_as_many_rooms_as_it_takes() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=5, rooms_per_node=10)
    for number in range(10):
        driver.room(f"r{number}")
        driver.join(f"p{number}", f"r{number}")
    assert sum(isinstance(effect, fx.CreateNode) for effect in driver.effects) == 1
    driver.connect(0)
    assert len(driver.all(fx.Record)) == 10


def test_an_empty_node_above_the_least_goes_after_a_while() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=3, scale_down_after_seconds=30, strategy=Strategy.DISTRIBUTED)
    driver.connect(0)
    driver.connect(1)
    driver.wait(29, alive=(0, 1))
    assert deleted(driver) == []
    driver.wait(2, alive=(0, 1))
    assert len(deleted(driver)) == 1
    driver.wait(60, alive=(0, 1))
    assert deleted(driver) == []


def test_a_node_with_rooms_stays() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=3, scale_down_after_seconds=10)
    driver.connect(0)
    driver.running("town")
    driver.wait(60, alive=(0,))
    assert deleted(driver) == []


def test_a_node_that_is_being_deleted_gets_no_rooms() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=1, scale_down_after_seconds=10)
    driver.connect(0)
    driver.wait(11, alive=(0,))
    assert deleted(driver) == ["default-0"]
    driver.room("town")
    driver.join("ann", "town")
    assert not driver.all(fx.Record)
    driver.gone(0)
    assert created(driver) == ["default-0"]
    driver.connect(0, boot="again")
    assert driver.one(fx.Record).status.node == "default-0"


def test_a_node_that_ends_at_once_again_and_again_is_started_with_backoff() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1)
    driver.gone(0)
    assert created(driver) == ["default-0"]
    driver.gone(0)
    assert created(driver) == []
    driver.wait(1)
    assert created(driver) == ["default-0"]


def test_a_node_that_is_not_heard_is_asked_for_again() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1)
    driver.wait(59)
    assert created(driver) == []
    driver.wait(2)
    assert created(driver) == ["default-0"]


def test_a_node_that_stays_silent_for_long_is_ended_to_free_its_slot() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1)
    driver.connect(0)
    driver.wait(59)
    assert deleted(driver) == []
    driver.wait(2)
    assert deleted(driver) == ["default-0"]
    driver.gone(0)
    assert created(driver) == ["default-0"]


def test_raising_the_most_starts_rooms_that_wait() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=1, rooms_per_node=1)
    driver.connect(0)
    driver.running("first")
    driver.room("second")
    driver.join("p", "second")
    driver.fleet(min_nodes=0, max_nodes=2, rooms_per_node=1)
    assert created(driver) == ["default-1"]
    driver.connect(1)
    assert driver.one(fx.Record).key.name == "second"


def test_a_deleted_fleet_ends_its_nodes() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.tell(ev.FleetDeleted(FLEET))
    assert sorted(deleted(driver)) == ["default-0", "default-1"]
    driver.gone(0)
    assert created(driver) == []


def test_the_status_counts_nodes_rooms_and_players_and_counts_alone_wait() -> None:
    driver = Driver()
    driver.fleet(min_nodes=2, max_nodes=2)
    driver.connect(0)
    assert driver.one(fx.WriteFleetStatus).status.conditions[0].status is ConditionStatus.FALSE
    driver.connect(1)
    ready = driver.one(fx.WriteFleetStatus).status
    assert (ready.nodes, ready.ready) == (2, 2)
    assert ready.conditions[0].status is ConditionStatus.TRUE
    driver.running("town")
    assert not driver.all(fx.WriteFleetStatus)
    driver.wait(6, alive=(0, 1))
    counts = driver.one(fx.WriteFleetStatus).status
    assert (counts.rooms, counts.players) == (1, 1)
    assert driver.core.fleet(FLEET) == counts


def test_a_node_that_runs_rooms_of_another_game_s_name_disturbs_nobody() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("town")
    stray = Report(room="town", epoch=1, phase=RoomPhase.RUNNING, players=9)
    driver.tell(ev.NodeConnected(Key("other", "default-0"), "x", "default", 9, "http://x", (stray,)))
    assert driver.one(fx.SendDesired).rooms == ()
    assert driver.view("town").players == 1
