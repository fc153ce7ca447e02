"""Writes of status against an API server that is slow, refuses, or loses its answers."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import msgspec.json

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import RecordOutcome
from roomfleet.master.core.model import Condition, ConditionStatus, Key, Phase, RoomStatus
from roomfleet.master.kube.cache import Cache, Id
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import ApiDown, Conflict, NotFound
from roomfleet.master.kube.writer import IN_FLIGHT
from support.kube_writing import Json, WriterBench, room_object
from support.kube_writing import run as run_writer

TOWN = Id("rooms", Key("game", "town"))


class Server:
    """One Room object."""

    def __init__(self) -> None:
        self.obj: Json | None = room_object("town", "u1", "5")
        self.writes = 0
        self.lose_answers = 0
        self.on_down: object = None
        self.asked = asyncio.Event()

    def change(self, **status: Any) -> None:
        """By somebody else."""
        assert self.obj is not None
        self.obj.setdefault("status", {}).update(status)
        self._next()

    def _next(self) -> None:
        assert self.obj is not None
        metadata = self.obj["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)

    async def get(self, path: str) -> Json:
        if self.obj is None:
            raise NotFound(path)
        return copy.deepcopy(self.obj)

    async def replace(self, path: str, body: Json) -> Json:
        self.asked.set()
        await asyncio.sleep(0)
        if self.obj is None:
            raise NotFound(path)
        if body["metadata"]["resourceVersion"] != self.obj["metadata"]["resourceVersion"]:
            raise Conflict(path)
        self.obj["status"] = msgspec.json.decode(msgspec.json.encode(body["status"]))
        self._next()
        self.writes += 1
        if self.lose_answers:
            self.lose_answers -= 1
            raise ApiDown("the answer was lost")
        return copy.deepcopy(self.obj)

    async def answers(self, path: str) -> bool:
        return True


class Bench(WriterBench):
    """With one room, and what was said of it."""

    def __init__(self) -> None:
        self.server = Server()
        assert self.server.obj is not None
        cache = Cache()
        cache.put(TOWN, copy.deepcopy(self.server.obj))
        self.outcomes: asyncio.Queue[tuple[int, RecordOutcome, str]] = asyncio.Queue()
        self.news: list[Json] = []
        super().__init__(self.server, cache, acting=True)

    def answered(self, record: Record, outcome: RecordOutcome, version: str) -> None:
        self.outcomes.put_nowait((record.status.epoch, outcome, version))

    def changed(self, id: Id, obj: Json) -> None:
        self.news.append(obj)

    @property
    def status(self) -> Json:
        assert self.server.obj is not None
        found: Json = self.server.obj.get("status", {})
        return found


def run(play: Callable[[Bench], Awaitable[None]]) -> None:
    run_writer(Bench, play, patience=1)


def status(epoch: int, phase: Phase = Phase.STARTING, **changes: Any) -> RoomStatus:
    ready = Condition("Ready", ConditionStatus.FALSE, "Starting", "it starts")
    return RoomStatus(phase=phase, node="n0", epoch=epoch, conditions=(ready,), **changes)


def record(epoch: int, version: str = "5") -> Record:
    return Record(TOWN.key, "u1", version, status(epoch))


def test_a_record_is_written_once_and_answered_with_the_new_version() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.record(TOWN, record(1))
        assert await bench.outcomes.get() == (1, RecordOutcome.WRITTEN, "6")
        assert (bench.status["epoch"], bench.status["node"]) == (1, "n0")

    run(play)


def test_a_record_on_a_version_that_is_past_conflicts_and_the_object_is_told() -> None:
    async def play(bench: Bench) -> None:
        bench.server.change(epoch=1000)
        bench.writer.record(TOWN, record(1))
        assert await bench.outcomes.get() == (1, RecordOutcome.CONFLICT, "")
        assert [obj["status"]["epoch"] for obj in bench.news] == [1000]
        assert bench.status["epoch"] == 1000

    run(play)


def test_a_record_whose_answer_was_lost_counts_as_written_and_is_not_written_twice() -> None:
    async def play(bench: Bench) -> None:
        bench.server.lose_answers = 1
        bench.writer.record(TOWN, record(1))
        assert await bench.outcomes.get() == (1, RecordOutcome.WRITTEN, "6")
        assert bench.server.writes == 1

    run(play)


def test_a_record_for_an_object_that_is_gone_says_so() -> None:
    async def play(bench: Bench) -> None:
        bench.server.obj = None
        bench.writer.record(TOWN, record(1))
        assert (await bench.outcomes.get())[1] is RecordOutcome.GONE

    run(play)


def test_a_record_that_is_said_again_is_written_once_and_answered_again() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.record(TOWN, record(1))
        bench.writer.record(TOWN, record(1))
        assert await bench.outcomes.get() == (1, RecordOutcome.WRITTEN, "6")
        await bench.settled()
        assert bench.outcomes.empty()
        bench.writer.want(TOWN, status(1, Phase.RUNNING), urgent=True)
        bench.writer.record(TOWN, record(1))
        assert await bench.outcomes.get() == (1, RecordOutcome.WRITTEN, "6")
        await bench.settled()
        assert (bench.status["phase"], bench.server.writes) == ("Running", 2)

    run(play)


def test_a_record_of_an_object_that_was_made_again_is_not_written_onto_the_new_one() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.record(TOWN, replace(record(1), uid="u0"))
        assert (await bench.outcomes.get())[1] is RecordOutcome.GONE
        assert bench.server.writes == 0

    run(play)


def test_a_record_whose_object_goes_while_it_is_written_is_answered_once() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.record(TOWN, record(1))
        await bench.server.asked.wait()
        bench.writer.forget(TOWN)
        assert (await bench.outcomes.get())[1] is RecordOutcome.GONE
        await bench.writer.stop(1)
        assert bench.outcomes.empty()

    run(play)


def test_the_answer_to_a_write_that_comes_after_its_object_was_deleted_tells_of_no_object() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.want(TOWN, status(1), urgent=True)
        await bench.server.asked.wait()
        assert bench.cache.drop(TOWN, "u1")
        await bench.until(lambda: bench.server.writes == 1)
        await bench.writer.stop(1)
        assert bench.news == []
        assert bench.cache.get(TOWN) is None

    run(play)


def test_a_record_waits_however_long_the_lease_is_missing() -> None:
    async def play(bench: Bench) -> None:
        bench.acting = False
        bench.writer.record(TOWN, record(1))
        bench.writer.record(TOWN, record(1))
        bench.acting = True
        assert await bench.outcomes.get() == (1, RecordOutcome.WRITTEN, "6")

    run(play)


def test_nothing_is_written_without_the_lease() -> None:
    async def play(bench: Bench) -> None:
        bench.acting = False
        bench.writer.record(TOWN, record(1))
        bench.writer.want(TOWN, status(1), urgent=True)
        await bench.writer.stop(0.2)
        assert bench.server.writes == 0

    run(play)


def test_a_status_is_written_over_changes_by_others_and_only_where_it_differs() -> None:
    async def play(bench: Bench) -> None:
        bench.server.change(phase="Asleep")
        bench.writer.want(TOWN, status(3, Phase.RUNNING), urgent=True)
        await bench.settled()
        assert (bench.status["phase"], bench.server.writes) == ("Running", 1)
        bench.writer.look(TOWN)
        await bench.settled()
        assert bench.server.writes == 1

    run(play)


def test_counts_are_coalesced_and_phases_are_not() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.want(TOWN, status(1, players=1), urgent=False)
        await bench.settled()
        for players in range(2, 50):
            bench.writer.want(TOWN, status(1, players=players), urgent=False)
        await asyncio.sleep(0.05)
        assert bench.server.writes == 1
        bench.writer.want(TOWN, status(1, Phase.RUNNING, players=50), urgent=True)
        await bench.settled()
        assert (bench.status["players"], bench.server.writes) == (50, 2)

    run(play)


def test_counts_that_change_while_their_object_is_written_wait_for_the_next_time() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.want(TOWN, status(1, players=1), urgent=False)
        await bench.server.asked.wait()
        bench.writer.want(TOWN, status(1, players=2), urgent=False)
        await asyncio.sleep(0.05)
        assert (bench.status["players"], bench.server.writes) == (1, 1)

    run(play)


def test_what_waits_is_written_at_the_end() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.want(TOWN, status(1, players=1), urgent=False)
        await bench.settled()
        bench.writer.want(TOWN, status(1, players=2), urgent=False)
        await bench.writer.stop(1)
        assert bench.status["players"] == 2

    run(play)


def test_a_status_meant_for_an_earlier_object_of_the_name_is_not_written() -> None:
    async def play(bench: Bench) -> None:
        bench.writer.want(TOWN, status(1), uid="u0", urgent=True)
        await bench.settled()
        assert bench.server.writes == 0

    run(play)


def test_records_of_different_rooms_are_in_flight_together_and_those_of_one_room_one_at_a_time() -> None:
    async def play(bench: Bench) -> None:
        server = Rooms()
        bench.statuses._api = cast(Api, server)
        names = [f"room-{number}" for number in range(3 * IN_FLIGHT)]
        for name in names:
            id = Id("rooms", Key("game", name))
            bench.cache.put(id, server.object(name))
            # Decided one after the other, and the second of each while the first is on its way.
            bench.writer.record(id, Record(id.key, name, "1", status(1)))
        await server.full.wait()
        assert len(server.under_way) == IN_FLIGHT
        for name in names:
            id = Id("rooms", Key("game", name))
            bench.writer.record(id, Record(id.key, name, "1", status(2)))
        server.go_on.set()
        await bench.settled()
        assert server.most == IN_FLIGHT
        assert server.most_of_one == 1
        assert all(server.epochs[name][-1] == 2 for name in names)

    run(play)


class Rooms:
    """Many Room objects, and how many writes of them are under way."""

    def __init__(self) -> None:
        self.under_way: Counter[str] = Counter()
        self.most = self.most_of_one = 0
        self.full = asyncio.Event()
        self.go_on = asyncio.Event()
        self.epochs: dict[str, list[int]] = defaultdict(list)

    def object(self, name: str) -> Json:
        metadata = {
            "namespace": "game",
            "name": name,
            "uid": name,
            "generation": 1,
            "resourceVersion": str(1 + len(self.epochs[name])),
        }
        kind = {"apiVersion": "roomfleet.io/v1alpha1", "kind": "Room"}
        return {**kind, "metadata": metadata, "spec": {"map": "m.town"}}

    async def get(self, path: str) -> Json:
        return self.object(path.rsplit("/", 1)[-1])

    async def replace(self, path: str, body: Json) -> Json:
        name = path.split("/")[-2]
        self.under_way[name] += 1
        self.most = max(self.most, self.under_way.total())
        self.most_of_one = max(self.most_of_one, self.under_way[name])
        if self.under_way.total() == IN_FLIGHT:
            self.full.set()
        await self.go_on.wait()
        await asyncio.sleep(0)
        self.under_way[name] -= 1
        self.epochs[name].append(body["status"]["epoch"])
        return {**self.object(name), "status": body["status"]}
