"""Moving averages of what took how long: the ground that an ETA stands on."""

from __future__ import annotations


class Average:
    """An exponentially weighted mean of seconds; None until something was measured."""

    __slots__ = ("_weight", "seconds")

    def __init__(self, weight: float = 0.3) -> None:
        self._weight = weight
        self.seconds: float | None = None

    def add(self, seconds: float) -> None:
        """One more measurement; the newest weighs most."""
        if self.seconds is None:
            self.seconds = seconds
        else:
            self.seconds += self._weight * (seconds - self.seconds)


class Departures:
    """How often a seat becomes free."""

    __slots__ = ("_average", "_last")

    def __init__(self) -> None:
        self._average = Average()
        self._last: float | None = None

    @property
    def seconds(self) -> float | None:
        """Mean time between two; None until two were seen."""
        return self._average.seconds

    def left(self, players: int, now: float) -> None:
        """So many players left since the last call."""
        if self._last is not None:
            self._average.add((now - self._last) / players)
        self._last = now
