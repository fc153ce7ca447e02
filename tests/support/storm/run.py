"""A storm, or one after the other, on real processes.

    run.py [--seconds S] [--seed SEED] [--storms N] [--players N] [--fleet up|mongodb|operator]

Without `--seed` the first seed is the day's. A storm that breaks a promise is told in order, on the
terminal and in build/storm/SEED/, with the fleet's logs and data beside it. docs/simulation.md says more.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.nx import serving
from support.storm.fleets import Beside, Fleet, Laptop, cluster_in
from support.storm.storm import NODES, PLAYERS, SETTINGS, Storm

BUILD = Path(__file__).parents[3] / "build" / "storm"
TOLD_LINES = 150
FLEETS = ("up", "mongodb", "operator")


def seed_of_the_day() -> int:
    """Another one each day, the same all day long."""
    return datetime.date.today().toordinal() * 1_000


def summary(counts: Mapping[str, int]) -> dict[str, int]:
    """What happened how often."""
    return dict(counts)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="how long it lasts")
    parser.add_argument("--seed", type=int, help="the first one; by default the day's")
    parser.add_argument(
        "--storms", type=int, default=1, metavar="N", help="how many, each with the next seed"
    )
    parser.add_argument("--players", type=int, default=PLAYERS, metavar="N")
    parser.add_argument("--fleet", choices=FLEETS, default=FLEETS[0], help="what it blows over")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Also where it was started in the background, which has it ignore them: what it started is to be ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    first = seed_of_the_day() if options.seed is None else options.seed
    failed = [
        seed
        for seed in range(first, first + options.storms)
        if not one(seed, options.seconds, options.players, options.fleet)
    ]
    if failed:
        print(f"{len(failed)} of {options.storms} storms broke something: seeds {failed}")
    return 1 if failed else 0


def one(seed: int, seconds: float, players: int, kind: str) -> bool:
    """Whether every promise held."""
    print(f"seed {seed}: {seconds:g} s, {players} players", flush=True)
    folder = BUILD / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    error: BaseException | None = None
    with ExitStack() as stack:
        if kind == "up":
            fleet: Fleet = Laptop(folder, NODES, SETTINGS)
        elif kind == "mongodb":
            fleet = Laptop(folder, NODES, SETTINGS, stack.enter_context(serving(folder / "nx")))
        else:
            fleet = Beside(stack.enter_context(cluster_in(folder / "kube")), folder, NODES, SETTINGS)
        storm = Storm(seed, seconds, fleet, folder, players=players)
        try:
            storm.blow()
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is told
            error = raised
    chronicle = storm.chronicle
    (folder / "chronicle.txt").write_text("\n".join(chronicle.lines) + "\n")
    took = time.monotonic() - began
    counts = ", ".join(f"{count} {what}" for what, count in sorted(summary(chronicle.counts).items()))
    if error is None:
        print(
            f"seed {seed}: every promise held ({took:.0f} s; {counts}; {storm.ledger.excused} notes lost)",
            flush=True,
        )
        shutil.rmtree(folder / "data", ignore_errors=True)
        return True
    print("\n".join(chronicle.lines[-TOLD_LINES:]))
    print("".join(traceback.format_exception(error)))
    print(f"seed {seed} fails after {took:.0f} s: {error}")
    print(f"all of it, with logs and data: {folder}")
    print(f"again: {command(seed, seconds, players, kind)}", flush=True)
    return False


def command(seed: int, seconds: float, players: int, kind: str) -> str:
    """The command that has the same plan carried out again."""
    return (
        f".venv/bin/python tests/support/storm/run.py --seed {seed} --seconds {seconds:g} --players {players}"
        f" --fleet {kind}"
    )


if __name__ == "__main__":
    sys.exit(main())
