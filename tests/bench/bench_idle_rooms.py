"""D: what idle rooms cost a node: memory and CPU with none and with many of them.

    python tests/bench/bench_idle_rooms.py [--rooms N …] [--seconds S] [--json FILE]

The rooms run, nobody is in them and they have nothing to do. Memory grows by steps: the more rooms, the
nearer is the figure to what one of them takes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.bare_master import bare_node

from roomfleet.wire.link import DesiredRoom
from roomfleet.wire.spec import RoomSpec
from support.many_rooms import make_game

TICKS = os.sysconf("SC_CLK_TCK")


LONGEST_START = 300
"""Seconds after which it is given up."""

SETTLE = 3
"""Seconds for what the rooms' start left to be saved."""


def rooms_that_run(url: str) -> int:
    """What the node says of itself."""
    with urllib.request.urlopen(f"http://{urlsplit(url).netloc}/healthz", timeout=60) as answer:
        rooms: int = json.load(answer)["rooms"]
        return rooms


def memory_kb(pid: int) -> int:
    """Resident memory, KB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(rooms: int, seconds: float) -> dict[str, float]:
    """Memory, CPU and start rate of one node with that many rooms."""
    wanted = [
        DesiredRoom(room=f"r{number}", epoch=1, uid=f"u{number}", spec=RoomSpec(map="map1.room"))
        for number in range(rooms)
    ]
    with tempfile.TemporaryDirectory() as folder:
        game = make_game(Path(folder) / "many", 1)
        began = time.perf_counter()
        with bare_node(game, Path(folder) / "data", wanted) as (pid, url):
            while (running := rooms_that_run(url)) < rooms:
                assert time.perf_counter() - began < LONGEST_START, f"{running} of {rooms} rooms run"
                time.sleep(0.1)
            started = time.perf_counter() - began
            time.sleep(1 + SETTLE * (rooms > 0))
            before = cpu_seconds(pid)
            time.sleep(seconds)
            return {
                "rooms": rooms,
                "start_seconds": started,
                "memory_kb": memory_kb(pid),
                "cpu_percent": (cpu_seconds(pid) - before) / seconds * 100,
            }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rooms", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{'rooms':>8}{'memory MB':>12}{'KB each':>10}{'CPU %':>8}{'all running after s':>22}")
    rows: list[dict[str, float]] = []
    for rooms in (0, *options.rooms):
        row = measure(rooms, options.seconds)
        row["room_kb"] = (row["memory_kb"] - rows[0]["memory_kb"]) / rooms if rows else 0.0
        rows.append(row)
        print(
            f"{row['rooms']:8.0f}{row['memory_kb'] / 1024:12.1f}{row['room_kb']:10.1f}"
            f"{row['cpu_percent']:8.1f}{row['start_seconds']:22.1f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "idle_room_kb": rows[-1]["room_kb"]}, indent=1))


if __name__ == "__main__":
    main()
