"""One client's websocket: it says hello with a ticket, then calls; and hears from its room (DESIGN 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Protocol

from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.rooms import Rooms
from roomfleet.node.serving.connection import say_error
from roomfleet.node.serving.doors import Doors
from roomfleet.node.serving.keepalive import KeepAlive
from roomfleet.node.serving.limits import Bucket, OutstandingCalls
from roomfleet.node.serving.protocol import TOO_LARGE, NamingProtocol
from roomfleet.node.serving.sending import PING, Pipe, websocket_frame
from roomfleet.node.visiting.guests import Guest, PlayerGuest, WatcherGuest
from roomfleet.wire.codec import FORMATS, JSON, Format
from roomfleet.wire.errors import TicketError, UnknownMessage, WireError
from roomfleet.wire.session import (
    Bye,
    ByeCode,
    Call,
    Error,
    ErrorCode,
    FromClient,
    Hello,
    Leave,
    Ping,
    Pong,
    Result,
    WantSnapshot,
    from_client,
)
from roomfleet.wire.settings import Settings
from roomfleet.wire.urls import origin_allowed

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
"""A client that has not said hello by then is cut off."""

LINGER_SECONDS = 3.0
"""How long a client may take to close after its last message."""

BAD_HELLO = 4001
"""Websocket close code: the hello was refused; join again."""

NO_HELLO = 4002
"""Websocket close code: no hello in time."""


class Served(Protocol):
    """What a connection needs of the node."""

    settings: Settings
    keep_alive: KeepAlive
    meters: Meters
    doors: Doors
    rooms: Rooms


class SessionSocket(WebSocketHandler):
    """`…/v1/games/{game}/rooms/{room}/session`: one player's connection."""

    def initialize(self, node: Served) -> None:
        self._node = node
        self._guest: Guest | None = None
        self._ended = False
        self._close_code = 1000
        self._pipe: Pipe | None = None
        self._bucket = Bucket(node.settings.calls_per_second, node.settings.calls_burst)
        self._calls = OutstandingCalls(node.settings.outstanding_calls)
        self._timer: asyncio.TimerHandle | None = None
        self.format: Format = JSON
        self.heard = True
        self._heard_binary = False
        """Whether the message at hand came in a binary frame."""

    # -- opening -------------------------------------------------------------------------------------------

    def get_websocket_protocol(self) -> WebSocketProtocol13 | None:
        if self.request.headers.get("Sec-WebSocket-Version") in ("7", "8", "13"):
            return NamingProtocol(self, self, False, self._websocket_params())
        return None

    def _websocket_params(self) -> Any:
        standard = super().get_websocket_protocol()
        assert isinstance(standard, WebSocketProtocol13)
        return standard.params

    def check_origin(self, origin: str) -> bool:
        """Only pages of the installation; what is no browser sends no origin and is not asked."""
        return origin_allowed(origin, self._node.doors.origins, self.request.host)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first that the client names and that is spoken here: its order of preference counts."""
        return next((name for name in subprotocols if name in FORMATS), None)

    def open(self, game: str, room: str) -> None:
        assert isinstance(self.ws_connection, WebSocketProtocol13)
        if self.ws_connection.stream.closed():  # the client gave up before it was answered
            self._ended = True
            return
        self.set_nodelay(True)
        self._pipe = Pipe(self.ws_connection.stream)
        self.offer = self._pipe.offer  # type: ignore[method-assign]
        self._node.keep_alive.add(self)
        self._room_name = room
        self._game_name = game
        if self.selected_subprotocol is None:
            spoken = " and ".join(FORMATS)
            self.end(
                Bye(
                    code=ByeCode.VERSION,
                    reason=f"this node speaks {spoken}: ask for one of them as the subprotocol",
                )
            )
            return
        self.format = FORMATS[self.selected_subprotocol]
        self._timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._no_hello)

    def _no_hello(self) -> None:
        if self._guest is None and not self._ended:
            say_error(
                self, ErrorCode.BAD_TICKET, f"no hello within {HELLO_SECONDS:g} s: say hello with a ticket"
            )
            self._close(NO_HELLO, "no hello")

    # -- messages ------------------------------------------------------------------------------------------

    def on_message(self, data: str | bytes) -> Awaitable[None] | None:
        """Only a hello takes more than this moment: no task is made for anything else."""
        if self._ended:
            return None
        if not self._bucket.take(asyncio.get_running_loop().time()):
            limit = self._node.settings.calls_per_second
            say_error(self, ErrorCode.RATE_LIMIT, f"more than {limit:g} messages a second")
            self._put_out(ByeCode.RATE_LIMIT, f"more than {limit:g} messages a second")
            return None
        if self._heard_binary is not self.format.binary:
            kind = "binary" if self.format.binary else "text"
            text = f"{self.format.subprotocol} is {self.format.name} in {kind} frames; this one was not"
            say_error(self, ErrorCode.BAD_MESSAGE, text)
            return None
        try:
            message = from_client.decode(data, self.format)
        except WireError as error:
            unknown = isinstance(error, UnknownMessage)
            say_error(self, ErrorCode.UNKNOWN_MESSAGE if unknown else ErrorCode.BAD_MESSAGE, str(error))
            return None
        if self._guest is not None:
            self._heard(self._guest, message)
        elif isinstance(message, Hello):
            return self._hello(message)
        else:
            say_error(self, ErrorCode.BAD_MESSAGE, "say hello first, with a ticket")
        return None

    def _heard(self, guest: Guest, message: FromClient) -> None:
        match message:
            case Call():
                self._call(guest, message)
            case Ping(t=t):
                self.say(Pong(t=t, now=guest.room.now()))
            case WantSnapshot():
                guest.refresh()
            case Leave():
                guest.leave()
            case Hello():
                say_error(self, ErrorCode.BAD_MESSAGE, "you said hello before")

    def _call(self, guest: Guest, call: Call) -> None:
        if self._calls.begin(call.id):
            guest.call(call)
            return
        text = f"{self._calls.limit} calls wait for their result already: {call.method!r:.60} was not called"
        say_error(self, ErrorCode.TOO_MANY_CALLS, text, call.id)

    async def _hello(self, hello: Hello) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if hello.resume is not None:
            found = self._node.doors.resumes.get(hello.resume)
            if found is not None and found[0].visits.resume(found[1], self):
                self._guest = PlayerGuest(*found, self)
                return
            self._refuse(ErrorCode.BAD_RESUME, "that session is over: join again")
            return
        doors, watch = self._node.doors, hello.watch
        try:
            if watch:
                ticket = doors.take_watching(watch, self._room_name)
            else:
                ticket = doors.take(hello.ticket or "", self._room_name)
        except TicketError as error:
            self._refuse(ErrorCode.BAD_TICKET, str(error))
            return
        room = await self._node.rooms.preparing.awaited(ticket.room)
        if room is None:
            doors.give_back(ticket)
            self._refuse(ErrorCode.BAD_TICKET, f"room {ticket.room} is not here: join again")
            return
        # From here on frames of the room may reach this connection.
        guest: Guest = WatcherGuest(room, self) if watch else PlayerGuest(room, ticket.sub, self)
        self._guest = guest
        if not await guest.enter(ticket):
            doors.give_back(ticket)
        if self.closed:
            guest.dropped()

    def _refuse(self, code: ErrorCode, message: str) -> None:
        say_error(self, code, message)
        self._close(BAD_HELLO, code.value)

    def frame_is(self, *, binary: bool) -> None:
        self.heard, self._heard_binary = True, binary

    def too_large(self) -> None:
        """A message over the limit is on its way in: name it before the connection ends."""
        self._close_code = TOO_LARGE
        limit = self._node.settings.max_message_bytes
        say_error(self, ErrorCode.MESSAGE_TOO_LARGE, f"a message has at most {limit:,} bytes")
        self._put_out(ByeCode.PROTOCOL_ERROR, f"a message has at most {limit:,} bytes")

    def _put_out(self, code: ByeCode, reason: str) -> None:
        if self._guest is not None:
            self._guest.put_out(code, reason)
        self.end(Bye(code=code, reason=reason))

    def on_close(self) -> None:
        self._node.keep_alive.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._guest is not None and not self._ended:
            self._guest.dropped()

    # -- the room's side: Connection -----------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self.ws_connection is None or self.ws_connection.is_closing()

    def say(self, message: Any) -> None:
        if self._ended or self._pipe is None:
            return
        if isinstance(message, Result | Error) and message.id is not None:
            self._calls.end(message.id)
        self._pipe.put(websocket_frame(self.format.encode(message), binary=self.format.binary))
        if self._pipe.overfull:
            log.info("%s takes nothing and is cut off", self.request.remote_ip)
            self._node.meters.slow_clients += 1
            self._pipe.cut()

    def ping(self) -> None:  # type: ignore[override]
        """Ask the client for a sign of life."""
        if self._pipe is not None and not self._ended:
            self._pipe.put(PING)

    def cut(self) -> None:
        """End the connection at once: the client is gone, or does not answer."""
        if self._pipe is not None:
            self._pipe.cut()

    def offer(self, frame: bytes) -> bool:
        """That of the pipe, as long as there is one: this is called for each client and tick."""
        return True

    @property
    def busy(self) -> bool:
        return self._pipe is not None and self._pipe.full

    def end(self, last: Any | None) -> None:
        if self._ended:
            return
        if last is not None:
            self.say(last)
        self._close(self._close_code, "")

    def _close(self, code: int, reason: str) -> None:
        """Close; a peer that does not answer the close is cut off."""
        self._ended = True
        if self.ws_connection is None:
            return
        self.close(code, reason)
        if self._pipe is not None:
            self._pipe.shut()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._pipe.cut)
