"""One connection, without its socket: to the master (PlayLink) or to a room node (RoomLink).

A link watches over its own time limits: `deadline` says when `due` wants to be called. Whatever makes
it useless is raised as LinkLost; what follows from that is the session's business.
"""

from __future__ import annotations

from roomfleet.client.clock import RoomClock
from roomfleet.client.drawing import Drawing
from roomfleet.client.view import empty_copy
from roomfleet.wire import joining, session
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.errors import MalformedMessage, PatchError
from roomfleet.wire.patch import apply_ops

OPEN_SECONDS = 10.0
"""For the websocket's upgrade."""
ROOM_OPEN_SECONDS = 2.5
"""For the upgrade of a room's websocket at the first attempt: a node that stands still takes connections and
never answers, and the master knows a better one, or will soon."""
READY_SECONDS = 15.0
"""From the open websocket to the first snapshot."""
MASTER_SILENCE_SECONDS = 45.0
"""After that the master counts as gone. Below the minute that a place in line outlives its last message,
so that coming back keeps the place."""
SILENCE_SECONDS = 3.0
"""While a call waits for its answer and nothing at all is heard for that long, a ping goes out, whatever the
pause between pings is; and when nothing is heard for as long again, the room counts as gone."""
FIRST_PINGS = 5
FIRST_PING_SECONDS = 0.25
"""The first pings come fast, for the clock's sake."""


class LinkLost(Exception):
    """The connection is of no more use; the text says why, for people."""


class PlayLink:
    """The `play` websocket: waits in line for a way in."""

    subprotocol = joining.SUBPROTOCOL
    format = JSON

    def __init__(self, id: int, url: str, join: joining.Join, now: float) -> None:
        self.id = id
        self.url = url
        self.is_open = False
        self.deadline = now + OPEN_SECONDS
        self._join = join

    def opened(self, now: float) -> bytes:
        """What to say first."""
        self.is_open = True
        self.deadline = now + MASTER_SILENCE_SECONDS
        return self.format.encode(self._join)

    def due(self, now: float) -> bytes:
        raise LinkLost("the master fell silent" if self.is_open else "the master did not answer")

    def read(self, data: str | bytes, now: float) -> joining.ToPlayer:
        try:
            message = joining.to_player.decode(data)
        except MalformedMessage as error:
            raise LinkLost(str(error)) from None
        self.deadline = now + MASTER_SILENCE_SECONDS
        return message


class RoomLink:
    """A player's websocket to a node: the copy of the room, its clock, the calls not yet answered.

    It is `ready` once it has its welcome and first snapshot.
    """

    def __init__(
        self,
        id: int,
        url: str,
        hello: session.Hello,
        keep_alive_seconds: float,
        now: float,
        *,
        format: Format = JSON,
        before: RoomLink | None = None,
        attempt: int = 0,
    ) -> None:
        """`before` is the link that is shown until this one is ready. After `attempt` failures it has more
        time to open: the network may be slow and the node well."""
        self.format = format
        self.id = id
        self.url = url
        self.is_open = False
        self.ready = False
        self.deadline = now + min(OPEN_SECONDS, ROOM_OPEN_SECONDS * 2.0 ** min(attempt, 16))
        self.welcome: session.Welcome | None = None
        self.copy = empty_copy()
        self.clock: RoomClock | None = None
        self.drawing = Drawing()
        self.calls: set[int] = set()
        self._hello = hello
        self._keep_alive_seconds = keep_alive_seconds
        self._pings = 0
        self._ping_at = 0.0
        self._unanswered_since: float | None = None
        self._probe_at: float | None = None
        """When the room is asked whether it is there, or, if it was, counts as gone."""
        self._probed: float | None = None
        """When it was asked. Only a pong to that shows that it is there: other words may have been on the way
        since before the call."""
        self._before = before
        self._snapshot_by: float | None = None
        self.wants_snapshot = False
        """A patch did not fit, and `want_snapshot` was not said yet."""

    @property
    def subprotocol(self) -> str:
        return self.format.subprotocol

    @property
    def resumes(self) -> bool:
        """Whether this connection is an attempt to resume a session."""
        return self._hello.resume is not None

    def opened(self, now: float) -> bytes:
        """What to say first."""
        self.is_open = True
        self.deadline = now + READY_SECONDS
        return self.format.encode(self._hello)

    def called(self, now: float) -> None:
        """A call went out: some word should come before long."""
        if self.ready and (self._probe_at is None or len(self.calls) == 1):
            self._probe_at, self._probed = now + SILENCE_SECONDS, None
            self.deadline = min(self.deadline, self._probe_at)

    def due(self, now: float) -> bytes | None:
        """The next ping, if it is time for one, or LinkLost when the last one has gone unanswered for too
        long.
        """
        if not self.ready:
            raise LinkLost("the room did not answer")
        unanswered = self._unanswered_since
        if unanswered is not None and now - unanswered >= self._keep_alive_seconds:
            raise LinkLost("the room fell silent")
        if self._snapshot_by is not None and now >= self._snapshot_by:
            raise LinkLost("the room sent no snapshot")
        if not self.calls:
            self._probe_at = None
        if self._probe_at is not None and now >= self._probe_at:
            if self._probed is not None:
                raise LinkLost("the room fell silent")
            self._probed, self._probe_at = now, now + SILENCE_SECONDS
            return self._ping(now)
        if now < self._ping_at:
            self._set_deadline()
            return None
        return self._ping(now)

    def read(self, data: str | bytes, now: float) -> session.ToClient:
        """The message, after taking in what it says about the room."""
        if isinstance(data, bytes) is not self.format.binary:
            raise LinkLost(f"the room sent what is not {self.format.name}")
        try:
            message = session.to_client.decode(data, self.format)
        except MalformedMessage as error:
            raise LinkLost(str(error)) from None
        self._unanswered_since = None
        if self._probe_at is not None:
            self._probe_at = now + SILENCE_SECONDS
        match message:
            case session.Welcome():
                self.welcome = message
                self.clock = RoomClock(message.now, now)
            case session.Snapshot():
                self._need_welcome().heard(message.now, now)
                self._follow(now)
                self.copy = {"actors": message.actors, "room": message.room}
                self._snapshot_by = None
            case session.Patch():
                self._need_welcome().heard(message.now, now)
                if self._snapshot_by is None:
                    self._apply(message, now)
            case session.Pong():
                self._need_welcome().pong(message.t, now, message.now)
                if self._probed is not None and message.t >= self._probed:
                    self._probe_at = self._probed = None
        return message

    def _apply(self, patch: session.Patch, now: float) -> None:
        if not self.ready:
            raise LinkLost("the room did not begin with a snapshot")
        try:
            apply_ops(self.copy, patch.ops)
        except PatchError:
            # Of no use until the snapshot is there, and neither are the patches before it.
            self.wants_snapshot = True
            self._snapshot_by = now + READY_SECONDS
            self.deadline = min(self.deadline, self._snapshot_by)

    def _follow(self, now: float) -> None:
        """At the first snapshot: go on with room time as it was shown, where it is the same room."""
        before, self._before = self._before, None
        if before is None or before.welcome is None or before.clock is None:
            return
        assert self.welcome is not None
        assert self.clock is not None
        if before.welcome.room.name == self.welcome.room.name:
            self.clock.follow(before.clock, now)
            self.drawing = before.drawing

    def want_snapshot(self) -> bytes:
        """What to say when the copy does not fit any more."""
        self.wants_snapshot = False
        return self.format.encode(session.WantSnapshot())

    def begin(self, now: float) -> bytes:
        """It is ready from now on: the first ping."""
        self.ready = True
        return self._ping(now)

    def _need_welcome(self) -> RoomClock:
        if self.clock is None:
            raise LinkLost("the room did not begin with a welcome")
        return self.clock

    def _ping(self, now: float) -> bytes:
        if self._unanswered_since is None:
            self._unanswered_since = now
        self._pings += 1
        self._ping_at = now + (FIRST_PING_SECONDS if self._pings < FIRST_PINGS else self._keep_alive_seconds)
        self._set_deadline()
        return self.format.encode(session.Ping(t=now))

    def _set_deadline(self) -> None:
        times = (self._ping_at, self._probe_at, self._snapshot_by)
        self.deadline = min(time for time in times if time is not None)
