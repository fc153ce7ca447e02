"""Who may come in: by a ticket that this node was told to trust, or by the secret of a session (DESIGN 9)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from roomfleet.wire.errors import TicketError, TicketFlaw
from roomfleet.wire.link import Accepted
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS, Ticket, UsedTickets, check_ticket, watch_audience

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom


class Doors:
    """Keys, used tickets and resume secrets of one node."""

    def __init__(self, game: str, boot: str, ticket_seconds: float, wall: Callable[[], float]) -> None:
        """`wall` gives seconds since 1970."""
        self._game, self._boot, self._seconds, self._wall = game, boot, ticket_seconds, wall
        self._keys: Mapping[str, str] = {}
        """Public keys that sign tickets of players."""
        self._watch_keys: Mapping[str, str] = {}
        """Those of them that sign tickets of watchers: the master's."""
        self._used = UsedTickets()
        self._let_in: OrderedDict[str, float] = OrderedDict()
        """When the last ticket of each player was signed, of those used lately; the latest at the end."""
        self.origins: frozenset[str] = frozenset()
        """Where pages come from that may connect."""
        self.resumes: dict[str, tuple[HostedRoom, str]] = {}
        """Resume secrets of connected and resumable players: room and player."""

    def accepted(self, message: Accepted) -> None:
        """The master says whom to trust."""
        self._keys, self.origins = message.keys, frozenset(message.origins)
        master = message.master_key
        self._watch_keys = {key: public for key, public in self._keys.items() if key == master}

    def checked(self, token: str) -> Ticket:
        """A player's ticket for this node, of whatever room. Raises TicketError."""
        return check_ticket(token, self._keys, audience=self._boot, now=self._wall())

    def take(self, token: str, room: str) -> Ticket:
        """A player's ticket for that room, used up from now on: it must not get in from another connection
        meanwhile. Raises TicketError."""
        ticket = self._use(self.checked(token), room)
        self._forget_let_in()
        self._let_in.pop(ticket.sub, None)
        self._let_in[ticket.sub] = ticket.exp - self._seconds
        return ticket

    def take_watching(self, token: str, room: str) -> Ticket:
        """The same with a watcher's ticket."""
        audience = watch_audience(self._boot)
        return self._use(check_ticket(token, self._watch_keys, audience=audience, now=self._wall()), room)

    def _use(self, ticket: Ticket, room: str) -> Ticket:
        if (ticket.game, ticket.room) != (self._game, room):
            text = f"the ticket is for room {ticket.room} of {ticket.game}"
            raise TicketError(TicketFlaw.WRONG_AUDIENCE, text)
        self._used.check(ticket)
        self._used.use(ticket, self._wall())
        return ticket

    def give_back(self, ticket: Ticket) -> None:
        """It did not lead in: it is good as before."""
        self._used.give_back(ticket)
        self._let_in.pop(ticket.sub, None)

    def let_in(self) -> dict[str, float]:
        """Players who came in by a ticket while line tokens of before may still be good, with when that was
        signed (s since 1970)."""
        self._forget_let_in()
        return dict(self._let_in)

    def _forget_let_in(self) -> None:
        while self._let_in:
            oldest = next(iter(self._let_in))
            if self._let_in[oldest] + LINE_TOKEN_SECONDS > self._wall():
                return
            del self._let_in[oldest]

    def lasts(self, ticket: Ticket) -> float:
        """For how many seconds the ticket is good yet."""
        return min(ticket.exp - self._wall(), self._seconds)
