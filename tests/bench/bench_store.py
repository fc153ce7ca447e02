"""Acknowledged saves on SQLite and on nx-27017, in turn:
``python tests/bench/bench_store.py [--seconds S] [--json FILE]``.

Rooms save as fast as the store acknowledges; the ops of a batch are applied before the next, as the
protocol asks.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from roomfleet.store import Create, Save, Store, open_store
from support.nx import serving
from support.store_tools import claim_room

CASES = [(rooms, actors) for rooms in (1, 64) for actors in (1, 10)]
BODY = {
    "path": [[1.5, 2.5, 3.25], [10.0, 20.0, 9.75]],
    "state": {"hp": 10, "mood": "calm", "bag": list(range(20))},
}


async def save(store: Store, room: str, actors: int, until: float, took: list[float]) -> None:
    session = (await claim_room(store, room, 1)).session
    ids = [f"{room}-{n}" for n in range(actors)]
    await session.commit([Create(actor, BODY) for actor in ids], ceiling_ms=0, saved_at_ms=0)
    await session.applied()
    n = 0
    while (began := time.perf_counter()) < until:
        n += 1
        changes = [Save(actor, {**BODY, "n": n}) for actor in ids]
        await session.commit(changes, state={"n": n}, ceiling_ms=n, saved_at_ms=n)
        took.append(time.perf_counter() - began)
        await session.applied()


def on_engine(engine: str, rooms: int, actors: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            row = asyncio.run(measure(f"sqlite://{folder}/store.db", rooms, actors, seconds))
        else:
            with serving(Path(folder)) as server:
                row = asyncio.run(measure(server.url("bench"), rooms, actors, seconds))
    return {"engine": engine, **row}


async def measure(url: str, rooms: int, actors: int, seconds: float) -> dict[str, Any]:
    store = open_store(url)
    took: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(save(store, f"g/{n}", actors, until, took) for n in range(rooms)))
    await store.close()
    took.sort()
    return {
        "rooms": rooms,
        "actors": actors,
        "batches_per_s": round(len(took) / seconds),
        "actors_per_s": round(len(took) * actors / seconds),
        "p50_ms": round(took[len(took) // 2] * 1000, 2),
        "p99_ms": round(took[len(took) * 99 // 100] * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each case")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, in {tempfile.gettempdir()}")
    print("engine    rooms  actors/batch  batches/s  actors/s   p50 ms   p99 ms")
    figures = []
    for (rooms, actors), engine in itertools.product(CASES, ("sqlite", "nx-27017")):
        row = on_engine(engine, rooms, actors, options.seconds)
        figures.append(row)
        line = "{engine:9} {rooms:5} {actors:13} {batches_per_s:10} {actors_per_s:9} {p50_ms:8} {p99_ms:8}"
        print(line.format(**row))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
