"""What is written to a Room's status, when, and what is announced."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core.model import ConditionStatus, Phase
from roomfleet.wire.link import RoomPhase
from unit.core.driver import Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def test_phase_changes_are_urgent_and_counts_are_not(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.run("town")
    up = driver.one(fx.WriteStatus)
    assert (up.urgent, up.status.phase, up.uid) == (True, Phase.RUNNING, "u-town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=["j1"])
    counts = driver.one(fx.WriteStatus)
    assert (counts.urgent, counts.status.players) == (False, 1)


def test_what_did_not_change_is_not_written(driver: Driver) -> None:
    driver.running("town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1)
    driver.show("town")
    assert not driver.all(fx.WriteStatus)


def test_a_save_alone_is_not_written_and_rides_along_with_the_next_change(driver: Driver) -> None:
    driver.running("town")
    saved = "2026-11-21T10:00:00Z"
    driver.report(0, "town", RoomPhase.RUNNING, players=1, saved_at="2026-11-21T09:00:00Z")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, saved_at=saved)
    assert not driver.all(fx.WriteStatus)
    assert driver.view("town").saved_at == saved
    driver.report(0, "town", RoomPhase.RUNNING, players=2)
    assert driver.one(fx.WriteStatus).status.saved_at == saved


def test_a_room_that_cannot_save_says_so_at_once(driver: Driver) -> None:
    driver.running("town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, saved=False)
    assert driver.one(fx.WriteStatus).urgent
    saved = driver.condition("town", "Saved")
    assert (saved.status, saved.reason) == (ConditionStatus.FALSE, "StoreDoesNotAnswer")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, saved_at="2026-11-21T10:00:00Z")
    assert driver.condition("town", "Saved").status is ConditionStatus.TRUE


def test_conditions_tell_where_the_room_is(driver: Driver) -> None:
    driver.room("town")
    assert driver.condition("town", "Placed").status is ConditionStatus.FALSE
    assert driver.condition("town", "Saved").status is ConditionStatus.UNKNOWN
    driver.join("ann", "town")
    assert driver.condition("town", "Placed").message == "on default-0 with epoch 1"
    assert driver.condition("town", "Ready").reason == "Starting"
    driver.run("town")
    assert driver.condition("town", "Ready").status is ConditionStatus.TRUE
    assert driver.written("town").message == ""


def test_times_are_rfc_3339(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.run("town")
    assert driver.written("town").started_at == "1970-01-01T00:16:40Z"


def test_phase_changes_and_failures_are_announced(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    driver.join("ann", "town")
    driver.run("town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=["j1"])
    driver.report(0, "town", RoomPhase.RUNNING)
    driver.report(0, "town", RoomPhase.STOPPED)
    said = [effect for effect in driver.effects if isinstance(effect, fx.Announce)]
    assert [effect.reason for effect in said] == ["Running", "Stopping", "Asleep"]
    assert not any(effect.warning for effect in said)


def test_nothing_is_written_while_a_record_is_on_its_way(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.join("bob", "town")
    assert not driver.all(fx.WriteStatus)
    driver.recorded("town")
    assert driver.written("town").waiting == 2
