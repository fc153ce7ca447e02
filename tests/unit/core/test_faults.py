"""What raises in the core costs nobody else anything: a poisoned room, fleet, join, event or alarm."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.instancing import instances
from roomfleet.master.core.joining import admission, destinations, joins
from roomfleet.master.core.model import ConditionStatus, Phase
from roomfleet.master.core.placing import fleet, losses, nodes
from roomfleet.master.core.queueing.queue import BACKOFF_MOST_SECONDS
from roomfleet.master.core.running import reconcile as steps
from roomfleet.master.core.running import reports
from roomfleet.wire.link import Report, RoomPhase
from unit.core.driver import GAME, Driver

POISON = "ZeroDivisionError: poison"


def poison(*_: Any) -> None:
    raise ZeroDivisionError("poison")


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


@pytest.fixture(autouse=True)
def _errors_are_logged(expect_error_log: Callable[[str], None]) -> None:
    expect_error_log("the others go on")


def poison_room(monkeypatch: pytest.MonkeyPatch, name: str) -> list[float]:
    """Each reconcile of that room raises from now on. When it was tried."""
    tried: list[float] = []

    def poisoned(world: Any, room: Any) -> bool:
        if room.key.name == name:
            tried.append(world.now)
            poison()
        return True

    monkeypatch.setattr(steps, "STEPS", (poisoned, *steps.STEPS))
    return tried


def seconds_to_admission(monkeypatch: pytest.MonkeyPatch, *, poisoned: bool) -> list[float]:
    """How long each of twenty joins takes by the simulated clock, with a poisoned room beside or without."""
    driver = Driver()
    driver.two_nodes()
    with monkeypatch.context() as patch:
        if poisoned:
            poison_room(patch, "bad")
        driver.room("bad")
        driver.join("victim", "bad")
        took = []
        for number in range(20):
            driver.room(f"room-{number}")
            begun = driver.now
            id = driver.join(f"p{number}", f"room-{number}")
            driver.wait(0.25, alive=(0, 1))
            driver.run(f"room-{number}", number % 2)
            assert driver.admitted(id) or driver.run(f"room-{number}", 1 - number % 2)
            assert driver.admitted(id)
            took.append(driver.now - begun)
    return took


def test_a_poisoned_room_is_held_back_and_says_so_while_all_others_are_as_fast_as_without_it(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seconds_to_admission(monkeypatch, poisoned=True) == seconds_to_admission(
        monkeypatch, poisoned=False
    )
    tried = poison_room(monkeypatch, "bad")
    driver.room("bad")
    for _ in range(300):
        driver.show("bad")  # whatever happens to it, it is tried when its time has come and not before
        driver.wait(1, alive=(0, 1))
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert len(tried) < 25
    assert pauses[-2:] == [pytest.approx(BACKOFF_MOST_SECONDS * 3 / 4, abs=BACKOFF_MOST_SECONDS / 4 + 1)] * 2
    ready = driver.condition("bad", "Ready")
    assert (ready.status, ready.reason) == (ConditionStatus.FALSE, "InternalError")
    assert POISON in ready.message


def test_a_poisoned_room_whose_spec_was_changed_is_tried_at_once(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        poison_room(patch, "bad")
        driver.room("bad")
        driver.wait(60, alive=(0, 1))
    driver.show("bad")
    assert driver.condition("bad", "Ready").reason == "InternalError"
    driver.room("bad", capacity=7)
    assert driver.condition("bad", "Ready").reason == "Asleep"


def test_a_poisoned_fleet_is_held_back_and_says_so_and_other_fleets_grow(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fleet.reconcile

    def poisoned(world: Any, one: Any) -> None:
        if one.key.name == "default":
            poison()
        real(world, one)

    monkeypatch.setattr(fleet, "reconcile", poisoned)
    driver.fleet(min_nodes=3, max_nodes=5)
    said = driver.all(fx.WriteFleetStatus)[-1].status.conditions[0]
    assert (said.type, said.status, said.reason) == ("Ready", ConditionStatus.FALSE, "InternalError")
    assert POISON in said.message
    driver.tell(ev.FleetApplied(Key(GAME, "other"), 1, fleet.FleetSpec(min_nodes=1)))
    assert [effect.node.name for effect in driver.all(fx.CreateNode)] == ["other-0"]
    driver.room("town")
    id = driver.join("ann", "town")
    driver.run("town")
    assert driver.admitted(id), "its nodes take rooms all the same"
    monkeypatch.undo()
    driver.wait(BACKOFF_MOST_SECONDS, alive=(0, 1))
    assert driver.all(fx.CreateNode)[0].node.name == "default-2"
    assert driver.all(fx.WriteFleetStatus)[-1].status.conditions[0].reason == "NodesStarting"


def test_a_poisoned_template_is_held_back_and_says_so_and_others_make_instances(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = instances.reconcile

    def poisoned(world: Any, template: Any, *more: Any) -> None:
        if template.key.name == "bad":
            poison()
        real(world, template, *more)

    monkeypatch.setattr(instances, "reconcile", poisoned)
    driver.template("bad")
    ready = driver.all(fx.WriteTemplateStatus)[-1].status.conditions[0]
    assert (ready.status, ready.reason) == (ConditionStatus.FALSE, "InternalError")
    assert POISON in ready.message
    driver.template("cave")
    id = driver.seek("ann", "party-7")
    room = driver.created(driver.one(fx.CreateRoom))
    driver.run(room)
    assert driver.admitted(id)
    monkeypatch.undo()
    driver.wait(BACKOFF_MOST_SECONDS, alive=(0, 1))
    said = [one for one in driver.all(fx.WriteTemplateStatus) if one.key.name == "bad"]
    assert said[-1].status.conditions[0].reason == "Serving"


def test_a_poisoned_join_is_refused_and_the_others_get_in(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = destinations._enter_line

    def poisoned(world: Any, join: Any, room: Any) -> None:
        if join.player == "bad":
            poison()
        real(world, join, room)

    monkeypatch.setattr(destinations, "_enter_line", poisoned)
    driver.room("town")
    bad, good = driver.join("bad", "town"), driver.join("good", "town")
    assert driver.problem(bad).refusal == "internal-error"
    assert driver.problem(bad).status == 500
    assert driver.core.join(bad) is None
    driver.run("town")
    assert driver.admitted(good)


def test_a_join_that_cannot_be_let_in_is_refused_and_those_behind_it_get_in(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = admission._let_in

    def poisoned(world: Any, room: Any, line: Any, join: Any) -> None:
        if join.player == "bad":
            poison()
        real(world, room, line, join)

    monkeypatch.setattr(admission, "_let_in", poisoned)
    driver.room("town")
    ids = [driver.join(player, "town") for player in ("bad", "good", "late")]
    driver.run("town")
    assert driver.problem(ids[0]).refusal == "internal-error"
    driver.wait(1, alive=(0, 1))
    assert [driver.admitted(id) for id in ids] == [False, True, True]
    assert driver.condition("town", "Ready").reason == "Running"


def test_a_join_that_cannot_even_be_begun_is_answered(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joins, "_new", poison)
    driver.tell(ev.JoinRequested("j", GAME, "ann", None, driver.now))
    assert driver.problem("j").refusal == "internal-error"


def test_a_join_whose_time_cannot_be_judged_is_refused(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    monkeypatch.setattr(joins, "due", poison)
    driver.wait(31, alive=(0, 1))
    assert driver.problem(id).refusal == "internal-error"


def test_a_report_that_cannot_be_taken_in_is_announced_and_the_room_goes_on(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    driver.recorded("town", 1)
    with monkeypatch.context() as patch:
        patch.setattr(nodes, "_hear", poison)
        driver.report(0, "town", nodes.reports.RoomPhase.STARTING)
    assert POISON in driver.all(fx.Announce)[-1].message
    driver.report(0, "town", nodes.reports.RoomPhase.RUNNING)
    assert driver.phase("town") is Phase.RUNNING
    assert driver.admitted(id)


def test_a_node_whose_silence_cannot_be_judged_is_judged_again(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.running("town")
    with monkeypatch.context() as patch:
        patch.setattr(losses, "silent", poison)
        driver.wait(12, alive=(1,))
    assert driver.view("town").node == "default-0"
    driver.wait(5, alive=(1,))
    assert driver.one(fx.Record).status.node == "default-1"


def test_one_poisoned_room_in_a_nodes_hello_keeps_none_of_the_others_from_being_heard(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.running("bad")
    driver.running("good")
    real = reports._counted

    def poisoned(world: Any, room: Any, *more: Any) -> None:
        if room.key.name == "bad":
            poison()
        real(world, room, *more)

    monkeypatch.setattr(reports, "_counted", poisoned)
    node = driver.view("bad").node
    assert driver.view("good").node == node == "default-0"
    said = [Report(room=name, epoch=1, phase=RoomPhase.RUNNING, players=3) for name in ("bad", "good")]
    driver.tell(ev.NodeDisconnected(driver.node(0), "b0"))
    driver.connect(0, *said)
    assert driver.view("good").players == 3
    assert driver.desired(0) == {"bad": 1, "good": 1}
