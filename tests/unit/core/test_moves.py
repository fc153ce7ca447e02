"""Live moves on the simulated clock: each step, and what becomes of the room when somebody dies at it."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus, Strategy
from roomfleet.master.core.placing.moves import MOVES_AT_ONCE, PREPARE_SECONDS
from roomfleet.wire.link import Report, RoomPhase
from roomfleet.wire.spec import Keep
from support.simulation.bookkeeping import check_bookkeeping
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    """Town on node 0 with one player; node 1 is empty."""
    made = Driver()
    made.two_nodes()
    made.running("town")
    return made


def report(phase: RoomPhase, epoch: int = 1, **more: Any) -> Report:
    return Report(room="town", epoch=epoch, phase=phase, **more)


def handed_over(driver: Driver) -> None:
    """Node 0 drains, up to the moment when it was told to hand town over to node 1."""
    driver.draining(0)
    driver.prepared(1, "town")
    driver.recorded("town", 2)


# -- step by step


def test_a_node_that_was_told_to_end_hears_how_long_it_has(driver: Driver) -> None:
    driver.fleet(max_nodes=2, drain_seconds=7)
    driver.draining(0)
    assert driver.one(fx.SendDrain).seconds == 7


def test_the_new_node_prepares_first_and_claims_nothing(driver: Driver) -> None:
    driver.draining(0)
    sent = driver.one(fx.SendDesired)
    assert sent.node == driver.node(1)
    assert [room.room for room in sent.prepare] == ["town"]
    assert sent.rooms == ()
    assert not driver.all(fx.Record)
    assert driver.phase("town") is Phase.RUNNING


def test_prepared_the_new_epoch_and_node_are_written_ahead_while_the_room_runs_on(driver: Driver) -> None:
    driver.draining(0)
    driver.prepared(1, "town")
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-1", 2)
    assert record.status.phase is Phase.RUNNING
    assert record.status.message == "moves from default-0 to default-1"
    assert driver.desired(0) == {"town": 1}


def test_recorded_the_old_node_hands_over_and_hears_where_the_players_go(driver: Driver) -> None:
    handed_over(driver)
    sent = driver.told(0)
    assert sent.rooms == ()
    moved = sent.moving[0]
    assert (moved.room, moved.epoch, moved.boot, moved.url) == ("town", 1, "b1", "http://n1")
    assert driver.desired(1) == {}, "the claim waits for the last save"


def test_stopped_there_it_runs_on_the_new_node_under_the_recorded_epoch(driver: Driver) -> None:
    handed_over(driver)
    driver.report(0, "town", RoomPhase.STOPPING)
    driver.report(0, "town", RoomPhase.STOPPED, frozen_at=900.0)
    assert driver.desired(1) == {"town": 2}
    assert driver.told(1).rooms[0].frozen_at == 900.0
    assert driver.told(1).prepare == ()
    assert not driver.all(fx.Record)
    driver.report(1, "town", RoomPhase.STARTING, 2)
    driver.report(1, "town", RoomPhase.RUNNING, 2, resumable=1, frozen=0.08)
    said = driver.one(fx.Announce)
    assert (said.reason, said.message) == ("Moved", "moved from default-0 to default-1, frozen for 80 ms")
    view = driver.view("town")
    assert (view.node, view.epoch, view.resumable) == ("default-1", 2, 1)
    assert driver.core.counted.moves == {(GAME, "moved"): 1}
    check_bookkeeping(driver.core)


def test_the_room_is_running_to_everybody_all_the_time(driver: Driver) -> None:
    started = driver.view("town").started_at
    handed_over(driver)
    phases = [driver.phase("town")]
    for number, phase, epoch in (
        (0, RoomPhase.STOPPING, 1),
        (0, RoomPhase.STOPPED, 1),
        (1, RoomPhase.STARTING, 2),
        (1, RoomPhase.RUNNING, 2),
    ):
        driver.report(number, "town", phase, epoch, resumable=epoch - 1)
        phases.append(driver.phase("town"))
    assert set(phases) == {Phase.RUNNING}
    assert driver.view("town").started_at == started
    written = [effect for effect in driver.effects if isinstance(effect, fx.WriteStatus)]
    assert Phase.STOPPING not in [effect.status.phase for effect in written]


def test_nobody_from_the_line_takes_the_seat_of_one_who_is_led_over(driver: Driver) -> None:
    driver.room("town", capacity=1)
    late = driver.join("late", "town")
    handed_over(driver)
    driver.report(0, "town", RoomPhase.STOPPING)
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.report(1, "town", RoomPhase.STARTING, 2)
    driver.report(1, "town", RoomPhase.RUNNING, 2, resumable=1)
    driver.report(1, "town", RoomPhase.RUNNING, 2, players=1)
    assert driver.position(late) == 1
    # Who has the seat needs no second one, there as here.
    again = driver.join("town", "town", found="town")
    assert driver.admitted(again)
    driver.tell(ev.JoinCancelled(again))
    driver.report(1, "town", RoomPhase.RUNNING, 2)
    assert driver.admitted(late)


def test_a_room_that_nobody_is_in_is_not_bored_for_being_moved(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    handed_over(driver)
    driver.report(0, "town", RoomPhase.STOPPING)
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.desired(1) == {"town": 2}


def test_a_join_in_the_middle_waits_and_is_let_in_on_the_new_node(driver: Driver) -> None:
    handed_over(driver)
    id = driver.join("late", "town")
    assert driver.position(id) == 1
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.report(1, "town", RoomPhase.RUNNING, 2, resumable=1)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert (answer.boot, answer.url) == ("b1", "http://n1")


def test_several_rooms_move_at_a_time_and_the_next_follows_when_one_is_done() -> None:
    driver = Driver()
    driver.fleet(max_nodes=2)
    driver.connect(0)
    count = MOVES_AT_ONCE + 2
    for number in range(count):
        driver.room(f"r{number}")
        driver.join(f"p{number}", f"r{number}")
        driver.run(f"r{number}")
    driver.connect(1)
    driver.draining(0)
    assert len(driver.told(1).prepare) == MOVES_AT_ONCE
    first = driver.told(1).prepare[0].room
    driver.prepared(1, first)
    driver.recorded(first, 2)
    driver.report(0, first, RoomPhase.STOPPED)
    coming = {room.room for room in driver.told(1).prepare}
    assert len(coming) == MOVES_AT_ONCE
    assert first not in coming
    check_bookkeeping(driver.core)


def test_rooms_with_most_players_move_first() -> None:
    driver = Driver()
    driver.fleet(max_nodes=2)
    driver.connect(0)
    for number in range(MOVES_AT_ONCE + 4):
        driver.room(f"r{number}", keep=Keep.ALWAYS)
        driver.run(f"r{number}", players=number)
    driver.connect(1)
    driver.draining(0)
    assert driver.told(1).prepare[0].room == f"r{MOVES_AT_ONCE + 3}"
    assert "r0" not in [room.room for room in driver.told(1).prepare]


# -- what begins and what ends it


def test_a_cordoned_node_keeps_its_link_and_loses_its_rooms(driver: Driver) -> None:
    driver.fleet(max_nodes=2, cordoned=(0,))
    assert [room.room for room in driver.told(1).prepare] == ["town"]
    driver.prepared(1, "town")
    driver.recorded("town", 2)
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.report(1, "town", RoomPhase.RUNNING, 2, resumable=1)
    driver.wait(400, alive=(0, 1))
    assert not driver.all(fx.DeleteNode)
    driver.room("next")
    driver.join("p", "next")
    assert driver.one(fx.Record).status.node == "default-1"


def test_an_uncordoned_node_keeps_what_it_still_has(driver: Driver) -> None:
    driver.fleet(max_nodes=2, cordoned=(0,))
    driver.fleet(max_nodes=2)
    assert driver.told(1).prepare == ()
    assert driver.phase("town") is Phase.RUNNING
    driver.prepared(1, "town")
    assert not driver.all(fx.Record)
    check_bookkeeping(driver.core)


def test_a_move_that_was_recorded_is_not_called_off(driver: Driver) -> None:
    driver.fleet(max_nodes=2, cordoned=(0,))
    driver.prepared(1, "town")
    driver.fleet(max_nodes=2)
    driver.recorded("town", 2)
    assert [room.room for room in driver.told(0).moving] == ["town"]


def test_lowering_max_nodes_moves_the_rooms_of_the_slots_above_it_and_ends_their_nodes() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=2, rooms_per_node=1, drain_seconds=10)
    driver.connect(0)
    driver.connect(1)
    for number in (0, 1):
        driver.room(f"r{number}")
        driver.join(f"p{number}", f"r{number}")
        driver.run(f"r{number}", number)
    driver.fleet(min_nodes=1, max_nodes=1, rooms_per_node=2, drain_seconds=10)
    assert [room.room for room in driver.told(0).prepare] == ["r1"]
    driver.prepared(0, "r1")
    driver.recorded("r1", 2)
    driver.report(1, "r1", RoomPhase.STOPPED)
    assert driver.one(fx.DeleteNode).node == driver.node(1)
    assert driver.desired(0) == {"r0": 1, "r1": 2}


def test_a_slot_above_max_nodes_ends_after_drain_seconds_whatever_it_still_has(driver: Driver) -> None:
    driver.fleet(min_nodes=1, max_nodes=1, rooms_per_node=100, drain_seconds=10)
    driver.connect(1)
    driver.tell(ev.NodeGone(driver.node(1), "b1"))
    driver.wait(5, alive=(0,))
    assert not driver.all(fx.DeleteNode)


def test_scaled_down_the_node_with_fewest_players_is_emptied_at_once(driver: Driver) -> None:
    driver.room("quiet")
    driver.join("p", "quiet")
    driver.recorded("quiet")
    driver.report(0, "quiet", RoomPhase.FAILED, message="elsewhere, please")
    driver.fleet(min_nodes=1, max_nodes=2)
    assert driver.one(fx.DeleteNode).node == driver.node(1), "it is empty"


def test_without_space_the_fleet_grows_first_if_it_may() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=2, rooms_per_node=1)
    driver.connect(0)
    driver.running("town")
    driver.draining(0)
    assert driver.one(fx.CreateNode).node == driver.node(1)
    assert driver.phase("town") is Phase.RUNNING
    driver.connect(1)
    assert [room.room for room in driver.told(1).prepare] == ["town"]


def test_without_space_at_max_nodes_the_room_stays_until_its_node_stops_it() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1)
    driver.connect(0)
    driver.running("town")
    driver.draining(0)
    driver.wait(20, alive=(0,))
    assert driver.phase("town") is Phase.RUNNING
    driver.report(0, "town", RoomPhase.STOPPING)
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.phase("town") is Phase.QUEUED
    driver.gone(0)
    driver.connect(0, boot="again")
    assert driver.one(fx.Record).status.epoch == 2


def test_a_room_goes_where_its_players_have_space_too() -> None:
    driver = Driver()
    spec = {"min_nodes": 3, "max_nodes": 3, "players_per_node": 10}
    driver.fleet(strategy=Strategy.DISTRIBUTED, **spec)
    for number in range(3):
        driver.connect(number)
    for number, (name, players) in enumerate({"big": 8, "other": 5}.items()):
        driver.room(name, keep=Keep.ALWAYS)
        driver.run(name, number, players=players)
    driver.fleet(cordoned=(0,), **spec)
    assert [room.room for room in driver.told(2).prepare] == ["big"]


def test_a_node_that_does_not_say_that_it_is_prepared_gets_the_room_all_the_same(driver: Driver) -> None:
    driver.draining(0)
    driver.wait(PREPARE_SECONDS + 0.5, alive=(0, 1))
    assert driver.one(fx.Record).status.node == "default-1"


def test_a_room_that_cannot_run_there_stays_where_it_is_and_says_why(driver: Driver) -> None:
    driver.draining(0)
    driver.prepared(1, "town", "no map m.town")
    said = driver.one(fx.Announce)
    assert said.reason == "CannotMove"
    assert "no map m.town" in said.message
    assert driver.core.counted.moves == {(GAME, "refused"): 1}
    assert driver.phase("town") is Phase.RUNNING
    assert not driver.all(fx.Record)


def test_a_room_that_is_deleted_in_the_middle_is_not_started_again(driver: Driver) -> None:
    handed_over(driver)
    driver.delete("town")
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.desired(1) == {}
    assert driver.core.room(Key(GAME, "town")) is None
    check_bookkeeping(driver.core)


def test_a_room_that_was_to_leave_a_fleet_waits_there_no_more_once_it_has_left() -> None:
    driver = Driver(synced=False)
    driver.fleet(min_nodes=1, max_nodes=1, cordoned=(0,))
    recorded = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, players=1)
    driver.room("town", status=recorded, fleet="other", bored_after_seconds=0)
    driver.connect(0, Report(room="town", epoch=4, phase=RoomPhase.RUNNING, players=1))
    driver.tell(ev.Synced())
    check_bookkeeping(driver.core)
    driver.report(0, "town", RoomPhase.STOPPED, 4)
    check_bookkeeping(driver.core)
    driver.delete("town")
    driver.fleet(min_nodes=1, max_nodes=1)
    check_bookkeeping(driver.core)
    assert driver.core.room(Key(GAME, "town")) is None


def test_a_conflict_is_decided_again_with_the_fresh_object(driver: Driver) -> None:
    driver.draining(0)
    driver.prepared(1, "town")
    driver.recorded("town", 2, ev.RecordOutcome.CONFLICT)
    driver.show("town")
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-1", 2)


def test_a_record_of_unknown_outcome_is_made_again_with_a_higher_epoch(driver: Driver) -> None:
    driver.draining(0)
    driver.prepared(1, "town")
    driver.recorded("town", 2, ev.RecordOutcome.FAILED)
    driver.wait(2, alive=(0, 1))
    assert driver.one(fx.Record).status.epoch == 3
    assert driver.phase("town") is Phase.RUNNING


# -- somebody dies


def test_the_new_node_dies_while_it_prepares_and_another_takes_the_room() -> None:
    driver = Driver()
    driver.fleet(min_nodes=3, max_nodes=3)
    driver.connect(0)
    driver.running("town")
    driver.connect(1)
    driver.connect(2)
    driver.draining(0)
    driver.gone(1)
    assert [room.room for room in driver.told(2).prepare] == ["town"]
    check_bookkeeping(driver.core)


def test_the_new_node_dies_before_the_record_is_written_and_the_room_ends_on_a_third_one() -> None:
    driver = Driver()
    driver.fleet(min_nodes=3, max_nodes=3)
    driver.connect(0)
    driver.running("town")
    driver.connect(1)
    driver.connect(2)
    driver.draining(0)
    driver.prepared(1, "town")
    driver.gone(1)
    driver.recorded("town", 2)
    assert driver.told(0).moving == (), "nobody is sent to who is not there"
    driver.report(0, "town", RoomPhase.STOPPED)
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-2", 3)


def test_the_new_node_dies_while_the_old_one_hands_over(driver: Driver) -> None:
    handed_over(driver)
    driver.gone(1)
    assert driver.told(0).moving == ()
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.core.counted.moves == {(GAME, "broken"): 1}
    driver.connect(1, boot="again")
    assert driver.one(fx.Record).status.epoch == 3


def test_nobody_has_a_seat_any_more_where_the_room_comes_up_anew_after_a_broken_move(driver: Driver) -> None:
    ann = driver.join("ann", "town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[ann])
    handed_over(driver)
    driver.gone(1)
    driver.report(0, "town", RoomPhase.STOPPED, 1)
    assert not driver.core._world.seats


def test_the_new_node_dies_while_it_starts_the_room(driver: Driver) -> None:
    handed_over(driver)
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.report(1, "town", RoomPhase.STARTING, 2)
    driver.gone(1)
    driver.connect(1, boot="again")
    assert driver.one(fx.Record).status.epoch == 3


def test_the_old_node_dies_while_the_new_one_prepares(driver: Driver) -> None:
    driver.draining(0)
    driver.gone(0)
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-1", 2)
    driver.run("town", 1, 2)
    assert driver.phase("town") is Phase.RUNNING
    check_bookkeeping(driver.core)


def test_the_old_node_dies_while_the_record_is_written(driver: Driver) -> None:
    driver.draining(0)
    driver.prepared(1, "town")
    driver.gone(0)
    driver.recorded("town", 2)
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-1", 3)


def test_the_old_node_dies_while_it_hands_over_and_the_new_one_runs_the_room_at_once(driver: Driver) -> None:
    handed_over(driver)
    driver.gone(0)
    assert driver.desired(1) == {"town": 2}
    assert not driver.all(fx.Record)


def test_the_old_node_is_taken_over_while_it_hands_over(driver: Driver) -> None:
    handed_over(driver)
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=5)
    driver.report(1, "town", RoomPhase.STARTING, 2)
    driver.report(1, "town", RoomPhase.FENCED, 2, found_epoch=5)
    assert driver.one(fx.Record).status.epoch == 6


def test_the_link_of_the_old_node_breaks_before_it_hears_of_the_handover(driver: Driver) -> None:
    handed_over(driver)
    driver.disconnect(0)
    driver.connect(0, report(RoomPhase.RUNNING, players=1))
    sent = driver.told(0)
    assert sent.rooms == ()
    assert [room.room for room in sent.moving] == ["town"]


def test_the_link_of_the_old_node_breaks_and_it_has_stopped_the_room_meanwhile(driver: Driver) -> None:
    handed_over(driver)
    driver.disconnect(0)
    driver.connect(0)
    assert driver.desired(1) == {"town": 2}


def after_restart(status: RoomStatus, *, old: Report | None, new: Report | None) -> Driver:
    """A new master that finds this status, and hears both nodes."""
    driver = Driver(synced=False)
    driver.fleet(max_nodes=2)
    driver.room("town", status=status)
    driver.tell(ev.Synced())
    driver.connect(1, *([new] if new else []))
    driver.connect(0, *([old] if old else []))
    return driver


MOVING = RoomStatus(phase=Phase.RUNNING, node="default-1", epoch=2, players=1)


def test_the_master_dies_after_the_record_and_the_room_runs_once() -> None:
    driver = after_restart(MOVING, old=report(RoomPhase.RUNNING, players=1), new=None)
    driver.report(0, "town", RoomPhase.STOPPED)
    records = [effect for effect in driver.effects if isinstance(effect, fx.Record)]
    assert [record.status.epoch for record in records] == [3]
    assert "town" not in driver.desired(0)


def test_the_master_dies_after_the_handover_and_the_room_runs_once() -> None:
    driver = after_restart(MOVING, old=None, new=None)
    records = [effect for effect in driver.effects if isinstance(effect, fx.Record)]
    assert [record.status.epoch for record in records] == [3]


def test_the_master_dies_when_the_new_node_has_the_room_already() -> None:
    driver = after_restart(MOVING, old=None, new=report(RoomPhase.RUNNING, 2, players=1))
    assert not [effect for effect in driver.effects if isinstance(effect, fx.Record)]
    assert driver.phase("town") is Phase.RUNNING


def test_the_master_dies_before_the_record_and_the_node_that_still_drains_says_so_again() -> None:
    driver = Driver(synced=False)
    driver.fleet(max_nodes=2)
    driver.room("town", status=RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=1, players=1))
    driver.tell(ev.Synced())
    driver.connect(1)
    driver.tell(
        ev.NodeConnected(
            driver.node(0),
            "b0",
            "default",
            100,
            "http://n0",
            (report(RoomPhase.RUNNING, players=1),),
            draining=True,
        )
    )
    assert [room.room for room in driver.told(1).prepare] == ["town"]
    assert driver.one(fx.SendDrain).node == driver.node(0)
