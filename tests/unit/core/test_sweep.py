"""The sweep of data whose Room is gone: two complete lists far enough apart, and never a moment sooner."""

from __future__ import annotations

import logging

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import MarkedRoom, RoomPhase
from roomfleet.wire.spec import OnDelete
from unit.core.driver import GAME, Driver

OLD = MarkedRoom(room="old", uid="u-old", epoch=4)


@pytest.fixture
def driver() -> Driver:
    """Two nodes and an entry room; no object of the room `old`."""
    made = Driver()
    made.two_nodes()
    made.room("entry", entry=True)
    return made


def listed(driver: Driver) -> fx.FindMarked:
    driver.tell(ev.Listed(GAME))
    return driver.one(fx.FindMarked)


def told(driver: Driver, asked: fx.FindMarked, *rooms: MarkedRoom) -> list[fx.EraseRooms]:
    driver.tell(ev.MarkedFound(asked.node, asked.boot, rooms))
    return driver.all(fx.EraseRooms)


def swept(driver: Driver, *rooms: MarkedRoom) -> list[fx.EraseRooms]:
    """A list, and the node's answer."""
    return told(driver, listed(driver), *rooms)


def wait(driver: Driver, seconds: float) -> None:
    driver.wait(seconds, alive=(0, 1))


def test_data_go_after_two_lists_ten_minutes_apart(driver: Driver) -> None:
    assert swept(driver, OLD) == []
    wait(driver, 599)
    assert swept(driver, OLD) == []
    wait(driver, 301)
    [erase] = swept(driver, OLD)
    assert (erase.rooms, erase.entry) == ((OLD,), "entry")


def test_what_did_not_come_to_pass_is_said_again(driver: Driver) -> None:
    swept(driver, OLD)
    for _ in range(3):
        wait(driver, 600)
        assert len(swept(driver, OLD)) == 1
    wait(driver, 600)
    assert swept(driver) == [], "it is not marked any more"
    wait(driver, 600)
    assert swept(driver, OLD) == [], "new data under the old name count anew"


def test_the_nodes_are_asked_in_turn_and_one_that_comes_later_too(driver: Driver) -> None:
    first = listed(driver)
    driver.tell(ev.Listed(GAME))
    assert driver.all(fx.FindMarked) == [], "a list soon after says nothing new"
    wait(driver, 600)
    assert {first.node.name, listed(driver).node.name} == {"default-0", "default-1"}
    wait(driver, 600)
    driver.gone(0)
    driver.gone(1)
    driver.tell(ev.Listed(GAME))
    assert driver.all(fx.FindMarked) == []
    driver.connect(0, boot="again")
    asked = driver.one(fx.FindMarked)
    assert asked.boot == "again"
    driver.connect(1, boot="again")
    assert driver.all(fx.FindMarked) == []


def test_a_room_that_exists_keeps_its_data(driver: Driver) -> None:
    driver.room("old", on_delete=OnDelete.DELETE)
    for _ in range(3):
        assert swept(driver, OLD) == []
        wait(driver, 600)
    assert swept(driver, MarkedRoom(room="old", uid="an earlier one", epoch=4)) == []


def test_a_room_made_again_meanwhile_begins_anew(driver: Driver) -> None:
    swept(driver, OLD)
    wait(driver, 300)
    driver.room("old", on_delete=OnDelete.DELETE)
    driver.delete("old")
    wait(driver, 300)
    assert swept(driver, OLD) == []
    wait(driver, 600)
    assert len(swept(driver, OLD)) == 1


def test_another_uid_counts_by_itself(driver: Driver) -> None:
    swept(driver, OLD)
    wait(driver, 600)
    other = MarkedRoom(room="old", uid="another", epoch=4)
    assert swept(driver, other) == []
    wait(driver, 600)
    assert [erase.rooms for erase in swept(driver, other)] == [(other,)]


def test_a_room_that_a_node_still_runs_keeps_its_data(driver: Driver) -> None:
    driver.running("old", on_delete=OnDelete.DELETE)
    driver.delete("old")
    for _ in range(3):
        assert swept(driver, OLD) == []
        driver.report(0, "old", RoomPhase.STOPPING)
        wait(driver, 600)
    driver.report(0, "old", RoomPhase.STOPPED)
    assert swept(driver, OLD) == []
    wait(driver, 600)
    assert len(swept(driver, OLD)) == 1


def test_a_room_that_only_its_node_knows_of_keeps_its_data(driver: Driver) -> None:
    swept(driver, OLD)
    driver.report(1, "old", RoomPhase.RUNNING, epoch=7)
    wait(driver, 600)
    assert swept(driver, OLD) == []


def test_a_restart_of_the_master_counts_anew(driver: Driver) -> None:
    swept(driver, OLD)
    wait(driver, 590)
    again = Driver(now=driver.now, synced=False)
    again.two_nodes()
    again.tell(ev.Listed(GAME))
    assert again.all(fx.FindMarked) == [], "not before every object is known"
    again.room("entry", entry=True)
    again.tell(ev.Synced())
    assert told(again, again.one(fx.FindMarked), OLD) == []
    wait(again, 599)
    assert swept(again, OLD) == []
    wait(again, 301)
    assert len(swept(again, OLD)) == 1


def test_the_answer_of_a_boot_that_is_over_does_not_count(driver: Driver) -> None:
    swept(driver, OLD)
    wait(driver, 600)
    asked = listed(driver)
    driver.gone(int(asked.node.name[-1]))
    assert told(driver, asked, OLD) == []


def test_without_an_entry_room_erasing_waits_and_says_so_once(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    driver.delete("entry")
    swept(driver, OLD)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            wait(driver, 600)
            assert swept(driver, OLD) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "roomfleet.io/entry" in caplog.text
    driver.room("door", entry=True)
    wait(driver, 600)
    [erase] = swept(driver, OLD)
    assert erase.entry == "door"


def test_a_changed_wish_is_noted_by_a_node_at_once(driver: Driver) -> None:
    driver.room("old")
    driver.room("old", capacity=3)
    assert driver.all(fx.MarkRoom) == []
    for wish in (OnDelete.DELETE, OnDelete.RETAIN):
        driver.room("old", on_delete=wish)
        mark = driver.one(fx.MarkRoom)
        assert (mark.room, mark.uid, mark.on_delete) == ("old", "u-old", wish)


def test_a_mark_that_is_wrong_is_put_right(driver: Driver) -> None:
    driver.room("old")
    assert swept(driver, OLD) == []
    assert driver.one(fx.MarkRoom).on_delete is OnDelete.RETAIN


def test_what_was_deleted_to_be_retained_is_never_erased(driver: Driver) -> None:
    driver.room("old", on_delete=OnDelete.DELETE)
    driver.room("old", on_delete=OnDelete.RETAIN)
    driver.delete("old")
    for _ in range(3):
        assert swept(driver, OLD) == []
        assert driver.one(fx.MarkRoom).on_delete is OnDelete.RETAIN
        wait(driver, 600)


def test_an_answer_that_comes_after_the_object_went_does_not_make_the_time_run_from_before(
    driver: Driver,
) -> None:
    driver.room("old", on_delete=OnDelete.DELETE)
    asked = listed(driver)
    wait(driver, 290)
    driver.delete("old")
    assert told(driver, asked, OLD) == []
    wait(driver, 310)
    assert swept(driver, OLD) == [], "it has been gone for 310 s"
    wait(driver, 600)
    assert len(swept(driver, OLD)) == 1
