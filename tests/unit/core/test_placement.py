"""Which node a room goes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core import effects as fx
from roomfleet.master.core.model import Phase, Strategy
from roomfleet.master.core.placement import NodeIndex
from roomfleet.wire.link import RoomPhase
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
