"""What the master's metrics say of what happens, on the simulated clock."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from roomfleet.master.core import Core, Key
from roomfleet.master.core import events as ev
from roomfleet.master.core.master import WORK_PER_CALL
from roomfleet.master.core.model import FleetSpec
from roomfleet.master.core.queueing.counted import Writes
from roomfleet.master.core.running import reconcile
from roomfleet.master.metrics import METRICS, metrics_page
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import instance_name
from roomfleet.wire.settings import Settings
from roomfleet.wire.version import __version__
from support.scraped import Scraped, families, scraped
from unit.core.driver import GAME, Driver

KINDS = ("room", "fleet", "template", "event", "alarm", "effect")


def read(driver: Driver, **more: object) -> Scraped:
    page = metrics_page(driver.core, lambda: driver.now, Writes(), lambda: 0, **more)  # type: ignore[arg-type]
    return scraped(page.text())


def rooms(found: Scraped, fleet: str = "default") -> dict[str, float]:
    return {
        phase: number
        for (of, game, phase), number in found["roomfleet_rooms"].items()
        if (of, game) == (fleet, GAME) and number
    }


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def test_every_metric_is_named_from_the_start() -> None:
    driver = Driver(synced=False)
    page = metrics_page(driver.core, lambda: driver.now, Writes(), lambda: 0)
    shown = {name for name in families(page.text()) if not name.startswith("process_")}
    assert shown == {metric.name for metric in METRICS}
    found = scraped(page.text())
    assert found["roomfleet_build_info"] == {(__version__,): 1}
    assert found["roomfleet_synced"] == {(): 0}
    assert found["roomfleet_failures_total"] == {(kind,): 0 for kind in KINDS}


def test_rooms_are_counted_by_phase_and_fleet_through_their_whole_life(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave", fleet="missing")
    assert rooms(read(driver)) == {"Asleep": 1}
    assert rooms(read(driver), "missing") == {"Asleep": 1}
    driver.join("ann", "town")
    driver.join("bob", "cave")
    assert rooms(read(driver)) == {"Queued": 1}
    assert rooms(read(driver), "missing") == {"Queued": 1}
    driver.recorded("town", 1)
    assert rooms(read(driver)) == {"Starting": 1}
    driver.run("town")
    assert rooms(read(driver)) == {"Running": 1}
    driver.room("cave", fleet="default")
    assert rooms(read(driver), "missing") == {}
    driver.run("cave")
    assert rooms(read(driver)) == {"Running": 2}
    driver.tell(ev.RoomDeleted(Key(GAME, "town"), "u-town"))
    assert rooms(read(driver)) == {"Running": 1, "Stopping": 1}
    driver.report(0, "town", RoomPhase.STOPPED)
    assert rooms(read(driver)) == {"Running": 1}


def test_nodes_are_counted_by_their_link(driver: Driver) -> None:
    driver.tell(ev.FleetApplied(Key(GAME, "other"), 1, FleetSpec(min_nodes=1)))
    driver.wait(11, alive=(0,))
    found = read(driver)["roomfleet_nodes"]
    assert {of: number for of, number in found.items() if number} == {
        ("default", GAME, "up"): 1,
        ("default", GAME, "lost"): 1,
        ("other", GAME, "creating"): 1,
    }


def test_joins_are_counted_by_what_became_of_them(driver: Driver) -> None:
    driver.room("town", capacity=1)
    first = driver.join("ann", "town")
    driver.now += 2.0
    driver.run("town")
    assert driver.admitted(first)
    waits, leaves = driver.join("bob", "town"), driver.join("cleo", "town")
    driver.wait(3, alive=(0, 1))
    found = read(driver)
    assert found["roomfleet_line_waiting"] == {("default", GAME): 2}
    assert found["roomfleet_line_oldest_age_seconds"] == {("default", GAME): 3}
    driver.tell(ev.JoinCancelled(leaves))
    driver.tell(ev.JoinCancelled(first))  # was admitted: that is what became of it
    driver.join("dan", "nowhere")
    driver.wait(130, alive=(0, 1))
    assert driver.admitted(waits)
    found = read(driver)
    assert found["roomfleet_joins_total"][("player", GAME, "no-such-room")] == 1
    assert found["roomfleet_joins_total"][("player", GAME, "cancelled")] == 1
    assert found["roomfleet_joins_total"][("player", GAME, "admitted")] == 2
    assert found["roomfleet_join_admitted_seconds_count"] == {(GAME,): 2}
    assert found["roomfleet_join_admitted_seconds_bucket"][(GAME, "2.0")] == 1
    assert found["roomfleet_line_waiting"] == {("default", GAME): 0}


def test_joins_for_an_instance_that_is_still_to_be_made_are_in_line_too(driver: Driver) -> None:
    driver.template("cave")
    id = driver.seek("ann", "party-7")
    assert read(driver)["roomfleet_line_waiting"] == {("default", GAME): 1}
    view = driver.core.join_of(GAME, "ann")
    assert view is not None
    assert (view.id, view.room, view.position) == (id, instance_name("cave", "party-7"), 1)


def test_a_seat_for_a_traveller_counts_as_a_nodes_join(driver: Driver) -> None:
    driver.running("town")
    driver.room("cave")
    driver.tell(ev.SeatRequested(driver.node(0), "b0", "s1", "town", "cave"))
    driver.run("cave")
    assert read(driver)["roomfleet_joins_total"][("node", GAME, "admitted")] == 1


def test_players_are_counted_by_how_they_came_in(driver: Driver) -> None:
    driver.room("town")
    driver.join("ann", "town")
    driver.run("town")
    driver.join("bob", "town", "cid", "dan")
    driver.join("eve", "town", session=int(driver.now * 1000))
    driver.tell(ev.SeatRequested(driver.node(0), "b0", "s1", "fay", "town"))
    found = read(driver)
    assert found["roomfleet_players_admitted_total"] == {
        (GAME, "new"): 1,
        (GAME, "party"): 3,
        (GAME, "back"): 1,
        (GAME, "traveller"): 1,
    }
    assert found["roomfleet_joins_total"] == {("player", GAME, "admitted"): 3, ("node", GAME, "admitted"): 1}


def test_a_party_in_line_counts_as_its_players(driver: Driver) -> None:
    driver.running("town", capacity=3)
    driver.join("bob", "town", "cid", "dan")
    assert read(driver)["roomfleet_line_waiting"] == {("default", GAME): 3}


def test_the_queue_and_the_time_of_its_work_are_shown() -> None:
    ticks = itertools.count()
    driver = Driver()
    driver.core = Core(Settings(), seed=1, now=driver.now, stopwatch=lambda: next(ticks) / 1_000)
    for number in range(WORK_PER_CALL + 44):
        driver.room(f"r{number}")
    driver.now += 3.0
    found = read(driver)
    assert found["roomfleet_queue_depth"][()] == WORK_PER_CALL + 44
    assert found["roomfleet_queue_oldest_age_seconds"][()] == 0, (
        "nothing is taken before all objects are known"
    )
    driver.core.handle(ev.Synced(), driver.now)
    driver.now += 7.0
    found = read(driver)
    assert found["roomfleet_queue_depth"][()] == 44
    assert found["roomfleet_queue_oldest_age_seconds"][()] == 7.0
    assert found["roomfleet_queue_last_work_age_seconds"][()] == 7.0
    assert found["roomfleet_queue_work_seconds_count"] == {("room",): WORK_PER_CALL}
    assert found["roomfleet_queue_work_seconds_sum"][("room",)] == pytest.approx(WORK_PER_CALL / 1_000)


def test_what_raises_is_counted_and_held_back(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("the others go on")
    monkeypatch.setattr(reconcile, "STEPS", (lambda world, room: 1 / 0,))
    driver.room("bad")
    found = read(driver)
    assert found["roomfleet_failures_total"][("room",)] == 1
    assert found["roomfleet_queue_held_back"][()] == 1
    assert rooms(found) == {"Asleep": 1}


def test_what_the_adapter_tells_is_shown() -> None:
    driver, writes = Driver(), Writes()
    writes.written(0.02)
    writes.failed(conflict=True)
    writes.failed(gone=True)
    writes.failed()
    page = metrics_page(
        driver.core,
        lambda: driver.now,
        writes,
        lambda: 4,
        Counter({("PATCH", "ok"): 1, ("PATCH", "Conflict"): 1}),
        lambda: False,
    )
    found = scraped(page.text())
    outcomes = {("written",): 1, ("conflict",): 1, ("gone",): 1, ("failed",): 1}
    assert found["roomfleet_status_writes_total"] == outcomes
    assert found["roomfleet_status_write_seconds_sum"][()] == 0.02
    assert found["roomfleet_status_writes_waiting"][()] == 4
    assert found["roomfleet_api_requests_total"] == {("PATCH", "ok"): 1, ("PATCH", "Conflict"): 1}
    assert found["roomfleet_lease_held"][()] == 0
