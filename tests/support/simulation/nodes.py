"""Simulated room nodes: processes that start slowly, stand still, die and drain.

What they say takes time and keeps its order on one link (`node_link`), as TCP does; a link that breaks may
lose what was on its way, and what a dead process said may still arrive after the hello of the next one. What
they run is in `node_rooms`, what else they do in the store in `node_errands`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from roomfleet.master.core import Key
from roomfleet.master.core import events as ev
from roomfleet.wire.link import Load, RoomPhase
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS
from support.simulation.node_errands import Errands
from support.simulation.node_link import NodeLink
from support.simulation.node_rooms import Copy, NodeRooms

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

BEAT_SECONDS = 2.5
CAPACITY = 100


class SimNode:
    """One process of a node."""

    def __init__(self, simulation: Simulation, key: Key, fleet: str, boot: str) -> None:
        self.simulation = simulation
        self.key = key
        self.fleet = fleet
        self.boot = boot
        self.paused = False
        self.dead = False
        self.leaving = False
        """It was told to end, and waits until its rooms are elsewhere."""
        self.draining = False
        self.link = NodeLink(self)
        self.rooms = NodeRooms(self)
        self.errands = Errands(self)
        self.copies = self.rooms.copies
        self.let_in: dict[str, float] = {}
        """When the last ticket of each player was given out that was used here, as long as tokens live."""
        self._leave_by = 0.0
        self._backlog: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"{self.key} ({self.boot})"

    @property
    def linked(self) -> bool:
        """Whether it is connected to the master that there is."""
        return self.link.linked

    @property
    def works(self) -> bool:
        """Whether it does anything at the moment."""
        return not self.dead and not self.paused

    def here(self, what: Callable[[], None]) -> None:
        """Have the process do it: at once, when it goes on, or never."""
        if self.dead:
            return
        if self.paused:
            self._backlog.append(what)
        else:
            what()

    def later(self, delay: float, what: Callable[[], None], channel: str = "") -> None:
        self.simulation.clock.later(delay, lambda: self.here(what), channel)

    def start(self) -> None:
        self.link.dial()
        self._beat()

    def hello(self) -> ev.NodeConnected:
        """What it says on a new link: all that it runs, and who was let in lately."""
        rooms = tuple(self.rooms.report_of(name, copy, again=True) for name, copy in self.copies.items())
        since = self.simulation.clock.now - LINE_TOKEN_SECONDS
        self.let_in = {player: at for player, at in self.let_in.items() if at > since}
        return ev.NodeConnected(
            *(self.key, self.boot, self.fleet, CAPACITY, f"ws://{self.key.name}", rooms, self.leaving),
            let_in=dict(self.let_in),
        )

    def _beat(self) -> None:
        """Say that it lives; look whose the rooms are that save something, all of them without a link."""
        if self.linked:
            busy = self.simulation.luck(f"load {self.boot}") < 0.02
            self.link.send(ev.NodeHeard(self.key, self.boot, Load(busy=0.97 if busy else 0.2, missed=0.0)))
        self.link.look()
        self.rooms.look_at_epochs()
        self.errands.look_for_arrivals()
        self.later(BEAT_SECONDS, self._beat)

    def pause(self, seconds: float) -> None:
        if self.paused or self.dead:
            return
        self.paused = True
        self.simulation.clock.later(seconds, self.go_on)

    def go_on(self) -> None:
        """What it missed happens now."""
        self.paused = False
        backlog, self._backlog = self._backlog, []
        for what in backlog:
            self.here(what)

    def kill(self) -> None:
        """The process ends, whatever it was doing."""
        if self.dead:
            return
        self.dead = True
        if self.link.end():
            for name, copy in self.copies.items():
                self._linger(name, copy)
        self.simulation.players.torn(self.key.game, self.copies.values())
        self.simulation.process_ended(self)

    def _linger(self, name: str, copy: Copy) -> None:
        """What it said last may arrive when another process of that name has said hello already."""
        said = ev.NodeReported(self.key, self.boot, self.rooms.report_of(name, copy))
        if self.simulation.luck(f"linger {self.boot}") < 0.3:
            delay = self.simulation.delay(f"linger {self.boot}", 20.0)
            life = self.simulation.master.life
            self.simulation.clock.later(
                delay,
                lambda: self.simulation.master.tell(said) if self.simulation.master.life == life else None,
            )

    def leave(self) -> None:
        """SIGTERM: ask the master to move the rooms; without an answer, drain."""
        if self.leaving or self.draining or self.dead:
            return
        self.leaving = True
        self.link.send(ev.NodeDraining(self.key, self.boot))
        self.later(2.0, lambda: None if self._leave_by else self.drain())

    def leave_within(self, seconds: float) -> None:
        """The master moves them: wait so long for that."""
        if self.leaving and not self._leave_by:
            self._leave_by = self.simulation.clock.now + seconds
            self._leave_when_empty()

    def _leave_when_empty(self) -> None:
        if self.copies and self.simulation.clock.now < self._leave_by:
            self.later(0.5, self._leave_when_empty)
        else:
            self.drain()

    def drain(self) -> None:
        """Stop all rooms, then end."""
        if self.draining or self.dead:
            return
        self.draining = True
        for name, copy in list(self.copies.items()):
            if copy.phase is RoomPhase.RUNNING and not copy.busy:
                self.rooms.stop(name, copy)
        self._end_when_empty()

    def _end_when_empty(self) -> None:
        if self.copies:
            self.later(0.5, self._end_when_empty)
        else:
            self.later(self.simulation.delay(f"end {self.boot}", 1.0), self.kill)
