"""The save protocol keeps P1, P2 and P4 in every order and with faults, and none of its rules can be left
out.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.explorer.rules import RULES, Rule
from support.explorer.run import line
from support.explorer.scenarios import SCENARIOS, away, leaving_a_lost_room, same_epoch, takeover
from support.explorer.search import Explorer, Scenario, Violation


@pytest.mark.parametrize("make", SCENARIOS, ids=lambda make: make.__name__)
def test_no_order_and_no_two_faults_break_a_promise(
    make: Callable[[], Scenario], record_property: Callable[[str, object], None]
) -> None:
    explored = Explorer(make()).run()
    record_property("explored", line(explored))
    assert explored.ends > 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_the_rule_a_promise_breaks(rule: Rule) -> None:
    with rule.patched():
        explorer = Explorer(rule.scenario(), model=rule.model(), client=rule.client)
        with pytest.raises(Violation):
            explorer.run()


@pytest.mark.parametrize(
    "make", [takeover, same_epoch, away, leaving_a_lost_room], ids=lambda make: make.__name__
)
def test_leaving_out_orders_that_commute_leaves_out_no_outcome(make: Callable[[], Scenario]) -> None:
    reduced, whole = Explorer(make(), faults=1), Explorer(make(), faults=1, reduce=False)
    assert reduced.run().states <= whole.run().states
    assert reduced.ends == whole.ends
