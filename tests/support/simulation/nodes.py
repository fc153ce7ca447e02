"""Simulated room nodes: processes that start slowly, stand still, die, drain, and lose their link.

What they say takes time and keeps its order on one link, as TCP does; a link that breaks may lose what was
on its way, and what a dead process said may still arrive after the hello of the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.wire.link import DesiredRoom, Load, MarkedRoom, MovedRoom, Report, RoomPhase
from roomfleet.wire.spec import OnDelete
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

BEAT_SECONDS = 2.5
RESUME_SECONDS = 20.0
DIAL_SECONDS = 3.0
ERASE_SECONDS = 20.0
CAPACITY = 100


@dataclass(slots=True)
class Copy:
    """A room on a node."""

    epoch: int
    uid: str
    capacity: int
    on_delete: OnDelete
    phase: RoomPhase = RoomPhase.STARTING
    players: dict[str, None] = field(default_factory=dict)
    resumable: dict[str, None] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    came: dict[str, None] = field(default_factory=dict)
    """Players who used them."""
    told: dict[str, float] = field(default_factory=dict)
    """Used tickets that the master was told of, and when."""
    introduced: bool = False
    """It was reported running, with who is seated in it."""
    busy: bool = True
    """It starts or stops at the moment."""

    @property
    def taken(self) -> int:
        return len(self.players) + len(self.resumable)


@dataclass(slots=True)
class Link:
    """One connection to one start of the master."""

    life: int
    channel: str
    up: bool = True
    held_until: float = 0.0
    """Until then the node does not notice that the master at its other end stands still."""
    loses: bool = False
    """When it broke, what was on its way got lost."""


class SimNode:
    """One process of a node."""

    def __init__(self, simulation: Simulation, key: Key, fleet: str, boot: str) -> None:
        self.simulation = simulation
        self.key = key
        self.fleet = fleet
        self.boot = boot
        self.link: Link | None = None
        self.links = 0
        self.paused = False
        self.dead = False
        self.leaving = False
        """It was told to end, and waits until its rooms are elsewhere."""
        self.draining = False
        self.copies: dict[str, Copy] = {}
        self.let_in: dict[str, float] = {}
        """When the last ticket of each player was given out that was used here, as long as tokens live."""
        self.desired: dict[str, DesiredRoom] = {}
        self._leave_by = 0.0
        self._moving: dict[str, MovedRoom] = {}
        self._prepared: set[str] = set()
        self._backlog: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"{self.key} ({self.boot})"

    @property
    def linked(self) -> bool:
        return self.link is not None and self.link.up and self.link.life == self.simulation.master.life

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

    # -- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.dial()
        self._beat()

    def _beat(self) -> None:
        """Say that it lives; look whose the rooms are that save something, all of them without a link."""
        if self.linked:
            busy = self.simulation.luck(f"load {self.boot}") < 0.02
            self.send(ev.NodeHeard(self.key, self.boot, Load(busy=0.97 if busy else 0.2, missed=0.0)))
        elif self._has_given_up() and self.link is not None and not self.draining:
            self.link.up = False  # that master is no more
            self.later(self.simulation.delay(f"dial {self.boot}", DIAL_SECONDS), self.dial)
        self.look_at_epochs()
        self.look_for_arrivals()
        self.later(BEAT_SECONDS, self._beat)

    def _has_given_up(self) -> bool:
        link = self.link
        return link is not None and link.up and self.simulation.clock.now >= link.held_until

    def cling(self, seconds: float) -> None:
        """Stay with the master that stands still, for so long."""
        if self.link is not None:
            self.link.held_until = self.simulation.clock.now + seconds

    def hear_late(self, link: Link, desired: fx.SendDesired) -> None:
        """What that master said before it stood still, if the link to it still is the one there is."""
        if self.link is link and link.up:
            self.here(lambda: self.desire(desired))

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
        if self.link is not None:
            self.link.up = False
            self.link.loses = self.simulation.luck(f"kill {self.boot}") < 0.5
            for name, copy in self.copies.items():
                self._linger(name, copy)
        self.simulation.players.torn(self.key.game, self.copies.values())
        self.simulation.process_ended(self)

    def _linger(self, name: str, copy: Copy) -> None:
        """What it said last may arrive when another process of that name has said hello already."""
        said = ev.NodeReported(self.key, self.boot, self.report_of(name, copy))
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
        self.send(ev.NodeDraining(self.key, self.boot))
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
                self._stop(name, copy)
        self._end_when_empty()

    def _end_when_empty(self) -> None:
        if self.copies:
            self.later(0.5, self._end_when_empty)
        else:
            self.later(self.simulation.delay(f"end {self.boot}", 1.0), self.kill)

    # -- the link ------------------------------------------------------------------------------------------

    def dial(self) -> None:
        master = self.simulation.master
        if self.dead or self.draining or (self.link is not None and self.link.up):
            return
        if not master.up:
            self.later(self.simulation.delay(f"dial {self.boot}", DIAL_SECONDS) + 0.1, self.dial)
            return
        self.links += 1
        self.link = Link(master.life, f"{self.boot} {self.links}")
        rooms = tuple(self.report_of(name, copy, again=True) for name, copy in self.copies.items())
        url = f"ws://{self.key.name}"
        since = self.simulation.clock.now - LINE_TOKEN_SECONDS
        self.let_in = {player: at for player, at in self.let_in.items() if at > since}
        self.send(
            ev.NodeConnected(
                *(self.key, self.boot, self.fleet, CAPACITY, url, rooms, self.leaving),
                let_in=dict(self.let_in),
            )
        )

    def cut(self, back: float, *, told: bool) -> None:
        """The link breaks; whether the master hears of it is another matter."""
        link = self.link
        if link is None or not link.up:
            return
        link.up = False
        link.loses = self.simulation.luck(f"cut {self.boot}") < 0.5
        if told:
            self._deliver(link, ev.NodeDisconnected(self.key, self.boot), 1.0, always=True)
        self.later(back, self.dial)

    def send(self, event: ev.Event) -> None:
        link = self.link
        if link is None or not link.up or self.dead:
            return
        self._deliver(link, event, 0.2)
        if isinstance(event, ev.NodeReported) and self.simulation.luck(f"again {self.boot}") < 0.03:
            self._deliver(link, event, 0.2)

    def _deliver(self, link: Link, event: ev.Event, longest: float, *, always: bool = False) -> None:
        master = self.simulation.master

        def arrive() -> None:
            if master.life == link.life and (link.up or always or not link.loses):
                newer = self.link is not link and self.link is not None and self.boot_is_latest()
                if not newer:  # the master drops what an older link of the same process brings
                    master.tell(event)

        delay = self.simulation.delay(f"link {self.boot}", longest)
        self.simulation.clock.later(delay, arrive, f"from {link.channel}")

    def boot_is_latest(self) -> bool:
        return self.simulation.nodes.get(self.key) is self

    def hear(self, what: Callable[[], None]) -> None:
        """Something from the master, on its way."""
        link = self.link
        if link is None or not self.linked:
            return

        def arrive() -> None:
            if link.up:
                self.here(what)

        delay = self.simulation.delay(f"link {self.boot}", 0.2)
        self.simulation.clock.later(delay, arrive, f"to {link.channel}")

    def report_of(self, name: str, copy: Copy, *, again: bool = False, **more: Any) -> Report:
        """`again`: with what one that was away may have missed. The first one of a running room says again
        who sits in it: they did so on the node before.
        """
        running, now = copy.phase is RoomPhase.RUNNING, self.simulation.clock.now
        again = again or (running and not copy.introduced)
        copy.introduced = copy.introduced or running
        used = [*copy.told, *copy.used] if again else copy.used
        kept = now - 2 * self.simulation.settings.ticket_seconds
        copy.told = {id: at for id, at in copy.told.items() if at > kept} | dict.fromkeys(copy.used, now)
        copy.used = []
        came, copy.came = copy.came, {}
        return Report(
            room=name,
            epoch=copy.epoch,
            phase=copy.phase,
            players=len(copy.players),
            resumable=len(copy.resumable),
            used=used,
            seated=[player for player in (*copy.players, *copy.resumable) if again or player in came],
            saved=self.simulation.store.up,
            **more,
        )

    def report(self, name: str, copy: Copy, **more: Any) -> None:
        if self.link is not None and self.link.up:
            self.send(ev.NodeReported(self.key, self.boot, self.report_of(name, copy, **more)))

    # -- rooms ---------------------------------------------------------------------------------------------

    def desire(self, effect: fx.SendDesired) -> None:
        self.desired = {wanted.room: wanted for wanted in effect.rooms}
        self._moving = {moved.room: moved for moved in effect.moving}
        self._prepare([wanted.room for wanted in effect.prepare])
        for name in [*self.copies, *self.desired]:
            self._converge(name)

    def _prepare(self, rooms: list[str]) -> None:
        """Load what rooms need that will run here soon."""
        for name in rooms:
            if name not in self._prepared:
                problem = "the map is missing" if self.simulation.luck(f"prepare {name}") < 0.05 else ""
                said = ev.RoomPrepared(self.key, self.boot, name, problem)
                self.later(
                    self.simulation.delay(f"prepare {self.boot}", 1.0), functools.partial(self.send, said)
                )
        self._prepared = set(rooms)

    def _converge(self, name: str) -> None:
        """One room: start it, stop it, or leave it as it is."""
        wanted, copy = self.desired.get(name), self.copies.get(name)
        if self.draining or (copy is not None and copy.busy):
            return
        if copy is not None and (wanted is None or wanted.epoch != copy.epoch):
            self._stop(name, copy)
        elif copy is not None and wanted is not None:
            copy.capacity = wanted.spec.capacity
        elif wanted is not None:
            copy = Copy(wanted.epoch, wanted.uid, wanted.spec.capacity, wanted.spec.on_delete)
            self.copies[name] = copy
            self.report(name, copy)
            delay = self.simulation.delay(f"start {self.boot} {name}", 4.0)
            self.later(delay, lambda: self._claim(name, copy))

    def _claim(self, name: str, copy: Copy) -> None:
        if not self.simulation.store.up:
            self.later(1.0, lambda: self._claim(name, copy))
            return
        copy.busy = False
        room = Key(self.key.game, name)
        if self.simulation.breaks(room):
            self._end(name, copy, RoomPhase.FAILED, message="the script is broken")
            return
        found = self.simulation.store.claim(room, copy.epoch, self.boot, copy.uid, copy.on_delete)
        if found is not None:
            self._end(name, copy, RoomPhase.FENCED, found_epoch=found)
            return
        self.simulation.oracle.claimed(room, copy.epoch, self.boot)
        copy.phase = RoomPhase.RUNNING
        for player in self.simulation.store.rooms[room].players:
            copy.resumable[player] = None
            self.simulation.players.expect(self, name, copy, player)
        self.report(name, copy)
        if self.draining:
            self._stop(name, copy)
        else:
            self._converge(name)

    def _stop(self, name: str, copy: Copy) -> None:
        copy.busy, copy.phase = True, RoomPhase.STOPPING
        self.report(name, copy)
        delay = self.simulation.delay(f"stop {self.boot} {name}", 2.0)
        self.later(delay, lambda: self._stopped(name, copy))

    def _stopped(self, name: str, copy: Copy) -> None:
        if not self.simulation.store.up:
            self.later(1.0, lambda: self._stopped(name, copy))
            return
        if self.saves(name, copy):
            self.simulation.store.apply(Key(self.key.game, name))
        moved = self._moving.get(name)
        if moved is not None and moved.epoch == copy.epoch and not self.draining:
            self.simulation.players.led_over(self.key.game, name, copy, moved.boot)
            self._end(name, copy, RoomPhase.STOPPED, frozen_at=self.simulation.clock.now)
        else:
            self._end(name, copy, RoomPhase.STOPPED)

    def _end(self, name: str, copy: Copy, phase: RoomPhase, **more: Any) -> None:
        """The room is gone from here. It is started again under a newer epoch, never under this one."""
        if self.copies.get(name) is not copy:
            return
        del self.copies[name]
        copy.phase = phase
        self.simulation.players.torn(self.key.game, [copy])
        self.report(name, copy, **more)
        wanted = self.desired.get(name)
        if wanted is not None and wanted.epoch == copy.epoch:
            del self.desired[name]
        elif wanted is not None:
            self._converge(name)

    def look_at_epochs(self) -> None:
        """Rooms that another node has claimed are closed: found by saving, or by asking."""
        store = self.simulation.store
        if not store.up:
            return
        for name, copy in list(self.copies.items()):
            asks = copy.players or not self.linked
            if copy.phase is RoomPhase.RUNNING and asks and not self.saves(name, copy):
                self._end(name, copy, RoomPhase.FENCED, found_epoch=store.found(Key(self.key.game, name)))

    def saves(self, name: str, copy: Copy) -> bool:
        return self.simulation.store.saves(Key(self.key.game, name), copy.epoch, self.boot)

    # -- what the master asks of it ------------------------------------------------------------------------

    def find(self, effect: fx.FindPlayer) -> None:
        if self.simulation.store.up and self.simulation.luck(f"find {self.boot}") > 0.05:
            held = self.simulation.store.actors.get((self.key.game, effect.player))
            self.send(ev.PlayerFound(effect.id, held, effect.player))

    def bring(self, effect: fx.BringPlayer) -> None:
        """Send the actor there, if it is here; say where it is."""
        store = self.simulation.store
        if not store.up or self.simulation.luck(f"bring {self.boot}") < 0.05:
            return
        who, copy = (self.key.game, effect.player), self.copies.get(effect.origin)
        here = copy is not None and copy.phase is RoomPhase.RUNNING and self.saves(effect.origin, copy)
        if store.actors.get(who) == effect.origin:
            if copy is None or not here:
                return
            store.leave(Key(self.key.game, effect.origin), effect.player)
            store.actors[who] = effect.room
            copy.players.pop(effect.player, None)
            copy.resumable.pop(effect.player, None)
            self.report(effect.origin, copy)
        self.send(ev.PlayerBrought(effect.id, store.actors.get(who)))

    def tell_marked(self) -> None:
        """Answer which rooms are marked, and who is on the way to which; finish what is left anywhere."""
        if self.simulation.store.up:
            rooms = [
                MarkedRoom(room=key.name, uid=found.uid, epoch=found.epoch)
                for key, found in self.simulation.store.rooms.items()
                if found.marked and key.game == self.key.game
            ]
            awaited = tuple(self.simulation.store.awaited(self.key.game))
            self.send(ev.MarkedFound(self.key, self.boot, tuple(rooms), awaited))
            for key, found in self.simulation.store.rooms.items():
                if found.journal and key.game == self.key.game and key.name not in self.copies:
                    self.simulation.store.apply(key)
                    self._nudge_awaited()

    def look_for_arrivals(self) -> None:
        """Take in whoever is on the way to a room of this node; a copy that is not the room's owner any more
        finds that out when it saves them."""
        store = self.simulation.store
        if not store.up or not store.transits:
            return
        awaited = store.awaited(self.key.game)
        for name, copy in list(self.copies.items()):
            if copy.phase is not RoomPhase.RUNNING or name not in awaited:
                continue
            room = Key(self.key.game, name)
            if self.saves(name, copy):
                store.arrive(room)
            else:
                self._end(name, copy, RoomPhase.FENCED, found_epoch=store.found(room))

    def sweep(self, effect: fx.SweepRooms) -> None:
        """Finish what lost owners had committed, unless it comes to nothing."""
        if not self.simulation.store.up:
            self.later(2.0, lambda: self.sweep(effect))
        elif self.simulation.luck(f"lost {self.boot}") > 0.3:
            for name in effect.rooms:
                self.simulation.store.apply(Key(self.key.game, name))
            self._nudge_awaited()

    def send_back(self, effect: fx.SendBack) -> None:
        """Whoever is on the way to that room goes back."""
        if self.simulation.store.up and self.simulation.luck(f"back {self.boot}") > 0.05:
            for target in self.simulation.store.send_back(Key(self.key.game, effect.room), effect.entry):
                self.send(ev.Nudged(Key(self.key.game, target), wake=False))

    def _nudge_awaited(self) -> None:
        for target in self.simulation.store.awaited(self.key.game):
            self.send(ev.Nudged(Key(self.key.game, target), wake=False))

    def depart(self, name: str, actor: str, target: str, *, wake: bool) -> None:
        """An actor of a room here goes to another room: committed at once, brought to it a moment later."""
        room = Key(self.key.game, name)
        self.simulation.store.commit(room, actor, target)
        if self.simulation.luck(f"depart {self.boot}") < 0.03:
            self.kill()  # at the worst moment

        def apply() -> None:
            if not self.simulation.store.up:
                self.later(1.0, apply)
                return
            self.simulation.store.apply(room)
            self.send(ev.Nudged(Key(self.key.game, target), wake))

        longest = 8.0 if actor.startswith("n") else 0.2
        self.later(self.simulation.delay(f"apply {self.boot}", longest), apply)

    def mark(self, effect: fx.MarkRoom) -> None:
        found = self.simulation.store.rooms.get(Key(self.key.game, effect.room))
        if found is not None and found.uid == effect.uid and self.simulation.store.up:
            found.marked = effect.on_delete is OnDelete.DELETE

    def erase(self, effect: fx.EraseRooms) -> None:
        """It finishes what is left in all journals first, which now and then takes long."""
        slow = self.simulation.luck(f"sweep {self.boot}") < 0.3
        self.later(
            self.simulation.delay(f"sweep {self.boot}", ERASE_SECONDS if slow else 0.2),
            lambda: self._erase(effect),
        )

    def _erase(self, effect: fx.EraseRooms) -> None:
        if self.simulation.store.up:
            for one in effect.rooms:
                room = Key(self.key.game, one.room)
                may = self.simulation.store.may_erase(room, one.uid, one.epoch)
                if may:
                    self.simulation.oracle.erased(room, one)
                    self.simulation.store.erase(room, effect.entry)
                if may is not None and self.simulation.luck(f"erase {self.boot}") > 0.05:
                    self.send(ev.RoomsErased(self.key, self.boot, (one,)))
