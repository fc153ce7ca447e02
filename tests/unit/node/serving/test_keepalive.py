"""Pings to all connections: each in its turn, the silent are cut, and nothing turns while there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roomfleet.node.serving.keepalive import SLICES, KeepAlive

SECONDS = 20.0


class Loop:
    """Timers, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay: float, call: Callable[[], None]) -> object:
        self.timers.append((self.now + delay, call))
        return object()

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and min(self.timers)[0] <= until + 1e-9:
            first = min(self.timers, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until


class Connection:
    def __init__(self, loop: Loop, keeper: list[KeepAlive], *, answers: bool = True) -> None:
        self.heard = False
        self.answers = answers
        self.pings: list[float] = []
        self.cut_at: float | None = None
        self._loop, self._keeper = loop, keeper

    def ping(self) -> None:
        self.pings.append(self._loop.now)
        self.heard = self.heard or self.answers

    def cut(self) -> None:
        self.cut_at = self._loop.now
        self._keeper[0].discard(self)


def keeper_of(loop: Any) -> tuple[KeepAlive, Callable[..., Connection]]:
    keeper = KeepAlive(loop, SECONDS)

    def connect(**options: Any) -> Connection:
        connection = Connection(loop, [keeper], **options)
        keeper.add(connection)
        return connection

    return keeper, connect


def test_each_connection_is_pinged_every_interval_whenever_it_came() -> None:
    loop = Loop()
    _, connect = keeper_of(loop)
    connections = []
    for _ in range(30):
        connections.append((loop.now, connect()))
        loop.run(1.7)
    loop.run(100)
    for came, connection in connections:
        first, *more = connection.pings
        assert SECONDS - SECONDS / SLICES <= first - came <= SECONDS + SECONDS / SLICES
        assert [round(later - earlier, 6) for earlier, later in zip([first, *more], more, strict=False)] == [
            SECONDS
        ] * len(more)
        assert connection.cut_at is None


def test_a_connection_that_does_not_answer_is_cut_an_interval_after_the_ping() -> None:
    loop = Loop()
    _, connect = keeper_of(loop)
    silent, alive = connect(answers=False), connect()
    loop.run(3 * SECONDS)
    assert silent.cut_at == silent.pings[0] + SECONDS
    assert len(silent.pings) == 1
    assert alive.cut_at is None


def test_whatever_comes_is_a_sign_of_life() -> None:
    loop = Loop()
    _, connect = keeper_of(loop)
    talking = connect(answers=False)
    for _ in range(100):
        talking.heard = True
        loop.run(1)
    assert talking.cut_at is None


def test_without_connections_there_is_no_timer() -> None:
    loop = Loop()
    keeper, connect = keeper_of(loop)
    assert not loop.timers
    first, second = connect(), connect()
    keeper.discard(first)
    keeper.discard(second)
    keeper.discard(second)
    loop.run(SECONDS)
    assert not loop.timers
    connect()
    assert len(loop.timers) == 1
