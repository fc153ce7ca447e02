"""/healthz, over a real socket and on a clock of the test's own: when a restart would help, and when not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from roomfleet.master.adapter import Adapter
from roomfleet.master.api.application import make_application
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous
from roomfleet.master.api.origins import Origins
from roomfleet.master.core.events import RoomApplied, Synced, Tick
from roomfleet.master.core.master import WORK_PER_CALL, Core
from roomfleet.master.core.model import Key, RoomStatus
from roomfleet.master.core.running import reconcile
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import ApiDown, ApiError, Invalid
from roomfleet.master.kube.fleet import LIST_EVERY_SECONDS, STALE_SECONDS, KubeFleet
from roomfleet.master.kube.gate import Gate
from roomfleet.master.runner import Runner
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey

BEGUN = 1_000.0
HANGS = 30


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Server:
    """An API server without objects, in the state that the test wants."""

    def __init__(self) -> None:
        self.error: ApiError | None = None
        self.lists = 0
        self.on_down: Callable[[ApiDown], None] = lambda error: None

    async def list(self, path: str) -> tuple[list[Any], int]:
        self.lists += 1
        if self.error is not None:
            raise self.error
        return [], 1

    async def answers(self, path: str) -> bool:
        return not isinstance(self.error, ApiDown)


class Bench:
    """A master that listens, without a cluster."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.now = BEGUN
        self.core = Core(Settings(), seed=1, now=self.now)
        self.server = Server()
        api = cast(Api, self.server)
        self.gate = Gate(api, lambda: True, back=lambda: None)
        self.fleet = KubeFleet(api, self.gate, (), "master", lambda event: None, Echoes())
        runner = Runner(
            self.core, cast(Adapter, self.fleet), SigningKey.from_seed(bytes(32)), lambda: self.now
        )
        context = Context(
            runner=runner,
            identity=Anonymous(),
            origins=Origins(),
            settings=Settings(),
            wall=lambda: self.now,
            trouble=self.fleet.trouble,
        )
        self._http = HTTPServer(make_application(context))
        sockets = bind_sockets(0, "127.0.0.1")
        self._http.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/healthz"

    async def health(self) -> tuple[int, str]:
        """The answer's code, and what it says."""
        answer = await AsyncHTTPClient().fetch(self.url, raise_error=False)
        return answer.code, json.loads(answer.body)["status"]

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not look():  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        await self.fleet.stop()
        await self.gate.stop()
        self._http.stop()
        await self._http.close_all_connections()


def run(play: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        bench = Bench(loop)
        try:
            await play(bench)
        finally:
            await bench.close()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(whole())


def apply(bench: Bench, name: str) -> None:
    room = RoomApplied(
        key=Key("game", name),
        uid=f"uid {name}",
        generation=1,
        version="1",
        spec=RoomSpec(map="m.hall"),
        entry=False,
        status=RoomStatus(),
    )
    bench.core.handle(room, bench.now)


def test_a_queue_whose_oldest_key_waits_for_long_is_unhealthy_until_it_moves() -> None:
    async def play(bench: Bench) -> None:
        for n in range(WORK_PER_CALL + 1):
            apply(bench, f"room-{n}")
        bench.core.handle(Synced(), bench.now)
        assert bench.core.health(bench.now).length == 1, "more than one call's work"
        assert await bench.health() == (200, "ok")
        bench.now += HANGS - 0.1
        assert await bench.health() == (200, "ok")
        bench.now += 0.1
        assert bench.core.health(bench.now).last_reconcile_age == HANGS
        assert await bench.health() == (503, "the room queue hangs")
        bench.core.handle(Tick(), bench.now)
        assert await bench.health() == (200, "ok")

    run(play)


def test_thousands_of_fresh_keys_are_no_illness_while_they_are_worked_on() -> None:
    async def play(bench: Bench) -> None:
        bench.core.handle(Synced(), bench.now)
        for n in range(40 * WORK_PER_CALL):
            apply(bench, f"room-{n}")
        for step in range(60):  # more come as fast as they are worked on, for a minute
            for n in range(WORK_PER_CALL // 2):
                apply(bench, f"more-{step}-{n}")
            bench.now += 1.0
            bench.core.handle(Tick(), bench.now)
            assert await bench.health() == (200, "ok")

    run(play)


def test_a_key_that_is_held_back_is_no_illness_until_nobody_takes_it_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("the others go on")

    def poison(*_: object) -> None:
        raise ZeroDivisionError("poison")

    monkeypatch.setattr(reconcile, "STEPS", (poison,))

    async def play(bench: Bench) -> None:
        bench.core.handle(Synced(), bench.now)
        apply(bench, "bad")
        for _ in range(600):
            bench.now += 1.0
            bench.core.handle(Tick(), bench.now)
            assert await bench.health() == (200, "ok")
        due = bench.core.next_due()
        assert due is not None
        assert due > bench.now
        bench.now = due + HANGS - 0.1
        assert await bench.health() == (200, "ok")
        bench.now = due + HANGS
        assert await bench.health() == (503, "the room queue hangs")

    run(play)


def test_a_master_that_still_reads_its_objects_is_not_ill_however_long_that_takes() -> None:
    async def play(bench: Bench) -> None:
        for n in range(WORK_PER_CALL + 1):
            apply(bench, f"room-{n}")
        bench.now += 10 * HANGS
        assert await bench.health() == (200, "ok")
        bench.core.handle(Synced(), bench.now)
        assert bench.core.health(bench.now).length == 1, "more than one call's work"
        assert await bench.health() == (200, "ok")

    run(play)


def test_a_queue_that_has_nothing_to_do_for_a_year_is_healthy() -> None:
    async def play(bench: Bench) -> None:
        bench.core.handle(Synced(), bench.now)
        bench.now += 365 * 24 * 3600.0
        assert await bench.health() == (200, "ok")

    run(play)


def test_a_list_that_is_too_old_is_unhealthy_until_there_is_a_new_one() -> None:
    async def play(bench: Bench) -> None:
        bench.fleet.start()
        await bench.fleet.synced.wait()
        assert await bench.health() == (200, "ok")
        bench.server.error = Invalid("400 by the test")
        bench.loop.ahead += STALE_SECONDS - LIST_EVERY_SECONDS / 2
        assert await bench.health() == (200, "ok")
        bench.loop.ahead += LIST_EVERY_SECONDS / 2 + 1
        code, said = await bench.health()
        assert code == 503
        assert said.startswith("the objects were last listed 36")
        bench.server.error = None
        bench.loop.ahead += LIST_EVERY_SECONDS
        await bench.until(lambda: not bench.fleet.trouble())
        assert await bench.health() == (200, "ok")

    run(play)


def test_while_the_api_server_is_away_a_restart_would_not_help() -> None:
    async def play(bench: Bench) -> None:
        bench.fleet.start()
        await bench.fleet.synced.wait()
        bench.server.error = ApiDown("down, by the test")
        bench.loop.ahead += STALE_SECONDS + 1
        await bench.until(lambda: not bench.gate.is_up)
        assert await bench.health() == (200, "ok")

    run(play)
