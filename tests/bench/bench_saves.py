"""Acknowledged saves, end to end: a command that changes state and awaits `save()` before it answers.

    python tests/bench/bench_saves.py [--seconds S] [--json FILE]

Real websockets, one node, SQLite with synchronous FULL. Each player calls again as soon as it is
answered. What is measured is the call as the player sees it. `bench_store.py` measures the store alone.
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
from support.running import Running, running
from support.saving_game import make_saving_game


async def measure(fleet: Running, players: int, rooms: int, seconds: float) -> dict[str, float]:
    clients = [Client(fleet.url, game=fleet.game, token=f"{rooms}x{players}x{n}") for n in range(players)]
    for number, client in enumerate(clients):
        await client.join(f"r{number % rooms}")
    times: list[float] = []
    stop = time.perf_counter() + seconds

    async def count(client: Client) -> None:
        while (began := time.perf_counter()) < stop:
            await client.call("count")
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(count(client) for client in clients))
    for client in clients:
        await client.leave()
    times.sort()
    return {
        "players": players,
        "rooms": rooms,
        "saves_per_second": len(times) / seconds,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        game = make_saving_game(Path(folder) / "counting", 32)
        environment = {"ROOMFLEET_CALLS_PER_SECOND": "100000", "ROOMFLEET_CALLS_BURST": "100000"}
        with running(game, Path(folder) / "data", environment=environment) as fleet:
            print(f"{'players':>8}{'rooms':>7}{'saves/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
            for players, rooms in ((1, 1), (32, 1), (32, 32), (128, 32)):
                row = asyncio.run(measure(fleet, players, rooms, options.seconds))
                rows.append(row)
                print(
                    f"{players:8}{rooms:7}{row['saves_per_second']:10.0f}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}"
                )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
