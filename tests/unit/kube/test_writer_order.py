"""Writes of many objects: in which order they go out, and how many."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import Key, Phase, RoomStatus
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.writer import COUNTS_BURST, COUNTS_RATE
from support.kube_writing import Json, WriterBench, room_object
from support.kube_writing import run as run_writer


def id_of(name: str) -> Id:
    return Id("rooms", Key("game", name))


class Server:
    """Takes every write; notes of which room it was."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.order: list[str] = []
        self.on_down: object = None

    def make(self, name: str) -> None:
        self.cache.put(id_of(name), room_object(name, f"u-{name}", "1"))

    async def replace(self, path: str, body: Json) -> Json:
        name = path.split("/")[-2]
        self.order.append(name)
        await asyncio.sleep(0)
        obj = copy.deepcopy(self.cache.get(id_of(name)))
        assert obj is not None
        obj["status"] = body["status"]
        obj["metadata"]["resourceVersion"] = str(int(obj["metadata"]["resourceVersion"]) + 1)
        return obj


class Bench(WriterBench):
    """A writer that may not write yet."""

    def __init__(self) -> None:
        self.server = Server()
        self.answers: list[tuple[str, RecordOutcome]] = []
        super().__init__(self.server, self.server.cache, acting=False)

    def answered(self, record: Record, outcome: RecordOutcome, version: str) -> None:
        self.answers.append((record.key.name, outcome))

    def record(self, name: str, *, awaited: bool = False) -> None:
        if self.server.cache.get(id_of(name)) is None:
            self.server.make(name)
        status = RoomStatus(phase=Phase.STARTING, node="n0", epoch=1)
        self.writer.record(id_of(name), Record(Key("game", name), f"u-{name}", "1", status, awaited))

    def want(self, name: str, players: int, *, urgent: bool) -> None:
        if self.server.cache.get(id_of(name)) is None:
            self.server.make(name)
        self.writer.want(id_of(name), RoomStatus(phase=Phase.RUNNING, players=players), urgent=urgent)

    async def settled(self) -> None:
        self.acting = True
        await super().settled()


def run(play: Callable[[Bench], Awaitable[None]]) -> None:
    run_writer(Bench, play, patience=0)


def test_records_that_somebody_waits_for_go_first_then_records_then_phases_then_counts() -> None:
    async def play(bench: Bench) -> None:
        for number in range(20):
            bench.want(f"counts{number}", 1, urgent=False)
            bench.want(f"phase{number}", 1, urgent=True)
            bench.record(f"record{number}")
        bench.record("join", awaited=True)
        await bench.settled()
        order = [name.rstrip("0123456789") for name in bench.server.order]
        assert order[0] == "join"
        assert order[1:26].count("record") == 20
        assert order[26:].index("counts") >= 3
        assert order[26:36].count("phase") == 8
        assert len(order) == 61
        assert {outcome for _, outcome in bench.answers} == {RecordOutcome.WRITTEN}

    run(play)


def test_a_record_for_which_somebody_comes_while_it_waits_moves_forward() -> None:
    async def play(bench: Bench) -> None:
        for number in range(50):
            bench.record(f"record{number}")
        bench.record("record40", awaited=True)
        await bench.settled()
        assert bench.server.order[0] == "record40"
        assert len(bench.server.order) == len(bench.answers) == 50

    run(play)


def test_a_status_that_becomes_urgent_overtakes_counts() -> None:
    async def play(bench: Bench) -> None:
        for number in range(50):
            bench.want(f"counts{number}", 1, urgent=False)
        bench.want("counts40", 2, urgent=True)
        await bench.settled()
        assert bench.server.order[0] == "counts40"
        assert len(bench.server.order) == 50

    run(play)


def test_counts_of_many_rooms_share_a_small_budget_and_the_latest_is_written() -> None:
    async def play(bench: Bench) -> None:
        began = asyncio.get_running_loop().time()
        bench.acting = True
        rooms = 3 * int(COUNTS_BURST)
        for players in range(1, 4):
            for number in range(rooms):
                bench.want(f"counts{number}", players, urgent=False)
            await asyncio.sleep(0.05)
        await bench.until(lambda: len(bench.server.order) >= COUNTS_BURST)
        bench.record("join", awaited=True)
        bench.want("phase", 1, urgent=True)
        await bench.until(lambda: {"join", "phase"} <= set(bench.server.order))
        took = asyncio.get_running_loop().time() - began
        assert len(bench.server.order) - 2 <= COUNTS_BURST + COUNTS_RATE * took + 1

    run(play)


def test_objects_that_say_what_they_should_take_nobodys_turn() -> None:
    async def play(bench: Bench) -> None:
        for number in range(2_000):
            bench.server.make(f"idle{number}")
            bench.writer.look(id_of(f"idle{number}"))
        bench.want("phase", 1, urgent=True)
        await bench.settled()
        assert bench.server.order == ["phase"]

    run(play)
