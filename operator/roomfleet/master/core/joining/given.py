"""Which line tokens are worth nothing any more although they have not expired.

A token gives a place back to one who lost the connection. It does not give back what was used or given up:
whoever was admitted, was refused, gave the join up, or asked anew without the token, is in line by the newer
arrival. What is remembered here is for the life of a token. Of that a restarted master knows who was let in:
the nodes tell it.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from roomfleet.wire.tickets import LINE_TOKEN_SECONDS

Who = tuple[str, str]
"""Game and player."""


class _Given(Struct, frozen=True):
    void_before: float
    """Places of earlier arrivals are not given back."""
    forget_at: float


class GivenPlaces:
    """Players who may have a line token and are not in line by it."""

    def __init__(self) -> None:
        self._given: OrderedDict[Who, _Given] = OrderedDict()

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, who: Who) -> bool:
        return who in self._given

    def lost(self, who: Who, now: float) -> None:
        """Who was in line is not there at the moment, and may come back by a token."""
        before = self._given.get(who)
        self._put(who, before.void_before if before is not None else 0.0, now)

    def void(self, who: Who, now: float) -> None:
        """Tokens for places of before now are worth nothing."""
        self._put(who, now, now)

    def used(self, who: Who, at: float, now: float) -> None:
        """Somebody was let in by a ticket of that time: places of before are worth nothing."""
        before = self._given.get(who)
        if before is None or before.void_before < at:
            self._put(who, min(at, now), now)

    def is_good(self, who: Who, arrived: float) -> bool:
        """Whether a token of that arrival still gives the place back."""
        given = self._given.get(who)
        return given is None or arrived >= given.void_before

    def _put(self, who: Who, void_before: float, now: float) -> None:
        self._given.pop(who, None)
        self._given[who] = _Given(void_before, now + LINE_TOKEN_SECONDS)
        while self._given:
            oldest = next(iter(self._given))
            if self._given[oldest].forget_at > now:
                return
            del self._given[oldest]
