"""Named timers of actors and rooms: due times that are saved, fired once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roomfleet.game.errors import ActorError
from roomfleet.game.scripting.steps import Steps


class Clock(StrEnum):
    """What a timer counts in: room time, which stands still while the room is asleep, or real time."""

    ROOM = "room"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class Timer:
    """`due` is room time, or seconds since 1970, by its clock."""

    clock: Clock
    due: float


class Timers:
    """The timers of one owner, by name."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: dict[str, Timer] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def set(self, name: str, timer: Timer) -> None:
        """Set the timer; one of the same name is replaced."""
        self._by_name[name] = timer

    def take(self, name: str) -> bool:
        """Remove it; False when there is none."""
        return self._by_name.pop(name, None) is not None

    def get(self, name: str) -> Timer | None:
        return self._by_name.get(name)

    def items(self) -> list[tuple[str, Timer]]:
        return list(self._by_name.items())

    def saved(self) -> dict[str, Any]:
        """As JSON data, for a restart of the same room."""
        return {name: {"clock": str(each.clock), "due": each.due} for name, each in self._by_name.items()}

    def carried(self, now: float) -> dict[str, Any]:
        """As JSON data for another room, whose time is another: what is left of room time counts there."""
        return {
            name: (
                {"clock": "room", "left": max(each.due - now, 0.0)}
                if each.clock is Clock.ROOM
                else {"clock": "wall", "due": each.due}
            )
            for name, each in self._by_name.items()
        }

    def restore(self, saved: dict[str, Any], now: float) -> None:
        """From either form."""
        for name, body in saved.items():
            due = now + body["left"] if "left" in body else body["due"]
            self._by_name[name] = Timer(Clock(body["clock"]), float(due))


class Alarm:
    """A timer in the heap of deadlines."""

    __slots__ = ("_fire", "_steps", "_timer", "_wall", "_wanted")

    def __init__(
        self,
        steps: Steps,
        timer: Timer,
        *,
        wanted: Callable[[Timer], bool],
        fire: Callable[[], None],
        wall: Callable[[], float],
    ) -> None:
        """`fire` is called when the timer is due if it is still `wanted`; `wall` tells seconds since 1970."""
        self._steps = steps
        self._timer = timer
        self._wanted = wanted
        self._fire = fire
        self._wall = wall

    @property
    def stale(self) -> bool:
        return not self._wanted(self._timer)

    def schedule(self) -> None:
        """Into the heap, at the first tick that is not before it is due."""
        self._steps.at(self._steps.tick_after(self._steps.now + self._remaining()), self)

    def due(self) -> None:
        if self._remaining() > 1e-6:  # the wall clock was set back, or the room time ran ahead of it
            self.schedule()
        else:
            self._fire()

    def _remaining(self) -> float:
        now = self._steps.now if self._timer.clock is Clock.ROOM else self._wall()
        return max(self._timer.due - now, 0.0)


def clock_named(name: str) -> Clock:
    """The clock of that name. Raises ActorError."""
    try:
        return Clock(name)
    except ValueError:
        raise ActorError(f'no clock {name!r}; a timer counts in "room" or "wall" time') from None
