"""A seed lives the same life each time, and one that fails is made smaller and can be lived again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roomfleet.master.core.joining import admission
from support.simulation.lives import Plan, explain, live, numbers, ranges, shrink
from support.simulation.mutations import MUTATIONS, made

RUN = Path(__file__).parents[2] / "support" / "simulation" / "run.py"
SEED = 3
RESERVED = next(mutation for mutation in MUTATIONS if mutation.function is admission.free_seats)


def trace_of(plan: Plan) -> list[str]:
    lines: list[str] = []
    live(plan, lines.append)
    return lines


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_is_repeated_bit_by_bit_in_any_process(hash_seed: str) -> None:
    again = subprocess.run(
        [sys.executable, str(RUN), "--seed", str(SEED), "--events", "800", "--trace"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    here = "\n".join(trace_of(Plan(SEED, 800)))
    there = again.stdout.rpartition("seed 3: all is well")[0].rstrip("\n")
    assert hashlib.sha256(there.encode()).hexdigest() == hashlib.sha256(here.encode()).hexdigest()


def test_luck_of_one_action_does_not_shift_with_another_taken_out() -> None:
    whole = live(Plan(SEED, 800))
    without_last = live(Plan(SEED, 800, tuple(range(whole.actions - 1)), whole.walked))
    assert without_last.failure is None
    assert abs(without_last.events - whole.events) < 200


def test_a_failing_life_is_made_smaller_and_explained() -> None:
    with made(RESERVED):
        failed = live(Plan(SEED, 2_000))
        assert failed.failure is not None
        least = shrink(failed)
        assert least.failure is not None
        assert least.failure.rule == failed.failure.rule == "seats fit"
        assert least.plan.only is not None
        assert len(least.plan.only) < failed.actions / 2
        text = explain(least)
    assert least.failure.text in text
    assert least.plan.command in text
    assert "a player joins" in text
    assert live(least.plan).failure is None, "it is the mistake that fails, not the plan"


def test_actions_are_named_by_ranges() -> None:
    assert ranges((1, 2, 3, 7, 9, 10)) == "1-3,7,9-10"
    assert numbers("1-3,7,9-10") == (1, 2, 3, 7, 9, 10)
    assert ranges(()) == "none"
    assert numbers("none") == ()
