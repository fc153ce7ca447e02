"""Bringing: a player asks for a room while the actor is in another one, and is fetched there."""

from __future__ import annotations

import pytest

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase, Strategy
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Arrivals, Keep
from unit.core.driver import GAME, Driver


@pytest.fixture
def driver() -> Driver:
    """`inn` takes anyone, `cave` is where the actor is; neither runs."""
    made = Driver(ticket_seconds=5.0)
    made.two_nodes(strategy=Strategy.DISTRIBUTED)
    made.room("inn", arrivals=Arrivals.ANYONE, capacity=1, bored_after_seconds=1)
    made.room("cave", bored_after_seconds=1)
    return made


def brought(driver: Driver, id: str, room: str | None = "inn") -> list[fx.Effect]:
    return driver.tell(ev.PlayerBrought(id, room))


def asked(driver: Driver) -> list[tuple[str, str, str]]:
    """Who was to be sent from where to where, so far."""
    return [
        (effect.player, effect.origin, effect.room)
        for effect in driver.effects
        if isinstance(effect, fx.BringPlayer)
    ]


def waiting_to_be_brought(driver: Driver, player: str = "ann") -> str:
    """A join whose seat in the inn is kept; the cave runs on node 1 and was told to send the actor."""
    id = driver.join(player, "inn", found="cave", bring=True)
    driver.run("inn")
    driver.run("cave", 1)
    assert asked(driver)[-1] == (player, "cave", "inn")
    return id


def poll(driver: Driver, seconds: int, *ids: str, alive: tuple[int, ...] = (0, 1)) -> None:
    for _ in range(seconds):
        for id in ids:
            driver.tell(ev.JoinPolled(id))
        driver.wait(1, alive=alive)


def test_both_rooms_are_woken_the_actor_is_sent_and_the_player_let_in(driver: Driver) -> None:
    id = driver.join("ann", "inn", found="cave", bring=True)
    assert driver.phase("cave") is Phase.ASLEEP, "not woken before there is a seat"
    driver.run("inn")
    assert not driver.admitted(id)
    assert driver.position(id) == 1
    driver.run("cave", 1)
    assert asked(driver) == [("ann", "cave", "inn")]
    assert not driver.admitted(id)
    brought(driver, id)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert (answer.room, answer.boot, answer.expires) == ("inn", "b0", driver.now + 5)


def test_the_room_that_was_woken_for_it_gets_bored_again(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    poll(driver, 4, id)
    assert driver.phase("cave") is Phase.RUNNING, "as long as the actor is not brought"
    brought(driver, id)
    driver.wait(2, alive=(0, 1))
    assert driver.phase("cave") is Phase.STOPPING


def test_a_room_that_failed_to_start_is_tried_again_for_it_ten_seconds_later(driver: Driver) -> None:
    driver.room("inn", arrivals=Arrivals.ANYONE, bored_after_seconds=60)
    id = driver.join("ann", "inn", found="cave", bring=True)
    driver.run("inn")
    driver.recorded("cave", 1)
    driver.report(1, "cave", RoomPhase.FAILED, 1, message="the script is broken")
    assert driver.problem(id).refusal == "room-failed"
    assert driver.phase("cave") is Phase.FAILED
    driver.wait(5, alive=(0, 1))
    early = driver.join("ann", "inn", found="cave", bring=True)
    assert driver.problem(early).refusal == "room-failed"
    driver.wait(6, alive=(0, 1))
    later = driver.join("ann", "inn", found="cave", bring=True)
    driver.run("cave", 1, epoch=2)
    brought(driver, later)
    assert driver.admitted(later)


def test_a_room_with_doors_only_refuses_with_the_cure(driver: Driver) -> None:
    driver.room("inn", arrivals=Arrivals.DOORS)
    problem = driver.problem(driver.join("ann", "inn", found="cave", bring=True))
    assert (problem.refusal, problem.status) == ("doors-only", 403)
    for part in ("the room inn", "arrivals: Doors", "your actor is in cave", "join without bring"):
        assert part in problem.detail
    assert driver.phase("inn") is Phase.ASLEEP


@pytest.mark.parametrize("found", [None, "inn"])
def test_who_is_there_already_or_nowhere_needs_no_bringing(driver: Driver, found: str | None) -> None:
    driver.room("inn", arrivals=Arrivals.DOORS)
    id = driver.join("ann", "inn", found=found, bring=True)
    driver.run("inn")
    assert driver.admitted(id)
    assert asked(driver) == []


def test_without_bring_the_answer_is_the_room_that_holds_the_actor(driver: Driver) -> None:
    id = driver.join("ann", "inn", found="cave")
    driver.run("cave")
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == "cave"


def test_before_a_full_room_the_player_waits_in_its_line_and_the_actor_stays(driver: Driver) -> None:
    host = driver.join("bob", "inn")
    driver.run("inn")
    driver.report(0, "inn", RoomPhase.RUNNING, players=1, used=[host])
    id = driver.join("ann", "inn", found="cave", bring=True)
    assert driver.position(id) == 1
    assert driver.phase("cave") is Phase.ASLEEP
    poll(driver, 10, id)
    assert asked(driver) == []
    driver.report(0, "inn", RoomPhase.RUNNING, players=0)
    driver.run("cave", 1)
    brought(driver, id)
    assert driver.admitted(id)


def test_while_the_actor_is_on_its_way_the_seat_is_kept_however_long_it_takes(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    other = driver.join("bob", "inn")
    poll(driver, 12, id, other)
    assert not driver.admitted(other), "two lives of a ticket later"
    brought(driver, id)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.expires == driver.now + 5
    assert not driver.admitted(other)


def test_a_node_that_does_not_answer_is_asked_again(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    poll(driver, 7, id)
    assert asked(driver) == [("ann", "cave", "inn")] * 3


def test_when_the_node_of_the_actors_room_is_lost_meanwhile_the_next_one_sends_it(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    driver.gone(1)
    driver.run("cave", 0, epoch=2)
    sent = driver.one(fx.BringPlayer)
    assert (sent.node, sent.boot, sent.origin) == (driver.node(0), "b0", "cave")
    brought(driver, id)
    assert driver.admitted(id)


def test_when_the_target_is_lost_meanwhile_the_player_is_first_in_its_line(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    other = driver.join("bob", "inn")
    driver.gone(0)
    brought(driver, id)
    assert not driver.admitted(id)
    driver.run("inn", 1, epoch=2)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.boot == "b1"
    assert not driver.admitted(other)


def test_when_the_target_is_lost_and_back_before_the_actor_is_sent_it_is_brought_there(
    driver: Driver,
) -> None:
    id = waiting_to_be_brought(driver)
    driver.gone(0)
    driver.run("inn", 1, epoch=2)
    poll(driver, 6, id, alive=(1,))
    brought(driver, id)
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.boot == "b1"


def test_an_actor_that_went_elsewhere_meanwhile_is_brought_from_there(driver: Driver) -> None:
    driver.room("wood")
    id = waiting_to_be_brought(driver)
    brought(driver, id, "wood")
    driver.run("wood", 0)
    assert asked(driver)[-1] == ("ann", "wood", "inn")
    brought(driver, id, "cave")
    assert asked(driver)[-1] == ("ann", "cave", "inn")
    brought(driver, id)
    assert driver.admitted(id)


def test_an_actor_that_is_never_where_it_is_looked_for_is_given_up_with_a_reason(driver: Driver) -> None:
    driver.room("wood")
    id = waiting_to_be_brought(driver)
    driver.tell(ev.PlayerBrought(id, "wood"))
    driver.run("wood", 0)
    for room in ("cave", "wood") * 3:
        brought(driver, id, room)
    assert "on the move" in driver.problem(id).detail


@pytest.mark.parametrize(
    ("change", "refusal", "words"),
    [
        ({"keep": Keep.NEVER}, "room-closed", "keep: Never"),
        ({"problem": "no such map"}, "room-failed", "no such map"),
    ],
)
@pytest.mark.parametrize("room", ["inn", "cave"])
@pytest.mark.parametrize("when", ["before", "while it is brought"])
def test_when_either_room_cannot_run_the_player_hears_which_and_why(
    driver: Driver, room: str, when: str, change: dict[str, object], refusal: str, words: str
) -> None:
    id = waiting_to_be_brought(driver) if when != "before" else ""
    driver.room(room, **change)  # type: ignore[arg-type]
    if when == "before":
        id = driver.join("ann", "inn", found="cave", bring=True)
        driver.run("inn") if room == "cave" else None
    problem = driver.problem(id)
    assert problem.refusal == refusal
    assert room in problem.detail
    assert words in problem.detail


def test_when_the_actors_room_fails_to_start_the_player_hears_why(driver: Driver) -> None:
    id = driver.join("ann", "inn", found="cave", bring=True)
    driver.run("inn")
    driver.recorded("cave")
    driver.report(1, "cave", RoomPhase.FAILED, message="no class Cave")
    problem = driver.problem(id)
    assert problem.refusal == "room-failed"
    assert "no class Cave" in problem.detail


@pytest.mark.parametrize("room", ["inn", "cave"])
def test_a_room_that_is_deleted_meanwhile_ends_the_join_with_a_reason(driver: Driver, room: str) -> None:
    id = waiting_to_be_brought(driver)
    driver.delete(room)
    problem = driver.problem(id)
    assert problem.refusal == "no-such-room"
    assert room in problem.detail


def test_from_a_room_without_an_object_nobody_is_brought(driver: Driver) -> None:
    problem = driver.problem(driver.join("ann", "inn", found="gone-long-ago", bring=True))
    assert problem.refusal == "no-such-room"
    assert "your actor is in the room gone-long-ago" in problem.detail


def test_it_ends_within_the_time_of_a_join_and_gives_the_seat_back(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    for _ in range(24):
        poll(driver, 5, id)
    problem = driver.problem(id)
    assert problem.refusal == "timeout"
    assert "could not be brought from cave" in problem.detail
    other = driver.join("bob", "inn")
    driver.run("inn", epoch=2) if driver.phase("inn") is not Phase.RUNNING else None
    assert driver.admitted(other)


def test_who_gives_up_gives_the_seat_back_and_wakes_nobody(driver: Driver) -> None:
    id = driver.join("ann", "inn", found="cave", bring=True)
    driver.run("inn")
    driver.tell(ev.JoinCancelled(id))
    other = driver.join("bob", "inn")
    assert driver.admitted(other)
    driver.run("cave", 1)
    assert asked(driver) == []
    brought(driver, id)
    driver.wait(3, alive=(0, 1))
    assert driver.phase("cave") in (Phase.STOPPING, Phase.ASLEEP)


def test_the_newer_join_of_the_player_wins(driver: Driver) -> None:
    id = waiting_to_be_brought(driver)
    newer = driver.join("ann", None, found="cave")
    assert driver.problem(id).refusal == "replaced"
    assert driver.admitted(newer)
    brought(driver, id)
    assert driver.problem(id).refusal == "replaced"


def test_nobody_knowing_where_the_actor_is_it_is_sought_by_the_rooms_own_node(driver: Driver) -> None:
    """Then the node of the inn sends the player back, who asks again to be brought."""
    driver.tell(ev.JoinRequested("j", GAME, "ann", "inn", driver.now, bring=True))
    driver.wait(2.1, alive=(0, 1))
    driver.run("inn")
    assert driver.admitted("j")


def test_defect_04_nothing_is_kept_of_joins_that_are_over(driver: Driver) -> None:
    driver.room("wood")
    ended = [waiting_to_be_brought(driver)]
    brought(driver, ended[0])
    driver.report(0, "inn", RoomPhase.RUNNING, players=1, used=ended)
    for number in range(20):
        id = driver.join(f"p{number}", "inn", found=("cave", "wood", None)[number % 3], bring=True)
        if number % 2:
            driver.tell(ev.JoinCancelled(id))
    poll(driver, 130)  # nobody asks for them
    world = driver.core._world
    assert (world.joins, world.brings, world.players) == ({}, {}, {})
    inn = world.rooms[driver.node(0)._replace(name="inn")]
    assert inn.line is not None
    assert (inn.line.joins, inn.line.reserved, inn.line.holders, inn.line.seats) == ([], {}, {}, 0)
