"""Room time on this side of the wire: an offset to the local monotonic clock, estimated from pings.

A pong says what room time was half a round trip ago (Cristian, "Probabilistic clock synchronization",
1989). Of the last samples those with a short round trip count, the others are outliers. What is shown
runs towards the estimate a little faster or slower, and never backwards.
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
"""A clock that far off was stopped, by a sleeping computer for one: what it knew is void."""


@dataclass(frozen=True, slots=True)
class _Sample:
    offset: float
    trip: float


class RoomClock:
    """Room time of one session. All times are seconds; `local` is monotonic."""

    def __init__(self, room_now: float, local: float) -> None:
        self._offset = self._shown = room_now - local
        self._last_local = local
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)

    @property
    def round_trip(self) -> float | None:
        """The shortest round trip of the samples at hand; None before the first pong."""
        return min((sample.trip for sample in self._samples), default=None)

    def pong(self, sent: float, received: float, room_now: float) -> None:
        """A ping of local time `sent` was answered at `received`, and the room's time was `room_now`."""
        trip = received - sent
        if trip < 0:
            return
        offset = room_now - (sent + received) / 2
        if abs(offset - self._offset) > LEAP_SECONDS + trip:
            self._samples.clear()
        self._samples.append(_Sample(offset, trip))
        bound = min(sample.trip for sample in self._samples) * TOLERANCE + GRACE_SECONDS
        self._offset = fmean(sample.offset for sample in self._samples if sample.trip <= bound)

    def heard(self, room_now: float, local: float) -> None:
        """A message with a room time came: room time is at least that now."""
        least = room_now - local
        if least > self._offset + LEAP_SECONDS:
            self._samples.clear()
        self._offset = max(self._offset, least)

    def room_now(self, local: float) -> float:
        """Room time to show at `local`: never less than what an earlier call gave."""
        elapsed = max(0.0, local - self._last_local)
        self._last_local += elapsed
        lag = self._offset - self._shown
        if lag > LEAP_SECONDS:
            self._shown = self._offset
        else:
            most = elapsed * SLEW
            self._shown += max(-most, min(most, lag))
        return self._last_local + self._shown
