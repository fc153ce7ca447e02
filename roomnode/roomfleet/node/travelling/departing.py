"""Who is on the way out of one room: the seats that are had elsewhere, and what players hear as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roomfleet.game.outbox import ChangeKind
from roomfleet.node.measuring.meters import OUT
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.node.saving.batches import Departure
from roomfleet.node.travelling.asking import GrantedSeat
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.names import player_of
from roomfleet.wire.session import Rejoin, Travel, Waiting

if TYPE_CHECKING:
    from roomfleet.node.running.room import HostedRoom


class Departing:
    """The seats that one room's players want in other rooms."""

    __slots__ = ("_granted", "_node", "_room", "epoch", "name")

    def __init__(self, room: HostedRoom, node: Surroundings) -> None:
        self.name, self.epoch = room.name, room.epoch
        self._room = room
        self._node = node
        self._granted: dict[int, GrantedSeat] = {}

    def want(self, request: int, player: str, target: str, key: str | None) -> None:
        """Get the player a seat in `target`, or in its instance for the key. Without a player: find out which
        room the instance is."""
        session = self._room.visits.number_of(player)
        self._node.seats.want(self, request, player, target, session, key)

    def unwant(self, request: int) -> None:
        """Also one that was granted."""
        self._granted.pop(request, None)
        self._node.seats.unwant(self, request)

    def forget(self) -> None:
        """The room is over."""
        self._granted.clear()
        self._node.seats.forget(self)

    # -- what becomes of what was wanted -------------------------------------------------------------------

    def seat_waiting(self, player: str, target: str, position: int, eta: float | None) -> None:
        """The room behind the door is not ready: the player waits here."""
        session = self._room.visits.players.get(player)
        if session is not None and session.connection is not None:
            session.connection.say(Waiting(room=target, position=position, eta_seconds=eta))

    def seat_granted(self, request: int, seat: GrantedSeat) -> None:
        room = self._room
        if room.live is not None and room.phase is RoomPhase.RUNNING:
            self._node.meters.seats["granted"] += 1
            if seat.ticket:
                self._granted[request] = seat
            room.guarded(lambda live: live.seated(request, room.now(), seat.room))

    def seat_refused(self, request: int, reason: str) -> None:
        room = self._room
        if room.live is not None and room.phase is RoomPhase.RUNNING:
            self._node.meters.seats["refused"] += 1
            room.guarded(lambda live: live.seat_refused(request, reason, room.now()))

    # -- off they go ---------------------------------------------------------------------------------------

    def departed(self, departures: list[Departure]) -> None:
        """Travels are committed: players are sent after their actors, and the targets hear of them."""
        by_target: dict[str, list[Departure]] = {}
        for departure in departures:
            by_target.setdefault(departure.change.to_room, []).append(departure)
            assert departure.change.kind is ChangeKind.TRAVEL
            self._node.meters.travelled(OUT, departure.change.actor)
            player = player_of(departure.change.actor)
            if player is not None:
                self._send_on(player, departure)
        for target, gone in by_target.items():
            wake = any(each.change.wake for each in gone)
            self._node.arrivals.departed(target, [each.record for each in gone], wake=wake)

    def _send_on(self, player: str, departure: Departure) -> None:
        session = self._room.visits.forget(player)
        if self._room.live is not None:
            self._room.live.unwatch(player)
        seat = self._granted.pop(departure.change.seat, None)
        if session is None or session.connection is None:
            return
        if seat is not None:
            session.connection.end(Travel(room=seat.room, url=seat.url, ticket=seat.ticket))
        else:
            target = departure.change.to_room
            session.connection.end(Rejoin(reason="your actor went to another room", room=target))
