"""The play socket of a client that does not read: it costs one place in line, however often that changes."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application

from roomfleet.master.answers import Join, RefusedAnswer, WaitingAnswer
from roomfleet.master.api.context import Context
from roomfleet.master.api.play import Play
from roomfleet.master.core import Core
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.settings import Settings


class Stuck(Play):
    """What is written is taken when the test says so."""

    def initialize(self, context: Context) -> None:
        super().initialize(context)
        self.written: list[dict[str, Any]] = []
        self.taken: list[asyncio.Future[None]] = []
        self._join = Join("j", "g", "ann")

    def write_message(self, message: Any, binary: bool = False) -> asyncio.Future[None]:
        self.written.append(json.loads(message))
        self.taken.append(asyncio.get_running_loop().create_future())
        return self.taken[-1]

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.written.append({"type": "closed"})


def stuck() -> Stuck:
    context = SimpleNamespace(runner=SimpleNamespace(core=Core(Settings(), seed=1, now=0.0)))
    connection = cast(Any, SimpleNamespace(set_close_callback=lambda _: None))
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/", "HTTP/1.1"),
        headers=HTTPHeaders(Host="here"),
        connection=connection,
    )
    return Stuck(Application(), request, context=cast(Context, context))


def place(position: int) -> WaitingAnswer:
    return WaitingAnswer("town", position, None, "token", 1)


def test_the_newest_place_follows_when_the_one_before_was_taken() -> None:
    async def play() -> None:
        socket = stuck()
        for position in (1_000, *range(999, 0, -1)):
            socket._answered(place(position))
        assert [one["position"] for one in socket.written] == [1_000]
        socket.taken[0].set_result(None)
        await asyncio.sleep(0)
        assert [one["position"] for one in socket.written] == [1_000, 1]
        socket.taken[1].set_result(None)
        await asyncio.sleep(0)
        socket._answered(place(7))
        assert [one["position"] for one in socket.written] == [1_000, 1, 7]

    asyncio.run(play())


def test_the_last_word_is_said_at_once_and_nothing_after_it() -> None:
    async def play() -> None:
        socket = stuck()
        socket._answered(place(2))
        socket._answered(place(1))
        socket._answered(RefusedAnswer(Problem.of(Refusal.TIMEOUT, "too long")))
        socket.taken[0].set_result(None)
        await asyncio.sleep(0)
        assert [one["type"] for one in socket.written] == ["waiting", "refused", "closed"]

    asyncio.run(play())
