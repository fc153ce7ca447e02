"""Join to first snapshot, end to end on one machine: rooms that sleep on a warm node, and a running one.

    python tests/bench/bench_joins.py [--joins N] [--json FILE]

Everything is real: `roomfleet up` with one node, SQLite with synchronous FULL, two websockets per join. The
time runs from the client's first dial to its first snapshot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from roomfleet.client import Client
from support.many_rooms import make_game
from support.running import Running, running


def percentile(times: list[float], share: float) -> float:
    """The time that this share of the joins kept within, ms."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


async def join(fleet: Running, player: str, room: str) -> tuple[float, Client]:
    client = Client(fleet.url, game=fleet.game, token=player)
    began = time.perf_counter()
    await client.join(room)
    return time.perf_counter() - began, client


async def measure(fleet: Running, joins: int) -> dict[str, list[float]]:
    """Each player leaves again, so that neither the client's process nor the room fills up."""
    figures: dict[str, list[float]] = {}

    async def each(name: str, player: str, room: str) -> None:
        figures[name] = []
        for number in range(joins):
            took, client = await join(fleet, f"{player}{number}", room.format(number + 1))
            figures[name].append(took)
            await client.leave()

    await each("room asleep, new player", "sleeper", "r{}")
    _, resident = await join(fleet, "resident", "r0")
    await each("room running, new player", "runner", "r0")
    await each("room running, player comes back", "runner", "r0")
    await resident.leave()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--joins", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        game = make_game(Path(folder) / "many", options.joins + 1)
        with running(game, Path(folder) / "data") as fleet:
            figures = asyncio.run(measure(fleet, options.joins))
    print(f"join to first snapshot, ms, {options.joins} joins each, one after the other")
    print(f"{'':34}{'p50':>8}{'p99':>8}{'max':>8}")
    table = {}
    for name, times in figures.items():
        row = [percentile(times, 0.5), percentile(times, 0.99), max(times) * 1000]
        table[name] = dict(zip(("p50_ms", "p99_ms", "max_ms"), row, strict=True))
        print(f"{name:34}" + "".join(f"{value:8.1f}" for value in row))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
