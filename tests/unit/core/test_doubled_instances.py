"""Two Rooms that say the same key, one of them made by the late request of a master that was ousted."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance, RoomStatus, WhenBored
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Arrivals
from unit.core.driver import Driver

KEY = "party-7"


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    made.room("town", entry=True)
    made.template(when_bored=WhenBored.SLEEP)
    return made


def appears(
    driver: Driver, name: str, *, epoch: int = 0, waiting: int = 0, arrivals: Arrivals = Arrivals.DOORS
) -> None:
    """The watch tells a Room that says the key."""
    driver.instances[name] = Instance("cave", "t-cave", KEY)
    status = RoomStatus(epoch=epoch, waiting=waiting)
    driver.room(name, map="m.cave", bored_after_seconds=5, arrivals=arrivals, status=status)


def comes_up(driver: Driver, name: str, epoch: int = 1) -> None:
    """It runs on the node where it was recorded."""
    record = [e for e in driver.effects if isinstance(e, fx.Record) and e.key.name == name][-1]
    driver.run(name, int(record.status.node.rpartition("-")[2]), epoch)


def asked_in(driver: Driver, id: str) -> str:
    """The room that the join is in line for, or let into."""
    answer = driver.answer(id)
    assert isinstance(answer, fx.InLine | fx.Admitted), answer
    return answer.room


def test_who_names_the_second_is_let_into_the_first(driver: Driver) -> None:
    appears(driver, "cave-w-1")
    appears(driver, "cave-w-2")
    first = driver.seek("ann", KEY)
    comes_up(driver, "cave-w-1")
    second = driver.join("bob", "cave-w-2")
    assert driver.admitted(first)
    assert driver.admitted(second)
    assert asked_in(driver, first) == asked_in(driver, second) == "cave-w-1"
    assert "cave-w-2" not in {*driver.desired(0), *driver.desired(1)}


def test_a_party_and_who_asks_to_be_brought_get_into_the_first_too(driver: Driver) -> None:
    appears(driver, "cave-w-1", arrivals=Arrivals.ANYONE)
    appears(driver, "cave-w-2")
    party = driver.join("ann", "cave-w-2", "bob")
    brought = driver.join("cid", "cave-w-2", found="town", bring=True)
    assert {asked_in(driver, id) for id in (party, brought)} == {"cave-w-1"}


def test_who_stands_in_the_second_is_led_there(driver: Driver) -> None:
    appears(driver, "cave-w-1")
    appears(driver, "cave-w-2", epoch=3)
    assert asked_in(driver, driver.join("ann", None, found="cave-w-2")) == "cave-w-2"


def test_when_the_first_is_deleted_the_second_has_the_key(driver: Driver) -> None:
    appears(driver, "cave-w-1")
    appears(driver, "cave-w-2")
    driver.delete("cave-w-1")
    assert asked_in(driver, driver.seek("ann", KEY)) == "cave-w-2"
    assert not [effect for effect in driver.effects if isinstance(effect, fx.CreateRoom)]


def test_when_the_second_is_deleted_nothing_changes(driver: Driver) -> None:
    appears(driver, "cave-w-1")
    appears(driver, "cave-w-2")
    driver.delete("cave-w-2")
    assert asked_in(driver, driver.seek("ann", KEY)) == "cave-w-1"


@pytest.mark.parametrize("names", [("cave-w-1", "cave-w-2"), ("cave-w-2", "cave-w-1")])
@pytest.mark.parametrize("used", [{"epoch": 2}, {"waiting": 1}])
def test_after_a_restart_the_one_that_was_in_use_has_the_key(
    names: tuple[str, str], used: dict[str, int]
) -> None:
    driver = Driver(synced=False)
    driver.fleet(max_nodes=2)
    driver.template(when_bored=WhenBored.SLEEP)
    for name in names:
        appears(driver, name, **(used if name == "cave-w-2" else {}))
    driver.tell(ev.Synced())
    driver.connect(0)
    assert asked_in(driver, driver.seek("ann", KEY)) == "cave-w-2"
    assert asked_in(driver, driver.join("bob", "cave-w-1")) == "cave-w-2"


def test_the_second_goes_when_instances_that_are_bored_do(driver: Driver) -> None:
    driver.template(when_bored=WhenBored.DELETE)
    appears(driver, "cave-w-1")
    appears(driver, "cave-w-2")
    id = driver.seek("ann", KEY)
    comes_up(driver, "cave-w-1")
    driver.report(0, "cave-w-1", RoomPhase.RUNNING, players=1, used=[id])
    driver.wait(10, alive=(0, 1))
    assert [e.key.name for e in driver.effects if isinstance(e, fx.DeleteRoomObject)] == ["cave-w-2"]
