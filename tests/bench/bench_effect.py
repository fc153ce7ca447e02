"""C: from a client's input to its effect on another client, at several sizes of one room.

    python tests/bench/bench_effect.py [--clients N …] [--seconds S] [--json FILE]

A client calls a command that changes an actor's state; the time runs until another client, chosen anew each
time, has the patch with it. There is one patch a tick (50 ms) at most: a change goes out at once when this
tick has had none yet, else with the next tick. Everybody sees everything, and a hundred actors walk about.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.cores import prepare
from rig.sides import roomfleet
from rig.tables import heading, line

HZ = 20
"""Inputs a second that are timed."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1_000, 3_000])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    rows = []
    with roomfleet("walks") as side:
        side.load.marks(HZ)
        for clients in options.clients:
            side.load.clients(clients)
            side.load.idle(1)
            rows.append(side.measure(options.seconds))
            if len(rows) == 1:
                print(heading(side.name, rows[0]), flush=True)
            print(line(rows[-1]), flush=True)
    lost = sum(row["unseen"] for row in rows)
    if lost:
        print(f"{lost} changes were not seen within 2 s")
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=1))


if __name__ == "__main__":
    main()
