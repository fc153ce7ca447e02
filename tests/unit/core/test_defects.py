"""The predecessor's defects that were the master's: each is seen not to come back."""

from __future__ import annotations

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Phase
from roomfleet.wire.link import RoomPhase
from unit.core.driver import GAME, Driver


def test_defect_3_two_joins_at_once_for_a_sleeping_room_make_one_room() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.room("town")
    for id, player in (("j1", "ann"), ("j2", "bob")):
        driver.tell(ev.JoinRequested(id, GAME, player, "town", driver.now))
    for id in ("j1", "j2"):
        driver.tell(ev.PlayerFound(id, None))
    driver.show("town")
    driver.run("town")
    records = [effect for effect in driver.effects if isinstance(effect, fx.Record)]
    assert len(records) == 1
    assert (driver.desired(0), driver.desired(1)) == ({"town": 1}, {})
    assert driver.admitted("j1")
    assert driver.admitted("j2")


def test_defect_6_rooms_of_a_killed_node_come_back_without_it() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("town")
    driver.wait(10.1, alive=(1,))
    id = driver.join("town", "town")
    driver.run("town", 1, epoch=2)
    assert driver.phase("town") is Phase.RUNNING
    assert driver.view("town").node == "default-1"
    assert driver.admitted(id)


def test_defect_11_a_player_on_the_way_to_a_room_on_an_offline_node_waits_and_gets_there() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("cave")
    driver.disconnect(0)
    driver.tell(ev.SeatRequested(driver.node(1), "b1", "s1", "bob", "cave"))
    assert isinstance(driver.one(fx.AnswerSeat).answer, fx.InLine)
    driver.wait(10.1, alive=(1,))
    driver.run("cave", 1, epoch=2)
    answer = driver.one(fx.AnswerSeat).answer
    assert isinstance(answer, fx.Admitted)
    assert answer.url == "http://n1"


def test_defect_11_an_npc_on_the_way_to_a_room_on_an_offline_node_is_there_when_it_comes_up() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.running("cave", bored_after_seconds=0)
    driver.gone(0)
    driver.tell(ev.Nudged(driver.core._world.rooms[(GAME, "cave")].key, wake=True))  # type: ignore[index]
    driver.run("cave", 1, epoch=2)
    assert driver.phase("cave") is Phase.RUNNING
    driver.report(1, "cave", RoomPhase.RUNNING, epoch=2)
    assert driver.phase("cave") is Phase.RUNNING, "it has time to come in"
