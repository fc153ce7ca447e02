"""What happens at a known tick in a room that is watched: crossings of distances and of cell borders.

They are kept by tick; each tick that has some is one deadline in the room's heap.
"""

from __future__ import annotations

import sys

from roomfleet.game.scripting.steps import Steps

NEVER = sys.maxsize


class Timed:
    """Something that is due at a tick, or never."""

    __slots__ = ("queued", "when")

    def __init__(self) -> None:
        self.when = NEVER
        self.queued = NEVER
        """The earliest tick at which the calendar looks at it: not after `when`."""

    def due(self) -> None:
        """Its tick has come."""


class Calendar:
    """What is due, by tick."""

    __slots__ = ("_days", "_steps")

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._days: dict[int, _Day] = {}

    def put(self, item: Timed, tick: int) -> None:
        """Due at that tick, the next one at the earliest; what was set before does not count any more.

        One that is due later than before stays where it is in the calendar until then: an item that is put
        off again and again does not fill it.
        """
        item.when = tick = max(tick, self._steps.tick + 1)
        if tick < item.queued:
            item.queued = tick
            day = self._days.get(tick)
            if day is None:
                day = self._days[tick] = _Day(self, tick)
                self._steps.at(tick, day)
            day.items.append(item)

    def forget(self, day: _Day) -> None:
        """Nothing is due on that day any more."""
        if self._days.pop(day.tick, None) is not None:
            for item in day.items:
                if item.queued == day.tick:
                    item.queued = NEVER

    def come(self, day: _Day) -> None:
        """Run what is due on that day."""
        del self._days[day.tick]
        for item in day.items:
            if item.queued != day.tick:
                continue
            item.queued = NEVER
            if item.when <= day.tick:
                item.when = NEVER
                item.due()
            elif item.when < NEVER:
                self.put(item, item.when)


class _Day:
    """All items of one tick."""

    __slots__ = ("_calendar", "items", "tick")

    def __init__(self, calendar: Calendar, tick: int) -> None:
        self._calendar = calendar
        self.tick = tick
        self.items: list[Timed] = []

    @property
    def stale(self) -> bool:
        tick = self.tick
        for item in self.items:
            if item.queued == tick and item.when < NEVER:
                return False
        self._calendar.forget(self)  # who asked takes it out of the heap
        return True

    def due(self) -> None:
        self._calendar.come(self)
