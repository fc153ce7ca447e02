"""The client's shell: asyncio, Tornado's websockets and the system's clock around the pure Session.

async with Client("http://127.0.0.1:8080", game="walkabout", token="ada") as player:
    await player.join()
    await player.call("walk", x=200, y=200)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from types import TracebackType
from typing import Any
from weakref import WeakSet

from roomfleet.client.actions import (
    RESTING,
    Action,
    Answer,
    ClientEvent,
    Close,
    Fail,
    Invitation,
    Open,
    Send,
    State,
    StateChanged,
    Tell,
)
from roomfleet.client.errors import WrongState
from roomfleet.client.events import EventStream
from roomfleet.client.join import InstanceOf
from roomfleet.client.session import Session
from roomfleet.client.sockets import Sockets
from roomfleet.client.view import empty_copy, position_of
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.motion import Point
from roomfleet.wire.patch import Copy
from roomfleet.wire.session import RoomInfo, Welcome, You

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often `wait_for` looks again while no message comes: positions change with time alone."""


class Client:
    """A player of a game. Use it as an async context manager: leaving the block leaves the game.

    Everything that is shown (`copy`, `room`, `now`, …) is of the last room that was entered, also while
    the connection is lost or the player is on the way to another room.
    """

    def __init__(
        self,
        url: str,
        *,
        game: str,
        token: str,
        keep_alive_seconds: float = 20,
        format: Format = JSON,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        """`url` is the master's, `http(s)://host[:port]`; `token` says who the player is: with the
        `anonymous` identity, their name. `keep_alive_seconds` is the pause between pings; after two
        without a word the connection counts as lost. `format` is how messages to and from rooms are
        written: JSON, or MSGPACK, which is quicker to read. Raises BadAddress."""
        self._session = Session(
            url,
            game=game,
            token=token,
            random=random or Random(),
            keep_alive_seconds=keep_alive_seconds,
            format=format,
        )
        self._clock = clock
        self._sockets = Sockets(self)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._waiters: dict[asyncio.Future[None], Callable[[Client], object]] = {}
        self._streams: WeakSet[EventStream] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._change = StateChanged(state=State.IDLE)
        self._told_unreachable = False
        self.messages = 0
        """Messages received so far."""

    # -- what there is to see ------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._session.state

    @property
    def change(self) -> StateChanged:
        """The last change of state, with its details: the place in line, why the connection was lost."""
        return self._change

    @property
    def welcome(self) -> Welcome | None:
        """The room's map, doors, tags and objects; None before the first room."""
        return None if self._session.shown is None else self._session.shown.welcome

    @property
    def room(self) -> RoomInfo | None:
        """Name and size of the room; None before the first one."""
        return None if self.welcome is None else self.welcome.room

    @property
    def you(self) -> You | None:
        """The player's own actor's id, and the commands that may be called."""
        return None if self.welcome is None else self.welcome.you

    @property
    def copy(self) -> Copy:
        """What may be seen: `{"actors": {id: actor}, "room": {"state": …}}`. Not to be changed."""
        return empty_copy() if self._session.shown is None else self._session.shown.copy

    @property
    def actors(self) -> dict[str, dict[str, Any]]:
        """The actors that may be seen, by id."""
        actors: dict[str, dict[str, Any]] = self.copy["actors"]
        return actors

    @property
    def now(self) -> float:
        """Room time, seconds; 0 before the first room. It never falls within a session."""
        shown = self._session.shown
        return 0.0 if shown is None or shown.clock is None else shown.clock.room_now(self._clock())

    @property
    def round_trip(self) -> float | None:
        """Seconds there and back; None while it is not known."""
        shown = self._session.shown
        return None if shown is None or shown.clock is None else shown.clock.round_trip

    def position_of(self, actor_id: str) -> Point | None:
        """Where the actor is now, in world units; None when it is not there or may not be seen.

        Exact by all that is known, so it jumps where a new course is heard of.
        """
        return position_of(self.copy, actor_id, self.now)

    def drawn_position_of(self, actor_id: str) -> Point | None:
        """Where to draw the actor now: where it is, but it never jumps unless it was put elsewhere.

        To be asked at each frame.
        """
        shown = self._session.shown
        return None if shown is None else shown.drawing.position_of(shown.copy, actor_id, self.now)

    # -- what can be done ----------------------------------------------------------------------------------

    async def join(
        self,
        room: str | InstanceOf | None = None,
        *,
        bring: bool = False,
        party: Sequence[str] = (),
        invitation: Invitation | None = None,
    ) -> None:
        """Get in, and stay in whatever is lost, until `leave` or a final refusal or goodbye.

        `room`: a Room's name, or `InstanceOf(instanced_room, key)`: the room for that key, which is made if
        there is none.

        Returns when playing; that can take as long as the line or an outage. No room: back to where the
        player's actor is, or the game's entry room. One whose actor is in another room gets in there,
        unless it is to be brought: with `bring` the actor goes to the room that was asked for, if that says
        `arrivals: Anyone`. Cancelling it leaves. Raises Refused, SessionEnded, or WrongState when in another
        room already.

        `party`: the tokens of other players who are let in together with this one, or not at all. Once they
        are, `change.invitations` of the state `loading` (among `events()`) has an `Invitation` for each, with
        which that player's own client joins: `join(invitation=…)`.
        """
        session = self._session
        if session.state in RESTING:
            self._perform(session.join(self._clock(), room, bring=bring, party=party, invitation=invitation))
        elif room is not None and room not in (session.room, session.instance):
            raise WrongState(f"already {session.state} for {session.room or 'the entry room'}; leave first")
        try:
            await self.wait_for(lambda player: player.state is State.PLAYING)
        except asyncio.CancelledError:
            self._perform(session.leave())
            raise

    async def call(self, method: str, /, **args: Any) -> Any:
        """Call a command of the player's own actor; gives its result when the command has ended.

        Raises CallError: the node's code (`bad-arguments` without asking it, where `args` is no JSON data),
        or `not-connected` (it was not sent), or `dropped` (the connection ended first: whether it was carried
        out is not known).
        """
        call, actions = self._session.call(method, args, self._clock())
        answer = self._calls[call] = asyncio.get_running_loop().create_future()
        try:
            self._perform(actions)
            return await answer
        finally:
            del self._calls[call]

    def events(self) -> AsyncIterator[ClientEvent]:
        """Everything that happens from now on: StateChanged, the game's Event, Ahead, Error.

        Ends after a state that is final (`refused`, `bye`).
        """
        stream = EventStream()
        self._streams.add(stream)
        return stream

    async def wait_for(self, predicate: Callable[[Client], object], timeout: float | None = None) -> None:
        """Wait until `predicate(player)` is true; it is looked at after every message and as time goes.

        Raises TimeoutError after `timeout` seconds, and what the predicate raises. Raises Refused or
        SessionEnded where that state makes waiting vain.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = predicate
        try:
            async with asyncio.timeout(timeout):
                self._look()
                while not waiter.done():
                    await asyncio.wait({waiter}, timeout=POLL_SECONDS)
                    self._look()
            waiter.result()
        finally:
            del self._waiters[waiter]
            if not waiter.cancel() and not waiter.cancelled():
                waiter.exception()  # Seen, also where the timeout came first.

    async def leave(self) -> None:
        """Leave the game at once; the state is `bye` then.

        Returns when the node has heard it, or some seconds later where it is stuck.
        """
        self._perform(self._session.leave())
        await self._sockets.all_closed()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    # -- the session's inputs ------------------------------------------------------------------------------

    def link_opened(self, link: int) -> None:
        """For Sockets."""
        self._told_unreachable = False
        self._perform(self._session.opened(link, self._clock()))

    def link_failed(self, link: int, reason: str, status: int | None) -> None:
        """For Sockets."""
        if not self._told_unreachable:
            self._told_unreachable = True
            log.warning("cannot connect: %s; trying again for as long as it takes", reason)
        self._perform(self._session.open_failed(link, reason, self._clock(), status))

    def link_heard(self, link: int, data: str | bytes) -> None:
        """For Sockets."""
        self.messages += 1
        self._perform(self._session.received(link, data, self._clock()))

    def link_lost(self, link: int, reason: str) -> None:
        """For Sockets."""
        self._perform(self._session.closed(link, reason, self._clock()))

    def _tick(self) -> None:
        self._timer = None
        self._perform(self._session.tick(self._clock()))

    # -- its actions ---------------------------------------------------------------------------------------

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._sockets.send(action)
                case Open():
                    self._sockets.open(action)
                case Close():
                    self._sockets.close(action)
                case Tell():
                    self._tell(action.event)
                case Answer():
                    if (answer := self._calls.get(action.call)) is not None and not answer.done():
                        answer.set_result(action.value)
                case Fail():
                    if (answer := self._calls.get(action.call)) is not None and not answer.done():
                        answer.set_exception(action.error)
        self._arm()
        self._look()

    def _tell(self, event: ClientEvent) -> None:
        if isinstance(event, StateChanged):
            self._change = event
        for stream in list(self._streams):
            stream.put(event)

    def _arm(self) -> None:
        """Have `_tick` called at the session's deadline, or before: then it arms again."""
        deadline = self._session.deadline
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, deadline - self._clock())
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._tick)

    def _look(self) -> None:
        """Wake whoever waits for what has come true."""
        ending = self._session.ending
        for waiter, predicate in list(self._waiters.items()):
            if waiter.done():
                continue
            try:
                if predicate(self):
                    waiter.set_result(None)
                elif ending is not None:
                    waiter.set_exception(ending)
            except Exception as error:  # noqa: BLE001 - it belongs to the one who waits
                waiter.set_exception(error)
