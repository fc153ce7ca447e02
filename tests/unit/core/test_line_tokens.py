"""Places that line tokens give back: after a lost connection and after a restart, and to nobody else."""

from __future__ import annotations

import pytest

from roomfleet.master.core import events as ev
from roomfleet.master.core.joining.given import GivenPlaces
from roomfleet.master.core.model import Phase, RoomStatus
from roomfleet.wire.link import Report, RoomPhase
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS
from unit.core.driver import Driver

WHO = ("game", "ann")


def place(arrived: float, *players: str, room: str = "town", ahead: int = 0) -> ev.LinePlace:
    return ev.LinePlace(room, arrived, ahead, frozenset(players))


@pytest.fixture
def driver() -> Driver:
    made = Driver()
    made.two_nodes()
    made.running("town", capacity=1)
    return made


def let_in(driver: Driver, id: str) -> None:
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    assert driver.admitted(id)
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[id])


# -- what is given back


def test_who_lost_the_connection_comes_back_to_the_place(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(3, alive=(0, 1))
    bob = driver.join("bob", "town")
    driver.tell(ev.JoinCancelled(ann))
    assert driver.position(bob) == 1
    driver.wait(5, alive=(0, 1))
    again = driver.join("ann", "town", arrived=arrived)
    assert (driver.position(again), driver.position(bob)) == (1, 2)


def test_who_comes_back_before_the_loss_was_noticed_takes_the_place_of_the_older_join(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(3, alive=(0, 1))
    bob = driver.join("bob", "town")
    again = driver.join("ann", "town", arrived=arrived)
    assert driver.problem(ann).refusal == "replaced"
    assert (driver.position(again), driver.position(bob)) == (1, 2)


def test_who_was_not_heard_of_for_too_long_comes_back_to_the_place(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(20, alive=(0, 1))
    bob = driver.join("bob", "town")
    driver.wait(15, alive=(0, 1))
    assert driver.problem(ann).refusal == "expired"
    again = driver.join("ann", "town", arrived=arrived)
    assert (driver.position(again), driver.position(bob)) == (1, 2)


def test_a_seat_that_a_node_asks_for_again_has_its_place_back(driver: Driver) -> None:
    def ask(claimed: ev.LinePlace | None = None) -> None:
        driver.tell(ev.SeatRequested(driver.node(1), "b1", "s1", "ann", "town", place=claimed))

    ask()
    arrived = driver.now
    driver.wait(1, alive=(0, 1))
    bob = driver.join("bob", "town")
    driver.tell(ev.SeatCancelled(driver.node(1), "b1", "s1"))
    assert driver.position(bob) == 1
    ask(place(arrived, "ann"))
    assert driver.position(bob) == 2


def test_a_line_that_was_filled_up_meanwhile_still_has_the_place() -> None:
    driver = Driver(line_limit=2)
    driver.two_nodes()
    driver.running("town", capacity=1)
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    driver.tell(ev.JoinCancelled(ann))
    others = [driver.join(name, "town") for name in ("bob", "cid")]
    assert driver.problem(driver.join("dan", "town")).refusal == "line-full"
    assert driver.position(driver.join("ann", "town", arrived=arrived)) == 1
    assert [driver.position(id) for id in others] == [2, 3]


# -- what is not


def waits_last(driver: Driver, claimed: ev.LinePlace, room: str | None = "town", *others: str) -> bool:
    """Ann claims the place; whether she gets none."""
    return driver.position(driver.join("ann", room, *others, place=claimed, found=None)) == 2


def test_a_place_in_one_line_is_none_in_another(driver: Driver) -> None:
    driver.wait(5, alive=(0, 1))
    driver.join("bob", "town")
    assert waits_last(driver, place(driver.now - 4, "ann", room="cave"))


def test_a_place_of_another_line_is_none_where_the_room_is_found_out_later(driver: Driver) -> None:
    driver.entries["town"] = True
    driver.show("town")
    driver.wait(5, alive=(0, 1))
    driver.join("bob", "town")
    assert waits_last(driver, place(driver.now - 4, "ann", room="cave"), None)


def test_a_token_after_the_admission_gives_nothing_back(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    bob = driver.join("bob", "town")
    let_in(driver, ann)
    let_in(driver, bob)
    driver.join("cid", "town")
    driver.wait(1, alive=(0, 1))
    assert waits_last(driver, place(arrived, "ann"))


def test_a_token_by_which_one_was_let_in_at_once_gives_nothing_back_again(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    driver.tell(ev.JoinCancelled(ann))
    driver.report(0, "town", RoomPhase.RUNNING, players=0)
    again = driver.join("ann", "town", arrived=arrived)
    assert driver.admitted(again)
    driver.report(0, "town", RoomPhase.RUNNING, players=1, used=[again])
    bob = driver.join("bob", "town")
    let_in(driver, bob)
    driver.join("cid", "town")
    driver.wait(1, alive=(0, 1))
    assert waits_last(driver, place(arrived, "ann"))


def test_a_token_after_the_join_was_given_up_for_good_gives_nothing_back(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    driver.join("bob", "town")
    driver.tell(ev.JoinCancelled(ann, for_good=True))
    assert waits_last(driver, place(arrived, "ann"))


def test_a_token_after_a_newer_join_without_it_gives_nothing_back(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    driver.tell(ev.JoinCancelled(ann))
    driver.join("bob", "town")
    driver.wait(1, alive=(0, 1))
    driver.join("ann", "town")
    assert waits_last(driver, place(arrived, "ann"))


def test_a_token_used_twice_leaves_one_place_in_line(driver: Driver) -> None:
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    bob = driver.join("bob", "town")
    first = driver.join("ann", "town", arrived=arrived)
    second = driver.join("ann", "town", arrived=arrived)
    assert [driver.problem(id).refusal for id in (ann, first)] == ["replaced", "replaced"]
    assert (driver.position(second), driver.position(bob)) == (1, 2)


def test_a_place_from_the_future_counts_from_now(driver: Driver) -> None:
    driver.wait(1, alive=(0, 1))
    driver.join("ann", "town", arrived=driver.now + 1_000)
    driver.wait(1, alive=(0, 1))
    bob = driver.join("bob", "town")
    assert driver.position(bob) == 2


def test_a_place_that_was_had_alone_brings_no_friends_along(driver: Driver) -> None:
    driver.room("town", capacity=3)
    driver.report(0, "town", RoomPhase.RUNNING, players=3)
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0, 1))
    driver.join("bob", "town")
    driver.tell(ev.JoinCancelled(ann))
    assert waits_last(driver, place(arrived, "ann"), "town", "cid")


def test_what_is_remembered_of_given_places_is_forgotten_with_the_tokens() -> None:
    given = GivenPlaces()
    given.lost(WHO, 100.0)
    assert given.is_good(WHO, 90.0)
    given.void(WHO, 110.0)
    assert not given.is_good(WHO, 109.0)
    assert given.is_good(WHO, 110.0)
    given.lost(WHO, 120.0)
    assert not given.is_good(WHO, 109.0), "what was void stays so"
    given.lost(("game", "bob"), 121.0 + LINE_TOKEN_SECONDS)
    assert WHO not in given
    assert len(given) == 1


# -- after a restart


def running(epoch: int, players: int = 0) -> Report:
    return Report(room="town", epoch=epoch, phase=RoomPhase.RUNNING, players=players)


def restarted(capacity: int, waiting: int, players: int = 0) -> Driver:
    """A master that has just started, at 1,000 s, and found the room running."""
    driver = Driver(synced=False, now=1_000.0)
    driver.fleet()
    status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, players=players, waiting=waiting)
    driver.room("town", status=status, capacity=capacity)
    driver.connect(0, running(4, players))
    driver.tell(ev.Synced())
    return driver


def test_without_a_line_before_nobody_waits_for_those_who_might_come_back() -> None:
    driver = restarted(capacity=2, waiting=0, players=1)
    assert driver.admitted(driver.join("new", "town"))


def test_with_seats_for_all_who_may_come_back_nobody_waits_for_them() -> None:
    driver = restarted(capacity=10, waiting=3)
    assert [driver.admitted(driver.join(f"new {n}", "town")) for n in range(5)] == [True] * 4 + [False]


def test_the_recorded_line_may_have_grown_since_and_nobody_new_goes_before_those_who_come_back() -> None:
    driver = restarted(capacity=2, waiting=1)
    new = driver.join("new", "town")
    assert driver.position(new) == 1
    driver.wait(2, alive=(0,))
    first = driver.join("first", "town", arrived=990.0, ahead=0)
    second = driver.join("second", "town", arrived=991.0, ahead=1)
    assert driver.admitted(first)
    assert driver.admitted(second), "the count said one, and was old"
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4, players=1, used=[first])
    driver.wait(14, alive=(0,))
    assert driver.position(new) == 1


def test_they_are_let_in_in_the_order_of_their_arrival_and_not_of_their_return() -> None:
    driver = restarted(capacity=1, waiting=3)
    ids = {}
    for number in (2, 1, 0):
        ids[number] = driver.join(f"p{number}", "town", arrived=900.0 + number, ahead=number)
        if number:
            assert not driver.admitted(ids[number])
        driver.wait(1, alive=(0,))
    assert driver.admitted(ids[0])
    assert [driver.position(ids[number]) for number in (1, 2)] == [1, 2]
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4, players=1, used=[ids[0]])
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4)
    assert driver.admitted(ids[1])


def test_who_was_first_in_line_is_let_in_without_waiting_for_the_others() -> None:
    driver = restarted(capacity=1, waiting=40)
    assert driver.admitted(driver.join("first", "town", arrived=900.0, ahead=0))


def test_who_does_not_come_back_within_fifteen_seconds_holds_nobody_up() -> None:
    driver = restarted(capacity=1, waiting=2)
    second = driver.join("second", "town", arrived=990.0, ahead=1)
    new = driver.join("new", "town")
    driver.wait(14.5, alive=(0,))
    assert (driver.position(second), driver.position(new)) == (1, 2)
    driver.wait(1, alive=(0,))
    assert driver.admitted(second)
    assert driver.position(new) == 1


def test_a_token_shows_a_line_that_was_never_recorded() -> None:
    driver = restarted(capacity=1, waiting=0)
    third = driver.join("third", "town", arrived=990.0, ahead=2)
    new = driver.join("new", "town")
    assert (driver.position(third), driver.position(new)) == (1, 2)
    first = driver.join("first", "town", arrived=980.0, ahead=0)
    assert driver.admitted(first)


def test_a_room_that_its_node_has_not_spoken_of_collects_as_well() -> None:
    driver = Driver(synced=False, now=1_000.0)
    driver.fleet()
    status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, waiting=1)
    driver.room("town", status=status, capacity=1)
    driver.tell(ev.Synced())
    new = driver.join("new", "town")
    driver.connect(0, running(4))
    assert driver.position(new) == 1
    old = driver.join("old", "town", arrived=990.0, ahead=0)
    assert driver.admitted(old)


def unheard(capacity: int = 1) -> Driver:
    """A master that has just started and waits for the room's node, which has somebody in the room."""
    driver = Driver(synced=False, now=1_000.0)
    driver.fleet()
    status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, players=1, waiting=2)
    driver.room("town", status=status, capacity=capacity)
    driver.tell(ev.Synced())
    return driver


def test_a_token_of_one_who_was_let_in_before_the_start_gives_nothing_back() -> None:
    driver = unheard()
    driver.connect(0, running(4, players=1), let_in={"ann": 995.0})
    bob = driver.join("bob", "town", arrived=985.0, ahead=1)
    ann = driver.join("ann", "town", arrived=980.0, ahead=0)
    assert (driver.position(bob), driver.position(ann)) == (1, 2)


def test_a_token_of_before_the_start_gives_nothing_back_after_an_admission_without_it() -> None:
    driver = restarted(capacity=1, waiting=0)
    ann = driver.join("ann", "town")
    assert driver.admitted(ann)
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4, players=1, used=[ann])
    bob = driver.join("bob", "town")
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4, players=0)
    assert driver.admitted(bob)
    driver.report(0, "town", RoomPhase.RUNNING, epoch=4, players=1, used=[bob])
    driver.join("cid", "town")
    driver.wait(1, alive=(0,))
    assert waits_last(driver, place(990.0, "ann"))


def test_a_token_of_one_who_was_let_in_is_found_out_when_the_node_comes_later_than_the_player() -> None:
    driver = unheard()
    ann = driver.join("ann", "town", arrived=980.0, ahead=0)
    bob = driver.join("bob", "town", arrived=985.0, ahead=1)
    assert (driver.position(ann), driver.position(bob)) == (1, 2)
    driver.connect(0, running(4), let_in={"ann": 995.0})
    assert driver.admitted(bob)
    assert driver.position(ann) == 1


def test_who_came_with_a_used_place_is_in_line_since_they_came_however_late_that_was_told() -> None:
    driver = unheard()
    came = (driver.now + 1, driver.now + 2)
    driver.wait(5)
    driver.tell(ev.JoinRequested("ann", "game", "ann", "town", came[0], place=place(980.0, "ann")))
    driver.tell(ev.JoinRequested("bob", "game", "bob", "town", came[1]))
    driver.connect(0, running(4, players=1), let_in={"ann": 995.0})
    assert (driver.position("ann"), driver.position("bob")) == (1, 2)


def test_who_was_let_in_and_stood_in_line_again_since_keeps_that_place() -> None:
    driver = unheard()
    ann = driver.join("ann", "town", arrived=996.0, ahead=0)
    driver.connect(0, running(4, players=1), let_in={"ann": 995.0})
    new = driver.join("new", "town")
    assert (driver.position(ann), driver.position(new)) == (1, 2)


def test_a_node_that_says_of_somebody_to_be_let_in_tomorrow_voids_nothing_of_later() -> None:
    driver = unheard()
    driver.connect(0, running(4, players=1), let_in={"ann": 90_000.0})
    driver.wait(1, alive=(0,))
    ann, arrived = driver.join("ann", "town"), driver.now
    driver.wait(1, alive=(0,))
    new = driver.join("new", "town")
    driver.tell(ev.JoinCancelled(ann))
    again = driver.join("ann", "town", arrived=arrived)
    assert (driver.position(again), driver.position(new)) == (1, 2)


def test_the_time_to_come_back_begins_when_joins_can_be_answered() -> None:
    driver = Driver(synced=False, now=1_000.0)
    driver.fleet()
    status = RoomStatus(phase=Phase.RUNNING, node="default-0", epoch=4, waiting=1)
    driver.room("town", status=status, capacity=1)
    driver.connect(0, running(4))
    driver.wait(8, alive=(0,))
    driver.tell(ev.Synced())
    new = driver.join("new", "town")
    driver.wait(14, alive=(0,))
    assert driver.position(new) == 1
    driver.wait(2, alive=(0,))
    assert driver.admitted(new)
