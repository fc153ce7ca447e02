"""InstancedRooms: one instance for each key, found again, warm ones, limits, and the line for an instance."""

from __future__ import annotations

import pytest

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance, Phase, WhenBored
from roomfleet.wire.joining import Refusal
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import Arrivals, Keep, OnDelete
from unit.core.driver import GAME, Driver

SEVEN = instance_name("cave", "party-7")


@pytest.fixture
def driver() -> Driver:
    made = Driver(line_limit=5)
    made.two_nodes()
    made.room("town", entry=True)
    return made


def let_in(driver: Driver, player: str, key: str) -> tuple[str, str]:
    """A player joins for a new key and is let in: the join's id and the room."""
    id = driver.seek(player, key)
    room = driver.created(driver.one(fx.CreateRoom))
    driver.run(room)
    assert driver.admitted(id), driver.answers(id)
    driver.report(0, room, RoomPhase.RUNNING, players=1, used=[id])
    return id, room


def a_warm_one(driver: Driver, *, runs: bool = True) -> str:
    """The warm instance that was asked for last is made."""
    made = [effect for effect in driver.effects if isinstance(effect, fx.CreateRoom)][-1]
    assert made.instance_key is None
    room = driver.created(made)
    if runs:
        driver.run(room)
    return room


# -- by key


def test_the_first_join_for_a_key_makes_a_child_of_the_template(driver: Driver) -> None:
    driver.template(map="m.deep", capacity=4, keep_data=True, bored_after_seconds=7)
    driver.seek("ann", "party-7")
    create = driver.one(fx.CreateRoom)
    assert (create.key, create.instance_key) == (Key(GAME, SEVEN), "party-7")
    assert (create.template, create.template_uid) == ("cave", "t-cave")
    assert (create.spec.map, create.spec.capacity, create.spec.bored_after_seconds) == ("m.deep", 4, 7)
    assert create.spec.on_delete is OnDelete.RETAIN


def test_without_kept_data_the_child_takes_them_along(driver: Driver) -> None:
    driver.template()
    driver.seek("ann", "party-7")
    assert driver.one(fx.CreateRoom).spec.on_delete is OnDelete.DELETE


def test_later_joins_find_the_instance(driver: Driver) -> None:
    driver.template()
    _, room = let_in(driver, "ann", "party-7")
    id = driver.seek("bob", "party-7")
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == room == SEVEN


def test_a_hundred_joins_at_once_with_one_key_make_one_instance() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.template()
    ids = []
    for number in range(100):
        id = f"many-{number}"
        ids.append(id)
        driver.tell(
            ev.JoinRequested(id, GAME, f"p{number}", None, driver.now, template="cave", key="party-7")
        )
    for id in ids:
        driver.tell(ev.PlayerFound(id, None))
    created = [effect for effect in driver.effects if isinstance(effect, fx.CreateRoom)]
    assert len(created) == 1
    assert not [
        e for e in driver.effects if isinstance(e, fx.AnswerJoin) and isinstance(e.answer, fx.Admitted)
    ]
    driver.run(driver.created(created[0]))
    assert all(driver.admitted(id) for id in ids)
    assert {driver.answer(id).room for id in ids} == {SEVEN}  # type: ignore[union-attr]


def test_joins_for_different_keys_at_once_make_one_instance_each() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.template()
    for number in range(100):
        driver.seek(f"p{number}", f"key {number % 10}")
    created = [effect.instance_key for effect in driver.effects if isinstance(effect, fx.CreateRoom)]
    assert sorted(created, key=str) == [f"key {number}" for number in range(10)]


def test_a_create_without_an_answer_is_said_again(driver: Driver) -> None:
    driver.template()
    driver.seek("ann", "party-7")
    first = driver.one(fx.CreateRoom)
    driver.wait(14, alive=(0, 1))
    assert not driver.all(fx.CreateRoom)
    driver.wait(2, alive=(0, 1))
    assert driver.one(fx.CreateRoom) == first


def test_a_create_that_failed_is_tried_again_with_growing_pauses_and_the_object_says_why(
    driver: Driver,
) -> None:
    driver.template()
    id = driver.seek("ann", "party-7")
    for _ in range(4):
        create = [effect for effect in driver.effects if isinstance(effect, fx.CreateRoom)][-1]
        driver.tell(ev.RoomCreated(create, ev.RecordOutcome.FAILED, "exceeded quota"))
        assert not driver.all(fx.CreateRoom)
        driver.wait(2, alive=(0, 1))
        assert driver.all(fx.CreateRoom)
    assert driver.template_status().conditions[0].message == "exceeded quota"
    driver.run(driver.created(driver.all(fx.CreateRoom)[-1]))
    assert driver.admitted(id)
    assert driver.template_status().conditions[0].reason == "Serving"


def test_an_instance_is_found_after_a_restart_of_the_master(driver: Driver) -> None:
    again = Driver(synced=False)
    again.fleet(max_nodes=2)
    again.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    again.room(SEVEN)
    again.template()
    again.tell(ev.Synced())
    again.connect(0)
    id = again.seek("ann", "party-7")
    assert not again.all(fx.CreateRoom)
    again.run(SEVEN)
    assert again.admitted(id)


def test_a_key_is_found_whatever_the_name_of_its_room(driver: Driver) -> None:
    driver.template()
    driver.instances["cave-w-1"] = Instance("cave", "t-cave", "party-7")
    driver.room("cave-w-1")
    driver.seek("ann", "party-7")
    assert not driver.all(fx.CreateRoom)
    assert driver.one(fx.Record).key.name == "cave-w-1"


# -- where the player's actor is


def test_a_player_whose_actor_is_elsewhere_is_led_there(driver: Driver) -> None:
    driver.template()
    id = driver.seek("ann", "party-7", found="town")
    assert not driver.all(fx.CreateRoom)
    answer = driver.answer(id)
    assert isinstance(answer, fx.InLine)
    assert answer.room == "town"


def test_a_player_may_ask_to_be_brought_to_an_instance_that_anyone_may_come_to(driver: Driver) -> None:
    driver.template(arrivals=Arrivals.ANYONE)
    driver.join("ann", "town", found="town")
    driver.run("town")
    driver.seek("ann", "party-7", found="town", bring=True)
    room = driver.created(driver.one(fx.CreateRoom))
    driver.run(room)
    bring = [effect for effect in driver.effects if isinstance(effect, fx.BringPlayer)]
    assert [(one.origin, one.room) for one in bring] == [("town", room)]


@pytest.mark.parametrize("to_a_room", [False, True])
def test_a_player_is_brought_from_kept_data_of_a_deleted_instance_which_is_made_again_for_that(
    driver: Driver, to_a_room: bool
) -> None:
    driver.template(arrivals=Arrivals.ANYONE, keep_data=True)
    driver.room("inn", arrivals=Arrivals.ANYONE)
    driver.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    driver.room(SEVEN, on_delete=OnDelete.RETAIN)
    driver.delete(SEVEN)
    if to_a_room:
        id, asked = driver.join("ann", "inn", found=SEVEN, bring=True), "inn"
    else:
        id, asked = driver.seek("ann", "party-8", found=SEVEN, bring=True), instance_name("cave", "party-8")
    assert driver.one(fx.CreateRoom).instance_key == "party-7"
    driver.created(driver.one(fx.CreateRoom))
    if not to_a_room:
        assert driver.one(fx.CreateRoom).instance_key == "party-8"
        driver.created(driver.one(fx.CreateRoom))
    driver.run(asked)
    driver.run(SEVEN)
    bring = [effect for effect in driver.effects if isinstance(effect, fx.BringPlayer)]
    assert [(one.origin, one.room) for one in bring] == [(SEVEN, asked)]
    driver.tell(ev.PlayerBrought(id, asked))
    answer = driver.answer(id)
    assert isinstance(answer, fx.Admitted)
    assert answer.room == asked


def test_nobody_is_brought_to_an_instance_with_doors_only(driver: Driver) -> None:
    driver.template()
    id = driver.seek("ann", "party-7", found="town", bring=True)
    driver.created(driver.one(fx.CreateRoom))
    assert driver.problem(id).refusal == "doors-only"


def test_a_player_whose_actor_is_in_an_instance_that_sleeps_is_led_there(driver: Driver) -> None:
    driver.template(when_bored=WhenBored.SLEEP)
    driver.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    driver.room(SEVEN)
    id = driver.join("ann", None, found=SEVEN)
    driver.run(SEVEN)
    assert driver.admitted(id)


def test_a_player_whose_actor_is_in_kept_data_of_a_deleted_instance_gets_it_made_again(
    driver: Driver,
) -> None:
    driver.template(keep_data=True)
    driver.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    driver.room(SEVEN, on_delete=OnDelete.RETAIN)
    driver.delete(SEVEN)
    driver.join("ann", None, found=SEVEN)
    assert driver.one(fx.CreateRoom).instance_key == "party-7"


def test_the_key_itself_leads_back_to_kept_data_that_nobody_remembers(driver: Driver) -> None:
    driver.template(keep_data=True)
    driver.seek("ann", "party-7", found=SEVEN)
    assert driver.one(fx.CreateRoom).key.name == SEVEN


def test_an_actor_in_a_deleted_instance_of_another_key_is_refused_as_in_any_deleted_room(
    driver: Driver,
) -> None:
    driver.template()
    problem = driver.problem(driver.seek("ann", "party-7", found=instance_name("cave", "other")))
    assert problem.refusal == Refusal.NO_SUCH_ROOM
    assert "was deleted" in problem.detail


# -- refusals


def test_without_the_template_the_join_is_refused(driver: Driver) -> None:
    problem = driver.problem(driver.seek("ann", "party-7", template="nowhere"))
    assert (problem.refusal, problem.status) == ("no-such-room", 404)
    assert "no InstancedRoom nowhere" in problem.detail


def test_a_closed_template_refuses(driver: Driver) -> None:
    driver.template(keep=Keep.NEVER, warm=2)
    assert not driver.all(fx.CreateRoom)
    assert driver.problem(driver.seek("ann", "party-7")).refusal == "room-closed"


def test_a_warm_instance_cannot_be_joined_by_its_own_name(driver: Driver) -> None:
    driver.template(warm=1)
    room = a_warm_one(driver)
    problem = driver.problem(driver.join("ann", room))
    assert problem.refusal == "room-closed"
    assert "join cave with a key" in problem.detail


def test_a_deleted_template_ends_its_line_and_refuses(driver: Driver) -> None:
    driver.template()
    id = driver.seek("ann", "party-7")
    driver.tell(ev.TemplateDeleted(Key(GAME, "cave"), "t-cave"))
    assert driver.problem(id).refusal == "no-such-room"
    assert driver.problem(driver.seek("bob", "party-7")).refusal == "no-such-room"


def test_players_of_a_deleted_templates_instances_hear_a_goodbye(driver: Driver) -> None:
    driver.template()
    _, room = let_in(driver, "ann", "party-7")
    driver.tell(ev.TemplateDeleted(Key(GAME, "cave"), "t-cave"))
    driver.delete(room)
    assert driver.one(fx.SendGoodbye).room == room


def test_a_template_made_again_makes_instances_of_its_own(driver: Driver) -> None:
    driver.template()
    _, room = let_in(driver, "ann", "party-7")
    driver.template(uid="t-new")
    assert driver.template_status().instances == 0
    id = driver.seek("bob", "party-7")
    assert not driver.all(fx.CreateRoom)  # the old one's child has the name
    driver.delete(room)
    assert driver.one(fx.CreateRoom).template_uid == "t-new"
    driver.created(driver.one(fx.CreateRoom))
    driver.report(0, room, RoomPhase.STOPPED)
    driver.run(room, epoch=2)
    assert driver.admitted(id)


def test_a_strangers_room_of_the_instances_name_is_named_as_what_is_in_the_way(driver: Driver) -> None:
    driver.template()
    driver.room(SEVEN)
    id = driver.seek("ann", "party-7")
    assert not driver.all(fx.CreateRoom)
    assert "delete it" in driver.template_status().message
    driver.delete(SEVEN)
    driver.run(driver.created(driver.one(fx.CreateRoom)))
    assert driver.admitted(id)


def test_a_room_in_the_way_that_was_made_again_as_the_instance_is_in_nobodys_way(driver: Driver) -> None:
    driver.template()
    driver.room(SEVEN)
    id = driver.seek("ann", "party-7")
    assert "delete it" in driver.template_status().message
    # Its deletion was missed: the next that is heard of the name is another Room.
    driver.uids[SEVEN] = "u-again"
    driver.instances[SEVEN] = Instance("cave", "t-cave", "party-7")
    driver.show(SEVEN)
    assert driver.template_status().message == ""
    assert not driver.core._world.in_the_way
    driver.run(SEVEN)
    assert driver.admitted(id)


# -- limits and the line


def test_past_max_instances_joins_wait_in_the_order_of_their_arrival(driver: Driver) -> None:
    driver.template(max_instances=1)
    _, room = let_in(driver, "ann", "party-7")
    bob, cid = driver.seek("bob", "b"), driver.seek("cid", "c")
    assert (driver.position(bob), driver.position(cid)) == (1, 2)
    assert driver.template_status().conditions[0].reason == "Full"
    driver.report(0, room, RoomPhase.RUNNING, players=0)
    driver.delete(room)
    assert driver.one(fx.CreateRoom).instance_key == "b"
    assert driver.position(cid) == 2
    driver.run(driver.created(driver.one(fx.CreateRoom)))
    assert driver.admitted(bob)
    assert driver.position(cid) == 1


def test_whoever_has_an_instance_passes_those_who_wait_for_one(driver: Driver) -> None:
    driver.template(max_instances=1)
    let_in(driver, "ann", "party-7")
    driver.seek("bob", "b")
    assert driver.admitted(driver.seek("dan", "party-7"))


def test_one_who_gives_up_makes_way(driver: Driver) -> None:
    driver.template(max_instances=1)
    let_in(driver, "ann", "party-7")
    bob, cid = driver.seek("bob", "b"), driver.seek("cid", "c")
    driver.tell(ev.JoinCancelled(bob))
    assert driver.position(cid) == 1


def test_a_party_waits_for_its_instance_as_one_and_goes_on_without_whoever_joins_elsewhere(
    driver: Driver,
) -> None:
    driver.template(max_instances=1)
    _, room = let_in(driver, "ann", "party-7")
    party, late = driver.seek("bob", "b", "cid", "dan"), driver.seek("eve", "e")
    answer = driver.answer(late)
    assert isinstance(answer, fx.InLine)
    assert (answer.position, answer.ahead) == (2, 3)
    driver.join("dan", "town")
    driver.delete(room)
    made = driver.created(driver.one(fx.CreateRoom))
    driver.run(made)
    assert driver.admitted(party)
    answer = driver.answer(late)
    assert isinstance(answer, fx.InLine)
    assert (answer.position, answer.ahead) == (1, 0)


def test_a_place_in_line_is_given_back_once(driver: Driver) -> None:
    driver.template(max_instances=1)
    _, room = let_in(driver, "ann", "party-7")
    bob = driver.seek("bob", "b")
    answer = driver.answer(bob)
    assert isinstance(answer, fx.InLine)
    place = ev.LinePlace(answer.room, answer.arrived, answer.ahead, frozenset({"bob"}))
    driver.wait(1, alive=(0, 1))
    cid = driver.seek("cid", "c")
    driver.tell(ev.JoinCancelled(bob))
    bob = driver.seek("bob", "b", place=place)
    assert (driver.position(bob), driver.position(cid)) == (1, 2)
    driver.delete(room)
    made = driver.created(driver.one(fx.CreateRoom))
    driver.run(made)
    assert driver.admitted(bob)
    driver.report(0, made, RoomPhase.RUNNING, players=1, used=[bob])
    driver.wait(1, alive=(0, 1))
    again = driver.seek("bob", "x", place=place)
    assert (driver.position(again), driver.position(cid)) == (2, 1)


def test_the_line_is_bounded(driver: Driver) -> None:
    driver.template(max_instances=1)
    let_in(driver, "ann", "party-7")
    for number in range(5):
        driver.position(driver.seek(f"p{number}", f"k{number}"))
    problem = driver.problem(driver.seek("late", "late"))
    assert (problem.refusal, problem.status) == ("line-full", 429)
    assert problem.retry_after
    place = ev.LinePlace(instance_name("cave", "early"), driver.now - 5, 0, frozenset({"early"}))
    assert driver.position(driver.seek("early", "early", place=place)) == 1


def test_a_join_without_an_instance_ends_at_its_timeout_with_the_reason(driver: Driver) -> None:
    driver.template(max_instances=1)
    let_in(driver, "ann", "party-7")
    id = driver.seek("bob", "b")
    for _ in range(24):
        driver.tell(ev.JoinPolled(id))
        driver.wait(5, alive=(0, 1))
    problem = driver.problem(id)
    assert (problem.refusal, problem.status) == ("timeout", 503)
    assert "all 1 instances exist" in problem.detail
    assert problem.retry_after


def test_an_eta_comes_from_how_often_instances_went(driver: Driver) -> None:
    driver.template(max_instances=1)
    for number in range(3):
        _, room = let_in(driver, f"p{number}", f"k{number}")
        driver.wait(10, alive=(0, 1))
        driver.delete(room)
        driver.report(0, room, RoomPhase.STOPPED)
    let_in(driver, "ann", "party-7")
    answer = driver.answer(driver.seek("bob", "b"))
    assert isinstance(answer, fx.InLine)
    assert answer.eta_seconds == pytest.approx(10)


# -- seats and places that nodes ask for


def test_a_node_gets_a_seat_in_an_instance_and_hears_which_room_that_is(driver: Driver) -> None:
    driver.template()
    driver.tell(ev.SeatRequested(driver.node(1), "b1", "s1", "ann", "cave", key="party-7"))
    room = driver.created(driver.one(fx.CreateRoom))
    driver.run(room)
    answers = [e.answer for e in driver.effects if isinstance(e, fx.AnswerSeat)]
    assert isinstance(answers[-1], fx.Admitted)
    assert answers[-1].room == room


def test_a_node_that_asks_for_an_actor_without_a_player_hears_the_room_which_is_not_started(
    driver: Driver,
) -> None:
    driver.template()
    driver.tell(ev.InstanceRequested(driver.node(1), "b1", "s1", "cave", "party-7"))
    room = driver.created(driver.one(fx.CreateRoom))
    answer = driver.one(fx.AnswerInstance)
    assert (answer.node, answer.id, answer.answer) == (driver.node(1), "s1", room)
    assert driver.phase(room) is Phase.ASLEEP
    driver.tell(ev.InstanceRequested(driver.node(1), "b1", "s2", "cave", "party-7"))
    assert driver.one(fx.AnswerInstance).answer == room


def test_such_a_request_is_refused_like_a_join(driver: Driver) -> None:
    driver.tell(ev.InstanceRequested(driver.node(1), "b1", "s1", "cave", "party-7"))
    answer = driver.one(fx.AnswerInstance).answer
    assert not isinstance(answer, str)
    assert answer.refusal == "no-such-room"


def test_such_a_request_that_is_called_off_makes_way(driver: Driver) -> None:
    driver.template(max_instances=1)
    let_in(driver, "ann", "party-7")
    driver.tell(ev.InstanceRequested(driver.node(1), "b1", "s1", "cave", "b"))
    id = driver.seek("cid", "c")
    assert driver.position(id) == 2
    driver.tell(ev.SeatCancelled(driver.node(1), "b1", "s1"))
    assert driver.position(id) == 1


# -- status


def test_the_status_counts_instances_running_ones_warm_ones_and_players(driver: Driver) -> None:
    driver.template(warm=1)
    a_warm_one(driver)
    status = driver.template_status()
    assert (status.instances, status.running, status.warm, status.players) == (1, 1, 1, 0)
    assert status.selector == "roomfleet.io/instance-of=cave,roomfleet.io/warm=true"
    id = driver.seek("ann", "party-7")
    bind = driver.one(fx.BindRoom)
    driver.bound(bind)
    driver.report(0, bind.key.name, RoomPhase.RUNNING, players=1, used=[id])
    status = driver.template_status()
    assert (status.instances, status.running, status.warm, status.players) == (1, 1, 0, 1)
    assert status.observed_generation == 1


def test_counts_alone_are_not_urgent(driver: Driver) -> None:
    driver.template(capacity=100)
    assert driver.one(fx.WriteTemplateStatus).urgent
    _, room = let_in(driver, "ann", "party-7")
    driver.report(0, room, RoomPhase.RUNNING, players=7)
    write = driver.one(fx.WriteTemplateStatus)
    assert (write.status.players, write.urgent) == (7, False)
    driver.template(keep=Keep.NEVER)
    assert driver.one(fx.WriteTemplateStatus).urgent
