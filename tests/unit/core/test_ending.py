"""The end of a bored instance: saved, erased, deleted; and a join at any point of it ends in admission."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance, Phase, RoomStatus, WhenBored
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import OnDelete
from unit.core.driver import GAME, Driver

SEVEN = instance_name("cave", "party-7")
BORED = 20


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    made.room("town", entry=True)
    return made


def an_instance(driver: Driver, **spec: object) -> str:
    """An instance that runs on node 0 with one player, `ann`."""
    driver.template(**{"bored_after_seconds": BORED, **spec})
    id = driver.seek("ann", "party-7")
    room = driver.created(driver.one(fx.CreateRoom))
    driver.run(room)
    driver.report(0, room, RoomPhase.RUNNING, players=1, used=[id])
    return room


def left(driver: Driver) -> None:
    driver.report(0, SEVEN, RoomPhase.RUNNING, players=0)


def asleep(driver: Driver, **spec: object) -> None:
    """The instance is bored, stopped and about to go."""
    an_instance(driver, **spec)
    left(driver)
    driver.wait(BORED, alive=(0, 1))
    assert driver.phase(SEVEN) is Phase.STOPPING
    driver.report(0, SEVEN, RoomPhase.STOPPED, saved_at="2026-01-01T00:00:00Z")


def test_a_bored_instance_is_saved_its_data_are_erased_and_its_object_is_deleted(driver: Driver) -> None:
    asleep(driver)
    assert not driver.all(fx.DeleteRoomObject)
    erase = driver.one(fx.EraseRooms)
    assert [(one.room, one.uid, one.epoch) for one in erase.rooms] == [(SEVEN, driver.uids[SEVEN], 1)]
    assert erase.entry == "town"
    driver.erased(erase)
    assert driver.one(fx.DeleteRoomObject) == fx.DeleteRoomObject(Key(GAME, SEVEN), driver.uids[SEVEN])
    driver.delete(SEVEN)
    assert driver.core.room(Key(GAME, SEVEN)) is None
    assert driver.template_status().instances == 0


def test_it_is_bored_after_exactly_bored_after_seconds(driver: Driver) -> None:
    an_instance(driver)
    left(driver)
    driver.wait(BORED - 0.1, alive=(0, 1))
    assert driver.phase(SEVEN) is Phase.RUNNING
    driver.wait(0.2, alive=(0, 1))
    assert driver.phase(SEVEN) is Phase.STOPPING


def test_kept_data_are_not_erased(driver: Driver) -> None:
    asleep(driver, keep_data=True)
    assert not driver.all(fx.EraseRooms)
    assert driver.one(fx.DeleteRoomObject).key.name == SEVEN


def test_an_instance_that_sleeps_stays(driver: Driver) -> None:
    asleep(driver, when_bored=WhenBored.SLEEP)
    driver.wait(10_000, alive=(0, 1))
    assert not driver.all(fx.DeleteRoomObject)
    assert driver.phase(SEVEN) is Phase.ASLEEP
    id = driver.seek("bob", "party-7")
    driver.run(SEVEN, epoch=2)
    assert driver.admitted(id)


def test_a_deletion_without_an_answer_is_said_again(driver: Driver) -> None:
    asleep(driver, keep_data=True)
    driver.wait(16, alive=(0, 1))
    assert driver.one(fx.DeleteRoomObject).key.name == SEVEN


def test_another_node_is_asked_to_erase_and_none_holds_it_up_for_long(driver: Driver) -> None:
    asleep(driver)
    first = driver.one(fx.EraseRooms)
    driver.wait(6, alive=(0, 1))
    assert driver.one(fx.EraseRooms).node != first.node
    driver.wait(10, alive=(0, 1))
    assert driver.one(fx.DeleteRoomObject)


def test_each_end_erases_up_to_the_epoch_that_it_ended_with(driver: Driver) -> None:
    asleep(driver)
    [first] = driver.one(fx.EraseRooms).rooms
    driver.seek("bob", "party-7")
    driver.run(SEVEN, epoch=2)
    driver.report(0, SEVEN, RoomPhase.RUNNING, players=0, epoch=2)
    driver.wait(60, alive=(0, 1))
    driver.report(0, SEVEN, RoomPhase.STOPPED, epoch=2)
    [second] = driver.one(fx.EraseRooms).rooms
    assert (first.epoch, second.epoch) == (1, 2)


def test_what_was_claimed_above_the_epoch_that_was_recorded_is_not_to_be_erased(driver: Driver) -> None:
    an_instance(driver)
    left(driver)
    driver.wait(BORED, alive=(0, 1))
    driver.report(0, SEVEN, RoomPhase.FENCED, found_epoch=7)
    [one] = driver.one(fx.EraseRooms).rooms
    assert one.epoch == 1
    driver.statuses[SEVEN] = RoomStatus(epoch=7)
    driver.show(SEVEN)
    driver.wait(6, alive=(0, 1))
    [one] = driver.one(fx.EraseRooms).rooms
    assert one.epoch == 1


def test_without_an_entry_room_players_stay_in_the_data_which_the_sweep_erases(driver: Driver) -> None:
    an_instance(driver)
    driver.delete("town")
    left(driver)
    driver.wait(BORED, alive=(0, 1))
    driver.report(0, SEVEN, RoomPhase.STOPPED)
    assert driver.one(fx.DeleteRoomObject)


def test_without_a_node_the_object_goes_and_the_sweep_erases(driver: Driver) -> None:
    an_instance(driver)
    left(driver)
    driver.wait(BORED, alive=(0, 1))
    driver.gone(0)
    driver.gone(1)
    driver.wait(6)
    assert driver.one(fx.DeleteRoomObject)


def test_an_instance_whose_join_was_cancelled_goes_when_it_has_waited_in_vain(driver: Driver) -> None:
    driver.template(bored_after_seconds=BORED)
    id = driver.seek("ann", "party-7")
    create = driver.one(fx.CreateRoom)
    driver.tell(ev.JoinCancelled(id))
    driver.created(create)
    driver.wait(BORED - 1, alive=(0, 1))
    assert not driver.all(fx.DeleteRoomObject)
    driver.wait(2, alive=(0, 1))
    assert driver.one(fx.DeleteRoomObject)


def test_a_new_instance_is_not_taken_for_bored_before_its_join_came_to_its_line(driver: Driver) -> None:
    driver.template(bored_after_seconds=0)
    ids = [driver.seek(f"p{number}", f"k{number}") for number in range(20)]
    for create in [effect for effect in driver.effects if isinstance(effect, fx.CreateRoom)]:
        driver.created(create)
        assert not driver.all(fx.DeleteRoomObject)
    assert all(driver.position(id) == 1 for id in ids)


def test_an_instance_that_a_node_was_told_waits_for_whoever_travels_there(driver: Driver) -> None:
    driver.template(bored_after_seconds=0)
    driver.tell(ev.InstanceRequested(driver.node(1), "b1", "s1", "cave", "party-7"))
    driver.created(driver.one(fx.CreateRoom))
    driver.wait(14, alive=(0, 1))
    assert not driver.all(fx.DeleteRoomObject)
    driver.wait(2, alive=(0, 1))
    assert driver.all(fx.DeleteRoomObject)


def test_an_arrival_keeps_an_instance_that_would_go(driver: Driver) -> None:
    an_instance(driver)
    left(driver)
    driver.wait(BORED, alive=(0, 1))
    driver.tell(ev.Nudged(Key(GAME, SEVEN), wake=False))
    driver.report(0, SEVEN, RoomPhase.STOPPED)
    assert not driver.all(fx.EraseRooms)
    assert driver.one(fx.Record).key.name == SEVEN


def test_one_that_failed_is_kept_for_a_minute_to_be_looked_at(driver: Driver) -> None:
    driver.template(bored_after_seconds=0)
    driver.seek("ann", "party-7")
    driver.created(driver.one(fx.CreateRoom))
    driver.recorded(SEVEN)
    driver.report(0, SEVEN, RoomPhase.FAILED, message="no such script")
    driver.wait(58, alive=(0, 1))
    assert driver.phase(SEVEN) is Phase.FAILED
    driver.wait(3, alive=(0, 1))
    assert driver.all(fx.EraseRooms)


def test_one_that_failed_ends_though_somebody_is_on_the_way_to_it(driver: Driver) -> None:
    driver.template(bored_after_seconds=0)
    driver.seek("ann", "party-7")
    driver.created(driver.one(fx.CreateRoom))
    driver.recorded(SEVEN)
    driver.tell(ev.Nudged(Key(GAME, SEVEN), wake=True))
    driver.report(0, SEVEN, RoomPhase.FAILED, message="no such script")
    driver.wait(61, alive=(0, 1))
    driver.erased(driver.one(fx.EraseRooms))
    assert driver.one(fx.DeleteRoomObject).key.name == SEVEN
    driver.delete(SEVEN)
    assert driver.one(fx.SendBack).room == SEVEN


# -- a join at every point


def finish(driver: Driver, id: str, done: int) -> None:
    """Whatever is asked for from the effect number `done` on happens, until the join is let in."""
    while done < len(driver.effects):
        if driver.admitted(id):
            return
        effect = driver.effects[done]
        done += 1
        match effect:
            case fx.EraseRooms():
                driver.erased(effect)
            case fx.DeleteRoomObject() if SEVEN in driver.specs:
                driver.delete(SEVEN)
            case fx.CreateRoom():
                driver.created(effect)
            case fx.Record():
                number = int(effect.status.node.rpartition("-")[2])
                driver.run(SEVEN, number, effect.status.epoch)
        if driver.core.room(Key(GAME, SEVEN)) and driver.phase(SEVEN) is Phase.STOPPING:
            driver.report(0, SEVEN, RoomPhase.STOPPED)
    assert driver.admitted(id), driver.answers(id)


POINTS = ["empty", "nearly bored", "stopping", "asleep", "deleting", "deleted"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("how", ["by key", "by the actor's room", "by name"])
def test_a_join_at_every_point_of_an_instances_end_ends_in_admission(
    driver: Driver, point: str, how: str
) -> None:
    an_instance(driver)
    left(driver)
    done = len(driver.effects)
    if point != "empty":
        driver.wait(BORED - 0.5, alive=(0, 1))
    if point not in POINTS[:2]:
        driver.wait(1, alive=(0, 1))
        assert driver.phase(SEVEN) is Phase.STOPPING
    if point not in POINTS[:3]:
        driver.report(0, SEVEN, RoomPhase.STOPPED)
        erase = driver.one(fx.EraseRooms)
        done = len(driver.effects) - 1
    if point in ("deleting", "deleted"):
        done = len(driver.effects)
        driver.erased(erase)
    if point == "deleted":
        driver.delete(SEVEN)
    if how == "by key":
        id = driver.seek("bob", "party-7")
    elif how == "by name":
        id = driver.join("bob", SEVEN)
    else:
        id = driver.join("ann", None, found=SEVEN)
    finish(driver, id, done)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == SEVEN


def test_an_erasure_that_is_late_takes_no_object_along(driver: Driver) -> None:
    asleep(driver)
    erase = driver.one(fx.EraseRooms)
    id = driver.seek("bob", "party-7")
    driver.erased(erase)
    assert not driver.all(fx.DeleteRoomObject)
    driver.run(SEVEN, epoch=2)
    assert driver.admitted(id)


def test_a_room_that_lost_its_owner_is_an_ordinary_room(driver: Driver) -> None:
    asleep(driver, when_bored=WhenBored.SLEEP)
    del driver.instances[SEVEN]
    driver.show(SEVEN)
    assert driver.template_status().instances == 0
    driver.template(when_bored=WhenBored.DELETE)
    driver.wait(1000, alive=(0, 1))
    assert not driver.all(fx.DeleteRoomObject)


def test_rooms_that_slept_go_when_the_template_says_so(driver: Driver) -> None:
    asleep(driver, when_bored=WhenBored.SLEEP, keep_data=True)
    driver.wait(1000, alive=(0, 1))
    driver.template(when_bored=WhenBored.DELETE)
    assert driver.one(fx.DeleteRoomObject).key.name == SEVEN


def test_after_a_restart_a_sleeping_instance_goes_when_it_was_not_wanted_for_a_while() -> None:
    driver = Driver(synced=False)
    driver.fleet(max_nodes=2)
    driver.template(bored_after_seconds=BORED)
    driver.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    driver.room(SEVEN, map="m.cave", bored_after_seconds=BORED, on_delete=OnDelete.RETAIN)
    driver.tell(ev.Synced())
    driver.wait(BORED - 1)
    assert not driver.all(fx.DeleteRoomObject)
    driver.wait(2)
    assert driver.one(fx.DeleteRoomObject).key.name == SEVEN
