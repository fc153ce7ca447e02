"""When writes wait: while the API server is away, and while a permission is missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import pytest

from roomfleet.master.core.effects import Announce
from roomfleet.master.core.model import Key
from roomfleet.master.kube import announcer as announcer_module
from roomfleet.master.kube import gate as gate_module
from roomfleet.master.kube.announcer import Announcer
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import ApiDown, ApiError, Forbidden, NotAllowed
from roomfleet.master.kube.gate import FORBIDDEN_SECONDS, PROBE_SECONDS, REFUSALS, Gate

PUT = Forbidden('PUT /x: 403 rooms "a" is forbidden: User "m" cannot update resource "rooms/status" in "g"')
ANOTHER_ROOM = Forbidden(str(PUT).replace('"a"', '"b"'))
LIST = Forbidden('GET /x: 403 rooms is forbidden: User "m" cannot list resource "rooms" in "g"')


class Server:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self, *errors: ApiError | None) -> None:
        self.errors = list(errors)
        self.posted = 0
        self.on_down: object = None

    async def answers(self, path: str) -> bool:
        error = self.errors.pop(0) if self.errors else None
        if isinstance(error, Forbidden):
            raise error
        return error is None

    async def create(self, path: str, body: object) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.posted += 1


class Clock:
    """asyncio's sleep, at once; what was slept is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await real(0)

        for module in (gate_module, announcer_module):
            monkeypatch.setattr(module.asyncio, "sleep", sleep)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def gate_of(server: Server) -> Gate:
    return Gate(cast(Api, server), lambda: True, back=lambda: None)


def test_while_the_server_is_away_it_is_asked_at_a_steady_pace(clock: Clock) -> None:
    async def play() -> None:
        gate = gate_of(Server(*[ApiDown("down")] * 30))
        gate.trouble(ApiDown("down"))
        await gate.passed()

    asyncio.run(play())
    assert clock.slept == [PROBE_SECONDS] * 31


def test_a_missing_permission_is_named_once_and_tried_ever_more_rarely(
    clock: Clock, caplog: pytest.LogCaptureFixture, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("lacks a permission")

    async def play() -> None:
        gate = gate_of(Server())
        for n in range(30):
            gate.trouble(PUT if n % 2 else ANOTHER_ROOM)
            await gate.passed()

    with caplog.at_level(logging.INFO):
        asyncio.run(play())
    assert clock.slept[:4] == [0.25, 0.5, 1, 2]
    assert clock.slept[6:] == [FORBIDDEN_SECONDS] * 24
    (line,) = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert 'cannot update resource "rooms/status"' in line


def test_a_probe_that_is_forbidden_slows_down_and_one_without_an_answer_speeds_up_again(
    clock: Clock, caplog: pytest.LogCaptureFixture, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("lacks a permission")

    async def play() -> None:
        gate = gate_of(Server(*[LIST] * 10, ApiDown("down"), ApiDown("down")))
        gate.trouble(LIST)
        await gate.passed()

    asyncio.run(play())
    assert clock.slept[5:] == [8, *[FORBIDDEN_SECONDS] * 5, PROBE_SECONDS, PROBE_SECONDS]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_an_event_that_was_refused_with_401_is_posted_later_and_one_that_is_forbidden_is_left_out(
    clock: Clock, caplog: pytest.LogCaptureFixture, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("lacks a permission")

    async def play() -> None:
        server = Server(NotAllowed("401"), NotAllowed("401"), None, *[PUT] * REFUSALS)
        gate = gate_of(server)
        announcer = Announcer(cast(Api, server), gate, "m", lambda: False)
        announcer.start()
        for _ in range(2 + REFUSALS):
            announcer.announce(Announce(Key("g", "a"), "Running", "runs", warning=False), "u")
        async with asyncio.timeout(10):
            while server.errors or server.posted < 2:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0)
        assert gate.is_up
        await announcer.stop()
        await gate.stop()
        assert server.posted == 2

    asyncio.run(play())
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_an_api_server_that_refuses_everybody_while_it_starts_is_no_missing_permission(clock: Clock) -> None:
    async def play() -> None:
        gate = gate_of(Server(*[LIST] * (REFUSALS - 2)))
        gate.trouble(LIST)
        await gate.passed()

    asyncio.run(play())
