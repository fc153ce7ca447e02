"""Room time on this side of the wire: an offset to the local monotonic clock, estimated from messages.

A pong says what room time was about half a round trip ago, and each message what it is at least
(Cristian, "Probabilistic clock synchronization", 1989). Of the last pongs those with a short round trip
count, the others are outliers. What is shown runs towards the estimate a little faster or slower. It leaps
ahead to what is certain when it is far behind that, stands still while it is far ahead, and never runs
backwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import fmean

SAMPLES = 8
TOLERANCE = 1.5
"""A sample counts when its round trip is at most this much longer than the shortest one …"""
GRACE_SECONDS = 0.005
"""… or by this much."""
SLEW = 0.1
"""Share of elapsed time by which the shown clock may gain or lose."""
LEAP_SECONDS = 0.5
"""A shown clock that far off was stopped, by a sleeping computer for one, or the room's was."""
FOLLOW_SECONDS = 5.0
"""A clock before this one may be that far ahead, and still be gone on from."""
DRIFT = 0.001
"""Share of elapsed time by which two clocks may part, at most."""


@dataclass(frozen=True, slots=True)
class _Sample:
    offset: float
    trip: float


class RoomClock:
    """Room time of one session. All times are seconds; `local` is monotonic."""

    def __init__(self, room_now: float, local: float) -> None:
        """A message said `room_now` at `local`."""
        self._offset = self._shown = room_now - local
        self._last_local = local
        self._least = self._offset
        self._least_at = local
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)

    def follow(self, before: RoomClock, local: float) -> None:
        """Go on from what another clock of the same room showed until now, unless that is far off."""
        shown = before.room_now(local) - local
        if -LEAP_SECONDS <= shown - self._offset <= FOLLOW_SECONDS:
            self._shown, self._last_local = shown, local

    @property
    def round_trip(self) -> float | None:
        """The shortest round trip of the samples at hand; None before the first pong."""
        return min((sample.trip for sample in self._samples), default=None)

    def pong(self, sent: float, received: float, room_now: float) -> None:
        """A ping of local time `sent` was answered at `received`, and the room's time was `room_now`."""
        trip = received - sent
        if trip < 0:
            return
        if room_now - sent < self._certain(received) - GRACE_SECONDS:
            # It was later than that once: the room's time stood still, and what was known is void.
            self._samples.clear()
            self._know(room_now - received, received)
        self.heard(room_now, received)
        if not self._samples:
            # Nothing was seen by this clock for long: better a hop than seconds of catching up.
            self._shown = max(self._shown, room_now - received)
        self._samples.append(_Sample(room_now - (sent + received) / 2, trip))
        bound = min(sample.trip for sample in self._samples) * TOLERANCE + GRACE_SECONDS
        estimate = fmean(sample.offset for sample in self._samples if sample.trip <= bound)
        self._offset = max(estimate, self._certain(received))

    def heard(self, room_now: float, local: float) -> None:
        """A message with a room time came: room time is at least that now."""
        least = room_now - local
        if least >= self._certain(local):
            self._know(least, local)
        if least > self._offset + LEAP_SECONDS:
            self._samples.clear()
        self._offset = max(self._offset, least)
        if least > self._shown + LEAP_SECONDS:
            self._shown = least

    def room_now(self, local: float) -> float:
        """Room time to show at `local`: never less than what an earlier call gave."""
        elapsed = max(0.0, local - self._last_local)
        self._last_local += elapsed
        lag = self._offset - self._shown
        slower = 1.0 if lag < -LEAP_SECONDS else SLEW
        self._shown += max(-slower * elapsed, min(SLEW * elapsed, lag))
        return self._last_local + self._shown

    def _certain(self, local: float) -> float:
        """The offset is at least that."""
        return self._least - DRIFT * (local - self._least_at)

    def _know(self, least: float, local: float) -> None:
        self._least, self._least_at = least, local
