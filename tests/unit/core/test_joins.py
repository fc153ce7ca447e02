"""Joins: where a player belongs, the line, seats, refusals, and that each one ends."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver(line_limit=3)
    made.two_nodes()
    return made


def poll(driver: Driver, seconds: float, *ids: str) -> None:
    """Time passes while the joins are polled and both nodes live."""
    for _ in range(int(seconds / 5)):
        for id in ids:
            driver.tell(ev.JoinPolled(id))
        driver.wait(5, alive=(0, 1))


# -- where to


def test_a_join_for_no_room_leads_to_where_the_actor_is(driver: Driver) -> None:
    driver.room("town", entry=True)
    driver.room("cave")
    id = driver.join("ann", None, found="cave")
    answer = driver.answer(id)
    assert isinstance(answer, fx.InLine)
    assert answer.room == "cave"


def test_a_join_for_no_room_of_a_new_player_leads_to_the_entry_room(driver: Driver) -> None:
    driver.room("town", entry=True)
    driver.room("cave")
    driver.join("ann", None)
    assert driver.one(fx.Record).key.name == "town"


def test_a_join_for_one_room_while_the_actor_is_in_another_is_answered_with_that(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave")
    id = driver.join("ann", "town", found="cave")
    driver.run("cave")
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == "cave"
    assert driver.phase("town") is Phase.ASLEEP


@pytest.mark.parametrize("asked", [None, "town"])
def test_an_actor_in_a_room_that_has_no_object_is_refused_with_the_room_and_the_cure(
    driver: Driver, asked: str | None
) -> None:
    driver.room("town", entry=True)
    problem = driver.problem(driver.join("ann", asked, found="deleted-long-ago"))
    assert (problem.refusal, problem.status) == ("no-such-room", 404)
    assert "your actor is in the room deleted-long-ago, which was deleted" in problem.detail
    assert "a Room deleted-long-ago is made again" in problem.detail
    assert driver.all(fx.Record) == []


def test_it_gets_in_when_the_room_is_made_again(driver: Driver) -> None:
    driver.room("town", entry=True)
    driver.join("ann", None, found="cave")
    driver.room("cave")
    answer = driver.answer(driver.join("ann", None, found="cave"))
    assert isinstance(answer, fx.InLine)
    assert answer.room == "cave"


@pytest.mark.parametrize("entries", [[], ["town", "cave"]])
def test_without_exactly_one_entry_room_the_refusal_names_the_cure(
    driver: Driver, entries: list[str]
) -> None:
    for name in ("town", "cave"):
        driver.room(name, entry=name in entries)
    problem = driver.problem(driver.join("ann", None))
    assert (problem.refusal, problem.status) == ("no-entry-room", 409)
    assert 'roomfleet.io/entry: "true"' in problem.detail
    assert all(name in problem.detail for name in entries)


def test_an_entry_annotation_that_was_moved_counts_as_it_now_is(driver: Driver) -> None:
    driver.room("town", entry=True)
    driver.room("cave", entry=True)
    driver.entries["town"] = False
    driver.show("town")
    driver.join("ann", None)
    assert driver.one(fx.Record).key.name == "cave"


def test_a_join_for_a_room_that_is_not_there_is_refused(driver: Driver) -> None:
    problem = driver.problem(driver.join("ann", "nowhere"))
    assert (problem.refusal, problem.status) == ("no-such-room", 404)
    assert "nowhere" in problem.detail


def test_without_an_answer_in_two_seconds_the_join_goes_on_as_asked(driver: Driver) -> None:
    driver.room("town")
    driver.tell(ev.JoinRequested("j", GAME, "ann", "town", driver.now))
    assert driver.one(fx.FindPlayer).player == "ann"
    driver.wait(1.9, alive=(0, 1))
    assert not driver.all(fx.Record)
    driver.wait(0.2, alive=(0, 1))
    assert driver.one(fx.Record).key.name == "town"
    driver.tell(ev.PlayerFound("j", "elsewhere"))
    assert driver.position("j") == 1


def test_without_any_node_nobody_is_asked_and_the_join_goes_on(driver: Driver) -> None:
    driver = Driver()
    driver.fleet(min_nodes=0)
    driver.room("town")
    driver.tell(ev.JoinRequested("j", GAME, "ann", "town", driver.now))
    assert not driver.all(fx.FindPlayer)
    assert driver.position("j") == 1
    assert driver.one(fx.CreateNode).node.name == "default-0"


def test_nodes_take_turns_in_being_asked(driver: Driver) -> None:
    driver.room("town")
    asked = []
    for number in range(4):
        driver.tell(ev.JoinRequested(f"j{number}", GAME, f"p{number}", "town", driver.now))
        asked.append(driver.one(fx.FindPlayer).node.name)
    assert asked == ["default-0", "default-1"] * 2


def test_a_join_before_all_objects_are_known_waits_for_that(driver: Driver) -> None:
    driver = Driver(synced=False)
    driver.fleet()
    driver.tell(ev.JoinRequested("j", GAME, "ann", "town", driver.now))
    assert driver.effects == []
    driver.room("town")
    driver.tell(ev.Synced())
    assert driver.position("j") == 1


# -- the line and the seats


def test_the_line_is_first_come_first_served_and_each_change_is_told(driver: Driver) -> None:
    driver.running("town", capacity=1)
    first, second, third = (driver.join(name, "town") for name in ("bob", "cid", "dan"))
    assert [driver.position(id) for id in (first, second, third)] == [1, 2, 3]
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.admitted(first)
    assert [driver.position(id) for id in (second, third)] == [1, 2]
    driver.tell(ev.JoinCancelled(second))
    assert driver.position(third) == 1


def test_an_earlier_arrival_gets_the_earlier_place(driver: Driver) -> None:
    driver.running("town", capacity=1)
    late = driver.join("late", "town")
    early = driver.join("early", "town", arrived=driver.now - 50)
    assert (driver.position(early), driver.position(late)) == (1, 2)


def test_an_admission_names_the_node_and_reserves_the_seat_until_the_ticket_expires(driver: Driver) -> None:
    driver.room("town", capacity=1)
    first = driver.join("ann", "town")
    driver.run("town")
    answer = driver.answer(first)
    assert answer == fx.Admitted("town", "b0", "http://n0", driver.now + 15, session=int(driver.now * 1000))
    second = driver.join("bob", "town")
    driver.wait(14.9, alive=(0, 1))
    driver.show("town")
    assert driver.position(second) == 1
    driver.wait(0.2, alive=(0, 1))
    assert driver.admitted(second)


def test_a_used_ticket_is_a_player_and_not_a_reservation_any_more(driver: Driver) -> None:
    driver.room("town", capacity=2)
    first = driver.join("ann", "town")
    driver.run("town")
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[first])
    assert driver.admitted(driver.join("bob", "town"))
    assert driver.position(driver.join("cid", "town")) == 1


def test_players_who_may_resume_keep_their_seats(driver: Driver) -> None:
    driver.running("town", capacity=1)
    driver.report(0, "town", RoomPhase.RUNNING, resumable=1)
    id = driver.join("bob", "town")
    assert driver.position(id) == 1
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.admitted(id)


def test_a_player_of_a_full_room_is_let_in_again_past_the_line(driver: Driver) -> None:
    driver.running("town", capacity=1)
    waiting = driver.join("bob", "town")
    again = driver.join("town", "town", found="town")
    assert driver.admitted(again)
    assert driver.position(waiting) == 1


def test_that_a_player_sat_in_a_full_room_once_lets_them_in_only_once(driver: Driver) -> None:
    driver.running("town", capacity=1)
    assert driver.admitted(driver.join("town", "town"))
    driver.wait(16, alive=(0, 1))
    assert driver.position(driver.join("town", "town")) == 1


def test_two_joins_for_the_last_seat_let_one_in(driver: Driver) -> None:
    driver.running("town", capacity=2)
    first, second = driver.join("bob", "town"), driver.join("cid", "town")
    assert driver.admitted(first)
    assert driver.position(second) == 1


def test_past_the_bound_of_the_line_a_join_is_refused_with_a_time_to_retry(driver: Driver) -> None:
    driver.running("town", capacity=1)
    for number in range(3):
        driver.join(f"p{number}", "town")
    problem = driver.problem(driver.join("one-too-many", "town"))
    assert (problem.refusal, problem.status) == ("line-full", 429)
    assert problem.retry_after is not None
    assert problem.retry_after > 0


def test_the_time_to_wait_comes_from_measured_starts_and_departures(driver: Driver) -> None:
    driver.room("a")
    driver.join("ann", "a")
    driver.recorded("a")
    driver.wait(3, alive=(0, 1))
    driver.report(0, "a", RoomPhase.RUNNING)
    driver.room("b")
    answer = driver.answer(driver.join("bob", "b"))
    assert isinstance(answer, fx.InLine)
    assert answer.eta_seconds == pytest.approx(3)

    driver.running("town", capacity=4)
    driver.report(0, "town", RoomPhase.RUNNING, players=4)
    for players in (3, 2):
        driver.wait(20, alive=(0, 1))
        driver.report(0, "town", RoomPhase.RUNNING, players=players)
    driver.report(0, "town", RoomPhase.RUNNING, players=4)
    driver.join("cid", "town")
    answer = driver.answer(driver.join("dan", "town"))
    assert isinstance(answer, fx.InLine)
    assert (answer.position, answer.eta_seconds) == (2, pytest.approx(40))


# -- ends


def test_a_join_that_was_not_admitted_in_time_is_refused_with_a_time_to_retry(driver: Driver) -> None:
    driver.running("town", capacity=1)
    id = driver.join("bob", "town")
    poll(driver, 115, id)
    assert driver.position(id) == 1
    poll(driver, 10, id)
    problem = driver.problem(id)
    assert (problem.refusal, problem.status) == ("timeout", 503)
    assert problem.retry_after is not None
    assert "every seat is taken" in problem.detail


def test_a_join_that_nobody_polls_for_thirty_seconds_has_expired(driver: Driver) -> None:
    driver.running("town", capacity=1)
    left, stays = driver.join("bob", "town"), driver.join("cid", "town")
    poll(driver, 35, stays)
    assert driver.problem(left).refusal == "expired"
    assert driver.position(stays) == 1


def test_the_newer_join_of_a_player_wins_and_the_older_hears_it(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave")
    older = driver.join("ann", "town")
    newer = driver.join("ann", "cave")
    problem = driver.problem(older)
    assert (problem.refusal, problem.status) == ("replaced", 409)
    assert "you joined again" in problem.detail
    driver.run("cave", 0)
    assert driver.admitted(newer)


def test_a_newer_join_frees_the_seat_that_an_older_admission_reserved(driver: Driver) -> None:
    driver.room("town", capacity=1)
    driver.room("cave")
    driver.join("ann", "town")
    driver.run("town")
    waiting = driver.join("bob", "town")
    driver.join("ann", "cave")
    assert driver.admitted(waiting)


def test_a_repeated_request_is_one_join(driver: Driver) -> None:
    driver.room("town")
    id = driver.join("ann", "town")
    driver.tell(ev.JoinRequested(id, GAME, "ann", "town", driver.now))
    assert driver.last == []
    assert len(driver.core.line(Key(GAME, "town"))) == 1


def test_a_cancelled_admission_frees_its_seat(driver: Driver) -> None:
    driver.room("town", capacity=1)
    first = driver.join("ann", "town")
    driver.run("town")
    second = driver.join("bob", "town")
    driver.tell(ev.JoinCancelled(first))
    assert driver.admitted(second)


def test_nothing_of_a_join_is_left_when_it_is_over(driver: Driver) -> None:
    driver.room("town", bored_after_seconds=0)
    for number in range(5):
        id = driver.join(f"p{number}", "town")
        driver.tell(ev.JoinCancelled(id))
    id = driver.join("ann", "town")
    driver.run("town", epoch=driver.view("town").epoch or 1)
    driver.wait(200, alive=(0, 1))
    world = driver.core._world
    assert world.joins == {}
    assert world.players == {}


# -- seats that nodes ask for


def seat(driver: Driver, player: str, room: str, id: str = "s1") -> list[fx.AnswerSeat]:
    driver.tell(ev.SeatRequested(driver.node(1), "b1", id, player, room))
    return driver.all(fx.AnswerSeat)


def test_a_seat_request_wakes_the_room_and_is_answered_to_the_node_that_asked(driver: Driver) -> None:
    driver.room("cave")
    waiting = seat(driver, "ann", "cave")
    assert [type(effect.answer) for effect in waiting] == [fx.InLine]
    assert not [effect for effect in driver.effects if isinstance(effect, fx.FindPlayer)]
    driver.run("cave")
    answer = driver.one(fx.AnswerSeat)
    assert (answer.node, answer.boot, answer.id, answer.player) == (driver.node(1), "b1", "s1", "ann")
    assert isinstance(answer.answer, fx.Admitted)


def test_a_seat_request_waits_in_the_same_line_and_needs_no_polling(driver: Driver) -> None:
    driver.running("town", capacity=1)
    seat(driver, "bob", "town")
    driver.wait(40, alive=(0, 1))
    later = driver.join("cid", "town")
    assert driver.position(later) == 2


def test_a_used_seat_is_known_by_the_id_that_the_node_gave_it(driver: Driver) -> None:
    driver.room("cave", capacity=2)
    seat(driver, "ann", "cave")
    driver.run("cave")
    driver.report(0, "cave", RoomPhase.RUNNING, players=1, used=["s1"])
    assert driver.admitted(driver.join("bob", "cave"))


@pytest.mark.parametrize("keep", [Keep.NEVER, None])
def test_a_seat_that_cannot_be_had_is_refused(driver: Driver, keep: Keep | None) -> None:
    if keep is not None:
        driver.room("cave", keep=keep)
    answers = seat(driver, "ann", "cave")
    assert isinstance(answers[0].answer, fx.Refused)
    assert answers[0].answer.problem.refusal == ("room-closed" if keep else "no-such-room")


def test_a_cancelled_seat_gives_up_its_place(driver: Driver) -> None:
    driver.running("town", capacity=1)
    seat(driver, "bob", "town")
    driver.tell(ev.SeatCancelled(driver.node(1), "b1", "s1"))
    assert driver.position(driver.join("cid", "town")) == 1
