"""Catches a script that blocks the event loop: logs the stack and names room and actor (DESIGN 6)."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable

log = logging.getLogger(__name__)

BLOCKED_SECONDS = 2.0
"""A loop that was blocked that long is always told of; from a little less on it may be."""

BEAT_SECONDS = 0.25
LOOK_SECONDS = 0.125


class Watchdog:
    """Watches the loop that it is started on, from a thread of its own."""

    def __init__(self, culprit: Callable[[], str], blocked_seconds: float = BLOCKED_SECONDS) -> None:
        self._culprit = culprit
        """Called on the watching thread: names what runs at the moment, or an empty string."""
        self._blocked_seconds = blocked_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        watched = threading.get_ident()
        self._beating(loop)
        self._thread = threading.Thread(
            target=self._watch, args=(loop, watched), name="watchdog", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._handle is not None:
            self._handle.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beating(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beat = loop.time()
        self._handle = loop.call_later(BEAT_SECONDS, self._beating, loop)

    def _watch(self, loop: asyncio.AbstractEventLoop, watched: int) -> None:
        told = 0.0
        while not self._stop.wait(LOOK_SECONDS):
            beat = self._beat
            silent = loop.time() - beat
            if beat == told or silent < self._blocked_seconds - LOOK_SECONDS:
                continue
            told = beat
            frame = sys._current_frames().get(watched)
            stack = "".join(traceback.format_stack(frame)) if frame is not None else "(no stack)"
            culprit = self._culprit() or "something outside the rooms' scripts"
            log.warning(
                "the event loop has been blocked for %.1f s by %s; every room of this node waits:\n%s",
                silent,
                culprit,
                stack,
            )
