"""Whether a room's saves get through: who is told, and when the room takes no commands any more (P3)."""

from __future__ import annotations

import asyncio
import logging

from roomfleet.game.live import LiveRoom
from roomfleet.node.running.schedule import Schedule
from roomfleet.node.saving.batches import Saved

log = logging.getLogger(__name__)


class Trying:
    """The patience of one room with its store."""

    __slots__ = ("_limit", "_live", "_name", "_paused", "_room", "_schedule", "_since", "_watching", "ok")

    def __init__(
        self,
        name: str,
        live: LiveRoom,
        *,
        schedule: Schedule,
        max_unsaved_seconds: float,
        room: Saved,
    ) -> None:
        """The room hears whether saves get through each time when that changes."""
        self.ok = True
        self._name, self._live, self._schedule = name, live, schedule
        self._limit, self._room = max_unsaved_seconds, room
        self._since: float | None = None
        self._watching = False
        self._paused = False

    def begin(self) -> None:
        """From now on the store has `maxUnsavedSeconds`; an operation of its may take longer than that."""
        if self._since is None:
            self._since = self._now()
        if not self._watching:
            self._watch()

    def end(self) -> None:
        """Nothing is to be saved at the moment."""
        self._since = None
        self._watching = False
        self._schedule.clear(self._key)

    def _watch(self) -> None:
        """One entry for a while rather than one for each commit."""
        self._watching = self._since is not None
        if self._since is None:
            return
        limit = self._since + self._limit
        if self._now() >= limit:
            self._watching = False
            self.failed("the store does not answer")
        else:
            self._schedule.set(self._key, limit, self._watch)

    def failed(self, why: str) -> None:
        """The store did not do it: what is unsaved is kept, and tried again."""
        if self.ok:
            log.warning("%s cannot save: %s; it keeps everything and tries again", self._name, why)
            self.ok = False
            self._room.saves(False, why)
        unsaved = self._now() - self._since if self._since is not None else 0.0
        if not self._paused and unsaved >= self._limit:
            self._paused = True
            self._live.pause_commands(f"the room could not save for {unsaved:.0f} s; try again when it can")

    def went_well(self, refusal: str) -> None:
        """The store took what it takes at all; `refusal`: why it does not take the rest."""
        self._since = None
        if self._paused:
            self._paused = False
            self._live.pause_commands(None)
        ok = not refusal
        if ok != self.ok:
            self.ok = ok
            self._room.saves(ok, refusal)

    @property
    def _key(self) -> tuple[str, str]:
        return ("unsaved", self._name)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
