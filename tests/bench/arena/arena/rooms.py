"""The rooms: one that streams every position each tick, and one that tells courses only when they change."""

from __future__ import annotations

import time

from arena.course import ACTORS, SIZE, SPEED, courses
from roomfleet.game import Actor, Player, Room, command

TICK = 0.05


class Watcher(Player):
    """A client's actor: it only watches, so nobody is told of it."""

    visible = False

    @command
    def echo(self, n: int) -> int:
        return n

    @command
    def mark(self, actor: int, n: int) -> None:
        self.room.numbered(actor).state.mark = n

    @command
    def clock(self) -> list[float]:
        """Room time since the actors set off, and what the machine's clock says to it."""
        return [self.room.now - self.room.state.began, time.monotonic()]


class Bot(Actor):
    speed = SPEED

    def define(self):
        self.state.public(mark=0)
        self.state.internal(number=0)


class Streamed(Bot):
    """Its position is state."""

    def define(self):
        super().define()
        self.state.public(x=0, y=0, hp=100)


class Walking(Bot):
    """Its position is a path to the next wall."""

    async def kickoff(self):
        course = courses()[self.state.number]
        while True:
            seconds = self.room.now - self.room.state.began
            self.position = course.at(seconds)  # the bounce was within the tick that just began
            await self.move_to(course.next_wall(seconds))


class Conductor(Actor):
    """Moves all the others, once a tick: what the peer's simulation interval does."""

    async def kickoff(self):
        bots = [(bot, *_begun(bot.state.number)) for bot in self.room.find(Streamed)]
        while True:
            bots = [_moved(*each) for each in bots]
            await self.sleep(TICK)


def _begun(number: int) -> tuple[float, float, float, float]:
    course = courses()[number]
    return course.x, course.y, course.vx, course.vy


def _moved(bot: Streamed, x: float, y: float, vx: float, vy: float):
    x += vx * TICK
    y += vy * TICK
    if x < 0 or x > SIZE:
        vx, x = -vx, min(SIZE, max(0, x))
    if y < 0 or y > SIZE:
        vy, y = -vy, min(SIZE, max(0, y))
    bot.state.x, bot.state.y = round(x), round(y)
    return bot, x, y, vx, vy


class Arena(Room):
    player_class = Watcher
    bot_class = Bot

    def define(self):
        self.state.internal(began=0.0)

    def created(self):
        self.state.began = self.now
        for number, course in enumerate(courses(ACTORS)):
            self.spawn(self.bot_class, at=(course.x, course.y), name=f"bot{number}", number=number)

    def numbered(self, number: int) -> Bot:
        return self.find(Bot, number=number % ACTORS)[0]


class Streaming(Arena):
    bot_class = Streamed

    def created(self):
        super().created()
        self.spawn(Conductor)


class Walks(Arena):
    bot_class = Walking
