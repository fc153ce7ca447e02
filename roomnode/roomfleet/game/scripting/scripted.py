"""What actors and rooms have in common: state, scripts' awaits, timers, failures."""

from __future__ import annotations

import math
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from roomfleet.game.errors import ActorError
from roomfleet.game.scripting.script import Sleep
from roomfleet.game.scripting.timers import Timer, Timers, clock_named
from roomfleet.game.state.state import State

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """A script that raised: `Guard.kickoff`, one line, the whole traceback, and when."""

    script: str
    error: str
    traceback: str
    at: float


class Scripted:
    """Base of Actor and Room."""

    __slots__ = ("_live", "_timers", "failure", "failures", "state")

    _live: LiveRoom | None
    _timers: Timers
    state: State
    failure: Failure | None
    """The last script that raised, with its traceback; None when none did."""
    failures: int
    """How many did, since the room started or the actor came."""

    @property
    def _key(self) -> str:
        """An actor's id, or "room"."""
        raise AssertionError("actors and rooms have one")

    def define(self) -> None:
        """Define the state's fields: `self.state.public(mood="calm")`."""

    def on_error(self, error: BaseException) -> bool:
        """A script of this object raised; it is kept in `failure` and counted already.

        Return True when it is dealt with: then it is not reported. `kickoff` is restarted in any case.
        """
        return False

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of room time; with 0, until the others have had their turn."""
        if not math.isfinite(seconds):
            raise ActorError(f"{self._who()} cannot sleep {seconds} seconds")
        await Sleep(seconds)

    async def save(self) -> None:
        """Wait until all that has changed in the room is saved: then it survives any crash.

        Raises NotSaved when the store did not acknowledge, ActorError within `room.together`.
        """
        live = self._in_room()
        if live.unsaved.is_held(self._key):
            raise ActorError(f"{self._who()} cannot be saved within `together`: leave the with-block first")
        await live.asked.save()

    async def outside(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run an asyncio coroutine on the node's event loop and wait for what it returns or raises.

        The one way to I/O. It gets no part of the room: pass it values and take values from it.
        """
        try:
            live = self._in_room()
        except ActorError:
            coroutine.close()
            raise
        result: T = await live.asked.outside(coroutine)
        return result

    def after(self, name: str, seconds: float, clock: str = "room") -> None:
        """Call `on_timer(name)` once, in so many seconds of room time, or of real time (clock="wall").

        It survives restarts and sleep of the room, and travels with an actor. Room time stands still while
        the room is asleep; a wall timer that fell due meanwhile fires when it wakes. One of the same name is
        replaced.
        """
        live = self._in_room()
        kind = clock_named(clock)
        if type(self).on_timer is Scripted.on_timer:
            raise ActorError(f"{self._who()} sets the timer {name!r}, but its class has no on_timer(name)")
        if not math.isfinite(seconds):
            raise ActorError(f"{self._who()}: timer {name!r} cannot be due in {seconds} seconds")
        timer = Timer(kind, live.clock_of(kind) + seconds)
        self._timers.set(str(name), timer)
        live.scripts.schedule(self, str(name), timer)
        live.unsaved.touch(self._key)

    def cancel(self, name: str) -> bool:
        """Cancel a timer; False when there is none of that name."""
        live = self._in_room()
        if not self._timers.take(name):
            return False
        live.unsaved.touch(self._key)
        return True

    def on_timer(self, name: str) -> Any:
        """A timer is due; plain or async."""

    def _in_room(self) -> LiveRoom:
        if self._live is None:
            raise ActorError(f"{self._who()} is not in a room any more: nothing can be done with it here")
        return self._live

    def _who(self) -> str:
        return type(self).__name__
