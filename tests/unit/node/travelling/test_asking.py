"""Seats for travel: of the master, and of whoever runs the target while there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from roomfleet.node.travelling import asking
from roomfleet.node.travelling.asking import GrantedSeat, SeatRequests
from roomfleet.node.travelling.seats import NoSeat
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.link import FromNode, Seat, Seated
from support.hosted import soon


class Room:
    """What a room's player hears."""

    name = "alpha"
    epoch = 1

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def seat_waiting(self, player: str, target: str, position: int, eta: float | None) -> None:
        self.heard.append(("waiting", player, target, position))

    def seat_granted(self, request: int, seat: GrantedSeat) -> None:
        self.heard.append(("granted", request, seat.url))

    def seat_refused(self, request: int, reason: str) -> None:
        self.heard.append(("refused", request, reason))


class Surroundings:
    """A master that is there or not, and peers that have a seat or not."""

    def __init__(self, timeout: float = 60) -> None:
        self.up = True
        self.sent: list[FromNode] = []
        self.peer: str | None = None
        self.asked_peers = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.room = Room()
        self.seats = SeatRequests(self.send, self.ask_peer, self.spawn, timeout)

    def send(self, message: FromNode) -> bool:
        if self.up:
            self.sent.append(message)
        return self.up

    async def ask_peer(self, player: str, room: str, session: int) -> tuple[str, str]:
        self.asked_peers += 1
        await asyncio.sleep(0)
        if self.peer is None:
            raise NoSeat(f"{room} does not run")
        return self.peer, "ticket"

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)

    def go(self, *, up: bool) -> None:
        self.up = up
        self.seats.link_up() if up else self.seats.link_down()

    def asked(self) -> list[str]:
        return [message.room for message in self.sent if isinstance(message, Seat)]

    async def heard(self, count: int) -> list[tuple[Any, ...]]:
        await soon(lambda: len(self.room.heard) >= count)
        return self.room.heard

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert not [task for task in self.tasks if not task.cancelled() and task.exception()]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(asking, "AGAIN_SECONDS", 0.002)
    monkeypatch.setattr(asking, "AGAIN_MOST_SECONDS", 0.004)

    def run(test: Callable[[Surroundings], Awaitable[None]], **settings: Any) -> None:
        async def main() -> None:
            around = Surroundings(**settings)
            try:
                await test(around)
            finally:
                await around.end()

        asyncio.run(main())

    return run


def test_with_a_master_it_alone_is_asked(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.seats.want(on.room, 1, "ada", "beta")
        assert on.asked() == ["beta"]
        on.seats.answered(Seated(id="alpha/1/1", position=2))
        on.seats.answered(Seated(id="alpha/1/1", url="ws://n", ticket="t"))
        assert on.room.heard == [("waiting", "ada", "beta", 2), ("granted", 1, "ws://n")]
        assert on.asked_peers == 0
        assert len(on.seats) == 0

    tried(test)


def test_without_a_master_the_player_waits_until_the_target_is_up(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.go(up=False)
        on.seats.want(on.room, 1, "ada", "beta")
        assert (await on.heard(1))[0] == ("waiting", "ada", "beta", 0)
        await soon(lambda: on.asked_peers >= 4)
        on.peer = "ws://peer"
        assert (await on.heard(2))[1:] == [("granted", 1, "ws://peer")], "told once that there is no line"

    tried(test)


def test_when_the_master_is_back_it_is_asked_and_its_word_counts(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.go(up=False)
        on.seats.want(on.room, 1, "ada", "beta")
        on.seats.want(on.room, 2, "bob", "gone")
        await on.heard(2)
        on.go(up=True)
        assert on.asked() == ["beta", "gone"]
        asked = on.asked_peers
        problem = Problem.of(Refusal.NO_SUCH_ROOM, "no room gone")
        on.seats.answered(Seated(id="alpha/1/2", problem=problem))
        on.seats.answered(Seated(id="alpha/1/1", url="ws://n", ticket="t"))
        assert on.room.heard[2:] == [("refused", 2, "no room gone"), ("granted", 1, "ws://n")]
        await asyncio.sleep(0.02)
        assert on.asked_peers <= asked + 2, "nobody asks on"

    tried(test)


def test_a_seat_that_was_asked_for_before_the_link_broke_is_asked_of_the_peer(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.seats.want(on.room, 1, "ada", "beta")
        on.peer = "ws://peer"
        on.go(up=False)
        assert await on.heard(1) == [("granted", 1, "ws://peer")]

    tried(test)


def test_a_link_that_breaks_again_and_again_does_not_multiply_the_asking(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.go(up=False)
        on.seats.want(on.room, 1, "ada", "beta")
        for _ in range(5):
            on.go(up=True)
            on.go(up=False)
        assert len(on.tasks) == 1

    tried(test)


def test_who_waited_too_long_hears_why(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.go(up=False)
        on.seats.want(on.room, 1, "ada", "beta")
        assert (await on.heard(2))[1] == ("refused", 1, "beta does not run")
        assert len(on.seats) == 0

    tried(test, timeout=0.01)


def test_who_does_not_want_it_any_more_is_asked_for_no_more(tried: Any) -> None:
    async def test(on: Surroundings) -> None:
        on.go(up=False)
        on.seats.want(on.room, 1, "ada", "beta")
        await on.heard(1)
        on.seats.unwant(on.room, 1)
        on.peer = "ws://peer"
        await asyncio.gather(*on.tasks)
        assert len(on.room.heard) == 1

    tried(test)
