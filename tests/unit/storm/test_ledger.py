"""The ledger of a storm tells what may be lost from what must not be."""

from __future__ import annotations

import math
from typing import Any

import pytest

from support.storm.ledger import IN_FLIGHT_SECONDS, SAVE_INTERVAL_SECONDS, Ledger, counted

NODE, OTHER = 11, 12
TOLERATED = SAVE_INTERVAL_SECONDS + IN_FLIGHT_SECONDS


def state(**changes: Any) -> dict[str, Any]:
    return {"kept": 0, "noted": 0, "gave": 0, "took": 0, "coins": 10, "bag": [], **changes}


def broken(ledger: Ledger, state: dict[str, Any]) -> list[str]:
    """All that is broken where ada has that state."""
    return [*ledger.see("ada", state, 50.0), *ledger.overdue(math.inf)]


@pytest.fixture
def ledger() -> Ledger:
    """Ada noted 1 and 2 at 10 and 20 s, on the same process, and was told that both are done."""
    made = Ledger()
    made.of("ada").noted = 2
    made.noted("ada", 1, NODE, 10.0)
    made.noted("ada", 2, NODE, 20.0)
    return made


def test_what_was_told_may_not_be_lost_without_a_fault(ledger: Ledger) -> None:
    assert broken(ledger, state(noted=2)) == []
    assert broken(ledger, state(noted=1)) != []


def test_the_last_change_may_be_lost_with_its_process_and_no_older_one(ledger: Ledger) -> None:
    ledger.dies(NODE, 20.5)
    assert broken(ledger, state(noted=1)) == []
    assert ledger.excused == 1
    assert broken(ledger, state(noted=0)) != []


def test_the_death_of_another_process_costs_nothing(ledger: Ledger) -> None:
    ledger.dies(OTHER, 20.5)
    assert broken(ledger, state(noted=1)) != []


def test_a_death_before_it_was_told_is_no_excuse(ledger: Ledger) -> None:
    ledger.dies(NODE, 19.0)
    assert broken(ledger, state(noted=1)) != []


def test_a_death_long_after_is_none_either(ledger: Ledger) -> None:
    ledger.dies(NODE, 20.0 + TOLERATED + 0.1)
    assert broken(ledger, state(noted=1)) != []


def test_time_in_which_the_process_stood_still_does_not_count(ledger: Ledger) -> None:
    ledger.stalls(NODE, 21.0)
    ledger.goes_on(NODE, 40.0)
    ledger.fenced(NODE, 40.5)
    assert broken(ledger, state(noted=1)) == []
    assert broken(ledger, state(noted=0)) != []


def test_who_stands_still_may_tell_later_what_became_of_its_room(ledger: Ledger) -> None:
    ledger.stalls(NODE, 20.5)
    assert ledger.see("ada", state(noted=1), 30.0) == []
    assert ledger.overdue(60.0) == []
    ledger.goes_on(NODE, 60.0)
    ledger.fenced(NODE, 60.2)
    assert ledger.overdue(100.0) == []
    assert ledger.excused == 1


def test_who_stood_still_and_lost_no_room_lost_nothing(ledger: Ledger) -> None:
    ledger.stalls(NODE, 20.5)
    assert ledger.see("ada", state(noted=1), 30.0) == []
    ledger.goes_on(NODE, 60.0)
    assert ledger.overdue(100.0) != []


def test_time_in_which_the_store_was_away_does_not_count(ledger: Ledger) -> None:
    ledger.store_goes(20.1)
    ledger.store_is_back(30.0)
    ledger.dies(NODE, 31.0)
    assert broken(ledger, state(noted=1)) == []
    assert broken(ledger, state(noted=0)) != []


def test_what_was_saved_by_hand_is_never_lost_and_all_before_it_neither(ledger: Ledger) -> None:
    ledger.of("ada").kept.asked = 1
    ledger.kept("ada", 1, noted=2)
    ledger.dies(NODE, 20.5)
    assert broken(ledger, state(kept=1, noted=2)) == []
    assert broken(ledger, state(kept=0, noted=2)) != []


def test_nobody_has_what_was_never_asked_for(ledger: Ledger) -> None:
    assert broken(ledger, state(noted=3)) != []
    assert broken(ledger, state(noted=2, gave=1)) != []


def test_a_thing_that_was_picked_up_and_saved_stays_in_the_bag(ledger: Ledger) -> None:
    ledger.of("ada").holds.add("stone")
    assert broken(ledger, state(noted=2, bag=["stone", "coin"])) == []
    assert broken(ledger, state(noted=2, bag=["coin"])) != []


def test_things_and_coins_are_counted() -> None:
    ada = state(bag=["ada's 0", "bob's 1"], coins=7, gave=3)
    bob = state(bag=["bob's 0"], coins=13, took=3)
    both = {"ada": ada, "bob": bob}
    assert counted(both, ["ada's 1"], 2, 10) == []
    assert "nowhere" in counted(both, [], 2, 10)[0]
    assert "more than one" in counted(both, ["ada's 1", "bob's 0"], 2, 10)[0]
    assert "of nobody" in counted(both, ["ada's 1", "cid's 0"], 2, 10)[0]
    assert counted({"ada": ada, "bob": state(bag=["bob's 0"])}, ["ada's 1"], 2, 10) == [
        "3 coins were given and 0 taken"
    ]
    assert "has 10 coins" in counted({"ada": {**ada, "coins": 10}, "bob": bob}, ["ada's 1"], 2, 10)[0]
