"""Simulated players: they join, poll, come late or never, sit, drop, resume, travel, leave, and come back."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import RoomPhase
from support.simulation.node_rooms import Copy
from support.simulation.nodes import SimNode

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

POLL_SECONDS = 10.0
RESUME_SECONDS = 20.0
TOKEN_SECONDS = 60.0
"""A line token is good for so long after it was given."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One join, or one seat that a node asks for, and what became of it."""

    id: str
    game: str
    player: str
    asked: str | None
    arrived: float
    """When it came into line, as the master says."""
    session: int = 0
    node: SimNode | None = None
    """The node that asks for a seat."""
    others: tuple[str, ...] = ()
    """The other members of the party that it is for."""
    raw: str = ""
    """The id that it knows the seat by."""
    forsaken: bool = False
    room: str = ""
    template: str | None = None
    """An InstancedRoom instead of a room: its instance for `key`."""
    key: str | None = None
    place: ev.LinePlace | None = None
    """The place in line that its token gives back."""
    told_at: float = 0.0
    over: str = ""
    """How it ended; empty: not yet."""
    boot: str = ""
    expires: float = 0.0
    used: bool = False
    """Its ticket was taken by a node."""
    window: Attempt | None = None
    """It, as it was before it was let in: with a place that is used up with the ticket."""

    @property
    def players(self) -> tuple[str, ...]:
        return (self.player, *self.others)

    @property
    def who(self) -> tuple[str, str]:
        return (self.game, self.player)


class Players:
    """Everybody, by what they try and where they sit."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.attempts: dict[str, Attempt] = {}
        """Those that are not over."""
        self._windows: dict[tuple[str, str], Attempt] = {}
        """Of players who were let in: what was tried before, with a token that is worth nothing any more."""
        self._settled_at = 0.0
        self.quiet = False
        """Nobody comes back by themselves."""
        self._returns = 0

    # -- joining -------------------------------------------------------------------------------------------

    def join(
        self,
        id: str,
        game: str,
        player: str,
        room: str | None,
        before: Attempt | None = None,
        *,
        others: tuple[str, ...] = (),
        bring: bool = False,
        template: str | None = None,
        key: str | None = None,
    ) -> None:
        """Ask to get in; while there is no master, again and again. `before`: what was tried in the same
        window, and may have had a place in line. `others`: a party. `bring`: from wherever the actor is.
        """
        simulation = self._simulation
        if not simulation.master.up:
            again = 0.5 + simulation.delay(f"join {id}", 2.0)
            simulation.clock.later(
                again,
                functools.partial(
                    *(self.join, id, game, player, room, before),
                    others=others,
                    bring=bring,
                    template=template,
                    key=key,
                ),
            )
            return
        now = simulation.clock.now
        place = before.place if before is not None and now < before.told_at + TOKEN_SECONDS else None
        session = before.session if before is not None else 0
        attempt = Attempt(id, game, player, room, place.arrived if place is not None else now, session)
        attempt.others, attempt.template, attempt.key = others, template, key
        if before is not None:
            attempt.place, attempt.told_at = place, before.told_at
        self.attempts[id] = attempt
        simulation.master.tell(
            ev.JoinRequested(
                *(id, game, player, room, now, others, place, attempt.session, bring),
                template=template,
                key=key,
            )
        )
        self._poll(attempt)

    def _poll(self, attempt: Attempt) -> None:
        if not attempt.over and not attempt.forsaken:
            self._simulation.master.tell(ev.JoinPolled(attempt.id))
            self._simulation.clock.later(POLL_SECONDS, lambda: self._poll(attempt))

    def travel(self, id: str, node: SimNode, player: str, room: str, key: str | None = None) -> None:
        """A node asks for a seat elsewhere for a player of its own. `key`: `room` is an InstancedRoom."""
        simulation = self._simulation
        now = simulation.clock.now
        attempt = Attempt(f"{node.boot}:{id}", node.key.game, player, room, now, node=node, raw=id)
        if key is not None:
            attempt.asked, attempt.template, attempt.key = None, room, key
        self.attempts[attempt.id] = attempt
        node.link.send(ev.SeatRequested(node.key, node.boot, id, player, room, key=key))

    def locate(self, id: str, node: SimNode, template: str, key: str) -> None:
        """A node asks which room an instance is, for an actor that needs no seat."""
        attempt = Attempt(f"{node.boot}:{id}", node.key.game, "", None, 0.0, node=node, raw=id)
        attempt.template, attempt.key = template, key
        self.attempts[attempt.id] = attempt
        node.link.send(ev.InstanceRequested(node.key, node.boot, id, template, key))

    def located(self, id: str) -> None:
        """That was answered."""
        if (attempt := self.attempts.get(id)) is not None:
            self._over(attempt, "located")

    def cancel(self, attempt: Attempt) -> None:
        """The player goes away."""
        self._over(attempt, "cancelled")
        if attempt.node is not None:
            attempt.node.link.send(ev.SeatCancelled(attempt.node.key, attempt.node.boot, attempt.raw))
        else:
            for_good = self._simulation.chance.roll(f"cancel {attempt.id}") < 0.5
            self._simulation.master.tell(ev.JoinCancelled(attempt.id, for_good))

    def void(self, attempt: Attempt) -> None:
        """A seat whose node nobody can tell anything."""
        self._over(attempt, "void")

    def _over(self, attempt: Attempt, how: str) -> None:
        attempt.over = how
        self.attempts.pop(attempt.id, None)
        self._simulation.oracle.over(attempt)
        self._simulation.places.over(attempt)

    def _come_again(self, window: Attempt, within: float) -> None:
        """The player was let in, and comes by the token of before."""
        luck = self._simulation.chance.roll(f"again {window.id}")
        if luck < 0.4:
            self._returns += 1
            self._come_back(luck / 0.4 * within, f"{window.id}?{self._returns}", window)

    def master_died(self) -> None:
        """Who was in line comes back with the token, now and then also who was let in by it; seats are asked
        for anew by nobody.
        """
        for window in self._windows.values():
            self._come_again(window, 30.0)
        self._windows.clear()
        for attempt in list(self.attempts.values()):
            self._over(attempt, "the master died")
            if attempt.node is not None:
                continue
            simulation = self._simulation
            self._come_back(simulation.delay(f"return {attempt.id}", 6.0), f"{attempt.id}+", attempt)

    def _come_back(self, after: float, id: str, attempt: Attempt) -> None:
        def join() -> None:
            if not self.quiet:
                self.join(
                    *(id, attempt.game, attempt.player, attempt.asked, attempt),
                    template=attempt.template,
                    key=attempt.key,
                )

        self._simulation.clock.later(after, join)

    # -- answers -------------------------------------------------------------------------------------------

    def answered(self, id: str, answer: fx.Admitted | fx.InLine | fx.Refused) -> None:
        attempt = self.attempts.get(id)
        if attempt is None:
            return
        simulation = self._simulation
        match answer:
            case fx.InLine():
                attempt.room, attempt.told_at, attempt.session = (
                    answer.room,
                    simulation.clock.now,
                    answer.session,
                )
                players = frozenset((attempt.player, *answer.others))
                attempt.others = answer.others
                attempt.place = ev.LinePlace(answer.room, answer.arrived, answer.ahead, players)
            case fx.Refused():
                self._over(attempt, f"refused: {answer.problem.refusal}")
                if answer.problem.retry_after and simulation.chance.roll(f"retry {id}") < 0.5:
                    self._come_back(float(answer.problem.retry_after), f"{id}!", attempt)
            case fx.Admitted():
                self._over(attempt, "admitted")
                self._admitted(attempt, answer)
                for other, player in answer.others:
                    self._admitted(
                        Attempt(other, attempt.game, player, attempt.asked, attempt.arrived), answer
                    )

    def _admitted(self, attempt: Attempt, answer: fx.Admitted) -> None:
        """A ticket: most come soon, some late, some never."""
        attempt.room, attempt.boot, attempt.expires = answer.room, answer.boot, answer.expires
        if attempt.place is not None:
            attempt.window = replace(attempt, session=answer.session)
        attempt.session, attempt.place, attempt.others = answer.session, None, ()
        chance, stream = self._simulation.chance, f"enter {attempt.id}"
        luck = chance.roll(stream)
        if luck < 0.85:
            late = 18.0 if luck < 0.1 else 4.0
            self._simulation.clock.later(chance.roll(stream) * late, lambda: self._enter(attempt))

    def _enter(self, attempt: Attempt) -> None:
        """Come with the ticket to the node that it is for."""
        simulation = self._simulation
        if attempt.expires < self._settled_at + simulation.settings.ticket_seconds:
            return  # let in before everybody went home
        node = simulation.booted(attempt.boot)
        if attempt.node is not None:
            self._depart(attempt)
        if node is None or node.dead:
            self._turned_away(attempt)
            return
        node.here(lambda: self._arrive(node, attempt))

    def _arrive(self, node: SimNode, attempt: Attempt) -> None:
        simulation = self._simulation
        store, copy = simulation.store, node.copies.get(attempt.room)
        welcome = simulation.clock.now < attempt.expires and not attempt.used and store.up
        if not welcome or copy is None or copy.phase is not RoomPhase.RUNNING:
            self._turned_away(attempt)
            return
        if not node.rooms.saves(attempt.room, copy):
            node.rooms.look_at_epochs()
            self._turned_away(attempt)
            return
        player = attempt.player
        sits = player in copy.players or player in copy.resumable
        if not sits and copy.taken >= copy.capacity:
            self._turned_away(attempt)
            return
        held = store.actors.get(attempt.who, attempt.room)
        if held != attempt.room:
            self._turned_away(attempt)
            return
        for other in simulation.processes:
            for name, elsewhere in other.copies.items():
                if elsewhere is not copy and not other.dead and other.key.game == attempt.game:
                    self._vanish(other, name, elsewhere, player)
        copy.resumable.pop(player, None)
        copy.players[player] = None
        store.enter(Key(attempt.game, attempt.room), player)
        copy.used.append(attempt.raw or attempt.id)
        copy.came[player] = None
        attempt.used = True
        given = attempt.expires - simulation.settings.ticket_seconds
        node.let_in.pop(player, None)
        node.let_in[player] = given
        simulation.places.used(attempt.who, given)
        if attempt.window is not None:
            self._windows[attempt.who] = attempt.window
            self._come_again(attempt.window, 20.0)
        node.rooms.report(attempt.room, copy)

    def _vanish(self, node: SimNode, name: str, copy: Copy, player: str) -> None:
        """One player, one session: the older one ends."""
        if player in copy.players or player in copy.resumable:
            copy.players.pop(player, None)
            copy.resumable.pop(player, None)
            node.here(lambda: node.rooms.report(name, copy))

    def _depart(self, attempt: Attempt) -> None:
        """A seat was had: the actor leaves its room for the other one."""
        origin = attempt.node
        if origin is None or not origin.works or not self._simulation.store.up:
            return
        held = self._simulation.store.actors.get(attempt.who)
        copy = origin.copies.get(held or "")
        if (
            held is None
            or copy is None
            or attempt.player not in copy.players
            or not origin.rooms.saves(held, copy)
        ):
            return
        del copy.players[attempt.player]
        self._simulation.store.leave(Key(attempt.game, held), attempt.player)
        origin.errands.depart(held, attempt.player, attempt.room, wake=False)
        origin.rooms.report(held, copy)

    def _turned_away(self, attempt: Attempt) -> None:
        """`rejoin`: back to the master."""
        simulation = self._simulation
        if simulation.chance.roll(f"away {attempt.id}") < 0.6:
            self._come_back(simulation.delay(f"away {attempt.id}", 2.0), f"{attempt.id}'", attempt)

    # -- sitting -------------------------------------------------------------------------------------------

    def sitting(self) -> list[tuple[SimNode, str, Copy, str]]:
        """Every session: node, room, copy and player."""
        return [
            (node, name, copy, player)
            for node in self._simulation.processes
            if node.works
            for name, copy in node.copies.items()
            if copy.phase is RoomPhase.RUNNING
            for player in copy.players
        ]

    def leave(self, node: SimNode, name: str, copy: Copy, player: str, *, drop: bool, resume: float) -> None:
        """The session ends; or its connection drops, and resumes after so long or not at all."""
        copy.players.pop(player, None)
        if drop:
            copy.resumable[player] = None
            back = resume * RESUME_SECONDS * 2
            if back < RESUME_SECONDS:
                node.later(back, lambda: self._resume(node, name, copy, player))
            self.expect(node, name, copy, player)
        else:
            self._simulation.store.leave(Key(node.key.game, name), player)
        node.rooms.report(name, copy)

    def expect(self, node: SimNode, name: str, copy: Copy, player: str) -> None:
        """The actor of one without a connection stays for a while."""
        node.later(RESUME_SECONDS, lambda: self._give_up(node, name, copy, player))

    def _resume(self, node: SimNode, name: str, copy: Copy, player: str) -> None:
        if player in copy.resumable and copy.phase is RoomPhase.RUNNING:
            del copy.resumable[player]
            copy.players[player] = None
            node.rooms.report(name, copy)

    def _give_up(self, node: SimNode, name: str, copy: Copy, player: str) -> None:
        if player in copy.resumable:
            del copy.resumable[player]
            self._simulation.store.leave(Key(node.key.game, name), player)
            node.rooms.report(name, copy)

    def led_over(self, game: str, name: str, copy: Copy, boot: str) -> None:
        """Their room goes to that boot of another node: they follow, or come by the master in the end."""
        everybody = [*copy.players]
        copy.players.clear()
        copy.resumable.clear()
        for player in everybody:
            self._follow(game, name, boot, player, tries=5)

    def _follow(self, game: str, name: str, boot: str, player: str, tries: int) -> None:
        simulation = self._simulation

        def arrive() -> None:
            if self.quiet:
                return
            node = simulation.booted(boot)
            copy = node.copies.get(name) if node is not None and node.works else None
            if node is not None and copy is not None and player in copy.resumable:
                self._resume(node, name, copy, player)
            if copy is not None and copy.phase is RoomPhase.RUNNING:
                return
            if tries:
                self._follow(game, name, boot, player, tries - 1)
            else:
                self._return(game, player, 0.0)

        simulation.clock.later(0.1 + simulation.delay(f"follow {player}", 1.0), arrive)

    def torn(self, game: str, copies: Iterable[Copy]) -> None:
        """Their room is gone under them: most come back by themselves."""
        for copy in copies:
            everybody = [*copy.players, *copy.resumable]
            copy.players.clear()
            copy.resumable.clear()
            for player in everybody:
                luck = self._simulation.chance.roll(f"torn {player}")
                if luck < 0.7:
                    self._return(game, player, luck * 6.0)

    def _return(self, game: str, player: str, after: float) -> None:
        """Back to where the actor is, by the master."""
        self._returns += 1
        attempt = Attempt(f"{player}~{self._returns}", game, player, None, 0.0)
        self._come_back(after, attempt.id, attempt)

    def settle_down(self) -> None:
        """From now on nobody comes by themselves; who is in line goes away."""
        self.quiet = True
        self._settled_at = self._simulation.clock.now
        for attempt in list(self.attempts.values()):
            self.cancel(attempt)
