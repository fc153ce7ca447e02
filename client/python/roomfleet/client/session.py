"""The whole client without sockets, clock or chance of its own: inputs and a time in, actions out.

Each input (`join`, `opened`, `open_failed`, `received`, `closed`, `tick`, `call`, `leave`) returns the
actions to perform, in order. `deadline` says when `tick` wants to be called. Links are known by numbers;
what comes from a link that was closed from this side is ignored, so the shell may be late.

A lost connection is resumed once; if that fails, the master is asked again, for as long as it takes. Only
`refused` and `bye` are final.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from msgspec import UNSET

from roomfleet.client.actions import (
    FINAL,
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
from roomfleet.client.backoff import backoff
from roomfleet.client.errors import (
    DROPPED,
    NOT_CONNECTED,
    BadAddress,
    CallError,
    ClientError,
    Refused,
    SessionEnded,
    WrongState,
)
from roomfleet.client.join import InstanceOf, is_room_url, play_url
from roomfleet.client.links import LinkLost, PlayLink, RoomLink
from roomfleet.wire import joining, session
from roomfleet.wire.codec import JSON, Format
from roomfleet.wire.errors import MalformedMessage, Unsendable
from roomfleet.wire.values import check_values
from roomfleet.wire.version import __version__

STEADY_SECONDS = 5.0
"""In a room that long, what failed before no longer counts."""

_SPENT = frozenset({session.ErrorCode.BAD_TICKET, session.ErrorCode.BAD_RESUME})
"""After one of these the node wants nothing more of us."""

_FINAL_UPGRADES = frozenset(range(400, 500)) - {404, 408, 425, 429}
"""HTTP answers to the play upgrade that no repetition changes."""


class Session:
    """One player of one game, from the master into a room and wherever doors lead."""

    def __init__(
        self,
        master: str,
        *,
        game: str,
        token: str,
        random: Random,
        keep_alive_seconds: float = 20,
        format: Format = JSON,
    ) -> None:
        """`master` is `http(s)://host[:port]`. Raises BadAddress."""
        play_url(master, game, None)
        self.state = State.IDLE
        self.ending: ClientError | None = None
        """Refused or SessionEnded, once the state is final."""
        self.room: str | None = None
        """The room to ask the master for."""
        self.instance: InstanceOf | None = None
        """The instance to ask for instead: what it is called may change while the player is away."""
        self.line_token: str | None = None
        """The place in line, as long as it is good for something."""
        self._master = master
        self._game = game
        self._token = token
        self._random = random
        self._keep_alive_seconds = keep_alive_seconds
        self._format = format
        self._play: PlayLink | None = None
        # The room that is shown, and the one that counts: the shown one, or its successor on its way in.
        self._shown: RoomLink | None = None
        self._live: RoomLink | None = None
        self._open: dict[int, PlayLink | RoomLink] = {}
        self._party: Sequence[str] = ()
        self._number = 0
        self._last_link = 0
        self._last_call = 0
        self._ask_at: float | None = None
        self._attempt = 0
        self._resumed = False
        self._bring = False
        self._playing_since = 0.0
        self._out: list[Action] = []

    # -- what there is to see ------------------------------------------------------------------------------

    @property
    def shown(self) -> RoomLink | None:
        """The room that is shown: the last one that was ready since `join`."""
        return self._shown

    @property
    def deadline(self) -> float | None:
        """When `tick` wants to be called."""
        times = [link.deadline for link in self._open.values()]
        if self._ask_at is not None:
            times.append(self._ask_at)
        return min(times, default=None)

    # -- inputs of the player ------------------------------------------------------------------------------

    def join(
        self,
        now: float,
        room: str | InstanceOf | None = None,
        *,
        bring: bool = False,
        party: Sequence[str] = (),
        invitation: Invitation | None = None,
    ) -> list[Action]:
        """Join, and stay in until `leave` or a final refusal or goodbye. `party`: tokens of other players who
        are let in together with this one; `invitation`: one was let in with a party.

        Raises WrongState, and BadAddress for an invitation to nowhere.
        """
        if self.state not in RESTING:
            raise WrongState(f"already {self.state}; leave first")
        if invitation is not None and not is_room_url(invitation.url):
            raise BadAddress(f"{invitation.url!r} is not the address of a room")
        self.instance = room if isinstance(room, InstanceOf) else None
        self.room = None if isinstance(room, InstanceOf) else room
        self._bring = bring
        self.line_token = None
        self.ending = None
        self._party = tuple(party)
        self._number = 0
        self._attempt = 0
        self._resumed = False
        self._shown = None
        self._enter(State.CONNECTING)
        if invitation is None:
            self._ask(now)
        else:
            self.room = invitation.room
            self._number = invitation.session
            self._load(invitation.url, invitation.ticket, (), now)
        return self._flush()

    def call(self, method: str, args: dict[str, Any], now: float) -> tuple[int, list[Action]]:
        """The call's number, and what to do. Raises CallError when it cannot be sent."""
        live = self._live
        if live is None or live is not self._shown:
            raise CallError(NOT_CONNECTED, f"{method} was not sent: {self.state}, not in a room")
        try:
            message = session.Call(id=self._last_call + 1, method=method, args=args)
            check_values(message)
            data = live.format.encode(message)
        except (MalformedMessage, Unsendable) as error:
            raise CallError(session.ErrorCode.BAD_ARGUMENTS, f"{method} was not sent: {error}") from None
        self._last_call += 1
        live.calls.add(self._last_call)
        live.called(now)
        self._send(live, data)
        return self._last_call, self._flush()

    def leave(self) -> list[Action]:
        """End the session at once, whatever state it is in: `bye` with code `left`."""
        if self.state not in RESTING:
            # Also where hello was said and the welcome is still on its way: or the actor would stand there.
            for link in {link.id: link for link in (self._shown, self._live) if link is not None}.values():
                if link.id in self._open and link.is_open:
                    self._send(link, link.format.encode(session.Leave()))
            self._bye(session.ByeCode.LEFT, "you left")
        return self._flush()

    # -- inputs of the shell -------------------------------------------------------------------------------

    def opened(self, link: int, now: float) -> list[Action]:
        """The websocket of an Open is open."""
        if (known := self._open.get(link)) is not None:
            self._send(known, known.opened(now))
        return self._flush()

    def open_failed(self, link: int, reason: str, now: float, status: int | None = None) -> list[Action]:
        """The websocket of an Open could not be opened; `status` is the HTTP answer's, if there was one."""
        known = self._open.pop(link, None)
        if isinstance(known, PlayLink) and status in _FINAL_UPGRADES:
            self._play = None
            detail = f"the master's address answers {status} ({reason}); check it, and the way to it"
            self._refused(
                joining.Problem(type="about:blank", title="Cannot join", status=status, detail=detail)
            )
        elif known is not None:
            self._lost(known, reason, now)
        return self._flush()

    def closed(self, link: int, reason: str, now: float) -> list[Action]:
        """The websocket was closed by the other side or broke."""
        if (known := self._open.pop(link, None)) is not None:
            self._lost(known, reason, now)
        return self._flush()

    def received(self, link: int, data: str | bytes, now: float) -> list[Action]:
        """A frame came: text or bytes."""
        known = self._open.get(link)
        try:
            if isinstance(known, PlayLink):
                self._from_master(known.read(data, now), now)
            elif isinstance(known, RoomLink):
                self._from_room(known, known.read(data, now), now)
        except LinkLost as lost:
            assert known is not None
            self._lost(known, str(lost), now)
        return self._flush()

    def tick(self, now: float) -> list[Action]:
        """Time has passed: pings, time limits, retries."""
        for link in list(self._open.values()):
            if link.deadline > now or link.id not in self._open:
                continue
            try:
                if (ping := link.due(now)) is not None:
                    self._send(link, ping)
            except LinkLost as lost:
                self._lost(link, str(lost), now)
        if self._ask_at is not None and self._ask_at <= now:
            self._ask(now)
        return self._flush()

    # -- messages ------------------------------------------------------------------------------------------

    def _from_master(self, message: joining.ToPlayer, now: float) -> None:
        match message:
            case joining.Waiting():
                self.line_token = message.line_token
                self._number = message.session or self._number
                self._enter(
                    State.WAITING,
                    room=message.room,
                    position=message.position,
                    eta_seconds=message.eta_seconds,
                    party=message.party or (),
                )
            case joining.Admitted():
                if not is_room_url(message.url):
                    raise LinkLost(f"the master named {message.url!r}, which is no room's address")
                self._close(self._play)
                self._play = None
                self.line_token = None
                self.room = message.room
                self._party = ()
                self._number = message.session or self._number
                others = tuple(
                    Invitation(member.player, message.room, message.url, member.ticket, self._number)
                    for member in (message.members or ())[1:]
                )
                self._load(message.url, message.ticket, others, now)
            case joining.Refused():
                self._refused(message.problem)

    def _from_room(self, link: RoomLink, message: session.ToClient, now: float) -> None:
        counts = link is self._live
        match message:
            case session.Snapshot() if not link.ready:
                self._send(link, link.begin(now))
                self._ready(link, now)
            case session.Patch() if link.wants_snapshot:
                self._send(link, link.want_snapshot())
            case session.Event() | session.Waiting():
                self._out.append(Tell(message))
            case session.Result():
                if message.id in link.calls:
                    link.calls.discard(message.id)
                    self._out.append(Answer(message.id, message.value))
            case session.Error():
                self._error(link, message)
            case session.Travel() if counts:
                self._travel(message, now)
            case session.Rejoin() if counts:
                self._rejoin(message, now)
            case session.Bye() if counts:
                self._bye(message.code, message.reason)

    def _error(self, link: RoomLink, message: session.Error) -> None:
        if message.id is not None and message.id in link.calls:
            link.calls.discard(message.id)
            self._out.append(Fail(message.id, CallError(message.code, message.message)))
        elif message.code in _SPENT:
            raise LinkLost(message.message)
        else:
            self._out.append(Tell(message))

    def _ready(self, link: RoomLink, now: float) -> None:
        self._close(self._shown)
        self._shown = link
        self._resumed = link.resumes
        self._playing_since = now
        assert link.welcome is not None
        self.room = link.welcome.room.name
        self._bring = False
        self._enter(State.PLAYING, room=self.room)

    def _travel(self, message: session.Travel, now: float) -> None:
        if not is_room_url(message.url):
            raise LinkLost(f"the room named {message.url!r}, which is no room's address")
        if self._live is not self._shown:
            self._close(self._live)
        self.room, self.instance = message.room, None
        self._connect(message.url, session.Hello(ticket=message.ticket, version=__version__), now)
        self._enter(State.TRAVELLING, room=message.room)

    def _rejoin(self, message: session.Rejoin, now: float) -> None:
        self._settle(now)
        if not self._bring:  # who is to be brought still wants that room, wherever the actor is
            if message.room != self.room:
                self.instance = None
            self.room = None if message.room is UNSET else message.room
        self.line_token = None if message.line_token is UNSET else message.line_token
        if self._attempt > 0:
            self._ask_later(message.reason, now)
            return
        # The node sent us: no need to wait before the first try.
        self._attempt = 1
        self._drop()
        self._enter(self._searching, reason=message.reason)
        self._ask(now)

    # -- links ---------------------------------------------------------------------------------------------

    def _ask(self, now: float) -> None:
        """Ask the master for the way in."""
        self._ask_at = None
        url = play_url(self._master, self._game, self.instance or self.room, bring=self._bring)
        join = joining.Join(
            token=self._token,
            line_token=self.line_token or UNSET,
            session=self._number or UNSET,
            party=list(self._party) or UNSET,
        )
        self._last_link += 1
        self._play = PlayLink(self._last_link, url, join, now)
        self._started(self._play)

    def _load(self, url: str, ticket: str, others: Sequence[Invitation], now: float) -> None:
        """Admitted: into the room."""
        self._enter(State.LOADING, room=self.room, invitations=others)
        self._connect(url, session.Hello(ticket=ticket, version=__version__), now)

    def _connect(self, url: str, hello: session.Hello, now: float) -> None:
        """Connect to a room."""
        self._last_link += 1
        self._live = RoomLink(
            self._last_link,
            url,
            hello,
            self._keep_alive_seconds,
            now,
            format=self._format,
            before=self._shown,
            attempt=self._attempt,
        )
        self._started(self._live)

    def _send(self, link: PlayLink | RoomLink, data: bytes) -> None:
        self._out.append(Send(link.id, data, link.format.binary))

    def _started(self, link: PlayLink | RoomLink) -> None:
        self._open[link.id] = link
        self._out.append(Open(link.id, link.url, link.subprotocol))

    def _lost(self, link: PlayLink | RoomLink, reason: str, now: float) -> None:
        """The link is of no more use: resume once, else ask the master."""
        self._close(link)
        if link is self._play:
            self._ask_later(f"the master cannot be reached: {reason}", now)
        elif link is self._live:
            self._settle(now)
            if link is not self._shown or self._resumed:
                self._ask_later(reason, now)
                return
            assert isinstance(link, RoomLink)
            assert link.welcome is not None
            self._resumed = True
            self._drop()
            self._enter(State.RECONNECTING, reason=reason)
            self._connect(link.url, session.Hello(resume=link.welcome.resume, version=__version__), now)

    def _ask_later(self, reason: str, now: float) -> None:
        """Ask the master again, after a pause that grows with each failure."""
        self._drop()
        self._enter(self._searching, reason=reason)
        self._ask_at = now + backoff(self._attempt, self._random)
        self._attempt += 1

    def _settle(self, now: float) -> None:
        """What failed before a steady while in a room no longer counts."""
        steady = self._live is not None and self._live is self._shown
        if steady and now - self._playing_since >= STEADY_SECONDS:
            self._attempt = 0
            self._resumed = False

    def _drop(self) -> None:
        """Let go of everything that is under way, and keep what is shown."""
        self._ask_at = None
        for link in list(self._open.values()):
            self._close(link)
        self._fail_calls(self._shown)
        self._play = self._live = None

    def _close(self, link: PlayLink | RoomLink | None) -> None:
        """Close the link and fail its calls, if that has not been done yet."""
        if link is None:
            return
        if self._open.pop(link.id, None) is not None:
            self._out.append(Close(link.id))
        self._fail_calls(link)

    def _fail_calls(self, link: PlayLink | RoomLink | None) -> None:
        if not isinstance(link, RoomLink):
            return
        for call in sorted(link.calls):
            text = "the connection ended before the call was answered; whether it was carried out is unknown"
            self._out.append(Fail(call, CallError(DROPPED, text)))
        link.calls.clear()

    # -- states --------------------------------------------------------------------------------------------

    @property
    def _searching(self) -> State:
        return State.CONNECTING if self._shown is None else State.RECONNECTING

    def _refused(self, problem: joining.Problem) -> None:
        self._end(Refused(problem), StateChanged(state=State.REFUSED, problem=problem))

    def _bye(self, code: session.ByeCode, reason: str) -> None:
        change = StateChanged(state=State.BYE, room=self.room, code=code, reason=reason)
        self._end(SessionEnded(code, reason), change)

    def _end(self, error: ClientError, change: StateChanged) -> None:
        self._drop()
        self.line_token = None
        self.ending = error
        self._changed(change)
        assert self.state in FINAL

    def _enter(self, state: State, **details: Any) -> None:
        self._changed(StateChanged(state=state, **details))

    def _changed(self, change: StateChanged) -> None:
        self.state = change.state
        event: ClientEvent = change
        self._out.append(Tell(event))

    def _flush(self) -> list[Action]:
        out, self._out = self._out, []
        return out
