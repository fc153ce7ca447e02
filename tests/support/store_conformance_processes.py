"""The conformance suite, part three: several processes on one store, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomfleet.store import (
    Store,
    where,
)
from support import store_worker
from support.store_tools import ROOM, claim_room, op, put, run


class Workers:
    """Processes of the test, killed at its end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.all: list[subprocess.Popen[str]] = []

    def start(self, job: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(store_worker.__file__)), job, self._url, *words]
        self.all.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self.all[-1]

    def go(self) -> None:
        """Let all begin together, when each has said that it is ready."""
        for worker in self.all:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in self.all:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    def lines(self, worker: subprocess.Popen[str]) -> list[str]:
        """All that it says until its end, which must be a good one."""
        said, _ = worker.communicate()
        assert worker.returncode == 0
        return said.split()

    def end(self) -> None:
        for worker in self.all:
            worker.kill()
            worker.communicate()


class ProcessesConformance:
    """The promises, with several processes on one store, and processes that are killed."""

    @pytest.fixture
    def workers(self, url: str) -> Iterator[Workers]:
        workers = Workers(url)
        yield workers
        workers.end()

    def test_whatever_is_acknowledged_to_processes_that_fight_for_a_room_is_saved(
        self, url: str, workers: Workers
    ) -> None:
        async def begin(store: Store) -> None:
            await put(store, [op("g/a", 1, body={"life": []})])

        async def end(store: Store) -> None:
            claimed = await claim_room(store, ROOM, 1_000_000)
            log = claimed.state["log"]
            assert set(acknowledged) <= set(log)
            assert len(set(log)) == len(log)
            epochs = [int(label.split(":")[0]) for label in log]
            assert epochs == sorted(epochs), "no save of an older epoch came after one of a newer"
            assert [actor.body for actor in claimed.actors] == [{"life": log}]

        run(url, begin)
        fighters = [workers.start("fight", name, "60") for name in ("one", "two", "three")]
        workers.go()
        acknowledged = [label for fighter in fighters for label in workers.lines(fighter)]
        assert len(acknowledged) >= 180
        run(url, end)

    def test_each_player_is_spawned_by_one_of_several_processes(self, url: str, workers: Workers) -> None:
        spawners = {name: workers.start("spawn", name, "30") for name in ("one", "two", "three")}
        workers.go()
        live = {name: workers.lines(spawner) for name, spawner in spawners.items()}
        assert sorted(actor for actors in live.values() for actor in actors) == sorted(
            f"g/p:{n}" for n in range(30)
        )

        async def test(store: Store) -> None:
            for name, actors in live.items():
                for actor in actors:
                    assert await where(store, actor) == f"g/{name}"

        run(url, test)

    def test_what_was_acknowledged_before_kill_9_is_saved(self, url: str, workers: Workers) -> None:
        async def begin(store: Store) -> None:
            await put(store, [op(actor, 1, body={"count": 0}) for actor in ("g/a", "g/b", "g/c")])

        run(url, begin)
        for epoch in range(1, 9, 2):
            worker = workers.start("save", "saver", str(epoch))
            assert worker.stdout is not None
            for _ in range(10):
                last = worker.stdout.readline()
            worker.kill()
            last = [last, *worker.stdout.readlines()][-1]

            async def test(store: Store, acknowledged: int = int(last), epoch: int = epoch) -> None:
                claimed = await claim_room(store, ROOM, epoch + 1)
                total = claimed.state["total"]
                assert total >= acknowledged
                assert [actor.body["count"] for actor in claimed.actors] == [total] * 3

            run(url, test)

    def test_what_was_decided_and_not_applied_is_replayed_by_the_next_owner(
        self, url: str, workers: Workers
    ) -> None:
        worker = workers.start("die_decided", "dying")
        assert worker.communicate()[0] == "decided\n"
        assert worker.returncode == -9

        async def test(store: Store) -> None:
            assert await store.get_actor("g/a") is None
            claimed = await claim_room(store, ROOM, 2)
            assert [(a.id, a.body) for a in claimed.actors] == [("g/a", {"n": 1}), ("g/b", {"n": 2})]
            assert (claimed.state, claimed.ceiling_ms, claimed.first) == ({"by": "dying"}, 7, False)

        run(url, test)
