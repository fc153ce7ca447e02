"""The line for an instance after a restart of the master: who was there before comes first."""

from __future__ import annotations

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import instance_name
from roomfleet.wire.spec import OnDelete
from unit.core.driver import Driver


def place(player: str, key: str, arrived: float, ahead: int, template: str = "cave") -> ev.LinePlace:
    return ev.LinePlace(instance_name("cave", key), arrived, ahead, frozenset({player}), template)


def restarted(*, waiting: int, most: int = 2, there: int = 1, warm: int = 0) -> Driver:
    """A master that has just started, at 1,000 s, and found so many instances of `most`, and so many of them
    warm."""
    driver = Driver(synced=False, now=1_000.0)
    driver.fleet(max_nodes=2)
    driver.room("town", entry=True)
    for number in range(there):
        name = instance_name("cave", f"old-{number}")
        driver.instances[name] = Instance("cave", "t-cave", f"old-{number}")
        driver.room(name)
    driver.template(max_instances=most, waiting=waiting, warm=warm)
    for number in range(warm):
        name = f"cave-w-{number}"
        driver.instances[name] = Instance("cave", "t-cave", None)
        driver.room(name, map="m.cave", on_delete=OnDelete.DELETE)
    driver.connect(0)
    driver.tell(ev.Synced())
    driver.connect(1)
    return driver


def keys_made(driver: Driver) -> list[str | None]:
    """The keys that have got an instance since, in their order."""
    return [e.instance_key for e in driver.effects if isinstance(e, fx.CreateRoom | fx.BindRoom)]


def test_without_a_line_before_nobody_waits_for_those_who_might_come_back() -> None:
    driver = restarted(waiting=0)
    driver.seek("new", "n")
    assert keys_made(driver) == ["n"]


def test_nobody_new_takes_the_instance_of_one_who_comes_back() -> None:
    driver = restarted(waiting=1)
    new = driver.seek("new", "n")
    assert keys_made(driver) == []
    assert driver.position(new) == 1
    driver.wait(5, alive=(0, 1))
    driver.seek("ann", "a", place=place("ann", "a", 990.0, 0))
    assert keys_made(driver) == ["a"]
    assert driver.position(new) == 2


def test_they_get_their_instances_in_the_order_of_arrival_and_not_of_return() -> None:
    driver = restarted(waiting=2)
    bob = driver.seek("bob", "b", place=place("bob", "b", 991.0, 1))
    assert keys_made(driver) == []
    driver.wait(3, alive=(0, 1))
    driver.seek("ann", "a", place=place("ann", "a", 990.0, 0))
    assert keys_made(driver) == ["a"]
    assert driver.position(bob) == 2


def test_who_does_not_come_back_within_fifteen_seconds_holds_nobody_up() -> None:
    driver = restarted(waiting=3)
    bob = driver.seek("bob", "b", place=place("bob", "b", 991.0, 1))
    new = driver.seek("new", "n")
    driver.wait(14.5, alive=(0, 1))
    assert keys_made(driver) == []
    driver.wait(1, alive=(0, 1))
    assert keys_made(driver) == ["b"]
    assert (driver.position(bob), driver.position(new)) == (1, 2)


def test_where_there_are_instances_for_all_who_may_come_back_nobody_waits() -> None:
    driver = restarted(waiting=2, most=10, there=1)
    for number in range(6):
        driver.seek(f"new-{number}", f"n-{number}")
    assert len(keys_made(driver)) == 5, "nine may be made, and at most four come back"


def test_warm_instances_count_as_those_that_can_still_be_had() -> None:
    driver = restarted(waiting=1, most=3, there=0, warm=3)
    driver.seek("new", "n")
    second = driver.seek("second", "s")
    assert keys_made(driver) == ["n"], "three are ready, two may come back"
    driver.seek("ann", "a", place=place("ann", "a", 990.0, 0))
    assert keys_made(driver) == ["n", "a"]
    assert driver.position(second)


def test_a_token_shows_a_line_that_was_never_recorded() -> None:
    driver = restarted(waiting=0)
    driver.seek("cid", "c", place=place("cid", "c", 992.0, 2))
    driver.seek("new", "n")
    assert keys_made(driver) == []
    driver.seek("ann", "a", place=place("ann", "a", 990.0, 0))
    assert keys_made(driver) == ["a"]


def test_how_many_were_ahead_in_the_line_for_an_instance_holds_no_seat_in_it_back() -> None:
    driver = restarted(waiting=0)
    room = instance_name("cave", "old-0")
    id = driver.seek("ann", "old-0", place=place("ann", "old-0", 990.0, 5))
    driver.run(room)
    assert driver.admitted(id)


def test_how_many_were_ahead_in_a_room_that_has_gone_holds_no_instance_back() -> None:
    driver = restarted(waiting=0)
    driver.seek("ann", "a", place=place("ann", "a", 990.0, 5, template=""))
    assert keys_made(driver) == ["a"]


def test_who_waited_for_an_instance_keeps_the_place_in_the_warm_room_that_has_the_key_now() -> None:
    driver = Driver(now=1_000.0)
    driver.two_nodes()
    driver.instances["cave-w-1"] = Instance("cave", "t-cave", "a")
    driver.template(capacity=1)
    driver.room("cave-w-1", capacity=1)
    id = driver.seek("ann", "a")
    driver.run("cave-w-1")
    driver.report(0, "cave-w-1", RoomPhase.RUNNING, players=1, used=[id])
    bob = driver.seek("bob", "a")
    cid = driver.seek("cid", "a", place=place("cid", "a", 990.0, 0))
    assert (driver.position(cid), driver.position(bob)) == (1, 2)


def test_the_object_says_at_once_how_many_wait_when_they_have_doubled() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.template(max_instances=1)
    driver.seek("ann", "a")
    driver.created(driver.one(fx.CreateRoom))
    urgent = []
    for number in range(7):
        driver.seek(f"p{number}", f"k{number}")
        urgent.append(any(written.urgent for written in driver.all(fx.WriteTemplateStatus)))
        assert driver.template_status().waiting == number + 1
    assert urgent == [True, False, True, False, False, False, True]


def test_making_instances_that_may_be_made_writes_nothing_at_once() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.template()
    for number in range(5):
        driver.seek(f"p{number}", f"k{number}")
        assert not any(written.urgent for written in driver.all(fx.WriteTemplateStatus))
        driver.created([e for e in driver.effects if isinstance(e, fx.CreateRoom)][-1])
