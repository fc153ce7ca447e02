"""Parties: several players in one join, all of whom are let in, or none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import RoomPhase
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    return made


def full(driver: Driver, capacity: int = 4) -> None:
    """The room town runs, and every seat is taken."""
    driver.running("town", capacity=capacity)
    players(driver, capacity)


def players(driver: Driver, count: int, used: Sequence[str] = ()) -> None:
    driver.report(0, "town", RoomPhase.RUNNING, players=count, used=list(used))


def members(driver: Driver, id: str) -> list[str]:
    """Who was let in with the join."""
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted), answer
    return [player for _, player in answer.others]


def test_a_party_is_let_in_together_with_a_ticket_for_each(driver: Driver) -> None:
    driver.room("town")
    id = driver.join("ann", "town", "bob", "cid")
    driver.run("town")
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert [player for _, player in answer.others] == ["bob", "cid"]
    assert len({id, *(other for other, _ in answer.others)}) == 3
    driver.report(0, "town", RoomPhase.RUNNING, players=3, used=[id, *(other for other, _ in answer.others)])
    world = driver.core._world
    assert (world.joins, world.players) == ({}, {})


def test_each_of_its_seats_is_reserved_until_its_ticket_expires(driver: Driver) -> None:
    driver.room("town", capacity=3)
    party = driver.join("ann", "town", "bob")
    driver.run("town")
    assert driver.admitted(driver.join("dan", "town"))
    late = driver.join("eve", "town")
    assert driver.position(late) == 1
    players(driver, 1, [party])
    assert driver.position(late) == 1, "bob may still come"
    driver.wait(15.1, alive=(0, 1))
    assert driver.admitted(late)


def test_it_waits_until_there_is_a_seat_for_each_and_nobody_smaller_overtakes_it(driver: Driver) -> None:
    full(driver)
    party = driver.join("ann", "town", "bob", "cid")
    single = driver.join("dan", "town")
    for count in (3, 2):
        players(driver, count)
        assert (driver.position(party), driver.position(single)) == (1, 2)
    players(driver, 1)
    assert members(driver, party) == ["bob", "cid"]
    assert driver.position(single) == 1


def test_the_time_to_wait_counts_the_players_ahead(driver: Driver) -> None:
    full(driver)
    for count in (3, 2):
        driver.wait(10, alive=(0, 1))
        players(driver, count)
    players(driver, 4)
    driver.join("ann", "town", "bob", "cid")
    behind = driver.answer(driver.join("dan", "town"))
    assert isinstance(behind, fx.InLine)
    assert (behind.position, behind.ahead, behind.eta_seconds) == (2, 3, pytest.approx(40))


def test_the_bound_of_the_line_counts_players() -> None:
    driver = Driver(line_limit=5)
    driver.two_nodes()
    full(driver)
    driver.join("ann", "town", "bob", "cid")
    assert driver.problem(driver.join("dan", "town", "eve", "fay")).refusal == "line-full"
    assert driver.position(driver.join("dan", "town", "eve")) == 2
    assert driver.view("town").waiting == 5


def test_a_party_that_never_fits_is_refused(driver: Driver) -> None:
    driver.room("town", capacity=2)
    problem = driver.problem(driver.join("ann", "town", "bob", "cid"))
    assert (problem.refusal, problem.status) == ("party-too-large", 409)
    assert "takes 2 players at most" in problem.detail


def test_it_is_refused_too_where_no_node_may_have_so_many_players(driver: Driver) -> None:
    driver.fleet(max_nodes=2, players_per_node=2)
    driver.room("town", capacity=10)
    assert driver.problem(driver.join("ann", "town", "bob", "cid")).refusal == "party-too-large"


def test_a_party_that_waits_and_no_longer_fits_is_refused(driver: Driver) -> None:
    full(driver)
    party, single = driver.join("ann", "town", "bob", "cid"), driver.join("dan", "town")
    driver.room("town", capacity=2)
    assert driver.problem(party).refusal == "party-too-large"
    assert driver.position(single) == 1


def test_a_node_with_too_few_places_for_the_party_keeps_it_waiting_until_there_are_enough(
    driver: Driver,
) -> None:
    driver.fleet(max_nodes=1, players_per_node=3)
    driver.running("town", capacity=10)
    players(driver, 2)
    party = driver.join("ann", "town", "bob")
    assert driver.position(party) == 1
    players(driver, 1)
    assert members(driver, party) == ["bob"]


def test_a_member_whose_actor_is_in_another_room_is_named_and_nobody_gets_in(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave")
    id = driver.join("ann", "town", "bob", "cid", found={"bob": "cave", "cid": "town"})
    problem = driver.problem(id)
    assert (problem.refusal, problem.status) == ("member-elsewhere", 409)
    assert "bob is in cave" in problem.detail
    assert "cid" not in problem.detail
    assert not [effect for effect in driver.effects if isinstance(effect, fx.Record)]


def test_so_is_the_leader_whose_actor_is_in_another_room(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave")
    assert "ann is in cave" in driver.problem(driver.join("ann", "town", "bob", found={"ann": "cave"})).detail


def test_without_a_room_it_goes_where_its_leader_is(driver: Driver) -> None:
    driver.room("town", entry=True)
    driver.room("cave")
    id = driver.join("ann", None, "bob", found={"ann": "cave", "bob": "cave"})
    driver.run("cave")
    assert members(driver, id) == ["bob"]


def test_a_node_that_does_not_say_where_all_of_them_are_delays_them_for_two_seconds(driver: Driver) -> None:
    driver.room("town")
    driver.tell(ev.JoinRequested("j", GAME, "ann", "town", driver.now, ("bob",)))
    assert [effect.player for effect in driver.all(fx.FindPlayer)] == ["ann", "bob"]
    driver.tell(ev.PlayerFound("j", None, "ann"))
    assert driver.answers("j") == []
    driver.wait(2.1, alive=(0, 1))
    assert driver.position("j") == 1


def test_a_member_who_joins_elsewhere_leaves_the_others_their_place(driver: Driver) -> None:
    full(driver)
    driver.room("cave")
    party, later = driver.join("ann", "town", "bob", "cid"), driver.join("dan", "town")
    driver.join("bob", "cave")
    answer = driver.answer(party)
    assert isinstance(answer, fx.InLine)
    assert (answer.position, answer.others) == (1, ("cid",))
    players(driver, 2)
    assert members(driver, party) == ["cid"]
    assert driver.position(later) == 1


def test_a_member_who_joins_elsewhere_before_the_party_is_in_line_is_not_waited_for(driver: Driver) -> None:
    driver.room("town")
    driver.room("cave")
    driver.tell(ev.JoinRequested("j", GAME, "ann", "town", driver.now, ("bob",)))
    driver.tell(ev.PlayerFound("j", None, "ann"))
    driver.join("bob", "cave")
    driver.run("town")
    assert members(driver, "j") == []


def test_the_leader_joining_elsewhere_ends_the_party(driver: Driver) -> None:
    full(driver)
    driver.room("cave")
    party = driver.join("ann", "town", "bob")
    driver.join("ann", "cave")
    assert driver.problem(party).refusal == "replaced"
    assert driver.core.line(Key(GAME, "town")) == []
    assert (GAME, "bob") not in driver.core._world.players


def test_the_party_is_the_newer_join_of_each_of_its_members(driver: Driver) -> None:
    full(driver)
    alone = driver.join("bob", "town")
    party = driver.join("ann", "town", "bob")
    assert driver.problem(alone).refusal == "replaced"
    assert driver.position(party) == 1


def test_a_party_with_a_member_who_joined_meanwhile_from_a_newer_session_is_refused(driver: Driver) -> None:
    full(driver)
    driver.wait(1, alive=(0, 1))
    driver.join("bob", "town")
    problem = driver.problem(driver.join("ann", "town", "bob", session=int(driver.now * 1000) - 500))
    assert problem.refusal == "replaced"
    assert "bob joined again" in problem.detail


def test_giving_up_frees_every_seat_that_was_not_taken(driver: Driver) -> None:
    driver.room("town", capacity=3)
    party = driver.join("ann", "town", "bob", "cid")
    driver.run("town")
    answer = driver.answer(party)
    assert isinstance(answer, fx.Admitted)
    players(driver, 1, [answer.others[0][0]])
    driver.tell(ev.JoinCancelled(party, for_good=True))
    assert [driver.admitted(driver.join(name, "town")) for name in ("dan", "eve", "fay")] == [
        True,
        True,
        False,
    ]


def test_a_party_comes_back_to_its_place_also_without_some_of_its_members(driver: Driver) -> None:
    full(driver)
    arrived = driver.now
    party = driver.join("ann", "town", "bob", "cid")
    driver.wait(1, alive=(0, 1))
    single = driver.join("dan", "town")
    driver.tell(ev.JoinCancelled(party))
    claimed = ev.LinePlace("town", arrived, 0, frozenset({"ann", "bob", "cid"}))
    again = driver.join("ann", "town", "bob", place=claimed)
    assert (driver.position(again), driver.position(single)) == (1, 2)


def test_members_who_sit_in_the_full_room_already_need_no_seat(driver: Driver) -> None:
    driver.running("town", capacity=2)
    bob = driver.join("bob", "town")
    players(driver, 2, [bob])
    party = driver.join("bob", "town", "town", found="town")
    assert members(driver, party) == ["town"]


def test_a_party_that_nobody_asks_for_ends_as_one(driver: Driver) -> None:
    full(driver)
    party = driver.join("ann", "town", "bob")
    driver.wait(31, alive=(0, 1))
    assert driver.problem(party).refusal == "expired"
    world = driver.core._world
    assert (world.joins, world.players) == ({}, {})


def test_a_party_in_line_whose_rooms_node_is_lost_is_let_in_together_where_it_comes_back(
    driver: Driver,
) -> None:
    full(driver)
    party = driver.join("ann", "town", "bob", "cid")
    single = driver.join("dan", "town")
    driver.gone(0)
    driver.wait(16, alive=(1,))
    driver.recorded("town", 2)
    driver.report(1, "town", RoomPhase.RUNNING, 2, players=1)
    assert members(driver, party) == ["bob", "cid"]
    assert driver.position(single) == 1


def test_tickets_of_a_party_whose_node_is_lost_are_void_for_all_and_each_finds_a_way_in(
    driver: Driver,
) -> None:
    driver.room("town", capacity=2)
    party = driver.join("ann", "town", "bob")
    driver.run("town")
    assert members(driver, party) == ["bob"]
    driver.gone(0)
    driver.wait(1, alive=(1,))
    again = [driver.join(name, "town") for name in ("ann", "bob")]
    driver.run("town", 1, 2)
    assert all(driver.admitted(id) for id in again)
