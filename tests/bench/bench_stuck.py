"""F: what a client that reads nothing costs the others, and the node.

    python tests/bench/bench_stuck.py [--clients N] [--seconds S] [--json FILE]

Every client is sent every position each tick, as in A. First a window without the stuck client, then one with
it from its beginning. Memory is looked at each second.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.cores import prepare
from rig.sides import roomfleet
from rig.tables import heading, line


@contextmanager
def memory_watched(pid: int) -> Iterator[list[float]]:
    """Resident memory of a process each second while the block lasts, MB."""
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            status = Path(f"/proc/{pid}/status").read_text()
            seen.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    figures = {}
    with roomfleet("stream") as side:
        side.load.clients(options.clients)
        side.load.idle(2)
        for name in ("without", "with"):
            if name == "with":
                side.load.stuck()
            with memory_watched(side.pid) as memory:
                row = side.load.measure(options.seconds)
            row |= {"memory_from_mb": memory[0], "memory_to_mb": memory[-1], "memory_most_mb": max(memory)}
            if not figures:
                print(heading(side.name, row), flush=True)
            if name == "with":
                assert side.fleet is not None
                players = side.fleet.room("stream")["players"]
                row["stuck_is_in"] = players > options.clients
            figures[name] = row
            print(line(row, name), flush=True)
    for name, row in figures.items():
        print(
            f"{name:8} memory {row['memory_from_mb']:.1f} MB at first, {row['memory_most_mb']:.1f} at most,"
            f" {row['memory_to_mb']:.1f} at last"
        )
    state = "still in" if figures["with"]["stuck_is_in"] else "put out"
    print(f"after {options.seconds:g} s the stuck client is {state}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
