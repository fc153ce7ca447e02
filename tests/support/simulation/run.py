"""Many lives of a simulated fleet, or one of them again.

    run.py [--seeds N] [--first SEED] [--events N] [--jobs N]
    run.py --seed SEED [--events N] [--until SECONDS] [--only N,N-N,…] [--trace]

Without `--first` the seeds are those of the day. A life that fails is made smaller and explained, on the
terminal and in build/simulation/. docs/simulation.md says more.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import multiprocessing
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.simulation.lives import Life, Plan, explain, live, numbers, shrink

BUILD = Path(__file__).parents[3] / "build" / "simulation"
PROGRESS_SECONDS = 10.0


def seeds_of_the_day(number: int) -> range:
    """Other seeds each day, the same ones all day long."""
    first = datetime.date.today().toordinal() * 1_000
    return range(first, first + number)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1_000, metavar="N", help="how many lives")
    parser.add_argument("--first", type=int, metavar="SEED", help="the first seed; by default the day's")
    parser.add_argument("--events", type=int, default=10_000, metavar="N", help="of the core, in each life")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes")
    parser.add_argument("--seed", type=int, help="this life alone")
    parser.add_argument("--until", type=float, metavar="SECONDS", help="the walk ends then")
    parser.add_argument("--only", metavar="N,N-N,…", help="these actions of the plan alone; none: no action")
    parser.add_argument("--trace", action="store_true", help="every action, event and effect")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if options.seed is None:
        first = seeds_of_the_day(1).start if options.first is None else options.first
        return many(range(first, first + options.seeds), options.events, options.jobs)
    only = None if options.only is None else numbers(options.only)
    return one(Plan(options.seed, options.events, only, options.until), trace=options.trace)


def one(plan: Plan, *, trace: bool) -> int:
    life = live(plan, print if trace else None)
    if life.failure is None:
        print(f"seed {plan.seed}: all is well after {life.events:,} events, {life.seconds:,.0f} s")
        return 0
    if trace:
        print(life.failure.text)
    elif plan.only is None:
        print(f"seed {plan.seed} fails ({life.failure.text}); looking for the least that makes it fail …")
        print(explain(shrink(life)))
    else:
        print(explain(life))
    return 1


def many(seeds: range, events: int, jobs: int) -> int:
    print(f"seeds {seeds.start} to {seeds.stop - 1}, {events:,} events each, {jobs} processes", flush=True)
    began = said = time.monotonic()
    lives: list[Life] = []
    failed: list[Life] = []
    with multiprocessing.get_context("spawn").Pool(jobs, logging.disable, (logging.CRITICAL,)) as pool:
        for life in pool.imap_unordered(live, (Plan(seed, events) for seed in seeds)):
            lives.append(life)
            if life.failure is not None:
                failed.append(life)
                print(f"seed {life.plan.seed} fails: {life.failure.text.splitlines()[0]}", flush=True)
            if time.monotonic() > said + PROGRESS_SECONDS:
                said = time.monotonic()
                left = (said - began) / len(lives) * (len(seeds) - len(lives))
                print(f"{len(lives)} of {len(seeds)}, {len(failed)} failed, {left:.0f} s left", flush=True)
    seconds = time.monotonic() - began
    total = sum(life.events for life in lives)
    print(
        f"{len(lives):,} lives, {total:,} events, {sum(life.seconds for life in lives) / 3_600:,.0f} hours of"
        f" simulated time, {sum(life.restarts for life in lives):,} masters killed,"
        f" {sum(life.admitted for life in lives):,} joins admitted, {sum(life.refused for life in lives):,}"
        f" refused; {seconds:.0f} s"
    )
    for life in failed[:5]:
        text = explain(shrink(life))
        BUILD.mkdir(parents=True, exist_ok=True)
        (BUILD / f"{life.plan.seed}.txt").write_text(text)
        print(f"\n{text}")
    print(f"{len(failed)} lives failed" if failed else "every promise held, every life came to rest")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
