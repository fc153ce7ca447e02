"""What nodes look after: rooms whose owner was lost, and travellers to rooms that are gone."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, RoomStatus, Strategy
from roomfleet.wire.link import Report, RoomPhase
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes(strategy=Strategy.DISTRIBUTED)
    made.room("town", entry=True)
    return made


def swept(driver: Driver) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (effect.node.name, effect.rooms) for effect in driver.effects if isinstance(effect, fx.SweepRooms)
    ]


def sent_back(driver: Driver) -> list[tuple[str, str]]:
    return [(effect.room, effect.entry) for effect in driver.effects if isinstance(effect, fx.SendBack)]


# -- lost rooms


def test_the_rooms_of_a_lost_node_are_swept_by_one_that_lives_in_one_go(driver: Driver) -> None:
    for name in ("cave", "wood", "lake"):
        driver.room(name)
    for player, name in (("ann", "cave"), ("bob", "wood"), ("cy", "lake")):
        driver.join(player, name)
    driver.run("cave", 0)
    driver.run("wood", 1)
    driver.run("lake", 0)
    driver.gone(0)
    assert swept(driver) == [("default-1", ("cave", "lake"))]


def test_also_one_that_nobody_wants_any_more(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=1)
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    driver.wait(2, alive=(0, 1))
    assert driver.phase("town") is Phase.STOPPING
    driver.gone(0)
    assert driver.phase("town") is Phase.ASLEEP
    assert swept(driver) == [("default-1", ("town",))]


@pytest.mark.parametrize(("boot", "expected"), [("b0", []), ("next", [("default-0", ("town",))])])
def test_one_that_was_being_stopped_when_the_next_process_of_its_node_says_hello(
    driver: Driver, boot: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    driver.running("town", bored_after_seconds=1)
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    driver.wait(2, alive=(0, 1))
    assert driver.phase("town") is Phase.STOPPING
    driver.disconnect(0)
    driver.connect(0, boot=boot)
    assert driver.phase("town") is Phase.ASLEEP
    assert swept(driver) == expected


def test_a_node_that_is_silent_sweeps_for_nobody(driver: Driver) -> None:
    driver.fleet(min_nodes=3, max_nodes=3)
    driver.connect(2)
    driver.running("town")
    driver.wait(9, alive=(2,))
    driver.gone(0)
    assert swept(driver) == [("default-2", ("town",))], "the other one is probably lost as well"


def test_without_a_node_it_waits_for_the_next_one(driver: Driver) -> None:
    driver.running("town")
    driver.gone(1)
    driver.gone(0)
    assert swept(driver) == []
    driver.connect(1, boot="new")
    assert swept(driver) == [("default-1", ("town",))]


def test_a_room_whose_node_did_not_come_back_after_the_masters_restart_is_swept() -> None:
    driver = Driver(synced=False)
    driver.fleet()
    driver.room("town", status=RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=3))
    driver.tell(ev.Synced())
    driver.connect(1)
    driver.wait(11, alive=(1,))
    assert swept(driver) == [("default-1", ("town",))]


def test_a_room_that_was_stopped_well_needs_no_sweep(driver: Driver) -> None:
    driver.running("town", bored_after_seconds=1)
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    driver.wait(2, alive=(0, 1))
    driver.report(0, "town", RoomPhase.STOPPED)
    assert swept(driver) == []


# -- travellers to rooms that are gone


def test_who_goes_to_a_room_that_is_not_there_is_sent_back(driver: Driver) -> None:
    driver.tell(ev.Nudged(Key(GAME, "nowhere"), wake=True))
    assert sent_back(driver) == [("nowhere", "town")]


def test_who_goes_to_a_room_that_sleeps_waits_there(driver: Driver) -> None:
    driver.tell(ev.Nudged(Key(GAME, "town"), wake=False))
    assert sent_back(driver) == []


def test_after_a_list_whoever_waits_for_a_room_that_is_not_there_is_sent_back(driver: Driver) -> None:
    driver.wait(601, alive=(0, 1))
    driver.tell(ev.Listed(GAME))
    asked = driver.one(fx.FindMarked)
    driver.tell(ev.MarkedFound(asked.node, asked.boot, (), ("town", "deleted-long-ago")))
    assert sent_back(driver) == [("deleted-long-ago", "town")]


def test_before_all_objects_are_known_nobody_is_sent_back() -> None:
    driver = Driver(synced=False)
    driver.connect(0)
    driver.tell(ev.Nudged(Key(GAME, "town"), wake=False))
    assert sent_back(driver) == []


def test_who_waits_for_a_room_that_is_deleted_is_sent_back_once_that_has_stopped(driver: Driver) -> None:
    driver.running("cave")
    driver.delete("cave")
    driver.tell(ev.Nudged(Key(GAME, "cave"), wake=False))
    assert sent_back(driver) == [], "the room itself is saved first"
    driver.report(0, "cave", RoomPhase.STOPPED)
    assert sent_back(driver) == [("cave", "town")]


def test_a_room_that_still_runs_though_its_object_is_gone_is_left_alone(driver: Driver) -> None:
    driver.connect(0, Report(room="ghost", epoch=4, phase=RoomPhase.RUNNING), boot="again")
    driver.tell(ev.Nudged(Key(GAME, "ghost"), wake=False))
    assert sent_back(driver) == []


@pytest.mark.parametrize("entries", [0, 2])
def test_without_exactly_one_entry_they_can_only_go_where_they_came_from(
    driver: Driver, entries: int
) -> None:
    driver.entries["town"] = entries > 0
    driver.show("town")
    if entries == 2:
        driver.room("cave", entry=True)
    driver.tell(ev.Nudged(Key(GAME, "nowhere"), wake=False))
    assert sent_back(driver) == [("nowhere", "")]


def test_a_player_who_was_on_the_way_to_a_deleted_room_gets_in_where_they_came_from(driver: Driver) -> None:
    driver.tell(ev.JoinRequested("j", GAME, "ann", None, driver.now))
    driver.tell(ev.PlayerFound("j", "cave"))
    [(asked, back)] = [
        (find.node, back.node) for find in driver.all(fx.FindPlayer) for back in driver.all(fx.SendBack)
    ]
    assert asked == back, "the same node: it answers when it has sent everybody back"
    driver.tell(ev.PlayerFound("j", "town"))
    assert driver.position("j") == 1


def test_one_who_lives_in_a_deleted_room_is_refused_after_that(driver: Driver) -> None:
    id = driver.join("ann", None, found="cave")
    assert sent_back(driver) == [("cave", "town")]
    assert "your actor is in the room cave, which was deleted" in driver.problem(id).detail
