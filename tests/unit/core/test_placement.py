"""Which node a room goes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core import effects as fx
from roomfleet.master.core.model import Phase, Strategy
from roomfleet.master.core.placing.choosing import CANDIDATES
from roomfleet.master.core.placing.placement import NodeIndex
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import Keep
from support.simulation.bookkeeping import check_bookkeeping
from unit.core.driver import Driver

Puts = list[tuple[int, int | None]]


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 20)), max_size=200))
@pytest.mark.parametrize("strategy", list(Strategy))
def test_the_index_picks_what_a_search_of_all_nodes_would(strategy: Strategy, puts: Puts) -> None:
    index, model = NodeIndex(strategy), dict[int, int]()
    for slot, load in puts:
        index.put(f"n{slot}", slot, load)
        if load is None:
            model.pop(slot, None)
        else:
            model[slot] = load
        sign = 1 if strategy is Strategy.DISTRIBUTED else -1
        best = min(model, key=lambda slot: (sign * model[slot], slot), default=None)
        assert index.pick() == (None if best is None else f"n{best}")


def nodes_of(driver: Driver, rooms: int) -> list[str]:
    """Wake so many rooms; the nodes that they are recorded on."""
    chosen = []
    for number in range(rooms):
        driver.room(f"r{number}")
        driver.join(f"p{number}", f"r{number}")
        chosen += [record.status.node for record in driver.all(fx.Record)]
    return chosen


def test_distributed_spreads_rooms_over_two_nodes() -> None:
    driver = Driver()
    driver.two_nodes(strategy=Strategy.DISTRIBUTED)
    assert nodes_of(driver, 4) == ["default-0", "default-1", "default-0", "default-1"]


def test_packed_fills_one_node_before_the_next() -> None:
    driver = Driver()
    driver.two_nodes(strategy=Strategy.PACKED, rooms_per_node=2)
    assert nodes_of(driver, 4) == ["default-0", "default-0", "default-1", "default-1"]


def test_a_node_takes_no_more_rooms_than_it_says_itself() -> None:
    driver = Driver()
    driver.fleet(max_nodes=2)
    driver.connect(0, capacity=1)
    assert nodes_of(driver, 2) == ["default-0"]


def test_a_node_with_as_many_players_as_it_may_serve_takes_no_more_rooms() -> None:
    driver = Driver()
    driver.two_nodes(players_per_node=1)
    driver.running("full")
    assert nodes_of(driver, 1) == ["default-1"]


def test_a_room_without_space_is_queued_says_why_and_starts_when_there_is_some() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1, rooms_per_node=1)
    driver.connect(0)
    driver.running("first", bored_after_seconds=0)
    driver.room("second")
    driver.join("p", "second")
    assert driver.phase("second") is Phase.QUEUED
    assert driver.condition("second", "Placed").reason == "NoSpace"
    assert "raise maxNodes" in driver.written("second").message
    driver.report(0, "first", RoomPhase.RUNNING)
    driver.report(0, "first", RoomPhase.STOPPED)
    assert driver.one(fx.Record).key.name == "second"


def test_a_room_of_a_fleet_that_does_not_exist_says_so_and_starts_once_it_does() -> None:
    driver = Driver()
    driver.room("town")
    driver.join("p", "town")
    assert "there is no RoomFleet default" in driver.written("town").message
    driver.fleet()
    driver.connect(0)
    assert driver.one(fx.Record).status.node == "default-0"


def test_a_full_node_lets_nobody_in_until_a_player_leaves() -> None:
    driver = Driver()
    driver.two_nodes(players_per_node=1)
    driver.running("town")
    id = driver.join("late", "town")
    assert driver.position(id) == 1
    driver.report(0, "town", RoomPhase.RUNNING)
    assert driver.admitted(id)


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 20)), max_size=200))
@pytest.mark.parametrize("strategy", list(Strategy))
def test_the_index_names_the_first_few_in_the_order_of_the_strategy(strategy: Strategy, puts: Puts) -> None:
    index, model = NodeIndex(strategy), dict[int, int]()
    sign = 1 if strategy is Strategy.DISTRIBUTED else -1
    for slot, load in puts:
        index.put(f"n{slot}", slot, load)
        if load is None:
            model.pop(slot, None)
        else:
            model[slot] = load
        order = sorted(model, key=lambda slot: (sign * model[slot], slot))
        assert index.best(3) == [f"n{slot}" for slot in order[:3]]


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_decision_costs_no_more_than_the_logarithm_of_the_nodes(strategy: Strategy) -> None:
    def compared(nodes: int) -> float:
        """Comparisons of ranks for each placement, while rooms come and go."""
        index = NodeIndex(strategy)
        count = [0]

        class Rank(int):
            def __lt__(self, other: int) -> bool:
                count[0] += 1
                return int(self) < int(other)

        loads = [0] * nodes
        for slot in range(nodes):
            index.put(f"n{slot}", Rank(slot), 0)
        count[0] = 0
        for turn in range(500):
            name = index.best(CANDIDATES)[turn % 3]
            slot = int(name[1:])
            loads[slot] = loads[slot] + 1 if loads[slot] < 20 else 0
            index.put(name, Rank(slot), loads[slot])
        return count[0] / 500

    small, large = compared(100), compared(10_000)
    assert large < 4 * small + 100, (small, large)


def test_the_same_events_lead_to_the_same_places() -> None:
    def run() -> list[str]:
        driver = Driver()
        driver.fleet(min_nodes=4, max_nodes=4, strategy=Strategy.DISTRIBUTED, players_per_node=20)
        for number in range(4):
            driver.connect(number)
        for number in range(30):
            driver.room(f"r{number}", keep=Keep.ALWAYS, spread_group=f"g{number % 3}")
            node = driver.written(f"r{number}").node
            driver.run(f"r{number}", int(node[-1]), players=number % 5)
        driver.fleet(min_nodes=4, max_nodes=4, strategy=Strategy.PACKED, cordoned=(1,), players_per_node=20)
        driver.gone(2)
        return [repr(effect) for effect in driver.effects]

    assert run() == run()


# -- load


def test_an_overloaded_node_takes_no_new_rooms_until_it_has_clearly_less_to_do() -> None:
    driver = Driver()
    driver.two_nodes(strategy=Strategy.PACKED)
    driver.heard(0, busy=0.95)
    assert nodes_of(driver, 1) == ["default-1"]
    driver.heard(0, busy=0.85)
    driver.room("second")
    driver.join("p", "second")
    assert driver.one(fx.Record).status.node == "default-1", "not yet: it would go to and fro"
    driver.heard(0, busy=0.5)
    driver.heard(1, busy=0.95)
    driver.room("third")
    driver.join("q", "third")
    assert driver.one(fx.Record).status.node == "default-0"


def test_a_node_that_skips_most_of_its_ticks_is_overloaded_however_busy_it_says_it_is() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.heard(0, busy=0.1, missed=0.6)
    assert nodes_of(driver, 1) == ["default-1"]
    views = {view.name: view for view in driver.core.nodes("game")}
    assert views["default-0"].overloaded
    assert not views["default-0"].ready


def test_where_every_node_is_overloaded_the_fleet_grows_and_rooms_wait_for_that() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=2)
    driver.connect(0)
    driver.heard(0, busy=1.0)
    driver.room("town")
    driver.join("p", "town")
    assert driver.phase("town") is Phase.QUEUED
    assert driver.one(fx.CreateNode).node == driver.node(1)
    driver.heard(0, busy=0.2)
    assert driver.one(fx.Record).status.node == "default-0"


def test_a_new_boot_of_a_node_is_not_overloaded() -> None:
    driver = Driver()
    driver.two_nodes()
    driver.heard(0, busy=1.0)
    driver.connect(0, boot="again")
    assert nodes_of(driver, 1) == ["default-0"]


# -- spread


def spread(driver: Driver, rooms: int, group: str = "raid") -> list[str]:
    """Have so many rooms of a group kept running; the nodes that they are recorded on."""
    nodes = []
    for number in range(rooms):
        driver.room(f"{group}{number}", keep=Keep.ALWAYS, spread_group=group)
        nodes += [record.status.node for record in driver.all(fx.Record)]
    return nodes


def test_rooms_of_one_group_go_to_different_nodes_even_where_they_are_packed() -> None:
    driver = Driver()
    driver.fleet(min_nodes=3, max_nodes=3, strategy=Strategy.PACKED)
    for number in range(3):
        driver.connect(number)
    nodes = spread(driver, 6)
    assert sorted(nodes[:3]) == ["default-0", "default-1", "default-2"]
    assert sorted(nodes[3:]) == ["default-0", "default-1", "default-2"]
    assert spread(driver, 1, "other") == ["default-0"], "each group by itself"
    check_bookkeeping(driver.core)


def test_a_moved_room_goes_where_none_of_its_group_is() -> None:
    driver = Driver()
    driver.fleet(min_nodes=3, max_nodes=3, strategy=Strategy.PACKED)
    for number in range(3):
        driver.connect(number)
    for number, node in enumerate(spread(driver, 2)):
        driver.run(f"raid{number}", int(node[-1]))
    driver.fleet(min_nodes=3, max_nodes=3, strategy=Strategy.PACKED, cordoned=(0,))
    assert [room.room for room in driver.told(2).prepare] == ["raid0"]
    check_bookkeeping(driver.core)


# -- space kept ready, and nodes that are not needed


def created(driver: Driver) -> list[str]:
    return [effect.node.name for effect in driver.effects if isinstance(effect, fx.CreateNode)]


def test_spare_nodes_are_kept_ready_beside_the_rooms_that_there_are() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=5, rooms_per_node=2, spare_nodes=1)
    assert created(driver) == ["default-0"]
    driver.connect(0)
    assert created(driver) == ["default-0"]
    driver.room("first")
    driver.join("p", "first")
    assert created(driver) == ["default-0", "default-1"], "less than one node's worth is free"
    driver.connect(1)
    driver.wait(1_000, alive=(0, 1))
    assert created(driver) == ["default-0", "default-1"]


def test_spare_nodes_do_not_go_when_they_are_empty() -> None:
    driver = Driver()
    driver.fleet(min_nodes=0, max_nodes=5, rooms_per_node=2, spare_nodes=2, scale_down_after_seconds=10)
    driver.connect(0)
    driver.connect(1)
    driver.wait(100, alive=(0, 1))
    assert not [effect for effect in driver.effects if isinstance(effect, fx.DeleteNode)]
    driver.fleet(min_nodes=0, max_nodes=5, rooms_per_node=2, spare_nodes=1, scale_down_after_seconds=10)
    driver.wait(100, alive=(0, 1))
    deleted = {effect.node.name for effect in driver.effects if isinstance(effect, fx.DeleteNode)}
    assert len(deleted) == 1


def three_half_empty(driver: Driver, **spec: object) -> None:
    """Three nodes for ten rooms, each with one room and 1, 2, 3 players."""
    given = {"min_nodes": 1, "max_nodes": 3, "rooms_per_node": 10, "scale_down_after_seconds": 60, **spec}
    driver.fleet(strategy=Strategy.DISTRIBUTED, **given)
    for number in range(3):
        driver.connect(number)
    for number in range(3):
        driver.room(f"r{number}", keep=Keep.ALWAYS)
        driver.run(f"r{number}", number, players=number + 1)


def test_a_node_that_the_others_do_without_for_long_enough_is_emptied_and_goes() -> None:
    driver = Driver()
    three_half_empty(driver)
    driver.wait(59, alive=(0, 1, 2))
    assert not driver.all(fx.SendDesired)
    driver.wait(2, alive=(0, 1, 2))
    assert [room.room for room in driver.told(1).prepare] == ["r0"], "that with fewest players"
    driver.prepared(1, "r0")
    driver.recorded("r0", 2)
    driver.report(0, "r0", RoomPhase.STOPPED)
    assert driver.one(fx.DeleteNode).node == driver.node(0)
    check_bookkeeping(driver.core)


def test_a_node_that_is_needed_after_all_keeps_what_it_has() -> None:
    driver = Driver()
    three_half_empty(driver, rooms_per_node=2)
    driver.wait(61, alive=(0, 1, 2))
    assert driver.core._world.fleets[driver.node(0)._replace(name="default")].giving_back == 0
    for number in range(3, 6):
        driver.room(f"r{number}", keep=Keep.ALWAYS)
    assert driver.core._world.fleets[driver.node(0)._replace(name="default")].giving_back is None
    assert all(driver.phase(f"r{number}") is not Phase.STOPPING for number in range(6))
    check_bookkeeping(driver.core)


def test_lowered_min_nodes_gives_nodes_back_at_once() -> None:
    driver = Driver()
    three_half_empty(driver, min_nodes=3, scale_down_after_seconds=3_000)
    driver.fleet(
        min_nodes=2,
        max_nodes=3,
        rooms_per_node=10,
        scale_down_after_seconds=3_000,
        strategy=Strategy.DISTRIBUTED,
    )
    assert [room.room for room in driver.told(1).prepare] == ["r0"]
    driver.prepared(1, "r0")
    driver.recorded("r0", 2)
    driver.report(0, "r0", RoomPhase.STOPPED)
    assert driver.one(fx.DeleteNode).node == driver.node(0)
    driver.gone(0)
    driver.wait(100, alive=(1, 2))
    assert not driver.all(fx.DeleteNode), "the others are the least that there should be"


def test_a_node_is_not_given_back_when_its_rooms_have_no_space_elsewhere() -> None:
    driver = Driver()
    three_half_empty(driver, min_nodes=1, players_per_node=3)
    driver.wait(300, alive=(0, 1, 2))
    assert not driver.all(fx.CreateNode)
    assert all(driver.phase(f"r{number}") is Phase.RUNNING for number in range(3))
    check_bookkeeping(driver.core)


@pytest.mark.parametrize("patience", [0, 60])
def test_lowered_min_nodes_do_not_keep_the_core_busy_where_nothing_can_go(patience: int) -> None:
    driver = Driver()
    three_half_empty(driver, min_nodes=3, players_per_node=3, scale_down_after_seconds=patience)
    driver.fleet(
        min_nodes=1,
        max_nodes=3,
        rooms_per_node=10,
        players_per_node=3,
        scale_down_after_seconds=patience,
        strategy=Strategy.DISTRIBUTED,
    )
    for _ in range(100):
        driver.wait(1, alive=(0, 1, 2))
        assert len(driver.last) < 50, driver.last
    assert all(driver.phase(f"r{number}") is Phase.RUNNING for number in range(3))


def test_a_cordoned_slot_that_comes_above_max_nodes_has_a_deadline_from_then_on() -> None:
    driver = Driver()
    spec = {"min_nodes": 1, "rooms_per_node": 1, "drain_seconds": 10}
    driver.fleet(max_nodes=2, **spec)
    for number in (0, 1):
        driver.connect(number)
        driver.room(f"r{number}", keep=Keep.ALWAYS)
        driver.run(f"r{number}", number, players=1)
    driver.fleet(max_nodes=2, cordoned=(1,), **spec)
    driver.wait(100, alive=(0, 1))
    assert not driver.all(fx.DeleteNode)
    driver.fleet(max_nodes=1, cordoned=(1,), **spec)
    driver.wait(9, alive=(0, 1))
    assert not driver.all(fx.DeleteNode)
    driver.wait(2, alive=(0, 1))
    assert driver.one(fx.DeleteNode).node == driver.node(1)


def test_the_fleet_says_whether_as_much_space_is_free_as_is_to_be_kept_ready() -> None:
    driver = Driver()
    driver.fleet(min_nodes=1, max_nodes=1, rooms_per_node=2, spare_nodes=1)
    driver.connect(0)
    key = driver.node(0)._replace(name="default")

    def spare() -> str:
        status = driver.core.fleet(key)
        assert status is not None
        return next(each.reason for each in status.conditions if each.type == "Spare")

    assert spare() == "SpaceReady"
    driver.room("town", keep=Keep.ALWAYS)
    assert spare() == "SpaceShort"


# -- very many nodes lost together


def test_rooms_of_very_many_nodes_that_are_lost_together_come_back_one_after_the_other() -> None:
    driver = Driver()
    driver.fleet(min_nodes=4, max_nodes=4, strategy=Strategy.DISTRIBUTED, rooms_per_node=1_000)
    for number in range(4):
        driver.connect(number, capacity=1_000)
    count = 800
    for number in range(count):
        driver.room(f"r{number}", keep=Keep.ALWAYS)
        driver.run(f"r{number}", int(driver.written(f"r{number}").node[-1]))
    driver.gone(0)
    assert len(driver.all(fx.Record)) == count / 4, "one node alone: all at once"
    driver.gone(1)
    assert len(driver.all(fx.Record)) <= 1
    driver.wait(1.0, alive=(2, 3))
    assert 90 <= len(driver.all(fx.Record)) <= 110
    driver.wait(10, alive=(2, 3))
    placed = {room.node for room in driver.core.rooms("game")}
    assert placed <= {"default-2", "default-3", ""}


def test_rooms_with_players_come_back_before_the_others() -> None:
    driver = Driver()
    driver.fleet(min_nodes=3, max_nodes=3, strategy=Strategy.PACKED, rooms_per_node=1_000)
    driver.connect(0, capacity=1_000)
    for number in range(300):
        driver.room(f"r{number}", keep=Keep.ALWAYS)
        driver.run(f"r{number}", players=int(number == 299))
    driver.connect(1, capacity=1_000)
    driver.connect(2, capacity=1_000)
    driver.room("other", keep=Keep.ALWAYS, spread_group="x")
    driver.gone(1)
    driver.gone(0)
    first = [effect for effect in driver.last if isinstance(effect, fx.Record)]
    assert [record.key.name for record in first][:1] == ["r299"]
