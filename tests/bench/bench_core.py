"""What the master's core costs: µs for an event and bytes for a room, by number of rooms and nodes.

    .venv/bin/python tests/bench/bench_core.py [--json FILE]

A life of a room is ten events: join, found, recorded, starting, running, ticket used, a count, left, and a
tick on which it is bored, stopped. A tenth of the rooms are woken by a join each, and run throughout: at
a million rooms these are 100,000 joins on 10,000 nodes. Flat is what it should be. Time is the process's own,
so that others on the machine do not count.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from roomfleet.master.core import Core, Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import FleetSpec, RoomStatus, Strategy
from roomfleet.wire.link import Report, RoomPhase
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec

GAME = "bench"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROOMS_PER_NODE = 100
LIVES = 3_000


@dataclass
class Result:
    rooms: int
    nodes: int
    joins: int
    us_per_event: float
    us_per_room_start: float
    us_per_room_told: float
    """At the start, for each object that is listed."""
    bytes_per_room: float
    bytes_per_running_room: float
    events: int


class Bench:
    """A core with all its objects told, driven by hand."""

    def __init__(self, rooms: int, nodes: int) -> None:
        self.now = 1_000.0
        self.spent = 0.0
        self.events = 0
        self.nodes = nodes
        self.core = Core(Settings(node_lost_after_seconds=1e9), seed=1, now=self.now)
        each = rooms // nodes + 50
        spec = FleetSpec(
            min_nodes=0, max_nodes=nodes, rooms_per_node=each, strategy=Strategy.DISTRIBUTED,
            players_per_node=100_000, scale_down_after_seconds=1_000_000,
        )  # fmt: skip
        self.tell(ev.FleetApplied(Key(GAME, "default"), 1, spec))
        before = memory()
        for number in range(rooms):
            room = RoomSpec(map=f"m.r{number}", bored_after_seconds=1)
            applied = ev.RoomApplied(Key(GAME, f"r{number}"), f"u{number}", 1, "1", room, False, RoomStatus())
            self.tell(applied)
        self.tell(ev.Synced())
        self.settle()
        self.bytes_per_room = (memory() - before) / rooms
        self.us_per_room_told = self.spent / rooms * 1e6
        for number in range(nodes):
            key = Key(GAME, f"default-{number}")
            self.tell(ev.NodeConnected(key, f"b{number}", "default", each, f"http://{number}", ()))
        self.settle()

    def tell(self, event: ev.Event) -> list[fx.Effect]:
        start = time.process_time()
        effects = self.core.handle(event, self.now)
        self.spent += time.process_time() - start
        self.events += 1
        return effects

    def settle(self) -> list[fx.Effect]:
        """Work off what is due now."""
        effects: list[fx.Effect] = []
        while (due := self.core.next_due()) is not None and due <= self.now:
            effects += self.tell(ev.Tick())
        return effects

    def wake(self, name: str, player: str) -> tuple[Key, str, int]:
        """A player comes into a sleeping room; returns its node, boot and epoch."""
        self.now += 0.001
        effects = self.tell(ev.JoinRequested(f"j{player}", GAME, player, name, self.now))
        if any(isinstance(effect, fx.FindPlayer) for effect in effects):
            effects = self.tell(ev.PlayerFound(f"j{player}", None))
        effects += self.settle()
        record = next(effect for effect in effects if isinstance(effect, fx.Record))
        epoch = record.status.epoch
        self.tell(ev.Recorded(record, ev.RecordOutcome.WRITTEN, "2"))
        node = Key(GAME, record.status.node)
        boot = f"b{node.name.rpartition('-')[2]}"
        self.report(node, boot, name, epoch, RoomPhase.STARTING)
        admitted = self.report(node, boot, name, epoch, RoomPhase.RUNNING)
        assert any(isinstance(effect, fx.AnswerJoin) for effect in admitted)
        self.report(node, boot, name, epoch, RoomPhase.RUNNING, players=1, used=[f"j{player}"])
        return node, boot, epoch

    def sleep(self, name: str, node: Key, boot: str, epoch: int) -> None:
        """The player leaves, and the room is bored after a second."""
        self.report(node, boot, name, epoch, RoomPhase.RUNNING)
        self.now += 1.01
        self.settle()
        self.report(node, boot, name, epoch, RoomPhase.STOPPED)

    def report(
        self, node: Key, boot: str, name: str, epoch: int, phase: RoomPhase, players: int = 0,
        used: list[str] | None = None,
    ) -> list[fx.Effect]:  # fmt: skip
        report = Report(room=name, epoch=epoch, phase=phase, players=players, used=used or [])
        return self.tell(ev.NodeReported(node, boot, report))


def memory() -> int:
    """Resident bytes of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def measure(rooms: int, nodes: int, lives: int = LIVES) -> Result:
    """One size: wake a tenth of the rooms, then let random other ones live."""
    bench = Bench(rooms, nodes)
    running = rooms // 10
    bench.spent, bench.events = 0.0, 0
    before = memory()
    for number in range(running):
        bench.wake(f"r{number}", f"p{number}")
    start_cost = bench.spent / running * 1e6
    grown = (memory() - before) / running
    rng = random.Random(7)
    bench.spent, bench.events = 0.0, 0
    for life in range(lives):
        name = f"r{rng.randrange(running, rooms)}"
        node, boot, epoch = bench.wake(name, f"q{life}")
        bench.tell(ev.NodeHeard(node, boot))
        bench.sleep(name, node, boot, epoch)
    per_event = bench.spent / bench.events * 1e6
    return Result(
        rooms=rooms,
        nodes=nodes,
        joins=running + lives,
        us_per_event=per_event,
        us_per_room_start=start_cost,
        us_per_room_told=bench.us_per_room_told,
        bytes_per_room=bench.bytes_per_room,
        bytes_per_running_room=bench.bytes_per_room + grown,
        events=bench.events,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the results here, too")
    parser.add_argument("--one", nargs=2, type=int, metavar=("ROOMS", "NODES"), help="this size alone")
    arguments = parser.parse_args()
    print(
        f"{'rooms':>9} {'nodes':>6} {'joins':>8} {'µs/event':>9} {'µs/start':>9} {'µs/listed':>9}"
        f" {'bytes asleep':>12} {'running':>8}"
    )
    results = []
    sizes = [(rooms, rooms // ROOMS_PER_NODE) for rooms in SIZES]
    for rooms, nodes in [tuple(arguments.one)] if arguments.one else sizes:
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            result = fresh.apply(measure, (rooms, nodes))
        results.append(result)
        print(
            f"{rooms:>9,} {nodes:>6,} {result.joins:>8,} {result.us_per_event:>9.1f}"
            f" {result.us_per_room_start:>9.1f} {result.us_per_room_told:>9.1f}"
            f" {result.bytes_per_room:>12,.0f} {result.bytes_per_running_room:>8,.0f}",
            flush=True,
        )
    if arguments.json:
        most = results[-1]
        figures = {
            "core_us_per_event": most.us_per_event,
            "core_bytes_per_room": most.bytes_per_room,
            "core_rooms": most.rooms,
            "sizes": [asdict(result) for result in results],
        }
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
