"""Run the explorer by hand: ``python tests/support/explorer/run.py [--faults N] [--unbounded]
[SCENARIO…]``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.explorer.scenarios import SCENARIOS
from support.explorer.search import Explored, Explorer


def line(explored: Explored) -> str:
    """One line about a search that found nothing wrong."""
    return (
        f"{explored.scenario:24} {explored.states:>10,} states {explored.steps:>11,} steps "
        f"{explored.ends:>9,} ends {explored.histories:>8,} histories"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios; all by default")
    parser.add_argument("--faults", type=int, help="faults in each run, instead of each scenario's own")
    parser.add_argument("--unbounded", action="store_true", help="one fault more each round, until stopped")
    options = parser.parse_args()
    chosen = [make() for make in SCENARIOS if not options.scenarios or make.__name__ in options.scenarios]
    more = 0
    while True:
        for scenario in chosen:
            faults = scenario.faults + more if options.faults is None else options.faults + more
            began = time.monotonic()
            explored = Explorer(scenario, faults=faults).run()
            print(f"{line(explored)}  {faults} faults  {time.monotonic() - began:6.1f} s", flush=True)
        if not options.unbounded:
            return 0
        more += 1


if __name__ == "__main__":
    sys.exit(main())
