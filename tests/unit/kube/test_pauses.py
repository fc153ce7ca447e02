"""How long to wait while something fails again and again."""

from __future__ import annotations

from roomfleet.master.kube.pauses import Pauses


def test_pauses_double_up_to_a_bound_while_trouble_follows_trouble() -> None:
    pauses, now, found = Pauses(0.25, 10, 5), 100.0, []
    for _ in range(2_000):
        found.append(pauses.next(now))
        now += found[-1] + 4.9
    assert found[:7] == [0.25, 0.5, 1, 2, 4, 8, 10]
    assert set(found[6:]) == {10}


def test_after_a_steady_time_they_begin_again() -> None:
    pauses = Pauses(0.25, 10, 5)
    assert [pauses.next(100.0), pauses.next(100.25)] == [0.25, 0.5]
    assert pauses.next(100.75 + 5) == 0.25


def test_what_the_server_asks_for_is_heeded_within_the_bound() -> None:
    pauses = Pauses(0.25, 10, 5)
    assert pauses.next(0, asked=3) == 3
    assert pauses.next(3, asked=3600) == 10
