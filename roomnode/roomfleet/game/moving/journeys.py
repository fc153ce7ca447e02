"""Travel to another room: seats for the players who go along, then the departure of all in one group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roomfleet.game.errors import ActorError, TravelRefused
from roomfleet.game.moving.moves import point_of
from roomfleet.game.outbox import Change, ChangeKind, SeatUnwanted, SeatWanted
from roomfleet.game.scripting.script import Wait

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.live import LiveRoom


class Journey(Wait[bool]):
    """A travel under way. Awaited by another's script: True when the actor has gone, False when it did not
    because something else came before. A script of the actor itself ends there."""

    __slots__ = ("_journeys", "actor", "arrival", "key", "room", "seats", "target", "wake")

    def __init__(
        self,
        journeys: Journeys,
        actor: Actor,
        room: str,
        arrival: dict[str, Any],
        *,
        wake: bool,
        key: str | None = None,
    ) -> None:
        super().__init__()
        self._journeys = journeys
        self.actor = actor
        self.room = room
        """The Room, or the InstancedRoom where there is a key."""
        self.key = key
        self.target = room if key is None else ""
        """The Room; empty until it is known which one the instance is."""
        self.arrival = arrival
        self.wake = wake
        self.seats: dict[str, tuple[int, bool]] = {}
        """By player: the request, and whether it was granted. Nobody's (empty) asks for the room alone."""

    def abandoned(self) -> None:
        self._journeys.give_up(self)


class Journeys:
    """All travels of a room that have not departed."""

    __slots__ = ("_live", "_next_request", "_of")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self._of: dict[str, Journey] = {}
        self._next_request = 0

    def begin(
        self, actor: Actor, room: str, at: Any, *, door: str, wake: bool, key: str | None = None
    ) -> Journey:
        """A travel of this actor; one that it began before is given up."""
        live = self._live
        if actor.transient:
            raise ActorError(f"{actor!r} is transient: it is never saved, so it cannot travel; remove it")
        if not room or not isinstance(room, str):
            raise ActorError(f"{actor!r} cannot travel to {room!r}: name a Room of the game")
        where = at if at is None or isinstance(at, str) else list(point_of(at))
        self.drop(actor)
        arrival = {"at": where, "door": door, "from": live.name}
        journey = Journey(self, actor, room, arrival, wake=bool(wake), key=key)
        if journey.target == live.name:
            live.actors.arrive_at(actor, where)
            journey.resolve(True)
            return journey
        self._of[actor.id] = journey
        live.steps.begin()
        live.steps.after_step(lambda: self._go_on(journey))
        live.steps.end()
        return journey

    def send(self, actor: Actor, room: str) -> None:
        """Have the actor go at once, whatever its scripts do: its player was let in there. The docked go
        along, other players' actors do not."""
        self.drop(actor)
        journey = Journey(self, actor, room, {"at": None, "door": "", "from": self._live.name}, wake=False)
        if actor.player is not None:
            journey.seats[actor.player] = (0, True)
        for each in self._party(actor):
            if each.player is not None and each is not actor:
                self._live.actors.undock(each)
        self._of[actor.id] = journey
        self._depart(journey)

    def seated(self, request: int, room: str) -> None:
        """That request got a seat, in `room` where that was not known."""
        for journey in list(self._of.values()):
            for player, (wanted, _) in journey.seats.items():
                if wanted == request:
                    journey.seats[player] = (request, True)
                    journey.target = journey.target or room
                    self._go_on(journey)
                    return

    def refused(self, request: int, reason: str) -> None:
        """That request gets no seat: nobody of its journey goes."""
        for journey in list(self._of.values()):
            if any(wanted == request for wanted, _ in journey.seats.values()):
                journey.seats = {who: seat for who, seat in journey.seats.items() if seat[0] != request}
                self._cancel(journey)
                journey.fail(TravelRefused(f"{journey.actor.name} cannot go to {journey.room}: {reason}"))

    def drop(self, actor: Actor) -> None:
        """The actor goes elsewhere, or away: void its journey."""
        journey = self._of.get(actor.id)
        if journey is not None:
            self._cancel(journey)
            journey.resolve(False)

    def give_up(self, journey: Journey) -> None:
        """The script that waited for it was closed."""
        if self._of.get(journey.actor.id) is journey:
            self._cancel(journey)

    def _cancel(self, journey: Journey) -> None:
        del self._of[journey.actor.id]
        self._void(journey, set(journey.seats))

    def _void(self, journey: Journey, players: set[str]) -> None:
        for player in sorted(players):
            self._live.outbox.seats.append(SeatUnwanted(journey.seats.pop(player)[0]))

    def _go_on(self, journey: Journey) -> None:
        """Ask for the seats that are missing, or depart."""
        if self._of.get(journey.actor.id) is not journey:
            return
        players = [each.player for each in self._party(journey.actor) if each.player is not None]
        if not players and journey.key is not None:
            players = [""]
        self._void(journey, journey.seats.keys() - set(players))
        for player in players:
            if player not in journey.seats:
                self._next_request += 1
                journey.seats[player] = (self._next_request, False)
                wanted = SeatWanted(self._next_request, player, journey.room, journey.key)
                self._live.outbox.seats.append(wanted)
        if not all(granted for _, granted in journey.seats.values()):
            return
        if journey.target == self._live.name:
            self._cancel(journey)
            self._live.actors.arrive_at(journey.actor, journey.arrival["at"])
            journey.resolve(True)
        else:
            self._depart(journey)

    def _depart(self, journey: Journey) -> None:
        live = self._live
        actor = journey.actor
        del self._of[actor.id]
        for each in self._party(actor):
            if each.player is not None:
                live.scripts.hook(live.room, "left", each)
        for each in self._party(actor):
            if each.player is not None and each.player not in journey.seats:  # docked in `left`
                live.actors.undock(each)
        party = self._party(actor)
        for each in party:
            for child in each.children:
                if child.transient:
                    live.actors.remove(child)
        for each in reversed(party):
            live.actors.vanish(each, "travelled")
        live.actors.undock(actor)
        changes = [
            Change(
                ChangeKind.TRAVEL,
                each.id,
                live.actors.body(each, travelling=True),
                to_room=journey.target,
                arrival=_arrival(journey, each),
                seat=journey.seats[each.player][0] if each.player is not None else 0,
                wake=journey.wake and each.player is None,
            )
            for each in party
        ]
        for each in reversed(party):
            self.drop(each)
            live.actors.detach(each, "travelled", journey)
        for change in changes:
            live.unsaved.departed(change)
        live.outbox.travelled = True
        journey.resolve(True)

    def _party(self, actor: Actor) -> list[Actor]:
        """The actor and all that is docked to it, parents first; the transient stay behind."""
        party = [actor]
        for each in party:
            party.extend(child for child in each.children if not child.transient)
        return party


def _arrival(journey: Journey, actor: Actor) -> dict[str, Any]:
    """What the target is told. Whether it is to be woken is noted there too: who finishes the move of a node
    that is lost has nothing else to go by."""
    wakes = journey.wake and actor.player is None
    return {**journey.arrival, "wake": True} if wakes else dict(journey.arrival)
