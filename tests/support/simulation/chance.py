"""Luck that can be repeated: each value follows from the seed, the name of a stream and a number in it.

So what one part of the simulation draws does not shift what another draws: when an action is taken out of
a plan, the luck of all the others stays as it was, and a failing plan can be made smaller.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Chance:
    """Streams of numbers in [0, 1), each repeatable by itself."""

    def __init__(self, seed: int) -> None:
        self._seed = (seed * 0x9E3779B97F4A7C15) & _MASK
        self._drawn: dict[str, int] = defaultdict(int)

    def roll(self, stream: str) -> float:
        """The next value of the stream."""
        number = self._drawn[stream]
        self._drawn[stream] = number + 1
        mixed = self._seed ^ (zlib.crc32(stream.encode()) << 20) ^ number
        # The finisher of splitmix64 (Steele, Lea, Flood 2014).
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def pick(self, stream: str, options: Sequence[T]) -> T:
        return chosen(options, self.roll(stream))


def chosen(options: Sequence[T], luck: float) -> T:
    """The option that a number in [0, 1) stands for."""
    return options[int(luck * len(options))]
