"""Joins: how many a second go through one master, and how long one takes to the first snapshot.

    python tests/bench/bench_joins.py [--joins N] [--seconds S] [--clients N] [--json FILE]

Everything is real: `roomfleet up` with one node, SQLite with synchronous FULL.

Joins a second: clients at once, each on a connection of its own (HTTP, kept alive), ask for running rooms,
each time as a new player, and give the join up again; the time runs from the request to the
201 with the ticket. The master has one core, the node and the clients have the other, where there are two.

Join to first snapshot: one after the other, two websockets per join, rooms that sleep on a warm node and a
running one; the time runs from the client's first dial to its first snapshot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

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


class Connection:
    """One client's HTTP connection to the master: no more than a benchmark needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Connection:
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port))

    async def ask(self, method: str, path: str, player: str, body: bytes = b"") -> tuple[int, bytes]:
        """The answer's status and body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: master\r\nAuthorization: Bearer {player}\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", answer)
        length = int(found[1]) if found is not None else 0
        return int(answer[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def flood(fleet: Running, clients: int, seconds: float, rooms: int) -> tuple[list[float], float]:
    """How long each join took to admission, s, and how long all of it lasted."""
    path = f"/v1/games/{fleet.game}/joins"
    took: list[float] = []
    began = time.perf_counter()

    async def one(number: int) -> None:
        connection = await Connection.open(fleet.url)
        asked = 0
        while time.perf_counter() - began < seconds:
            player, asked = f"p{number}-{asked}", asked + 1
            start = time.perf_counter()
            body = json.dumps({"room": f"r{(number + asked) % rooms}"}).encode()
            status, answer = await connection.ask("POST", path, player, body)
            took.append(time.perf_counter() - start)
            assert status == 201, (status, answer)
            status, _ = await connection.ask("DELETE", f"{path}/{json.loads(answer)['id']}", player)
            assert status == 204, status
        connection.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return took, time.perf_counter() - began


def cpu_seconds(pid: int) -> float:
    """What the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def flooded(fleet: Running, clients: int, seconds: float, rooms: int = 64) -> tuple[list[float], float]:
    """The same once every room runs."""
    connection = await Connection.open(fleet.url)
    for number in range(rooms):
        path, body = f"/v1/games/{fleet.game}/joins", json.dumps({"room": f"r{number}"}).encode()
        await connection.ask("POST", path, f"starter{number}", body)
    for number in range(rooms):
        await asyncio.to_thread(fleet.wait_phase, f"r{number}", "Running")
    connection.close()
    if len(os.sched_getaffinity(0)) > 1:
        master, others = sorted(os.sched_getaffinity(0))[:2]
        for task in (Path("/proc") / str(fleet.pid) / "task").iterdir():
            os.sched_setaffinity(int(task.name), {master})
        for pid in (*fleet.node_pids().values(), os.getpid()):
            os.sched_setaffinity(pid, {others})
    pids = {"the master": fleet.pid, "the node": fleet.pid_of(fleet.node_of("r0"))}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    took, lasted = await flood(fleet, clients, seconds, rooms)
    for name, pid in pids.items():
        used = cpu_seconds(pid) - before[name]
        print(f"core time of {name} for a join and its end: {used / len(took) * 1e6:.0f} µs")
    return took, lasted


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--joins", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table: dict[str, dict[str, float]] = {}
    if options.seconds:
        with tempfile.TemporaryDirectory() as folder:
            game = make_game(Path(folder) / "many", 64)
            with running(game, Path(folder) / "data") as fleet:
                took, lasted = asyncio.run(flooded(fleet, options.clients, options.seconds))
        rate = len(took) / lasted
        print(f"joins a second through one master, {options.clients} clients at once: {rate:.0f}")
        print(f"to admitted, ms: p50 {percentile(took, 0.5):.1f}, p99 {percentile(took, 0.99):.1f}")
        table["joins through one master"] = {
            "per_second": rate,
            "p50_ms": percentile(took, 0.5),
            "p99_ms": percentile(took, 0.99),
        }
    with tempfile.TemporaryDirectory() as folder:
        game = make_game(Path(folder) / "many", options.joins + 1)
        with running(game, Path(folder) / "data") as fleet:
            figures = asyncio.run(measure(fleet, options.joins))
    print(f"join to first snapshot, ms, {options.joins} joins each, one after the other")
    print(f"{'':34}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, times in figures.items():
        row = [percentile(times, 0.5), percentile(times, 0.99), max(times) * 1000]
        table[name] = dict(zip(("p50_ms", "p99_ms", "max_ms"), row, strict=True))
        print(f"{name:34}" + "".join(f"{value:8.1f}" for value in row))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
