"""Where each of the actors is at a time: even motion that bounces off the walls, from a seed.

World units, and seconds since the actors set off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

ACTORS = 100
SIZE = 2000.0
SPEED = 120.0
SEED = 20

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Course:
    """One actor's motion."""

    x: float
    y: float
    vx: float
    vy: float

    def at(self, seconds: float) -> Point:
        return _folded(self.x + self.vx * seconds), _folded(self.y + self.vy * seconds)

    def next_wall(self, seconds: float) -> Point:
        """Where it bounces next."""
        ahead = min(_until_wall(self.x, self.vx, seconds), _until_wall(self.y, self.vy, seconds))
        return self.at(seconds + ahead)


def courses(count: int = ACTORS) -> list[Course]:
    """Those of all actors."""
    random = Random(SEED)
    made = []
    for _ in range(count):
        x, y, angle = random.random() * SIZE, random.random() * SIZE, random.random() * math.tau
        made.append(Course(x, y, math.cos(angle) * SPEED, math.sin(angle) * SPEED))
    return made


def _folded(place: float) -> float:
    """A place on an endless line as one between two walls."""
    place %= 2 * SIZE
    return min(place, 2 * SIZE - place)


def _until_wall(start: float, speed: float, seconds: float) -> float:
    """Seconds until a place on the endless line is at a wall; right after one, until the next one."""
    if speed == 0:
        return math.inf
    place = (start + speed * seconds) / SIZE
    wall = math.floor(place) + 1 if speed > 0 else math.ceil(place) - 1
    return (wall - place) * SIZE / speed
