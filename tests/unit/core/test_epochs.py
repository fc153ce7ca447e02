"""Epochs heal themselves: whatever was lost or put back, the room starts above every epoch that is known."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.wire.link import RoomPhase
from unit.core.driver import Driver


def starts(driver: Driver, epoch: int, stored: int) -> int:
    """The room is wanted and recorded at that epoch, while the store has another; the one it runs at."""
    while epoch <= stored:
        driver.recorded("town", epoch)
        driver.report(0, "town", RoomPhase.STARTING, epoch)
        driver.report(0, "town", RoomPhase.FENCED, epoch, found_epoch=stored)
        driver.wait(5, alive=(0, 1))
        epoch = last(driver)
    driver.recorded("town", epoch)
    driver.report(0, "town", RoomPhase.RUNNING, epoch)
    assert driver.phase("town") is Phase.RUNNING
    return epoch


def last(driver: Driver) -> int:
    """The epoch of the last Record."""
    return [effect.status.epoch for effect in driver.effects if isinstance(effect, fx.Record)][-1]


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def test_a_lost_status_is_healed_by_what_the_store_has(driver: Driver) -> None:
    driver.room("town", status=RoomStatus())
    driver.join("ann", "town")
    assert last(driver) == 1
    assert starts(driver, 1, stored=41) == 42


def test_an_object_made_again_starts_above_the_retained_data(driver: Driver) -> None:
    driver.running("town")
    driver.delete("town")
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.room("town")
    driver.join("ann", "town")
    assert starts(driver, last(driver), stored=1) == 2


def test_an_older_backup_of_the_store_is_taken_over_at_the_next_epoch(driver: Driver) -> None:
    driver.room("town", status=RoomStatus(epoch=50))
    driver.join("ann", "town")
    assert starts(driver, last(driver), stored=7) == 51


def test_an_older_backup_of_the_objects_is_healed_at_the_first_refusal(driver: Driver) -> None:
    driver.room("town", status=RoomStatus(epoch=7))
    driver.join("ann", "town")
    assert last(driver) == 8
    assert starts(driver, 8, stored=50) == 51
    assert len([effect for effect in driver.effects if isinstance(effect, fx.Record)]) == 2


def test_a_status_that_is_lost_while_the_room_runs_changes_nothing(driver: Driver) -> None:
    driver.running("town")
    driver.statuses["town"] = RoomStatus()
    driver.show("town")
    assert not driver.all(fx.Record)
    assert driver.phase("town") is Phase.RUNNING
    driver.gone(0)
    assert driver.one(fx.Record).status.epoch == 2


def test_an_epoch_of_a_record_whose_outcome_is_unknown_is_never_used_again(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town", 1, ev.RecordOutcome.FAILED)
    driver.wait(3, alive=(0, 1))
    assert driver.one(fx.Record).status.epoch == 2


def test_that_a_room_made_again_starts_above_what_was_stored_is_no_loss(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    starts(driver, 1, stored=7)
    said = [effect for effect in driver.effects if isinstance(effect, fx.Announce)]
    assert not [effect for effect in said if effect.warning]
    assert "found epoch 7 in the store" in next(one.message for one in said if one.reason == "EpochFound")


def test_that_a_running_room_was_taken_over_is_one(driver: Driver) -> None:
    driver.running("town")
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=7)
    assert [effect.reason for effect in driver.all(fx.Announce) if effect.warning] == ["Lost"]
