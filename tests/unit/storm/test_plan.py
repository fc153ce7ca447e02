"""A storm's plan follows from its seed alone."""

from __future__ import annotations

from support.storm.plan import DEEDS, FAULTS, plan


def test_a_seed_has_one_plan_and_another_seed_another() -> None:
    assert plan(7, 60, 5) == plan(7, 60, 5)
    assert plan(7, 60, 5) != plan(8, 60, 5)


def test_a_longer_plan_begins_like_a_shorter_one() -> None:
    short, long = plan(7, 60, 3), plan(7, 120, 5)
    assert long.faults[: len(short.faults)] == short.faults
    for player, deeds in short.deeds.items():
        assert long.deeds[player][: len(deeds)] == deeds


def test_everything_happens_in_order_and_sooner_or_later() -> None:
    made = plan(7, 3_600, 2)
    for actions in (made.faults, *made.deeds.values()):
        assert [action.at for action in actions] == sorted(action.at for action in actions)
    assert {action.what for action in made.faults} == set(FAULTS)
    assert {action.what for action in made.deeds["hero0"]} == set(DEEDS)
