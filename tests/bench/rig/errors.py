"""How far what clients show is from the truth, in world units."""

from __future__ import annotations

import math
from array import array

HZ = 60
"""How often a client is looked at: as often as a screen shows it."""


class Errors:
    """Distances between what is shown and what is true."""

    def __init__(self) -> None:
        self._found = array("d")

    def add(self, shown: tuple[float, float], true: tuple[float, float]) -> None:
        self._found.append(math.dist(shown, true))

    def summary(self) -> dict[str, float]:
        """Mean, 99th percentile and largest."""
        ordered = sorted(self._found)
        if not ordered:
            raise ValueError("nothing was looked at")
        return {
            "error_mean": sum(ordered) / len(ordered),
            "error_p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
            "error_max": ordered[-1],
            "looks": len(ordered),
        }
