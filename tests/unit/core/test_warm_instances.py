"""Warm instances: kept running, handed to new keys, and replaced when the template changes."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance, Phase, WhenBored
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import OnDelete
from unit.core.driver import Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    made.room("town", entry=True)
    return made


def made_warm(driver: Driver, *, runs: bool = True) -> list[str]:
    """All warm instances that were asked for in the last call are made."""
    rooms = []
    for create in driver.all(fx.CreateRoom):
        assert create.instance_key is None
        rooms.append(driver.created(create))
    if runs:
        for room in rooms:
            place(driver, room)
    return rooms


def place(driver: Driver, room: str, epoch: int = 1) -> None:
    """The room comes up where it was recorded."""
    record = [e for e in driver.effects if isinstance(e, fx.Record) and e.key.name == room][-1]
    driver.run(room, int(record.status.node.rpartition("-")[2]), epoch)


def node_of(driver: Driver, room: str) -> int:
    return int(driver.view(room).node.rpartition("-")[2])


def test_warm_instances_are_made_and_kept_running(driver: Driver) -> None:
    driver.template(warm=3, bored_after_seconds=1)
    rooms = made_warm(driver)
    assert len(rooms) == 3
    assert all(room.startswith("cave-w-") and len(room) <= 57 for room in rooms)
    driver.wait(600, alive=(0, 1))
    assert {driver.phase(room) for room in rooms} == {Phase.RUNNING}
    assert not driver.all(fx.CreateRoom)


def test_a_new_key_gets_one_that_runs_and_is_answered_after_that_was_written(driver: Driver) -> None:
    driver.template(warm=2)
    first, second = made_warm(driver, runs=False)
    place(driver, second)
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    assert (bind.key.name, bind.instance_key) == (second, "party-7")
    assert not driver.admitted(id)
    driver.bound(bind)
    assert driver.admitted(id)
    assert first != second


def test_without_a_running_one_a_key_gets_one_that_starts(driver: Driver) -> None:
    driver.template(warm=1)
    (room,) = made_warm(driver, runs=False)
    id = driver.seek("ann", "party-7")
    driver.bound(driver.one(fx.BindRoom))
    assert driver.position(id) == 1
    driver.recorded(room)
    driver.report(0, room, RoomPhase.RUNNING)
    assert driver.admitted(id)


def test_what_was_handed_out_is_made_anew(driver: Driver) -> None:
    driver.template(warm=1)
    made_warm(driver)
    driver.seek("ann", "party-7")
    driver.bound(driver.one(fx.BindRoom))
    assert driver.one(fx.CreateRoom).instance_key is None


def test_two_keys_at_once_get_two_instances(driver: Driver) -> None:
    driver.template(warm=2)
    made_warm(driver)
    driver.seek("ann", "a")
    first = driver.one(fx.BindRoom)
    driver.seek("bob", "b")
    second = driver.one(fx.BindRoom)
    assert first.key != second.key
    driver.seek("cid", "c")
    assert driver.one(fx.CreateRoom).instance_key == "c"


def test_a_bind_that_conflicts_is_made_again_with_the_fresh_version(driver: Driver) -> None:
    driver.template(warm=1)
    (room,) = made_warm(driver)
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.show(room)
    driver.bound(bind, ev.RecordOutcome.CONFLICT)
    assert not driver.admitted(id)
    driver.wait(0.5, alive=(0, 1))
    again = driver.one(fx.BindRoom)
    assert again.version > bind.version
    driver.bound(again)
    assert driver.admitted(id)


def test_a_bind_of_unknown_outcome_stays_with_its_room(driver: Driver) -> None:
    driver.template(warm=2)
    made_warm(driver)
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.bound(bind, ev.RecordOutcome.FAILED)
    driver.wait(2, alive=(0, 1))
    again = driver.one(fx.BindRoom)
    assert again.key == bind.key
    driver.bound(again)
    assert driver.admitted(id)


def test_a_bind_without_an_answer_is_said_again(driver: Driver) -> None:
    driver.template(warm=1)
    made_warm(driver)
    driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.wait(16, alive=(0, 1))
    assert driver.one(fx.BindRoom) == bind


def test_a_warm_instance_that_is_gone_is_replaced_by_another_for_the_key(driver: Driver) -> None:
    driver.template(warm=1)
    made_warm(driver)
    driver.seek("ann", "party-7")
    driver.bound(driver.one(fx.BindRoom), ev.RecordOutcome.GONE)
    assert driver.one(fx.CreateRoom).instance_key == "party-7"


def test_the_object_that_shows_the_key_answers_as_well(driver: Driver) -> None:
    driver.template(warm=1)
    (room,) = made_warm(driver)
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.instances[room] = Instance("cave", "t-cave", "party-7")
    driver.show(room)
    assert driver.admitted(id)
    driver.tell(ev.RoomBound(bind, ev.RecordOutcome.WRITTEN, "99"))
    assert (
        len([e for e in driver.effects if isinstance(e, fx.CreateRoom)]) == 2
    )  # the first, and its successor


def test_after_a_restart_between_binding_and_answering_the_key_has_its_room() -> None:
    driver = Driver(synced=False)
    driver.fleet(max_nodes=2)
    driver.template(warm=1)
    for name, key in (("cave-w-1", "party-7"), ("cave-w-2", None)):
        driver.instances[name] = Instance("cave", "t-cave", key)
        driver.room(name, map="m.cave", on_delete=OnDelete.DELETE)
    driver.tell(ev.Synced())
    driver.connect(0)
    id = driver.seek("ann", "party-7")
    assert not driver.all(fx.BindRoom)
    assert not driver.all(fx.CreateRoom)
    place(driver, "cave-w-1")
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == "cave-w-1"


def test_scaling_up_makes_more_and_scaling_down_takes_unkeyed_ones_only(driver: Driver) -> None:
    driver.template(warm=1)
    (first,) = made_warm(driver)
    driver.seek("ann", "party-7")
    driver.bound(driver.one(fx.BindRoom))
    made_warm(driver)
    driver.template(warm=3)
    made_warm(driver)
    assert driver.template_status().warm == 3
    driver.template(warm=0)
    for room in [name for name in driver.specs if name.startswith("cave-w-") and name != first]:
        driver.report(node_of(driver, room), room, RoomPhase.STOPPED)
        driver.erased(driver.one(fx.EraseRooms))
        assert driver.one(fx.DeleteRoomObject).key.name == room
        driver.delete(room)
    assert driver.phase(first) is Phase.RUNNING
    status = driver.template_status()
    assert (status.instances, status.warm) == (1, 0)


def test_scaling_down_prefers_those_that_do_not_run(driver: Driver) -> None:
    driver.template(warm=2)
    first, second = made_warm(driver, runs=False)
    place(driver, second)
    driver.template(warm=1)
    driver.wait(1, alive=(0, 1))
    assert driver.phase(second) is Phase.RUNNING
    assert driver.phase(first) is not Phase.RUNNING


def test_a_changed_template_replaces_the_warm_ones_and_leaves_those_with_a_key(driver: Driver) -> None:
    driver.template(warm=2)
    rooms = made_warm(driver)
    driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.bound(bind)
    (other,) = [room for room in rooms if room != bind.key.name]
    made_warm(driver)
    driver.template(capacity=7)
    assert {create.spec.capacity for create in driver.all(fx.CreateRoom)} == {7}
    driver.report(node_of(driver, other), other, RoomPhase.STOPPED)
    driver.erased(driver.one(fx.EraseRooms))
    assert driver.one(fx.DeleteRoomObject).key.name == other
    assert driver.phase(bind.key.name) is Phase.RUNNING
    assert driver.view(bind.key.name).capacity == 100


def test_one_that_is_being_replaced_is_not_handed_out(driver: Driver) -> None:
    driver.template(warm=1)
    made_warm(driver)
    driver.template(capacity=7)
    driver.seek("ann", "party-7")
    assert not driver.all(fx.BindRoom)


def test_warm_ones_count_in_max_instances_and_make_way_for_nobody_but_their_next_key(driver: Driver) -> None:
    driver.template(warm=2, max_instances=2)
    made_warm(driver)
    for player in ("ann", "bob"):
        driver.seek(player, player)
        driver.bound(driver.one(fx.BindRoom))
        assert not driver.all(fx.CreateRoom)
    assert driver.position(driver.seek("cid", "cid")) == 1


def test_a_place_that_is_free_again_goes_to_the_line_before_a_warm_one_is_made(driver: Driver) -> None:
    driver.template(warm=1, max_instances=1)
    (room,) = made_warm(driver)
    driver.seek("ann", "ann")
    driver.bound(driver.one(fx.BindRoom))
    driver.seek("bob", "bob")
    driver.delete(room)
    assert driver.one(fx.CreateRoom).instance_key == "bob"


def test_kept_data_of_keys_and_warm_instances_do_not_go_together_which_the_object_says(
    driver: Driver,
) -> None:
    driver.template(warm=2, keep_data=True)
    assert not driver.all(fx.CreateRoom)
    assert "no instances are kept warm" in driver.template_status().message
    driver.template(when_bored=WhenBored.SLEEP)
    made_warm(driver)
    driver.seek("ann", "party-7")
    assert driver.one(fx.BindRoom).on_delete is OnDelete.RETAIN


def test_warm_instances_of_a_lost_node_start_elsewhere(driver: Driver) -> None:
    driver.template(warm=1)
    (room,) = made_warm(driver)
    driver.gone(node_of(driver, room))
    place(driver, room, epoch=2)
    assert driver.phase(room) is Phase.RUNNING


def test_one_that_got_a_key_for_a_join_that_was_cancelled_is_bored_like_any_other(driver: Driver) -> None:
    driver.template(warm=1, bored_after_seconds=5)
    (room,) = made_warm(driver)
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.tell(ev.JoinCancelled(id))
    driver.bound(bind)
    driver.wait(6, alive=(0, 1))
    assert driver.phase(room) is Phase.STOPPING


def test_one_that_could_not_start_is_kept_to_be_looked_at_and_then_replaced(driver: Driver) -> None:
    driver.template(warm=1)
    (failed,) = made_warm(driver, runs=False)
    record = [e for e in driver.effects if isinstance(e, fx.Record) and e.key.name == failed][-1]
    driver.recorded(failed)
    node = int(record.status.node.rpartition("-")[2])
    driver.report(node, failed, RoomPhase.FAILED, 1, message="the script is broken")
    driver.wait(50, alive=(0, 1))
    assert driver.phase(failed) is Phase.FAILED
    assert not driver.all(fx.CreateRoom)
    driver.wait(30, alive=(0, 1))  # nobody answers that its data are erased
    assert driver.one(fx.DeleteRoomObject).key.name == failed
    driver.delete(failed)
    assert driver.one(fx.CreateRoom).instance_key is None
