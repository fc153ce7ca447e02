"""A room's write-behind: what changed is saved by interval, and at once on events (DESIGN 7).

`batches` has what waits, and commits it; `trying` says for how long the store did not let it. What could not
be saved is kept and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from roomfleet.game.live import LiveRoom
from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.saving.batches import Batches, Saved
from roomfleet.node.saving.trying import Trying
from roomfleet.store import (
    Fenced,
    Session,
    StoreError,
    StoreUnavailable,
)
from roomfleet.wire.settings import Settings

log = logging.getLogger(__name__)

MOST_PAUSE_SECONDS = 2.0
"""A store that does not answer is tried again at the latest after that."""

FLUSH_SECONDS = 2.0
"""Who waits for a save that is under way goes on after that."""


class Saver:
    """Saves one room. All methods are called on the node's event loop."""

    __slots__ = (
        "_again",
        "_barriers",
        "_batches",
        "_clock",
        "_live",
        "_renew",
        "_rng",
        "_room",
        "_schedule",
        "_session",
        "_task",
        "_trying",
        "_unsaved_since",
        "_wall",
        "interval",
    )

    def __init__(
        self,
        *,
        game: str,
        session: Session,
        live: LiveRoom,
        clock: RoomClock,
        settings: Settings,
        interval: float,
        schedule: Schedule,
        wall: Callable[[], float],
        room: Saved,
        rng: random.Random,
        meters: Meters,
    ) -> None:
        self.interval = interval
        self._session = session
        self._live = live
        self._clock = clock
        self._schedule = schedule
        self._wall = wall
        self._room = room
        self._rng = rng
        self._batches = Batches(
            game=game,
            session=session,
            live=live,
            clock=clock,
            wall=wall,
            meters=meters,
            room=room,
        )
        self._trying = Trying(
            session.room,
            live,
            schedule=schedule,
            max_unsaved_seconds=settings.max_unsaved_seconds,
            room=room,
        )
        self._barriers: list[int] = []
        self._renew = False
        self._unsaved_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False

    # -- asking for a save ---------------------------------------------------------------------------------

    def poke(self, *, urgent: bool = False) -> None:
        """Something may have changed: save within the interval, or at once."""
        if self._session.fenced:
            return
        if not (self._batches or self._barriers or self._renew):
            return
        now = self._loop_time()
        if self._unsaved_since is None:
            self._unsaved_since = now
        if self._task is not None:
            self._trying.begin()
            self._again = self._again or urgent
            return
        if urgent:
            self._schedule.clear(self._key)
            self._begin()
        else:
            self._schedule.set(self._key, self._unsaved_since + self.interval, self._begin)

    def barrier(self, barrier: int) -> None:
        """A script waits until all that is unsaved now is saved."""
        self._barriers.append(barrier)
        self.poke(urgent=True)

    async def flush(self) -> None:
        """Returns when what is unsaved now was committed, or after some seconds in which it could not be."""
        self.poke(urgent=True)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=FLUSH_SECONDS)

    def renew(self) -> None:
        """Room time nears its ceiling: commit, even if nothing changed."""
        self._renew = True
        self.poke(urgent=True)

    async def finish(self, exact: float) -> None:
        """The last save of a clean stop, with the room's exact time. Returns when saved.

        Raises Fenced, and what `Saved.saving_broke` would be told.
        """
        self._schedule.clear(self._key)
        if self._task is not None:
            await asyncio.wait([self._task])
        self._trying.begin()
        attempt = 0
        while True:
            try:
                if self._batches or self._barriers or self._batches.refusal:
                    await self._commit_all()
                await self._session.release(
                    state=self._live.room_body(),
                    ceiling_ms=round(exact * 1000),
                    saved_at_ms=round(self._wall() * 1000),
                )
            except StoreUnavailable as error:
                attempt += 1
                self._trying.failed(str(error))
                await self.pause(attempt)
            else:
                self.close()
                return

    def close(self) -> None:
        """Nothing is saved any more."""
        self._trying.end()
        self._schedule.clear(self._key)

    async def pause(self, attempt: int) -> None:
        """Backoff with jitter while the store does not answer. The store's protocol calls it too."""
        if attempt > 1:
            self._trying.failed("the store does not answer")
        pause = min(MOST_PAUSE_SECONDS, 0.05 * 2 ** min(attempt, 6))
        await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))

    @property
    def unsaved_since(self) -> float | None:
        """When the oldest change that is not saved was made, loop time; None: all is saved."""
        return self._unsaved_since

    @property
    def saved_at(self) -> float | None:
        """When something was last saved (s since 1970)."""
        return self._batches.saved_at

    @property
    def ok(self) -> bool:
        """Whether saves get through."""
        return self._trying.ok

    def unsaved(self) -> int:
        """How many actors have changes that are not saved."""
        return self._batches.unsaved()

    # -- saving --------------------------------------------------------------------------------------------

    @property
    def _key(self) -> tuple[str, str]:
        return ("save", self._session.room)

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()

    def _begin(self) -> None:
        if self._task is None and not self._session.fenced:
            self._trying.begin()
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"save {self._session.room}"
            )
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or self._session.fenced:
            return
        if self._again or self._batches or self._barriers:
            urgent, self._again = self._again or bool(self._barriers), False
            self.poke(urgent=urgent)
        if self._task is None:
            self._trying.end()

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                await self._commit_all()
                return
            except Fenced as error:
                self._room.fence(error.found_epoch, self.unsaved())
                return
            except StoreUnavailable as error:
                attempt += 1
                self._trying.failed(str(error))
                await self.pause(attempt)
            except Exception as error:
                log.exception("saving %s broke", self._session.room)
                self._room.saving_broke(error)
                return

    async def _commit_all(self) -> None:
        """Commit everything that is unsaved now."""
        first = True
        while first or self._batches:
            first = False
            self._batches.compose()
            barriers, self._barriers = self._barriers, []
            ceiling = self._clock.next_ceiling()
            started = self._loop_time()
            try:
                await self._batches.commit(ceiling)
            except StoreError:
                self._barriers = barriers + self._barriers
                raise
            failure = self._batches.refusal
            self._renew = False
            self._unsaved_since = started if self._live.dirty else None
            self._clock.raise_ceiling(ceiling)
            self._trying.went_well(failure)
            now = self._clock.now()
            for barrier in barriers:
                if failure:
                    self._live.save_failed(barrier, failure, now)
                else:
                    self._live.saved(barrier, now)
            self._room.saved()
            if self._live.dirty:
                self._trying.begin()
            await self._session.applied()
            self._trying.went_well(failure)
            if not self._barriers and not self._again:
                return
            self._again = False
