"""A room's life: asleep, woken, recorded, running, bored, changed, failed, deleted."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase
from roomfleet.master.core.running import reconcile as steps
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def test_an_applied_room_sleeps_on_no_node(driver: Driver) -> None:
    driver.room("town")
    assert driver.phase("town") is Phase.ASLEEP
    assert not driver.all(fx.Record)


def test_the_node_is_told_only_after_its_name_and_the_epoch_were_recorded(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    record = driver.one(fx.Record)
    assert (record.version, record.status.node, record.status.epoch) == ("1", "default-0", 1)
    assert driver.desired(0) == {}
    driver.recorded("town")
    assert driver.desired(0) == {"town": 1}
    assert driver.phase("town") is Phase.STARTING


def test_a_conflicting_record_is_decided_again_with_the_fresh_object(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town", outcome=ev.RecordOutcome.CONFLICT)
    assert not driver.all(fx.Record)
    driver.show("town")
    record = driver.one(fx.Record)
    assert (record.version, record.status.epoch) == ("2", 1)
    assert driver.desired(0) == {}


def test_a_record_of_unknown_outcome_is_followed_by_a_higher_epoch(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town", outcome=ev.RecordOutcome.FAILED)
    driver.wait(1.0, alive=(0, 1))
    assert driver.one(fx.Record).status.epoch == 2


def test_a_record_that_waits_however_long_is_said_again_and_skips_no_epoch(driver: Driver) -> None:
    driver.room("town", keep=Keep.ALWAYS)
    record = driver.one(fx.Record)
    said = [effect for effect in driver.wait(100.0, alive=(0, 1)) if isinstance(effect, fx.Record)]
    assert len(said) >= 3
    assert set(said) == {record}
    driver.recorded("town")
    assert driver.desired(0) == {"town": 1}
    assert not [effect for effect in driver.wait(9.0, alive=(0, 1)) if isinstance(effect, fx.Record)]


def test_a_record_is_said_again_until_it_is_answered_even_when_the_object_is_gone(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    record = driver.one(fx.Record)
    driver.delete("town")
    said = [effect for effect in driver.wait(40.0, alive=(0, 1)) if isinstance(effect, fx.Record)]
    assert set(said) == {record}
    driver.recorded("town", outcome=ev.RecordOutcome.GONE)
    assert not driver.wait(40.0, alive=(0, 1))


def test_the_record_of_an_object_that_was_made_again_says_nothing_of_the_new_one(driver: Driver) -> None:
    driver.room("town", keep=Keep.ALWAYS)
    old = driver.one(fx.Record)
    driver.uids["town"] = "u-new"
    driver.show("town")
    record = driver.one(fx.Record)
    assert (record.uid, record.version, record.status.epoch) == ("u-new", "2", 2)
    for outcome in ev.RecordOutcome:
        driver.tell(ev.Recorded(old, outcome, "7"))
        assert driver.phase("town") is Phase.QUEUED
        assert driver.desired(0) == {}
    driver.recorded("town", epoch=2)
    assert driver.desired(0) == {"town": 2}


def test_a_record_tells_whether_somebody_waits_and_is_said_again_when_the_first_one_comes(
    driver: Driver,
) -> None:
    driver.room("town", keep=Keep.ALWAYS)
    record = driver.one(fx.Record)
    assert not record.awaited
    driver.join("ann", "town")
    assert driver.one(fx.Record) == record
    assert driver.one(fx.Record).awaited
    driver.join("bob", "town")
    assert not driver.all(fx.Record)


def test_repeated_and_late_events_do_no_harm(driver: Driver) -> None:
    driver.running("town")
    before = driver.desired(0)
    driver.show("town")
    driver.recorded("town")
    driver.recorded("town", outcome=ev.RecordOutcome.CONFLICT)
    driver.report(0, "town", RoomPhase.STARTING)
    driver.report(0, "town", RoomPhase.RUNNING, players=1)
    driver.tell(ev.Synced())
    driver.tell(ev.RoomDeleted(Key(GAME, "town"), "of an earlier object"))
    assert driver.phase("town") is Phase.RUNNING
    assert driver.desired(0) == before == {"town": 1}


@pytest.mark.parametrize("found", [RoomPhase.FENCED, RoomPhase.FAILED])
def test_a_refused_claim_leads_to_the_epoch_above_the_one_found(driver: Driver, found: RoomPhase) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    driver.recorded("town")
    driver.report(0, "town", found, found_epoch=7)
    assert driver.one(fx.Record).status.epoch == 8
    driver.run("town", epoch=8)
    assert driver.admitted(id)


def test_a_room_that_is_fenced_again_and_again_backs_off(driver: Driver) -> None:
    driver.room("town", keep=Keep.ALWAYS)
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=7)
    driver.recorded("town", 8)
    driver.report(0, "town", RoomPhase.FENCED, epoch=8, found_epoch=20)
    assert not driver.all(fx.Record)
    driver.wait(1.0, alive=(0, 1))
    assert driver.one(fx.Record).status.epoch == 21


def test_a_room_is_bored_after_its_time_without_players_and_then_asleep(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=5)
    driver.wait(20, alive=(0, 1))
    assert driver.phase("town") is Phase.RUNNING
    driver.report(0, "town", RoomPhase.RUNNING)
    driver.wait(4.9, alive=(0, 1))
    assert driver.phase("town") is Phase.RUNNING
    driver.wait(0.2, alive=(0, 1))
    assert driver.phase("town") is Phase.STOPPING
    assert driver.desired(0) == {}
    driver.report(0, "town", RoomPhase.STOPPED, saved_at="2026-11-21T10:00:00Z")
    assert driver.phase("town") is Phase.ASLEEP
    written = driver.written("town")
    assert (written.node, written.epoch, written.saved_at) == ("", 1, "2026-11-21T10:00:00Z")


def test_bored_after_zero_seconds_is_at_once(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=0)
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.phase("town") is Phase.STOPPING


def test_a_player_who_may_resume_keeps_the_room_awake(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=0)
    driver.report(0, "town", RoomPhase.RUNNING, resumable=1)
    driver.wait(30, alive=(0, 1))
    assert driver.phase("town") is Phase.RUNNING
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.phase("town") is Phase.STOPPING


def test_an_unused_ticket_keeps_the_room_awake_until_it_expires(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    driver.join("ann", "town")
    driver.run("town")
    driver.wait(14.9, alive=(0, 1))
    assert driver.phase("town") is Phase.RUNNING
    driver.wait(0.2, alive=(0, 1))
    assert driver.phase("town") is Phase.STOPPING


def test_a_join_while_the_room_stops_waits_and_then_the_room_starts_again(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=0)
    driver.report(0, "town", RoomPhase.RUNNING)
    id = driver.join("bob", "town")
    assert driver.position(id) == 1
    assert driver.phase("town") is Phase.STOPPING
    assert not driver.all(fx.Record)
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.one(fx.Record).status.epoch == 2
    driver.run("town", epoch=2)
    assert driver.admitted(id)


def test_a_node_that_never_saw_a_room_which_it_is_to_stop_does_not_block_it(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    id = driver.join("ann", "town")
    driver.recorded("town")
    driver.tell(ev.JoinCancelled(id))
    assert driver.phase("town") is Phase.STOPPING
    driver.wait(4, alive=(0, 1))
    assert driver.phase("town") is Phase.ASLEEP


def test_keep_always_starts_without_joins_and_is_never_bored(driver: Driver) -> None:
    driver.room("town", keep=Keep.ALWAYS, bored_after_seconds=0)
    driver.run("town")
    driver.wait(600, alive=(0, 1))
    assert driver.phase("town") is Phase.RUNNING


def test_keep_never_stops_a_running_room_and_refuses_joins(driver: Driver) -> None:
    driver.running("town")
    driver.room("town", keep=Keep.NEVER)
    assert driver.desired(0) == {}
    assert not driver.all(fx.SendGoodbye)
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.phase("town") is Phase.ASLEEP
    assert driver.condition("town", "Ready").reason == "Closed"
    assert driver.problem(driver.join("bob", "town")).refusal == "room-closed"


def test_a_changed_spec_is_sent_to_the_node_without_a_restart(driver: Driver) -> None:
    driver.running("town", capacity=1)
    id = driver.join("bob", "town")
    driver.room("town", capacity=2, save_interval_seconds=9)
    sent = driver.one(fx.SendDesired).rooms[0]
    assert (sent.epoch, sent.spec.capacity, sent.spec.save_interval_seconds) == (1, 2, 9)
    assert driver.admitted(id)
    assert driver.written("town").observed_generation == 2


@pytest.mark.parametrize("change", [{"script": "a.b:C"}, {"map": "m.other"}, {"fleet": "other"}])
def test_a_changed_script_map_or_fleet_restarts_the_room(driver: Driver, change: dict[str, str]) -> None:
    driver.running("town")
    driver.tell(ev.FleetApplied(Key(GAME, "other"), 1, driver.core._world.fleets[Key(GAME, "default")].spec))
    driver.tell(ev.NodeConnected(Key(GAME, "other-0"), "o0", "other", 9, "http://o", ()))
    driver.room("town", **change)
    assert driver.desired(0) == {}
    driver.report(0, "town", RoomPhase.STOPPED)
    record = driver.one(fx.Record)
    assert record.status.epoch == 2
    assert record.status.node == ("other-0" if "fleet" in change else "default-0")


def test_a_failed_start_refuses_those_in_line_with_the_message(driver: Driver) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.FAILED, message="no class Town in rooms.py")
    problem = driver.problem(id)
    assert (problem.refusal, problem.status) == ("room-failed", 409)
    assert "no class Town in rooms.py" in problem.detail
    assert driver.phase("town") is Phase.FAILED
    assert driver.written("town").message == "no class Town in rooms.py"
    assert [announce.warning for announce in driver.all(fx.Announce)] == [True]
    assert driver.desired(0) == {}


def test_a_failed_room_is_tried_again_by_a_join_ten_seconds_later(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.FAILED, message="broken")
    driver.wait(9.0, alive=(0, 1))
    assert driver.problem(driver.join("bob", "town")).refusal == "room-failed"
    driver.wait(1.1, alive=(0, 1))
    id = driver.join("bob", "town")
    driver.run("town", epoch=2)
    assert driver.admitted(id)


def test_a_failed_room_is_tried_again_on_a_spec_change(driver: Driver) -> None:
    driver.room("town", keep=Keep.ALWAYS)
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.FAILED, message="broken")
    driver.show("town")
    assert not driver.all(fx.Record)
    driver.room("town", script="a.b:Fixed")
    assert driver.one(fx.Record).status.epoch == 2


def test_a_room_that_asks_for_what_is_not_supported_is_failed_with_that_text(driver: Driver) -> None:
    driver.room("town", problem="gravity is not supported yet")
    assert driver.phase("town") is Phase.FAILED
    assert driver.problem(driver.join("ann", "town")).refusal == "room-failed"


def test_a_deleted_room_says_goodbye_is_stopped_and_then_gone(driver: Driver) -> None:
    driver.running("town", capacity=1)
    id = driver.join("bob", "town")
    driver.delete("town")
    kinds = [type(effect) for effect in driver.last]
    assert kinds.index(fx.SendGoodbye) < kinds.index(fx.SendDesired)
    assert driver.desired(0) == {}
    assert driver.problem(id).refusal == "no-such-room"
    assert driver.core.room(Key(GAME, "town")) is None
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.core.nodes(GAME)[0].rooms == 0
    assert driver.core._world.rooms == {}


def test_a_room_made_again_while_the_old_one_stops_waits_for_that(driver: Driver) -> None:
    driver.running("town")
    driver.delete("town")
    driver.uids["town"] = "u-second"
    driver.room("town")
    driver.uids["town"] = "u-second"
    driver.show("town")
    id = driver.join("bob", "town")
    assert driver.position(id) == 1
    assert not driver.all(fx.Record)
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.run("town", epoch=2)
    assert driver.admitted(id)
    assert driver.desired(0) == {"town": 2}


def test_a_deleted_room_that_its_node_never_ran_is_gone_also_where_an_older_epoch_was_in_its_way(
    driver: Driver,
) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town")
    driver.report(0, "town", RoomPhase.STARTING)
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=7)
    driver.recorded("town", 8)
    driver.report(
        0, "town", RoomPhase.STARTING
    )  # it heard once more of the first epoch, and not yet of the other
    driver.delete("town")
    driver.wait(10, alive=(0,))
    assert driver.core._world.rooms, "something of it runs"
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=7)
    driver.wait(10, alive=(0,))
    assert driver.core._world.rooms == {}


def test_an_object_that_is_gone_when_it_is_recorded_is_treated_as_deleted(driver: Driver) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    driver.recorded("town", outcome=ev.RecordOutcome.GONE)
    assert driver.problem(id).refusal == "no-such-room"
    assert driver.core.room(Key(GAME, "town")) is None


def test_an_arrival_wakes_a_sleeping_room_only_if_it_asks_for_that(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    driver.tell(ev.Nudged(Key(GAME, "town"), wake=False))
    assert driver.phase("town") is Phase.ASLEEP
    driver.tell(ev.Nudged(Key(GAME, "town"), wake=True))
    driver.run("town")
    assert driver.phase("town") is Phase.RUNNING
    driver.tell(ev.Nudged(Key(GAME, "town"), wake=False))
    assert driver.one(fx.SendNudge).room == "town"
    driver.wait(16, alive=(0, 1))
    assert driver.phase("town") is Phase.STOPPING


def test_a_poisoned_room_costs_nobody_else_anything(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = steps.sync_placed

    def poisoned(world: object, room: object) -> bool:
        if room.key.name == "bad":  # type: ignore[attr-defined]
            raise ZeroDivisionError("poison")
        return real(world, room)  # type: ignore[arg-type]

    monkeypatch.setattr(steps, "STEPS", tuple(poisoned if step is real else step for step in steps.STEPS))
    driver.room("bad")
    driver.room("good")
    bad = driver.join("ann", "bad")
    assert driver.condition("bad", "Ready").reason == "InternalError"
    assert "ZeroDivisionError: poison" in driver.written("bad").message
    good = driver.join("bob", "good")
    driver.run("good")
    assert driver.admitted(good)
    driver.wait(121, alive=(0, 1))
    assert driver.problem(bad).refusal in ("timeout", "expired")
    monkeypatch.undo()
    driver.wait(60, alive=(0, 1))
    assert driver.condition("bad", "Ready").reason == "Asleep"
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    caplog.clear()
