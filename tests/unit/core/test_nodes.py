"""Nodes: silence, exit, new boots, restarts of the master, and what becomes of their rooms."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key, views
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.master.core.running.reports import STRAY_SECONDS
from roomfleet.master.core.state import Link, Node
from roomfleet.master.core.world import World
from roomfleet.wire.link import Report, RoomPhase
from unit.core.driver import GAME, Driver

RUNNING = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, players=1)


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def running(epoch: int = 1, players: int = 0, name: str = "town") -> Report:
    return Report(room=name, epoch=epoch, phase=RoomPhase.RUNNING, players=players)


def test_a_node_is_lost_after_ten_seconds_of_silence_and_its_rooms_start_elsewhere(driver: Driver) -> None:
    driver.running("town")
    driver.wait(9.9, alive=(1,))
    assert driver.phase("town") is Phase.RUNNING
    driver.wait(0.2, alive=(1,))
    record = driver.one(fx.Record)
    assert (record.status.node, record.status.epoch) == ("default-1", 2)
    assert [effect.reason for effect in driver.all(fx.Announce) if effect.warning] == ["Lost"]


def test_a_node_that_ended_is_lost_at_once(driver: Driver) -> None:
    driver.running("town")
    driver.gone(0)
    assert driver.one(fx.Record).status.node == "default-1"


def test_a_closed_link_alone_loses_nothing_but_lets_nobody_in(driver: Driver) -> None:
    driver.running("town")
    driver.disconnect(0)
    assert driver.condition("town", "Ready").reason == "NodeSilent"
    id = driver.join("bob", "town")
    assert driver.position(id) == 1
    driver.connect(0, running(players=1))
    assert driver.admitted(id)
    assert driver.desired(0) == {"town": 1}
    assert not driver.all(fx.Record)


def test_a_lost_node_that_comes_back_is_told_to_run_nothing_of_what_it_lost(driver: Driver) -> None:
    driver.running("town")
    driver.wait(10.1, alive=(1,))
    driver.run("town", 1, epoch=2)
    driver.tell(ev.NodeHeard(driver.node(0), "b0"))
    assert driver.one(fx.SendDesired).rooms == ()
    driver.report(0, "town", RoomPhase.FENCED, found_epoch=2)
    assert driver.phase("town") is Phase.RUNNING
    assert driver.desired(1) == {"town": 2}


def test_a_new_boot_of_the_same_name_loses_the_rooms_of_the_old_one(driver: Driver) -> None:
    driver.running("town")
    driver.connect(0, boot="b0-again")
    record = driver.one(fx.Record)
    assert record.status.epoch == 2
    driver.recorded("town", 2)
    number = int(record.status.node[-1])
    assert driver.desired(number) == {"town": 2}


def test_what_an_old_boot_still_says_is_of_no_interest(driver: Driver) -> None:
    driver.running("town")
    driver.connect(0, running(players=1), boot="b0-again")
    driver.report(0, "town", RoomPhase.STOPPED)
    driver.gone(0)
    assert driver.phase("town") is Phase.RUNNING


def test_a_room_that_a_reconnected_node_does_not_run_any_more_is_placed_again(driver: Driver) -> None:
    driver.running("town")
    driver.disconnect(0)
    driver.connect(0)
    assert driver.one(fx.Record).status.epoch == 2


def test_a_starting_room_that_a_reconnected_node_has_not_heard_of_is_told_again(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.disconnect(0)
    driver.recorded("town")
    driver.connect(0)
    assert driver.desired(0) == {"town": 1}
    assert not driver.all(fx.Record)


def test_a_node_that_says_nothing_of_a_room_is_told_again(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.recorded("town")
    driver.wait(10.1, alive=(0, 1))
    assert [room.room for room in driver.one(fx.SendDesired).rooms] == ["town"]


def test_a_room_whose_boredom_was_due_when_its_node_is_lost_goes_asleep(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=0)
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.phase("town") is Phase.STOPPING
    driver.gone(0)
    assert driver.phase("town") is Phase.ASLEEP


def test_a_node_that_stops_rooms_unasked_gets_no_new_ones_for_a_while(driver: Driver) -> None:
    driver.running("town")
    driver.report(0, "town", RoomPhase.STOPPING, players=1)
    driver.report(0, "town", RoomPhase.STOPPED)
    assert driver.one(fx.Record).status.node == "default-1"


def test_a_master_that_stood_still_does_not_take_its_nodes_for_lost(driver: Driver) -> None:
    driver.running("town")
    driver.now += 3_600
    driver.tell(ev.Tick())
    assert driver.phase("town") is Phase.RUNNING
    driver.wait(10.1)
    assert driver.phase("town") is not Phase.RUNNING


class TestRestartOfTheMaster:
    def restarted(self, **room: object) -> Driver:
        driver = Driver(synced=False)
        driver.fleet(max_nodes=2)
        driver.room("town", status=RUNNING, **room)
        return driver

    def test_a_room_that_runs_as_recorded_is_adopted_untouched(self) -> None:
        driver = self.restarted()
        driver.connect(0, running(4, players=1))
        driver.tell(ev.Synced())
        assert driver.desired(0) == {"town": 4}
        assert driver.phase("town") is Phase.RUNNING
        assert driver.view("town").players == 1
        assert not [effect for effect in driver.effects if isinstance(effect, fx.Record)]
        assert driver.admitted(driver.join("bob", "town"))

    def test_nothing_is_sent_to_nodes_before_all_objects_are_known(self) -> None:
        driver = Driver(synced=False)
        driver.fleet()
        driver.connect(0, running(4, players=1))
        assert driver.effects == []
        driver.room("town", status=RUNNING)
        driver.tell(ev.Synced())
        assert driver.desired(0) == {"town": 4}

    def test_a_room_waits_for_its_node_until_that_reports(self) -> None:
        driver = self.restarted()
        driver.tell(ev.Synced())
        id = driver.join("bob", "town")
        driver.connect(1)
        driver.wait(5, alive=(1,))
        assert driver.position(id) == 1
        driver.connect(0, running(4))
        assert driver.admitted(id)

    def test_a_room_whose_node_never_comes_back_is_placed_elsewhere(self) -> None:
        driver = self.restarted()
        driver.tell(ev.Synced())
        driver.connect(1)
        driver.wait(10.1, alive=(1,))
        record = driver.one(fx.Record)
        assert (record.status.node, record.status.epoch) == ("default-1", 5)

    def test_a_room_that_its_node_does_not_run_is_placed_at_once(self) -> None:
        driver = self.restarted()
        driver.tell(ev.Synced())
        driver.connect(0, boot="new")
        assert driver.one(fx.Record).status.epoch == 5

    def test_other_rooms_are_placed_at_once(self) -> None:
        driver = self.restarted()
        driver.room("inn")
        driver.connect(1)
        driver.tell(ev.Synced())
        driver.join("bob", "inn")
        assert driver.one(fx.Record).status.node == "default-1"

    def test_an_older_epoch_than_recorded_is_stopped_and_the_room_placed_above_both(self) -> None:
        driver = self.restarted()
        driver.connect(0, running(3))
        driver.connect(1, running(6))
        driver.tell(ev.Synced())
        assert driver.desired(0) == driver.desired(1) == {}
        assert not driver.all(fx.Record), "what they have is saved first"
        driver.report(1, "town", RoomPhase.STOPPING, 6)
        driver.report(0, "town", RoomPhase.FENCED, 3, found_epoch=6)
        driver.report(1, "town", RoomPhase.STOPPED, 6)
        assert driver.one(fx.Record).status.epoch == 7

    def test_a_node_that_does_not_stop_what_it_should_not_have_is_not_waited_for_long(self) -> None:
        driver = self.restarted()
        driver.connect(0)
        driver.connect(1, running(3))
        driver.tell(ev.Synced())
        driver.wait(STRAY_SECONDS + 0.1, alive=(0, 1))
        assert driver.one(fx.Record).status.epoch == 5

    def test_a_node_that_is_lost_with_what_it_should_not_have_is_not_waited_for(self) -> None:
        driver = self.restarted()
        driver.connect(0)
        driver.connect(1, running(3))
        driver.tell(ev.Synced())
        driver.gone(1)
        assert driver.one(fx.Record).status.epoch == 5

    def test_a_room_that_was_being_stopped_goes_asleep_when_its_node_lost_it(self) -> None:
        driver = Driver(synced=False)
        driver.fleet()
        driver.room("town", status=RoomStatus(phase=Phase.STOPPING, node="default-0", epoch=4))
        driver.tell(ev.Synced())
        driver.connect(0)
        assert driver.phase("town") is Phase.ASLEEP

    def test_those_who_were_in_line_before_come_first_where_seats_are_scarce(self) -> None:
        driver = Driver(synced=False, now=1_000.0)
        driver.fleet()
        status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, players=0, waiting=1)
        driver.room("town", status=status, capacity=1)
        driver.connect(0, running(4))
        driver.tell(ev.Synced())
        new = driver.join("new", "town")
        assert driver.position(new) == 1
        driver.wait(5, alive=(0,))
        old = driver.join("old", "town", arrived=990.0)
        assert driver.admitted(old)
        assert driver.position(new) == 1

    def test_a_line_that_does_not_come_back_holds_nobody_up_for_long(self) -> None:
        driver = Driver(synced=False, now=1_000.0)
        driver.fleet()
        status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, waiting=1)
        driver.room("town", status=status, capacity=1)
        driver.connect(0, running(4))
        driver.tell(ev.Synced())
        new = driver.join("new", "town")
        driver.wait(15.1, alive=(0,))
        assert driver.admitted(new)


def test_seats_that_a_lost_node_asked_for_are_void(driver: Driver) -> None:
    driver.room("town")
    driver.tell(ev.SeatRequested(driver.node(1), "b1", "s1", "ann", "town"))
    driver.gone(1)
    assert driver.core.line(Key(GAME, "town")) == []


def test_players_in_a_room_that_was_deleted_while_no_master_looked_hear_that(driver: Driver) -> None:
    driver.connect(1, running(name="felled"))
    assert driver.one(fx.SendGoodbye) == fx.SendGoodbye(driver.node(1), "b1", "felled")
    assert driver.desired(1) == {}


@pytest.mark.parametrize("seconds", [11, 12, 14, 16, 60])
def test_a_master_that_stood_still_for_so_long_loses_nobody(seconds: float) -> None:
    driver = Driver(node_lost_after_seconds=10.0)
    driver.two_nodes()
    driver.running("town")
    driver.wait(30, alive=(0, 1))
    driver.now += seconds
    driver.tell(ev.Tick())
    driver.wait(3)  # they dial again
    assert driver.phase("town") is Phase.RUNNING
    driver.wait(20, alive=(0, 1))
    assert driver.view("town").epoch == 1


def test_a_master_that_is_always_late_finds_out_who_is_lost() -> None:
    driver = Driver(node_lost_after_seconds=10.0)
    driver.two_nodes()
    driver.running("town")
    for _ in range(15):
        driver.now += 4
        driver.tell(ev.NodeHeard(driver.node(1), "b1"))
    assert driver.view("town").node != "default-0"


def test_after_a_restart_of_the_master_who_sits_in_a_full_room_needs_no_second_seat() -> None:
    driver = Driver(synced=False)
    driver.fleet()
    driver.room("town", status=RUNNING, capacity=1)
    driver.tell(ev.Synced())
    driver.connect(
        0, Report(room="town", epoch=4, phase=RoomPhase.RUNNING, players=0, resumable=1, seated=["ann"])
    )
    ann, bob = driver.join("ann", "town", found="town"), driver.join("bob", "town")
    driver.wait(20, alive=(0,))  # a restarted master waits for those who were in line before
    assert driver.admitted(ann)
    assert not driver.admitted(bob)


def test_who_sits_in_a_room_is_not_forgotten_when_its_node_reports_again_before_all_objects_are_told() -> (
    None
):
    driver = Driver(synced=False)
    driver.fleet()
    seated = Report(room="town", epoch=4, phase=RoomPhase.RUNNING, resumable=1, seated=["ann"])
    driver.connect(0, seated)
    driver.report(0, "town", RoomPhase.RUNNING, 4, resumable=1)
    driver.room("town", status=RUNNING, capacity=1)
    driver.tell(ev.Synced())
    assert driver.admitted(driver.join("ann", "town", found="town"))


def test_players_of_a_full_room_whose_node_was_lost_need_no_second_seat_where_it_comes_back() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town", capacity=2)
    ann = driver.join("ann", "town")
    driver.run("town")
    assert driver.admitted(ann)
    driver.report(0, "town", RoomPhase.RUNNING, players=2, used=[ann])
    driver.gone(0)
    cid, ann = driver.join("cid", "town"), driver.join("ann", "town", found="town")
    driver.run("town", 1, epoch=2, resumable=2, seated=["ann", "bob"])
    bob = driver.join("bob", "town", found="town")
    assert driver.admitted(ann)
    assert driver.admitted(bob)
    assert not driver.admitted(cid)
    assert driver.position(cid) == 1


def test_who_joins_again_before_the_node_has_said_that_they_came_in_needs_no_second_seat() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town", capacity=2)
    first = driver.join("ann", "town")
    driver.run("town", players=2)
    assert driver.admitted(first) is False
    driver.report(0, "town", RoomPhase.RUNNING, players=1)
    assert driver.admitted(first)
    driver.report(0, "town", RoomPhase.RUNNING, players=2)
    again = driver.join("ann", "town", found="town")
    assert not driver.admitted(again)
    driver.report(0, "town", RoomPhase.RUNNING, players=1, resumable=1, used=[first], seated=["ann"])
    assert driver.admitted(again)


def test_who_joins_again_needs_no_second_seat_though_it_is_heard_late_that_they_came_in() -> None:
    driver = Driver(ticket_seconds=15.0)
    driver.two_nodes()
    driver.room("town", capacity=1)
    first = driver.join("ann", "town")
    driver.run("town")
    assert driver.admitted(first)
    driver.report(0, "town", RoomPhase.RUNNING, players=1)
    again, bob = driver.join("ann", "town", found="town"), driver.join("bob", "town")
    driver.wait(16, alive=(0,))  # what the node says is under way, or the master stands still
    assert not driver.admitted(again)
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[first], seated=["ann"])
    assert driver.admitted(again)
    assert not driver.admitted(bob)


def test_all_who_sit_in_a_room_that_became_smaller_keep_their_seats_over_its_next_start() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town", capacity=1)
    ann = driver.join("ann", "town")
    driver.run("town", resumable=4, seated=["ann", "bob", "cid", "dan"])
    bob = driver.join("bob", "town", found="town")
    assert driver.admitted(ann)
    assert driver.admitted(bob)
    reserved = driver.core._world.rooms[Key(GAME, "town")].lined().reserved
    assert [join.takes_seat for join in reserved.values()] == [False, False]


def test_who_came_in_and_left_while_the_link_was_broken_has_no_seat() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town", capacity=1)
    ann = driver.join("ann", "town")
    driver.run("town")
    assert driver.admitted(ann)
    driver.connect(
        0, Report(room="town", epoch=1, phase=RoomPhase.RUNNING, players=1, used=[ann], seated=["bob"])
    )
    assert not driver.admitted(driver.join("ann", "town"))


def test_a_seat_that_was_used_while_the_link_broke_is_counted_once() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town", capacity=2)
    ann = driver.join("ann", "town")
    driver.run("town")
    assert driver.admitted(ann)
    # The report of it was lost with the link.
    driver.connect(0, Report(room="town", epoch=1, phase=RoomPhase.RUNNING, players=1, used=[ann]))
    assert driver.admitted(driver.join("bob", "town"))


def test_a_few_nodes_that_are_up_are_named_without_looking_at_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Driver()
    driver.fleet(max_nodes=50)
    for number in range(50):
        driver.connect(number)
    driver.disconnect(0)
    looked: list[str] = []
    real = views.node_view

    def look(world: World, node: Node) -> views.NodeView:
        looked.append(node.key.name)
        return real(world, node)

    monkeypatch.setattr(views, "node_view", look)
    found = driver.core.some_nodes_up(GAME, 3)
    assert [view.name for view in found] == looked == ["default-1", "default-2", "default-3"]
    assert driver.core.some_nodes_up("chess", 3) == []
    one = driver.core.node(driver.node(0))
    assert one is not None
    assert (one.name, one.link) == ("default-0", Link.DOWN)
    assert driver.core.node(driver.node(99)) is None
