"""The node's websockets: a player's client says hello with a ticket, then calls (DESIGN 9, 10)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Mapping
from re import escape
from typing import Any, Protocol

from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from roomfleet.node.measuring.meters import Meters
from roomfleet.node.measuring.metrics import MetricsHandler
from roomfleet.node.running.room import HostedRoom, say_error
from roomfleet.node.serving.keepalive import KeepAlive
from roomfleet.node.serving.limits import Bucket, OutstandingCalls
from roomfleet.node.serving.sending import PING, Pipe, websocket_frame
from roomfleet.node.travelling.seats import SeatHandler
from roomfleet.node.visiting.guests import Guest, PlayerGuest, WatcherGuest
from roomfleet.node.visiting.visits import Visits
from roomfleet.wire.codec import FORMATS, JSON, Format
from roomfleet.wire.errors import TicketError, TicketFlaw, UnknownMessage, WireError
from roomfleet.wire.metrics import PATH
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
from roomfleet.wire.tickets import Ticket, UsedTickets, check_ticket, watch_audience
from roomfleet.wire.urls import origin_allowed

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
"""A client that has not said hello by then is cut off."""

READ_BYTES = 4096
"""Read from a player's socket at a time: what comes is small, and each read makes a buffer of this size."""

LINGER_SECONDS = 3.0
"""How long a client may take to close after its last message."""

_TEXT, _BINARY = 0x1, 0x2
"""Opcodes of websocket frames (RFC 6455, 5.2)."""

_CHUNK_BYTES = 65_536

TOO_LARGE = 1009
"""Websocket close code: a message over the limit (RFC 6455, 7.4.1)."""

BAD_HELLO = 4001
"""Websocket close code: the hello was refused; join again."""

NO_HELLO = 4002
"""Websocket close code: no hello in time."""


class Doors(Protocol):
    """What the handlers need of the node."""

    game_name: str
    boot: str
    settings: Settings
    keep_alive: KeepAlive
    meters: Meters

    def wall(self) -> float: ...

    def load(self) -> dict[str, int]: ...

    def metrics(self) -> bytes:
        """The text of `/metrics`."""

    def keys(self) -> Mapping[str, str]:
        """Public keys that sign tickets of players."""

    def watch_keys(self) -> Mapping[str, str]:
        """Those of them that sign tickets of watchers."""

    def origins(self) -> frozenset[str]: ...

    def used_tickets(self) -> UsedTickets: ...

    async def awaited(self, name: str) -> HostedRoom | None:
        """The room of that name. One that starts, or is about to, is waited for."""

    def visits(self, room: str) -> Visits | None: ...

    def find_resume(self, secret: str) -> tuple[HostedRoom, str] | None: ...


class _Protocol(WebSocketProtocol13):
    """Tornado's protocol, except that bad messages are named where it would cut the connection."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._oversized = False
        self._swallowing: asyncio.Task[None] | None = None
        self._ahead = b""
        """What has come and was not asked for yet."""

    async def _read_bytes(self, n: int) -> bytes:
        # All that has come, at once: with a read for each part of a frame the socket is taken off the event
        # loop's watch and put on it again for each message.
        ahead = self._ahead
        while len(ahead) < n:
            ahead += await self.stream.read_bytes(max(READ_BYTES, n - len(ahead)), partial=True)
        self._ahead = ahead[n:]
        self._wire_bytes_in += n
        return ahead[:n]

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        if isinstance(self.handler, SessionSocket):
            self.handler.heard = True
            self.handler.heard_binary = opcode == _BINARY
        # Text that is not UTF-8 is found by whoever decodes the message.
        return super()._handle_message(_BINARY if opcode == _TEXT else opcode, data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if code == TOO_LARGE and not self._oversized and isinstance(self.handler, SessionSocket):
            self._oversized = True
            self.handler.too_large()
        super().close(code, reason)

    def _abort(self) -> None:
        if self._oversized and not self.client_terminated:
            # Closed with bytes unread the connection would be reset, and the client not learn why.
            self.client_terminated = True
            self._swallowing = asyncio.get_running_loop().create_task(self._swallow())
            return
        super()._abort()

    async def _swallow(self) -> None:
        """Drop what else comes, until either side closes."""
        with contextlib.suppress(StreamClosedError):
            while True:
                await self.stream.read_bytes(_CHUNK_BYTES, partial=True)


class SessionSocket(WebSocketHandler):
    """`…/v1/games/{game}/rooms/{room}/session`: one player's connection."""

    def initialize(self, doors: Doors) -> None:
        self._doors = doors
        self._guest: Guest | None = None
        self._ended = False
        self._close_code = 1000
        self._pipe: Pipe | None = None
        self._bucket = Bucket(doors.settings.calls_per_second, doors.settings.calls_burst)
        self._calls = OutstandingCalls(doors.settings.outstanding_calls)
        self._timer: asyncio.TimerHandle | None = None
        self.format: Format = JSON
        self.heard = True
        self.heard_binary = False
        """Whether the message at hand came in a binary frame."""

    # -- opening -------------------------------------------------------------------------------------------

    def get_websocket_protocol(self) -> WebSocketProtocol13 | None:
        if self.request.headers.get("Sec-WebSocket-Version") in ("7", "8", "13"):
            return _Protocol(self, False, self._websocket_params())
        return None

    def _websocket_params(self) -> Any:
        standard = super().get_websocket_protocol()
        assert isinstance(standard, WebSocketProtocol13)
        return standard.params

    def check_origin(self, origin: str) -> bool:
        """Only pages of the installation; what is no browser sends no origin and is not asked."""
        return origin_allowed(origin, self._doors.origins(), self.request.host)

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
        self._doors.keep_alive.add(self)
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
            limit = self._doors.settings.calls_per_second
            say_error(self, ErrorCode.RATE_LIMIT, f"more than {limit:g} messages a second")
            self._put_out(ByeCode.RATE_LIMIT, f"more than {limit:g} messages a second")
            return None
        if self.heard_binary is not self.format.binary:
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
            found = self._doors.find_resume(hello.resume)
            if found is not None and found[0].visits.resume(found[1], self):
                self._guest = PlayerGuest(*found, self)
                return
            self._refuse(ErrorCode.BAD_RESUME, "that session is over: join again")
            return
        watch = hello.watch or None
        try:
            ticket = self._ticket(hello.ticket or "") if watch is None else self._watch_ticket(watch)
        except TicketError as error:
            self._refuse(ErrorCode.BAD_TICKET, str(error))
            return
        # Used from now on: the same ticket from another connection must not get in meanwhile.
        self._doors.used_tickets().use(ticket, self._doors.wall())
        room = await self._doors.awaited(ticket.room)
        if room is None:
            self._doors.used_tickets().give_back(ticket)
            self._refuse(ErrorCode.BAD_TICKET, f"room {ticket.room} is not here: join again")
            return
        # From here on frames of the room may reach this connection.
        guest: Guest = PlayerGuest(room, ticket.sub, self) if watch is None else WatcherGuest(room, self)
        self._guest = guest
        if not await guest.enter(ticket):
            self._doors.used_tickets().give_back(ticket)
        if self.closed:
            guest.dropped()

    def _ticket(self, token: str) -> Ticket:
        doors = self._doors
        return self._for_here(check_ticket(token, doors.keys(), audience=doors.boot, now=doors.wall()))

    def _watch_ticket(self, token: str) -> Ticket:
        doors = self._doors
        audience = watch_audience(doors.boot)
        return self._for_here(check_ticket(token, doors.watch_keys(), audience=audience, now=doors.wall()))

    def _for_here(self, ticket: Ticket) -> Ticket:
        if ticket.game != self._doors.game_name or ticket.room != self._room_name:
            raise TicketError(
                TicketFlaw.WRONG_AUDIENCE, f"the ticket is for room {ticket.room} of {ticket.game}"
            )
        self._doors.used_tickets().check(ticket)
        return ticket

    def _refuse(self, code: ErrorCode, message: str) -> None:
        say_error(self, code, message)
        self._close(BAD_HELLO, code.value)

    def too_large(self) -> None:
        """A message over the limit is on its way in: name it before the connection ends."""
        self._close_code = TOO_LARGE
        limit = self._doors.settings.max_message_bytes
        say_error(self, ErrorCode.MESSAGE_TOO_LARGE, f"a message has at most {limit:,} bytes")
        self._put_out(ByeCode.PROTOCOL_ERROR, f"a message has at most {limit:,} bytes")

    def _put_out(self, code: ByeCode, reason: str) -> None:
        if self._guest is not None:
            self._guest.put_out(code, reason)
        self.end(Bye(code=code, reason=reason))

    def on_close(self) -> None:
        self._doors.keep_alive.discard(self)
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
            self._doors.meters.slow_clients += 1
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


class HealthHandler(RequestHandler):
    """`/healthz`: the loop turns, and what it has to do."""

    def initialize(self, doors: Doors) -> None:
        self._doors = doors

    def get(self) -> None:
        self.write({"status": "ok", **self._doors.load()})


def make_application(doors: Doors, prefix: str) -> Application:
    """The node's HTTP side, below `prefix` (no trailing slash), and at the root: for a proxy that strips it,
    and for whoever asks without one."""
    settings = doors.settings
    below = f"(?:{escape(prefix)})?" if prefix else ""
    return Application(
        [
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)/session", SessionSocket, {"doors": doors}),
            (rf"{below}/v1/games/([^/]+)/rooms/([^/]+)/seats", SeatHandler, {"doors": doors}),
            (rf"{below}/healthz", HealthHandler, {"doors": doors}),
            (rf"{below}{PATH}", MetricsHandler, {"read": doors.metrics}),
        ],
        websocket_max_message_size=settings.max_message_bytes,
        log_function=lambda handler: None,
    )
