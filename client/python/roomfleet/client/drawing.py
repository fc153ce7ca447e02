"""Where actors are drawn: where they are, and for a moment after a change of course a little of where they
were drawn before.

A new course is heard of a moment after it began, so by what is known now an actor that stopped is behind
where it was drawn last. That difference fades instead of being a jump. Who was put elsewhere is there at
once: the new path does not begin where the old one led.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from roomfleet.client.view import root_of
from roomfleet.wire.motion import Path, Point, position_at
from roomfleet.wire.patch import Copy

FADE_SECONDS = 0.2
"""In that time a difference fades, evenly, to nothing."""
UNSEEN_SECONDS = 1.0
"""Of who was not drawn for so long nobody remembers where."""
_SLACK_SECONDS = 0.5
"""A path that begins farther from the one before than an actor goes in that time is a jump: less may be a
turn that was not told, twice as far as it goes in the time that messages are late by."""
_EXACT = 1e-6
_SPARE = 64
"""So many actors that went are kept before they are looked for."""


@dataclass(slots=True)
class _Drawn:
    path: Path
    owner: str
    """Whose path it is."""
    offset: Point
    """From the path to where it was drawn at `since`."""
    since: float
    at: float
    """When it was drawn last."""

    def remaining(self, now: float) -> Point:
        """What has not faded yet."""
        share = max(0.0, 1 - (now - self.since) / FADE_SECONDS)
        return self.offset[0] * share, self.offset[1] * share


class Drawing:
    """What is drawn of one room."""

    def __init__(self) -> None:
        self._drawn: dict[str, _Drawn] = {}
        self._most = _SPARE

    def position_of(self, copy: Copy, actor_id: str, now: float) -> Point | None:
        """Where to draw an actor of the copy at `now`; None when there is no such actor.

        To be asked at each frame, with times that never fall. Who was not drawn for
        `UNSEEN_SECONDS` is where it is.
        """
        root = root_of(copy, actor_id)
        if root is None:
            self._drawn.pop(actor_id, None)
            return None
        path: Path = root["path"]
        x, y = position_at(path, now)
        drawn = self._drawn.get(actor_id)
        if drawn is None or not drawn.at <= now <= drawn.at + UNSEEN_SECONDS:
            # Not drawn yet, or not for so long that nobody sees a jump.
            drawn = _Drawn(path, root["id"], (0.0, 0.0), now, now)
            self._keep(copy, actor_id, drawn)
        elif drawn.path is not path:
            drawn.offset = _eased(drawn, root, (x, y), copy["actors"][actor_id]["speed"], now)
            drawn.since, drawn.path, drawn.owner = now, path, root["id"]
        drawn.at = now
        left = drawn.remaining(now)
        return x + left[0], y + left[1]

    def _keep(self, copy: Copy, actor_id: str, drawn: _Drawn) -> None:
        self._drawn[actor_id] = drawn
        if len(self._drawn) > self._most:
            self._drawn = {each: was for each, was in self._drawn.items() if each in copy["actors"]}
            self._most = 2 * len(self._drawn) + _SPARE


def _eased(drawn: _Drawn, root: dict[str, Any], exact: Point, speed: float, now: float) -> Point:
    """The difference that has to fade from `now` on."""
    path: Path = root["path"]
    # Of its own paths, the new one begins where and when the old one was left.
    when = path[0][2] if root["id"] == drawn.owner else now
    fastest = max(speed, _top_speed(drawn.path), _top_speed(path))
    if math.dist(position_at(drawn.path, when), position_at(path, when)) > fastest * _SLACK_SECONDS + _EXACT:
        return 0.0, 0.0
    before, left = position_at(drawn.path, now), drawn.remaining(now)
    return before[0] + left[0] - exact[0], before[1] + left[1] - exact[1]


def _top_speed(path: Path) -> float:
    """Units a second on the fastest leg; 0 when standing."""
    return max(
        (
            math.dist(before[:2], after[:2]) / (after[2] - before[2])
            for before, after in itertools.pairwise(path)
            if after[2] > before[2]
        ),
        default=0.0,
    )
