"""Scripts: coroutines that their room steps, and what they may await.

No event loop runs them: a script gives a Wait to whoever steps it and goes on when that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from roomfleet.game.errors import ForeignAwaitable

if TYPE_CHECKING:
    from roomfleet.game.scripting.steps import Steps

T = TypeVar("T")


class Wait(Generic[T]):
    """Something that scripts of one room can await, any number of them, more than once."""

    __slots__ = ("_armed", "_error", "_scripts", "_value", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self._scripts: list[Script] = []
        self._armed = False

    def __await__(self) -> Generator[Wait[T], None, T]:
        yield self  # even when done: whoever steps the script counts
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def arm(self, steps: Steps) -> None:
        """Called when a script begins to wait and none waited yet."""

    def abandoned(self) -> None:
        """Called when a script that waited was closed and none is left."""

    def resolve(self, value: T) -> None:
        """Done, with this value. Does nothing when it was done before."""
        if not self.done:
            self.done = True
            self._value = value
            self._wake()

    def fail(self, error: BaseException) -> None:
        """Done, by an error that is raised in those who wait. Does nothing when it was done before."""
        if not self.done:
            self.done = True
            self._error = error
            self._wake()

    @property
    def wanted(self) -> bool:
        """Whether a script waits for it."""
        return bool(self._scripts)

    def _wake(self) -> None:
        scripts, self._scripts = self._scripts, []
        for script in scripts:
            script.steps.wake(script)

    def add(self, script: Script) -> None:
        """Wake the script when done. `arm` may have done it meanwhile."""
        if not self._armed:
            self._armed = True
            self.arm(script.steps)
        if self.done:
            script.steps.wake(script)
        else:
            self._scripts.append(script)

    def forget(self, script: Script) -> None:
        """The script was closed."""
        if script in self._scripts:
            self._scripts.remove(script)
            if not self._scripts and not self.done:
                self._armed = False
                self.abandoned()


class Sleep(Wait[None]):
    """Until a room time; with 0 seconds until others have had their turn."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def arm(self, steps: Steps) -> None:
        if self._seconds <= 0:
            self.resolve(None)
        else:
            steps.at(steps.tick_near(steps.now + self._seconds), self)

    @property
    def stale(self) -> bool:
        return not self.wanted

    def due(self) -> None:
        self.resolve(None)


class Ending(Enum):
    """How a script ended."""

    RETURNED = auto()
    RAISED = auto()
    CLOSED = auto()


OnEnd = Callable[["Script", Ending, Any], None]
"""Gets the value, the error, or None when it was closed."""


class Script:
    """A running coroutine of an actor or room."""

    __slots__ = ("_begin", "closed", "coroutine", "name", "on_end", "owner", "running", "steps", "waiting")

    def __init__(
        self,
        steps: Steps,
        owner: str,
        name: str,
        begin: Callable[[], Coroutine[Any, Any, Any]],
        on_end: OnEnd,
    ) -> None:
        """`owner` is an actor's id or "room"; `name` is `Guard.kickoff`. `begin` is called at its first
        step: one that never comes to it leaves no coroutine behind."""
        self.steps = steps
        self.owner = owner
        self.name = name
        self._begin = begin
        self.coroutine: Coroutine[Any, Any, Any] | None = None
        self.on_end = on_end
        self.waiting: Wait[Any] | None = None
        self.running = False
        self.closed = False

    def begun(self) -> Coroutine[Any, Any, Any]:
        """Its coroutine, made now if this is the first step."""
        if self.coroutine is None:
            self.coroutine = self._begin()
        return self.coroutine

    @property
    def stale(self) -> bool:
        return self.closed

    def due(self) -> None:
        self.steps.wake(self)


def foreign(awaited: object) -> ForeignAwaitable:
    """What is raised in a script that awaits something else."""
    what = "asyncio.sleep(0)" if awaited is None else f"{type(awaited).__module__}.{type(awaited).__name__}"
    return ForeignAwaitable(
        f"a script cannot await {what}: its room runs it, no event loop."
        " Wait with `await self.sleep(seconds)`; do I/O with `await self.outside(coroutine)`"
    )
