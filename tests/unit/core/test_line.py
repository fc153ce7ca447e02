"""The line: places, who hears of them and when, and what a long one costs."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.joining.line import Join, JoinState, Line
from roomfleet.master.core.joining.telling import CHUNK, FAR_SECONDS, NEAR, RENEW_SECONDS
from roomfleet.wire.link import RoomPhase
from unit.core.driver import GAME, Driver


def full_room(waiting: int, **settings: int) -> tuple[Driver, list[str]]:
    """A room whose seat is taken, with a line before it; everybody has been told."""
    driver = Driver(**settings)
    driver.two_nodes()
    driver.running("town", capacity=1)
    ids = [driver.join(f"p{number}", "town") for number in range(waiting)]
    driver.wait(1, alive=(0, 1))
    return driver, ids


def told(driver: Driver) -> dict[str, int]:
    """The positions of the last call, by join."""
    return {
        effect.id: effect.answer.position
        for effect in driver.all(fx.AnswerJoin)
        if isinstance(effect.answer, fx.InLine)
    }


def head_is_let_in(driver: Driver, head: str) -> None:
    """The one who sat leaves, the first in line gets the seat and takes it."""
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    assert driver.admitted(head)
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[head])


def test_everybody_hears_the_first_place_at_once_however_long_the_line_is() -> None:
    driver, _ = full_room(500)
    late = driver.join("late", "town")
    assert told(driver) == {late: 501}


def test_near_the_head_each_change_is_told_at_once_and_far_behind_within_a_second() -> None:
    driver, ids = full_room(60)
    driver.last = []
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    assert told(driver) == {ids[place]: place for place in range(1, NEAR + 1)}
    driver.wait(FAR_SECONDS, alive=(0, 1))
    assert told(driver) == {ids[place]: place for place in range(NEAR + 1, 60)}


def test_a_line_of_a_thousand_whose_head_moves_costs_each_of_them_one_message_a_second() -> None:
    driver, ids = full_room(1_000)
    driver.wait(2, alive=(0, 1))
    driver.effects.clear()
    moves = 50
    for head in ids[:moves]:
        head_is_let_in(driver, head)
        driver.now += 0.1
        driver.tell(ev.NodeHeard(driver.node(0), "b0"))
    messages = [
        effect for effect in driver.effects if isinstance(effect, fx.AnswerJoin) and effect.id == ids[-1]
    ]
    seconds = moves * 0.1
    assert 1 <= len(messages) <= seconds / FAR_SECONDS + 1
    everybody = [effect for effect in driver.effects if isinstance(effect, fx.AnswerJoin)]
    assert len(everybody) <= moves * (NEAR + 1) + (seconds / FAR_SECONDS + 1) * 1_000
    driver.wait(15, alive=(0, 1))
    assert [driver.position(id) for id in ids[moves:]] == list(range(1, 1_001 - moves))


def test_a_round_through_a_long_line_goes_in_steps() -> None:
    driver, ids = full_room(1_000)
    driver.wait(2, alive=(0, 1))
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    most = 0
    for _ in range(40):
        driver.now += 0.05
        driver.tell(ev.Tick())
        most = max(most, len(told(driver)))
    assert most == CHUNK
    assert driver.position(ids[-1]) == 999


def test_who_waits_long_hears_again_before_the_token_is_void() -> None:
    driver, ids = full_room(30)
    for _ in range(4):
        for id in ids:
            driver.tell(ev.JoinPolled(id))
        driver.wait(RENEW_SECONDS, alive=(0, 1))
        assert set(told(driver)) == set(ids)


def test_nothing_is_told_while_nothing_changes() -> None:
    driver, ids = full_room(30)
    for id in ids:
        driver.tell(ev.JoinPolled(id))
    driver.wait(RENEW_SECONDS / 2, alive=(0, 1))
    assert told(driver) == {}


def test_a_line_that_has_gone_away_wakes_nobody_up() -> None:
    driver, ids = full_room(3)
    for id in ids:
        driver.tell(ev.JoinCancelled(id))
    line = driver.core._world.rooms[Key(GAME, "town")].line
    assert line is not None
    assert line.next_told() is None
    assert line.players == 0


@pytest.mark.parametrize("leaves", [0, 1, 25, 59])
def test_whoever_leaves_the_line_those_behind_move_up(leaves: int) -> None:
    driver, ids = full_room(60)
    driver.tell(ev.JoinCancelled(ids.pop(leaves)))
    driver.wait(FAR_SECONDS, alive=(0, 1))
    assert [driver.position(id) for id in ids] == list(range(1, 60))


def test_the_recorded_count_is_written_at_once_when_the_line_has_doubled() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("town", capacity=1)
    urgent = []
    for number in range(1, 33):
        driver.join(f"p{number}", "town")
        writes = driver.all(fx.WriteStatus)
        urgent += [write.status.waiting for write in writes if write.urgent]
    assert urgent == [1, 3, 7, 15, 31]


def test_who_waits_and_is_heard_to_sit_elsewhere_now_needs_a_seat_again() -> None:
    line = Line()
    join = Join("j1", GAME, "ann", "town", 1.0, 1, 1.0, 1.0, 1.0, state=JoinState.WAITING)
    line.sit("ann")
    line.enter(join)
    assert (list(line.holders), line.seats_for(join)) == (["j1"], 0)
    line.stand("ann")
    assert (list(line.holders), line.seats_for(join)) == ([], 1)
