"""When a room's frames are closed: what viewers are told goes out together, at most once a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom


class Frames:
    """The frames of one room."""

    __slots__ = ("_live", "seq", "wait")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self.seq = live.steps.tick - 1
        """The tick of the last one."""
        self.wait = False
        """None is closed: the last one is still on its way to the viewers. What changes meanwhile is told in
        the next."""

    def close(self) -> None:
        """Put out what there is to tell, if this tick has had no frame yet."""
        live = self._live
        live.view.settle()
        if live.view and live.steps.tick > self.seq and not self.wait:
            self.seq = live.steps.tick
            frame = live.view.flush(self.seq, live.now)
            if frame is not None:
                live.outbox.frames.append(frame)

    def due(self) -> float | None:
        """Room time at which the next one can be closed; None when there is nothing to tell."""
        live = self._live
        live.view.settle()
        if not live.view or self.wait:
            return None
        if live.steps.tick <= self.seq:
            return (self.seq + 1) / live.steps.ticks_per_second
        return live.now
