"""How long to wait before trying again: exponential, jittered, bounded."""

from __future__ import annotations

from random import Random

FIRST_SECONDS = 0.4
MOST_SECONDS = 8.0


def backoff(attempt: int, random: Random) -> float:
    """Seconds before retry `attempt` (0 is the first).

    Half of it is chance, so that thousands who lost the same node do not come back at the same moment.
    """
    whole = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempt, 16))
    return whole * (0.5 + random.random() / 2)
