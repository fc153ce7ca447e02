"""What a room tells all its viewers: one frame for all who see the same, a chunk of clients at a time.

Between chunks the event loop serves inputs. A client that has not taken what it was sent gets no patches
until it has, and then a snapshot (`players`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from roomfleet.game.outbox import Frame
from roomfleet.node.serving.connection import Connection
from roomfleet.node.serving.sending import websocket_frame
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.patch import Op
from roomfleet.wire.session import Patch, Snapshot

CHUNK = 256
"""Clients served without letting go of the event loop: two to three milliseconds."""

SNAPSHOT_SECONDS = 1.0
"""A client that falls behind time and again gets no more than one snapshot in that time."""


_NEVER = 1 << 62
"""Later than any tick."""


def _to_nobody(frame: bytes) -> bool:
    return True


class Viewing:
    """One who is told what happens in a room: `viewer` is how the room knows them."""

    __slots__ = (
        "_connection",
        "fits_after",
        "format",
        "offer",
        "snapshot_at",
        "stale",
        "stale_since",
        "viewer",
    )

    def __init__(self, viewer: str, connection: Connection | None = None) -> None:
        self.viewer = viewer
        self.stale = False
        """Patches were skipped: the next thing it gets is a snapshot."""
        self.stale_since = 0.0
        self.snapshot_at = 0.0
        self.connection = connection

    @property
    def connection(self) -> Connection | None:
        """None: it is not there at the moment."""
        return self._connection

    @connection.setter
    def connection(self, connection: Connection | None) -> None:
        self._connection = connection
        # Kept at hand, for they are looked at for each client and tick.
        self.offer = connection.offer if connection is not None else _to_nobody
        self.format = connection.format if connection is not None else JSON
        self.fits_after = -1 if connection is not None else _NEVER
        """Patches of later ticks fit what the client has: the tick of its last snapshot."""

    def show(self, snapshot: Snapshot, now: float) -> None:
        """Send a snapshot; from here on patches fit again."""
        assert self._connection is not None
        self.stale = False
        self.fits_after, self.snapshot_at = snapshot.seq, now
        self._connection.say(snapshot)

    def fell_behind(self, now: float) -> None:
        """No patch fits any more."""
        if not self.stale:
            self.stale, self.stale_since = True, now
            self.fits_after = _NEVER


class SharedFrames(dict[Format, bytes]):
    """The websocket frames of a message that is the same for everybody, encoded once a format."""

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        super().__init__()
        self._message = message

    def __missing__(self, format: Format) -> bytes:
        frame = self[format] = websocket_frame(format.encode(self._message), binary=format.binary)
        return frame

    def for_viewer(self, viewer: str, format: Format) -> bytes:
        """The same for everybody."""
        return self[format]


class PrivateFrames:
    """The websocket frames of a tick in which viewers are told different things: each op, each list of ops
    and each frame is encoded once a format."""

    __slots__ = ("_frame", "_frames", "_ops")

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._frames: dict[tuple[int, Format], bytes] = {}
        self._ops: dict[tuple[int, Format], msgspec.Raw] = {}

    def for_viewer(self, viewer: str, format: Format) -> bytes | None:
        """What that viewer is to be sent; None: nothing."""
        frame = self._frame
        ops = frame.private.get(viewer, frame.public)
        if not ops:
            return None
        # By identity: the frame keeps the lists alive.
        key = (id(ops), format)
        made = self._frames.get(key)
        if made is None:
            shared = ops if ops is frame.public else [self._encoded(op, format) for op in ops]
            patch = Patch(seq=frame.seq, now=frame.now, ops=shared)  # type: ignore[arg-type]
            made = self._frames[key] = websocket_frame(format.encode(patch), binary=format.binary)
        return made

    def _encoded(self, op: Op, format: Format) -> msgspec.Raw:
        key = (id(op), format)
        raw = self._ops.get(key)
        if raw is None:
            raw = self._ops[key] = msgspec.Raw(format.encode(op))
        return raw


_EVENT = _NEVER - 1
"""The `seq` of an event: it fits whatever a client has that is not behind."""


class _Round:
    """One frame on its way to all who were there when it was put out."""

    __slots__ = ("at", "frames", "seq", "viewings")

    def __init__(self, frames: SharedFrames | PrivateFrames, seq: int, viewings: Sequence[Viewing]) -> None:
        self.frames = frames
        self.seq = seq
        self.viewings = viewings
        self.at = 0


class FanOut:
    """The rounds of one room, one after the other, and those who fell behind."""

    __slots__ = ("_behind", "_done", "_rounds", "_soon", "_steady")

    def __init__(
        self, steady: Callable[[], float], soon: Callable[[Callable[[], None]], Any], done: Callable[[], None]
    ) -> None:
        """`soon` calls back when the loop has served what came in; `done` is called when a round that took
        more than one chunk has reached everybody."""
        self._steady = steady
        self._soon = soon
        self._done = done
        self._rounds: list[_Round] = []
        self._behind: dict[Viewing, None] = {}

    @property
    def busy(self) -> bool:
        """Whether a round is under way: the room's next frame waits for its end."""
        return bool(self._rounds)

    def patch(self, frame: Frame, viewings: Sequence[Viewing]) -> None:
        """A tick's frame to everybody; the first chunk at once."""
        if frame.private:
            frames: SharedFrames | PrivateFrames = PrivateFrames(frame)
        elif frame.public:
            frames = SharedFrames(Patch(seq=frame.seq, now=frame.now, ops=frame.public))
        else:
            return
        self._begin(_Round(frames, frame.seq, viewings))

    def event(self, message: Any, viewings: Sequence[Viewing]) -> None:
        """A message to everybody, after the patches before it. Clients that are behind miss it."""
        self._begin(_Round(SharedFrames(message), _EVENT, viewings))

    def refresh(self, viewing: Viewing) -> None:
        """The client wants a snapshot: until it has one, no patch fits."""
        viewing.fell_behind(self._steady())
        self._behind[viewing] = None

    def forget(self, viewing: Viewing) -> None:
        """It is over: no snapshot is due any more."""
        self._behind.pop(viewing, None)

    def catch_up(self, snapshot: Callable[[str], Snapshot | None]) -> bool:
        """A fresh snapshot to each client that skipped patches and drained. Whether some still wait.

        No snapshot: the viewer is about to go elsewhere, and gets nothing more of this room.
        """
        now = self._steady()
        for viewing in list(self._behind):
            if not viewing.stale or viewing.connection is None:
                del self._behind[viewing]
            elif not viewing.connection.busy and now >= viewing.snapshot_at + SNAPSHOT_SECONDS:
                del self._behind[viewing]
                if (fresh := snapshot(viewing.viewer)) is not None:
                    viewing.show(fresh, now)
        return bool(self._behind)

    def too_slow(self, limit: float) -> list[Viewing]:
        """Those who have been behind for more than `limit` seconds."""
        now = self._steady()
        return [viewing for viewing in self._behind if viewing.stale and now - viewing.stale_since > limit]

    def close(self) -> None:
        """The room is over: nobody is sent anything any more."""
        self._rounds.clear()
        self._behind.clear()

    def _begin(self, round: _Round) -> None:
        if self._rounds:
            self._rounds.append(round)
        elif not self._chunk(round):
            self._rounds.append(round)
            self._soon(self._go_on)

    def _go_on(self) -> None:
        if not self._rounds:
            return  # closed meanwhile
        if self._chunk(self._rounds[0]):
            del self._rounds[0]
        if self._rounds:
            self._soon(self._go_on)
        else:
            self._done()

    def _chunk(self, round: _Round) -> bool:
        """Serve the next chunk of clients. True: that was the last."""
        frames, seq, end = round.frames, round.seq, round.at + CHUNK
        shared = isinstance(frames, SharedFrames)
        format, frame = None, None
        # What stands in this loop is paid for each client and tick.
        for viewing in round.viewings[round.at : end]:
            # Away, behind, or a snapshot that was sent meanwhile holds what this patch says.
            if viewing.fits_after >= seq:
                continue
            if not shared or viewing.format is not format:
                format = viewing.format
                frame = frames.for_viewer(viewing.viewer, format)
            if frame is not None and not viewing.offer(frame) and seq != _EVENT:
                viewing.fell_behind(self._steady())
                self._behind[viewing] = None
        round.at = end
        return end >= len(round.viewings)
