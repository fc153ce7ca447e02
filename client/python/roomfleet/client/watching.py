"""Watching a room as an admin: a copy of everything in it, without being in it.

async with Watching("http://127.0.0.1:8080", game="walkabout", room="town") as town:
    await town.wait_for(lambda town: "town-1-1" in town.actors)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Any

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from roomfleet.client.actions import Close, Open, Send
from roomfleet.client.backoff import backoff
from roomfleet.client.errors import ClientError, Refused, SessionEnded
from roomfleet.client.join import watches_url
from roomfleet.client.links import OPEN_SECONDS, LinkLost, RoomLink
from roomfleet.client.sockets import USER_AGENT, Sockets
from roomfleet.client.view import empty_copy, position_of
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.joining import Problem, Refusal, WatchAnswer
from roomfleet.wire.motion import Point
from roomfleet.wire.patch import Copy
from roomfleet.wire.session import Bye, Hello, Leave, Patch, Rejoin, Snapshot, Welcome
from roomfleet.wire.version import __version__

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often `wait_for` looks again while no message comes: positions change with time alone."""


class _Unreachable(Exception):
    """The master did not answer."""


class Watching:
    """One room as an admin sees it. Use it as an async context manager.

    A room that moves, or falls asleep and wakes again, is watched on: what is shown meanwhile is the last
    copy, and `live` is false.
    """

    def __init__(
        self,
        url: str,
        *,
        game: str,
        room: str,
        keep_alive_seconds: float = 20,
        format: Format = JSON,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        """`url` is the master's, `http(s)://host[:port]`, and `room` a Room's name. Raises BadAddress."""
        self._url = watches_url(url, game, room)
        self._room = room
        self._keep_alive_seconds = keep_alive_seconds
        self._format = format
        self._clock = clock
        self._random = random or Random()
        self._sockets = Sockets(self)
        self._link: RoomLink | None = None
        self._shown: RoomLink | None = None
        self._links = 0
        self._attempt = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._ending: ClientError | None = None

    # -- what there is to see ------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the copy follows the room at the moment."""
        return self._link is not None and self._link.ready

    @property
    def welcome(self) -> Welcome:
        """The room's map, doors, tags and objects."""
        assert self._shown is not None, "enter the context manager first"
        assert self._shown.welcome is not None
        return self._shown.welcome

    @property
    def copy(self) -> Copy:
        """Everything there is: `{"actors": {id: actor}, "room": {"state": …}}`. Not to be changed."""
        return empty_copy() if self._shown is None else self._shown.copy

    @property
    def actors(self) -> dict[str, dict[str, Any]]:
        """The actors, by id."""
        actors: dict[str, dict[str, Any]] = self.copy["actors"]
        return actors

    @property
    def now(self) -> float:
        """Room time, seconds."""
        shown = self._shown
        return 0.0 if shown is None or shown.clock is None else shown.clock.room_now(self._clock())

    def position_of(self, actor_id: str) -> Point | None:
        """Where the actor is now, in world units; None when it is not there. Exact, so it may jump."""
        return position_of(self.copy, actor_id, self.now)

    def drawn_position_of(self, actor_id: str) -> Point | None:
        """Where to draw the actor now: it never jumps unless it was put elsewhere."""
        shown = self._shown
        return None if shown is None else shown.drawing.position_of(shown.copy, actor_id, self.now)

    # -- what can be done ----------------------------------------------------------------------------------

    async def wait_for(self, predicate: Callable[[Watching], object], timeout: float | None = None) -> None:
        """Wait until `predicate(watching)` is true.

        Raises TimeoutError after `timeout` seconds, what the predicate raises, and SessionEnded or Refused
        where the watching is over for good.
        """
        async with asyncio.timeout(timeout):
            while not predicate(self):
                if self._ending is not None:
                    raise self._ending
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), POLL_SECONDS)
                except TimeoutError:
                    continue

    async def __aenter__(self) -> Watching:
        """Returns with the first snapshot. Raises Refused when the master says no or does not answer."""
        try:
            answer = await self._ask()
        except _Unreachable as error:
            detail = f"the master cannot be reached: {error}"
            problem = Problem(type="about:blank", title="Cannot watch", status=503, detail=detail)
            raise Refused(problem) from None
        self._connect(answer)
        try:
            await self.wait_for(lambda watching: watching.live)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        link = self._link
        if link is not None and link.is_open:
            self._send(link, self._format.encode(Leave()))
        self._drop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._sockets.all_closed()

    # -- asking --------------------------------------------------------------------------------------------

    async def _ask(self) -> WatchAnswer:
        """A ticket. Raises Refused, or _Unreachable."""
        request = HTTPRequest(
            self._url,
            method="POST",
            body=b"",
            headers={"User-Agent": USER_AGENT},
            connect_timeout=OPEN_SECONDS,
            request_timeout=OPEN_SECONDS,
        )
        try:
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        except (HTTPClientError, OSError) as error:
            raise _Unreachable(str(error) or type(error).__name__) from None
        try:
            if answer.code == 201:
                return msgspec.json.decode(answer.body, type=WatchAnswer)
            problem = msgspec.json.decode(answer.body, type=Problem)
        except msgspec.DecodeError:
            raise _Unreachable(f"it answers {answer.code}, not as a master does") from None
        raise Refused(problem)

    async def _ask_again(self) -> None:
        """Until the room runs again."""
        while True:
            await asyncio.sleep(backoff(self._attempt, self._random))
            self._attempt += 1
            try:
                self._connect(await self._ask())
            except _Unreachable as error:
                log.info("room %s is not watched at the moment: %s", self._room, error)
            except Refused as refused:
                if refused.problem.refusal != Refusal.ROOM_NOT_RUNNING:
                    self._end(refused)
                    return
            else:
                return

    def _connect(self, answer: WatchAnswer) -> None:
        self._links += 1
        hello = Hello(watch=answer.ticket, version=__version__)
        self._link = RoomLink(
            self._links,
            answer.url,
            hello,
            self._keep_alive_seconds,
            self._clock(),
            format=self._format,
            before=self._shown,
        )
        self._sockets.open(Open(self._link.id, self._link.url, self._link.subprotocol))
        self._arm()

    # -- the link ------------------------------------------------------------------------------------------

    def link_opened(self, link: int) -> None:
        """For Sockets."""
        if (known := self._current(link)) is not None:
            self._send(known, known.opened(self._clock()))
            self._arm()

    def link_failed(self, link: int, reason: str, status: int | None) -> None:
        """For Sockets."""
        if self._current(link) is not None:
            self._link = None
            self._lost(reason)

    def link_heard(self, link: int, data: str | bytes) -> None:
        """For Sockets."""
        if (known := self._current(link)) is None:
            return
        now = self._clock()
        try:
            message = known.read(data, now)
        except LinkLost as lost:
            self._lost(str(lost))
            return
        match message:
            case Snapshot() if not known.ready:
                self._shown, self._attempt = known, 0
                self._send(known, known.begin(now))
            case Patch() if known.wants_snapshot:
                self._send(known, known.want_snapshot())
            case Rejoin(reason=reason):
                self._lost(reason)
            case Bye(code=code, reason=reason):
                self._end(SessionEnded(code, reason))
        self._arm()
        self._news.set()

    def link_lost(self, link: int, reason: str) -> None:
        """For Sockets."""
        if self._current(link) is not None:
            self._link = None
            self._lost(reason)

    def _current(self, link: int) -> RoomLink | None:
        return self._link if self._link is not None and self._link.id == link else None

    def _send(self, link: RoomLink, data: bytes) -> None:
        self._sockets.send(Send(link.id, data, link.format.binary))

    def _lost(self, reason: str) -> None:
        log.info("room %s is not watched at the moment: %s", self._room, reason)
        self._drop()
        if self._ending is None and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._ask_again())
        self._news.set()

    def _end(self, ending: ClientError) -> None:
        self._ending = ending
        self._drop()
        self._news.set()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._sockets.close(Close(link.id))
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._link is not None:
            wait = max(0.0, self._link.deadline - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        link, now = self._link, self._clock()
        if link is None:
            return
        if link.deadline <= now:
            try:
                if (ping := link.due(now)) is not None:
                    self._send(link, ping)
            except LinkLost as lost:
                self._lost(str(lost))
        self._arm()
