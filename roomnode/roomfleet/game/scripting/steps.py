"""Stepping scripts: in a fixed order, at ticks, with a budget.

Ticks are counted from room time 0. What becomes due is run at the first step of its tick or later; what a
script wakes runs in the same step, until its actor's budget for the tick is spent.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any, Protocol

from roomfleet.game.saving.dirty import Dirty
from roomfleet.game.scripting.script import Ending, Script, Wait, foreign

STEP_BUDGET = 50
"""How often the scripts of one actor together may go on in one tick."""

_FOREIGN_LIMIT = 3
_SLACK = 1e-6


class Due(Protocol):
    """Something in the heap of deadlines."""

    @property
    def stale(self) -> bool:
        """Nobody wants it any more."""

    def due(self) -> None: ...


class Steps:
    """The scripts of one room, and its clock."""

    __slots__ = (
        "_after",
        "_count",
        "_depth",
        "_heap",
        "_ready",
        "_spent",
        "current",
        "dirty",
        "now",
        "tick",
        "ticks_per_second",
    )

    def __init__(self, ticks_per_second: int, now: float, dirty: Dirty) -> None:
        self.ticks_per_second = ticks_per_second
        self.dirty = dirty
        self.now = now
        self.tick = self.tick_at(now)
        self.current: tuple[str, str] | None = None
        self._heap: list[tuple[int, int, Due]] = []
        self._count = 0
        self._ready: list[Script] = []
        self._spent: dict[str, int] = {}
        self._after: list[Callable[[], None]] = []
        self._depth = 0

    # -- time ---------------------------------------------------------------------------------------------

    def tick_at(self, time: float) -> int:
        """The tick that this time is in."""
        return math.floor(time * self.ticks_per_second + _SLACK)

    def tick_near(self, time: float) -> int:
        """The tick that begins nearest: what sleeps for whole ticks does not drift by the lag of steps."""
        return round(time * self.ticks_per_second)

    def tick_after(self, time: float) -> int:
        """The first tick that does not begin before this time."""
        return math.ceil(time * self.ticks_per_second - _SLACK)

    def advance(self, now: float) -> None:
        """The clock goes on; it never goes back."""
        self.now = max(self.now, now)
        tick = self.tick_at(self.now)
        if tick > self.tick:
            self.tick = tick
            self._spent.clear()

    def at(self, tick: int, item: Due) -> None:
        """Run the item at that tick, the next one at the earliest."""
        self._count += 1
        heapq.heappush(self._heap, (max(tick, self.tick + 1), self._count, item))

    def next_due(self) -> float | None:
        """Room time of the first deadline: now, when a script can go on."""
        if self._ready:
            return self.now
        while self._heap and self._heap[0][2].stale:
            heapq.heappop(self._heap)
        return self._heap[0][0] / self.ticks_per_second if self._heap else None

    # -- running ------------------------------------------------------------------------------------------

    def run_due(self) -> None:
        """All that is due by now, then all that this woke."""
        while self._heap and self._heap[0][0] <= self.tick:
            item = heapq.heappop(self._heap)[2]
            if not item.stale:
                item.due()
        self.run_ready()

    def run_ready(self) -> None:
        """Scripts that can go on, in the order in which they were woken."""
        while self._ready:
            ready, self._ready = self._ready, []
            for script in ready:
                if script.closed:
                    continue
                if self._spent.get(script.owner, 0) >= STEP_BUDGET:
                    self.at(self.tick + 1, script)
                else:
                    self._run(script)

    def wake(self, script: Script) -> None:
        """Let it go on when its turn comes."""
        self._ready.append(script)

    def run_now(self, script: Script) -> None:
        """Let it go on at once, within the present step if there is one."""
        self._run(script)

    def close(self, script: Script) -> BaseException | None:
        """End a script: its coroutine is closed, or will be at its next await when it is running now.

        Returns what its cleanup raised.
        """
        if script.closed:
            return None
        script.closed = True
        if script.running:
            return None
        return self._close(script)

    def after_step(self, action: Callable[[], None]) -> None:
        """Do that when the present step ends, in the same atomic group."""
        self._after.append(action)

    def begin(self) -> None:
        """An atomic group begins, or one within it."""
        self._depth += 1

    def end(self) -> None:
        """The end of `begin`."""
        if self._depth == 1:
            while self._after:
                self._after.pop(0)()
            self.dirty.cut()
        self._depth -= 1

    def _run(self, script: Script) -> None:
        outer, self.current = self.current, (script.owner, script.name)
        script.running = True
        self.begin()
        try:
            ending = self._go_on(script)
            script.running = False
            if ending is not None:
                script.closed = True
                script.on_end(script, *ending)
        finally:
            script.running = False
            self.end()
            self.current = outer

    def _go_on(self, script: Script) -> tuple[Ending, Any] | None:
        """Until it must wait (None), or ends."""
        coroutine = script.begun()
        script.waiting = None
        thrown: BaseException | None = None
        strange = 0
        while True:
            self._spent[script.owner] = spent = self._spent.get(script.owner, 0) + 1
            try:
                wait = coroutine.send(None) if thrown is None else coroutine.throw(thrown)
            except StopIteration as stop:
                return (Ending.CLOSED, None) if script.closed else (Ending.RETURNED, stop.value)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever a script raises is kept and told
                return Ending.RAISED, error
            thrown = None
            if script.closed:
                fault = self._close(script)
                return (Ending.CLOSED, None) if fault is None else (Ending.RAISED, fault)
            if not isinstance(wait, Wait):
                strange += 1
                thrown = foreign(wait)
                if strange > _FOREIGN_LIMIT:  # it catches the error and tries again, for ever
                    coroutine.close()
                    return Ending.RAISED, thrown
            elif not wait.done:
                script.waiting = wait
                wait.add(script)
                return None
            elif spent >= STEP_BUDGET:
                self.at(self.tick + 1, script)
                return None

    def _close(self, script: Script) -> BaseException | None:
        if script.waiting is not None:
            script.waiting.forget(script)
            script.waiting = None
        outer, self.current = self.current, (script.owner, script.name)
        self.begin()
        try:
            if script.coroutine is not None:
                script.coroutine.close()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is kept and told
            return error
        finally:
            self.end()
            self.current = outer
        return None
