"""Players that walk and talk by chance, for tests, benchmarks and lonely rooms."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from roomfleet.client.actions import State
from roomfleet.client.client import Client
from roomfleet.client.errors import CallError
from roomfleet.wire.codec import JSON, Format

SAYINGS = ("Hello!", "Where does that door go?", "Nice day for a walk.", "Has anybody seen my hat?")


@dataclass(slots=True)
class BotReport:
    """What bots did and got, summed up over all of them."""

    joined: int = 0
    join_seconds: list[float] = field(default_factory=list)
    """From asking to playing, of each bot that got in."""
    calls: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """Failed calls by code."""
    messages: int = 0
    """Received."""


class Bot:
    """A player that does something random every now and then with what it may call: `walk(x, y)` to a
    spot of the room, `say(text)`."""

    def __init__(
        self, player: Client, random: Random, *, pause: tuple[float, float] = (0.5, 2.0), report: BotReport
    ) -> None:
        """`pause` is the least and the most time between two actions, seconds."""
        self._player = player
        self._random = random
        self._pause = pause
        self._report = report
        self._calls: set[asyncio.Task[None]] = set()

    async def play(self, seconds: float) -> None:
        """Walk and talk for that long. While the way in is lost it waits to be back."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (rest := end - loop.time()) > 0:
            await asyncio.sleep(min(rest, self._random.uniform(*self._pause)))
            if self._player.state is State.PLAYING:
                self.act()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def act(self) -> None:
        """Do one thing, without waiting for it to end."""
        chosen = self.choose()
        if chosen is not None:
            task = asyncio.create_task(self._call(*chosen))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    def choose(self) -> tuple[str, dict[str, Any]] | None:
        """A command and its arguments; None when there is nothing that it knows how to do."""
        room, you = self._player.room, self._player.you
        if room is None or you is None:
            return None
        can = [command for command in ("walk", "walk", "walk", "say") if command in you.commands]
        if not can:
            return None
        if self._random.choice(can) == "say":
            return "say", {"text": self._random.choice(SAYINGS)}
        x, y = self._random.uniform(0, room.width), self._random.uniform(0, room.height)
        return "walk", {"x": round(x, 1), "y": round(y, 1)}

    async def _call(self, method: str, args: dict[str, Any]) -> None:
        self._report.calls += 1
        try:
            await self._player.call(method, **args)
        except CallError as error:
            self._report.errors[error.code] += 1


async def run_bots(
    url: str,
    count: int,
    seconds: float,
    *,
    game: str = "walkabout",
    room: str | None = None,
    seed: int = 0,
    pause: tuple[float, float] = (0.5, 2.0),
    format: Format = JSON,
) -> BotReport:
    """`count` bots join at once, each plays for `seconds` from when it is in, and leaves.

    The same seed walks the same ways. When some are turned away all leave, and an ExceptionGroup of
    their Refused or SessionEnded is raised.
    """
    report = BotReport()
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        random = Random(f"{seed}/{number}")
        async with Client(url, game=game, token=f"bot-{number:04}", random=random, format=format) as player:
            began = loop.time()
            await player.join(room)
            report.joined += 1
            report.join_seconds.append(loop.time() - began)
            await Bot(player, Random(f"{seed}/{number}/acts"), pause=pause, report=report).play(seconds)
            report.messages += player.messages

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
    return report
