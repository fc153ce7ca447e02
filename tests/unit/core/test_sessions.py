"""One player, one session: of two windows the one that was opened later counts, whoever asks last."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.wire.link import RoomPhase
from unit.core.driver import Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    made.running("town", capacity=1)
    made.room("cave")
    return made


def session(driver: Driver, id: str) -> int:
    answer = driver.answer(id)
    assert isinstance(answer, fx.InLine | fx.Admitted), answer
    return answer.session


def test_sessions_that_begin_later_have_higher_numbers(driver: Driver) -> None:
    first = session(driver, driver.join("ann", "town"))
    driver.wait(0.5, alive=(0, 1))
    assert session(driver, driver.join("bob", "town")) > first


def test_a_join_that_goes_on_with_a_session_keeps_its_number(driver: Driver) -> None:
    first = session(driver, driver.join("ann", "town"))
    driver.wait(5, alive=(0, 1))
    assert session(driver, driver.join("ann", "town", session=first)) == first


def test_an_older_window_that_comes_back_does_not_end_the_newer_ones_wait(driver: Driver) -> None:
    older = session(driver, driver.join("ann", "town"))
    driver.wait(1, alive=(0, 1))
    newer = driver.join("ann", "cave")
    driver.wait(1, alive=(0, 1))
    again = driver.join("ann", "town", session=older)
    problem = driver.problem(again)
    assert (problem.refusal, problem.status) == ("replaced", 409)
    assert "you joined again meanwhile, from another window" in problem.detail
    driver.run("cave")
    assert driver.admitted(newer)


def test_an_older_window_does_not_take_the_seat_that_is_reserved_for_the_newer(driver: Driver) -> None:
    older = session(driver, driver.join("ann", "town"))
    driver.wait(1, alive=(0, 1))
    newer = driver.join("ann", "cave")
    driver.run("cave")
    assert driver.problem(driver.join("ann", "cave", session=older)).refusal == "replaced"
    assert driver.admitted(newer)
    driver.report(0, "cave", RoomPhase.RUNNING, players=1, used=[newer])
    assert driver.view("cave").players == 1


def test_the_same_window_that_comes_back_replaces_its_own_join(driver: Driver) -> None:
    first = driver.join("ann", "town")
    again = driver.join("ann", "town", session=session(driver, first))
    assert driver.problem(first).refusal == "replaced"
    assert driver.position(again) == 1


def test_a_window_opened_anew_replaces_whichever_there_was(driver: Driver) -> None:
    first = driver.join("ann", "town")
    driver.wait(1, alive=(0, 1))
    second = driver.join("ann", "town")
    assert driver.problem(first).refusal == "replaced"
    assert driver.position(second) == 1


def test_a_number_from_the_future_keeps_nobody_from_joining_anew(driver: Driver) -> None:
    tomorrow = int(driver.now * 1000) + 86_400_000
    first = driver.join("ann", "town", session=tomorrow)
    assert session(driver, first) == int(driver.now * 1000)
    driver.wait(1, alive=(0, 1))
    second = driver.join("ann", "town")
    assert driver.problem(first).refusal == "replaced"
    assert driver.position(second) == 1


def test_a_number_of_a_master_whose_clock_was_a_little_ahead_is_kept(driver: Driver) -> None:
    soon = int(driver.now * 1000) + 10_000
    assert session(driver, driver.join("ann", "town", session=soon)) == soon
