"""A room's write-behind: what changed is saved by interval, and at once on events (DESIGN 7).

Changes wait as atomic groups; per actor the newest wins. While the store is in trouble they are kept and
tried again; after `maxUnsavedSeconds` the room takes no commands until it can save again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from roomfleet.game.live import LiveRoom
from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind
from roomfleet.node.measuring.meters import FAILED, FENCED, REFUSED, Meters
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.saving.backlog import Backlog
from roomfleet.store import (
    ActorRecord,
    BadChange,
    Fenced,
    Session,
    StoreError,
    StoreUnavailable,
    TooLarge,
    doc_id,
)
from roomfleet.store import protocol as store_changes
from roomfleet.wire.settings import Settings

log = logging.getLogger(__name__)

MOST_PAUSE_SECONDS = 2.0
"""A store that does not answer is tried again at the latest after that."""

FLUSH_SECONDS = 2.0
"""Who waits for a save that is under way goes on after that."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A committed travel: what was asked, and the record as the target will find it."""

    change: Change
    record: ActorRecord


class Saved(Protocol):
    """What the saver tells its room."""

    def departed(self, departures: list[Departure]) -> None:
        """Travels are committed."""

    def fence(self, found_epoch: int | None, lost: int) -> None:
        """The epoch found, and how many actors' changes were lost unacknowledged."""

    def saves(self, ok: bool, why: str) -> None:
        """Whether saves get through, and if not, why."""

    def saved(self) -> None:
        """Something was saved, and room time may go on."""

    def saving_broke(self, error: Exception) -> None:
        """What no store does: the room's own machinery, or a document, is at fault. Nothing is saved any
        more."""


class Saver:
    """Saves one room. All methods are called on the node's event loop."""

    __slots__ = (
        "_again",
        "_backlog",
        "_barriers",
        "_clock",
        "_game",
        "_in_flight",
        "_live",
        "_meters",
        "_paused",
        "_refusal",
        "_refused",
        "_renew",
        "_rng",
        "_room",
        "_schedule",
        "_session",
        "_settings",
        "_task",
        "_trying_since",
        "_unsaved_since",
        "_wall",
        "_watching",
        "interval",
        "ok",
        "saved_at",
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
        self.saved_at: float | None = None
        self.ok = True
        self._game = game
        self._session = session
        self._live = live
        self._clock = clock
        self._settings = settings
        self._schedule = schedule
        self._wall = wall
        self._room = room
        self._rng = rng
        self._meters = meters
        self._backlog = Backlog()
        self._in_flight: list[AtomicGroup] = []
        """The batch that is being committed."""
        self._refused: list[AtomicGroup] = []
        """Too large, or senseless: kept, and tried again with what changes next."""
        self._refusal = ""
        self._barriers: list[int] = []
        self._renew = False
        self._unsaved_since: float | None = None
        self._trying_since: float | None = None
        self._watching = False
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._paused = False

    # -- asking for a save ---------------------------------------------------------------------------------

    def poke(self, *, urgent: bool = False) -> None:
        """Something may have changed: save within the interval, or at once."""
        if self._session.fenced:
            return
        if not (self._live.dirty or self._barriers or self._backlog or self._renew):
            return
        now = self._loop_time()
        if self._unsaved_since is None:
            self._unsaved_since = now
        if self._task is not None:
            self._begin_trying()
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
        self._begin_trying()
        attempt = 0
        while True:
            try:
                if self._live.dirty or self._barriers or self._backlog or self._refused:
                    await self._commit_all()
                await self._session.release(
                    state=self._live.room_body(),
                    ceiling_ms=round(exact * 1000),
                    saved_at_ms=round(self._wall() * 1000),
                )
            except StoreUnavailable as error:
                attempt += 1
                self._trouble(str(error))
                await self.pause(attempt)
            else:
                self.close()
                return

    def close(self) -> None:
        """Nothing is saved any more."""
        self._trying_since = None
        for key in (self._key, self._watch_key):
            self._schedule.clear(key)

    async def pause(self, attempt: int) -> None:
        """Backoff with jitter while the store does not answer. The store's protocol calls it too."""
        if attempt > 1:
            self._trouble("the store does not answer")
        pause = min(MOST_PAUSE_SECONDS, 0.05 * 2 ** min(attempt, 6))
        await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))

    @property
    def unsaved_since(self) -> float | None:
        """When the oldest change that is not saved was made, loop time; None: all is saved."""
        return self._unsaved_since

    def unsaved(self) -> int:
        """How many actors have changes that are not saved. For a room that is lost: it collects them all."""
        self._compose()
        groups = (*self._backlog.groups, *self._in_flight, *self._refused)
        return len({change.actor for group in groups for change in group.changes})

    # -- saving --------------------------------------------------------------------------------------------

    @property
    def _key(self) -> tuple[str, str]:
        return ("save", self._session.room)

    @property
    def _watch_key(self) -> tuple[str, str]:
        return ("unsaved", self._session.room)

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()

    def _begin(self) -> None:
        if self._task is None and not self._session.fenced:
            self._begin_trying()
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"save {self._session.room}"
            )
            self._task.add_done_callback(self._ended)

    def _begin_trying(self) -> None:
        """From now on the store has `maxUnsavedSeconds`; an operation of its may take longer than that."""
        if self._trying_since is None:
            self._trying_since = self._loop_time()
        if not self._watching:
            self._watch()

    def _watch(self) -> None:
        """One entry for a while rather than one for each commit."""
        self._watching = self._trying_since is not None
        if self._trying_since is None:
            return
        limit = self._trying_since + self._settings.max_unsaved_seconds
        if self._loop_time() >= limit:
            self._watching = False
            self._trouble("the store does not answer")
        else:
            self._schedule.set(self._watch_key, limit, self._watch)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or self._session.fenced:
            return
        if self._again or self._live.dirty or self._barriers or self._backlog:
            urgent, self._again = self._again or bool(self._barriers), False
            self.poke(urgent=urgent)
        if self._task is None:
            self._trying_since = None
            self._watching = False
            self._schedule.clear(self._watch_key)

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
                self._trouble(str(error))
                await self.pause(attempt)
            except Exception as error:
                log.exception("saving %s broke", self._session.room)
                self._room.saving_broke(error)
                return

    async def _commit_all(self) -> None:
        """Commit everything that is unsaved now."""
        first = True
        while first or self._backlog or self._live.dirty:
            first = False
            self._compose()
            barriers, self._barriers = self._barriers, []
            ceiling = self._clock.next_ceiling()
            started = self._loop_time()
            try:
                await self._commit_backlog(ceiling)
            except StoreError:
                self._barriers = barriers + self._barriers
                raise
            failure = self._refusal if self._refused else ""
            self._renew = False
            self._unsaved_since = started if self._live.dirty else None
            self._clock.raise_ceiling(ceiling)
            self._well(failure)
            now = self._clock.now()
            for barrier in barriers:
                if failure:
                    self._live.save_failed(barrier, failure, now)
                else:
                    self._live.saved(barrier, now)
            self._room.saved()
            if self._live.dirty:
                self._begin_trying()
            await self._session.applied()
            self._well(failure)
            if not self._barriers and not self._again:
                return
            self._again = False

    def _compose(self) -> None:
        groups = self._live.compose(self._clock.now())
        if groups and self._refused:
            groups = [*self._refused, *groups]
            self._refused = []
        body = self._live.room_body() if any(group.room for group in groups) else None
        self._backlog.add(groups, body)

    async def _commit_backlog(self, ceiling: float) -> None:
        """Commit the backlog in batches; what cannot be saved for its size goes to the refused."""
        first = True
        singly = 0
        while first or self._backlog:
            first = False
            groups, body = self._backlog.take_batch(1 if singly else None)
            singly = max(0, singly - 1)
            changes = [change for group in groups for change in group.changes]
            begun = self._loop_time()
            self._in_flight = groups
            try:
                committed = await self._session.commit(
                    [self._to_store(change) for change in changes],
                    state=body,
                    ceiling_ms=round(ceiling * 1000),
                    saved_at_ms=round(self._wall() * 1000),
                )
            except (TooLarge, BadChange) as error:
                self._meters.saves[REFUSED] += 1
                if len(groups) > 1:
                    # One of them is at fault: each by itself, so that the others are saved.
                    self._backlog.put_back(groups, body)
                    singly = len(groups)
                    continue
                self._refusal = str(error)
                self._refused.extend(groups)
                log.warning("%s", error)
                continue
            except BaseException as error:
                self._meters.saves[FENCED if isinstance(error, Fenced) else FAILED] += 1
                self._backlog.put_back(groups, body)
                raise
            finally:
                self._in_flight = []
            self._meters.saved(self._loop_time() - begun, len(changes))
            self.saved_at = self._wall()
            if committed.departed:
                await self._session.applied()
                by_id = {doc_id(self._game, change.actor): change for change in changes}
                self._room.departed([Departure(by_id[record.id], record) for record in committed.departed])

    def _to_store(self, change: Change) -> store_changes.Change:
        actor = doc_id(self._game, change.actor)
        match change.kind:
            case ChangeKind.CREATE:
                return store_changes.Create(actor, change.body)
            case ChangeKind.SAVE:
                return store_changes.Save(actor, change.body)
            case ChangeKind.AWAY:
                return store_changes.Save(actor, change.body, away=True)
            case ChangeKind.TRAVEL:
                return store_changes.Travel(
                    actor, change.body, doc_id(self._game, change.to_room), change.arrival, change.fresh
                )
            case ChangeKind.DELETE:
                return store_changes.Delete(actor)

    # -- trouble -------------------------------------------------------------------------------------------

    def _trouble(self, why: str) -> None:
        if self.ok:
            log.warning("%s cannot save: %s; it keeps everything and tries again", self._session.room, why)
            self.ok = False
            self._room.saves(False, why)
        unsaved = self._loop_time() - self._trying_since if self._trying_since is not None else 0.0
        if not self._paused and unsaved >= self._settings.max_unsaved_seconds:
            self._paused = True
            self._live.pause_commands(f"the room could not save for {unsaved:.0f} s; try again when it can")

    def _well(self, failure: str) -> None:
        self._trying_since = None
        if self._paused:
            self._paused = False
            self._live.pause_commands(None)
        ok = not failure
        if ok != self.ok:
            self.ok = ok
            self._room.saves(ok, failure)
