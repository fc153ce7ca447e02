"""A simulated API server, nodes and players around the core, and an oracle that watches every effect.

Messages take time; links, nodes and records fail. Order is kept on each link, as TCP keeps it.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from roomfleet.master.core import Core, Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import FleetSpec, Phase, RoomStatus, Strategy
from roomfleet.wire.joining import Refusal
from roomfleet.wire.link import DesiredRoom, Report, RoomPhase
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import Keep, RoomSpec

GAME = "w"
FLEET = "default"
RESUME_SECONDS = 20.0


@dataclass
class Object:
    """A Room object in the API server."""

    name: str
    uid: str
    spec: RoomSpec
    entry: bool
    generation: int = 1
    version: int = 1
    status: RoomStatus = field(default_factory=RoomStatus)


@dataclass
class Copy:
    """A room on a node."""

    epoch: int
    phase: RoomPhase
    players: set[str] = field(default_factory=set)
    resumable: dict[str, float] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    busy: bool = False


@dataclass
class SimNode:
    name: str
    boot: str
    linked: bool = False
    paused: bool = False
    dead: bool = False
    draining: bool = False
    copies: dict[str, Copy] = field(default_factory=dict)
    desired: dict[str, DesiredRoom] = field(default_factory=dict)
    backlog: list[Callable[[], None]] = field(default_factory=list)


@dataclass
class SimJoin:
    id: str
    player: str
    asked: str | None
    arrived: float
    at: float
    room: str | None = None
    over: str = ""
    expires: float = 0.0
    boot: str = ""
    counted: bool = False
    """Its ticket was used and the core has heard so."""
    seat_of: str = ""
    uid: str = ""
    """Of the Room object that it was let into."""
    life: int = 0
    """Which start of the master it was made in."""


class Simulation:
    """Drive with `step` (one random event), `run` (let time pass) and `calm` (no more faults)."""

    def __init__(self, seed: int, *, rooms: int = 6, max_nodes: int = 3, faults: bool = True) -> None:
        self.rng = random.Random(seed)
        self.now = 1_000_000.0
        self.settings = Settings(join_timeout_seconds=60, line_limit=12)
        self.faults = faults
        self.seed = seed
        self.max_nodes = max_nodes
        self.objects: dict[str, Object] = {}
        self.uids = 0
        self.boots = 0
        self.joins: dict[str, SimJoin] = {}
        self.join_number = 0
        self.nodes: dict[str, SimNode] = {}
        self.store: dict[str, int] = defaultdict(int)
        self.where: dict[str, str] = {}
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.order = 0
        self.fifo: dict[str, float] = {}
        self.written: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.told: dict[tuple[str, str, int], tuple[str, str]] = {}
        self.recorded: set[tuple[str, str, int]] = set()
        self.lines: dict[str, dict[str, SimJoin]] = defaultdict(dict)
        self.counts: dict[str, int] = defaultdict(int)
        self.to_write: dict[str, fx.WriteStatus] = {}
        self.log: list[str] = []
        self.strategy = self.rng.choice(list(Strategy))
        self.min_nodes = self.rng.randint(0, 2)
        self.restarts = 0
        self.life = 0
        self.start_core()
        for number in range(rooms):
            self.make_room(f"r{number}", entry=number == 0)
        self.handle(ev.Synced())

    # -- plumbing ------------------------------------------------------------------------------------------

    def start_core(self) -> None:
        self.life += 1
        self.core = Core(self.settings, seed=self.seed + self.life, now=self.now)
        spec = FleetSpec(
            min_nodes=self.min_nodes,
            max_nodes=self.max_nodes,
            rooms_per_node=4,
            players_per_node=12,
            strategy=self.strategy,
            scale_down_after_seconds=20,
        )
        self.handle(ev.FleetApplied(Key(GAME, FLEET), 1, spec))

    def later(self, delay: float, what: Callable[[], None], channel: str = "") -> None:
        due = self.now + delay
        if channel:
            due = self.fifo[channel] = max(due, self.fifo.get(channel, 0.0))
        self.order += 1
        heapq.heappush(self.agenda, (due, self.order, what))

    def to_core(self, event: ev.Event, delay: float, channel: str = "") -> None:
        life = self.life

        def arrive() -> None:
            if life == self.life:
                self.handle(event)

        self.later(delay, arrive, channel)

    def handle(self, event: ev.Event) -> None:
        if isinstance(event, ev.NodeReported | ev.NodeConnected):
            self.core_hears(event)
        self.log.append(f"{self.now:.2f} {event}")
        for effect in self.core.handle(event, self.now):
            self.log.append(f"    {effect}")
            self.carry_out(effect)

    def run(self, seconds: float) -> None:
        """Let time pass, with a tick at least four times a second while something is due."""
        until = self.now + seconds
        while True:
            due = self.core.next_due()
            tick = until if due is None else max(due, self.now + 0.01)
            ahead = self.agenda[0][0] if self.agenda else until
            moment = min(tick, ahead, until)
            if moment >= until:
                self.now = until
                self.check_joins()
                return
            self.now = max(self.now, moment)
            if ahead <= moment:
                heapq.heappop(self.agenda)[2]()
            else:
                self.handle(ev.Tick())

    def delay(self) -> float:
        return self.rng.random() * (1.0 if self.faults else 0.05)

    # -- what the core wants done --------------------------------------------------------------------------

    def carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Record():
                life = self.life
                self.to_write.pop(effect.key.name, None)
                self.later(self.delay(), lambda: self.write_ahead(effect, life))
            case fx.WriteStatus():
                self.to_write[effect.key.name] = effect
                self.later(self.delay(), lambda: self.write_status(effect))
            case fx.SendDesired():
                self.watch_desired(effect)
                self.to_node(effect.node.name, effect.boot, lambda node: self.desire(node, effect))
            case fx.CreateNode():
                self.later(self.delay() * 3, lambda: self.boot(effect.node.name))
            case fx.DeleteNode():
                self.later(self.delay(), lambda: self.drain(effect.node.name))
            case fx.AnswerJoin():
                self.answer(effect.id, effect.answer)
            case fx.AnswerSeat():
                self.answer(f"{effect.boot}:{effect.id}", effect.answer)
            case fx.FindPlayer():
                self.to_node(effect.node.name, effect.boot, lambda node: self.find(node, effect))
            case _:
                pass

    def to_node(self, name: str, boot: str, what: Callable[[SimNode], None]) -> None:
        node = self.nodes.get(name)
        if node is None or node.boot != boot or not node.linked:
            return

        def arrive() -> None:
            if not node.dead and node.linked:
                self.on_node(node, lambda: what(node))

        self.later(self.delay() / 5, arrive, f"to {boot}")

    def on_node(self, node: SimNode, what: Callable[[], None]) -> None:
        """A paused process does everything when it goes on."""
        if node.dead:
            return
        if node.paused:
            node.backlog.append(what)
        else:
            what()

    # -- the API server ------------------------------------------------------------------------------------

    def make_room(self, name: str, *, entry: bool = False, keep: Keep = Keep.WHEN_WANTED) -> None:
        self.uids += 1
        if name == "r1":
            keep = Keep.ALWAYS
        spec = RoomSpec(
            map=f"m.{name}",
            capacity=self.rng.randint(1, 5),
            bored_after_seconds=self.rng.choice([0, 3, 10]),
            keep=keep,
        )
        self.objects[name] = Object(name, f"u{self.uids}", spec, entry)
        self.show(name, 0.0)

    def show(self, name: str, delay: float) -> None:
        """The watch tells the object as it then is."""
        life = self.life

        def tell() -> None:
            found = self.objects.get(name)
            if found is not None and life == self.life:
                self.handle(self.applied(found))

        if delay:
            self.later(delay, tell, f"watch {name}")
        else:
            tell()

    def applied(self, found: Object) -> ev.RoomApplied:
        key = Key(GAME, found.name)
        return ev.RoomApplied(
            key, found.uid, found.generation, str(found.version), found.spec, found.entry, found.status
        )

    def write_ahead(self, effect: fx.Record, life: int) -> None:
        if life != self.life:
            return
        name = effect.key.name
        found = self.objects.get(name)
        lucky = self.rng.random()
        if self.faults and lucky > 0.98:
            return  # it got lost
        outcome = ev.RecordOutcome.WRITTEN
        version = ""
        if found is None or found.uid != effect.uid:
            outcome = ev.RecordOutcome.GONE
        elif self.faults and lucky < 0.05:
            outcome = ev.RecordOutcome.FAILED
        elif str(found.version) != effect.version:
            outcome = ev.RecordOutcome.CONFLICT
            self.show(name, self.delay() + 0.01)
        written = outcome is ev.RecordOutcome.WRITTEN or lucky < 0.025
        meant = found is not None and (found.uid, str(found.version)) == (effect.uid, effect.version)
        if found is not None and meant and written:
            epochs = self.written[name, found.uid]
            assert not epochs or effect.status.epoch > epochs[-1], f"epochs rise: {effect} after {epochs}"
            epochs.append(effect.status.epoch)
            found.version += 1
            found.status = effect.status
            version = str(found.version)
            self.recorded.add((name, effect.status.node, effect.status.epoch))
            self.show(name, self.delay() + 0.01)
        if life == self.life and not (self.faults and lucky > 0.96):
            self.to_core(ev.Recorded(effect, outcome, version), self.delay())

    def write_status(self, effect: fx.WriteStatus) -> None:
        found = self.objects.get(effect.key.name)
        if found is None or found.uid != effect.uid or self.to_write.get(found.name) is not effect:
            return
        del self.to_write[found.name]
        found.version += 1
        found.status = effect.status
        self.show(effect.key.name, self.delay() + 0.01)

    # -- nodes ---------------------------------------------------------------------------------------------

    def boot(self, name: str) -> None:
        node = self.nodes.get(name)
        if node is not None and not node.dead:
            return
        self.boots += 1
        node = self.nodes[name] = SimNode(name, f"b{self.boots}")
        self.connect(node)
        self.beat(node)

    def connect(self, node: SimNode) -> None:
        if node.dead or node.linked or node.draining:
            return
        node.linked = True
        reports = tuple(self.report_of(name, copy) for name, copy in node.copies.items())
        key = Key(GAME, node.name)
        hello = ev.NodeConnected(key, node.boot, FLEET, 100, f"http://{node.name}", reports)
        self.to_core(hello, self.delay() / 5, f"from {node.boot}")

    def beat(self, node: SimNode) -> None:
        if node.dead:
            return
        if node.linked and not node.paused:
            self.to_core(ev.NodeHeard(Key(GAME, node.name), node.boot), self.delay() / 5, f"from {node.boot}")
        self.later(2.0, lambda: self.beat(node))

    def report_of(self, name: str, copy: Copy, **more: Any) -> Report:
        used, copy.used = copy.used, []
        counts = {"players": len(copy.players), "resumable": len(copy.resumable)}
        values = {"epoch": copy.epoch, "phase": copy.phase, "used": used, **counts, **more}
        return Report(room=name, **values)

    def report(self, node: SimNode, name: str, copy: Copy, **more: Any) -> None:
        if node.linked and not node.dead:
            event = ev.NodeReported(Key(GAME, node.name), node.boot, self.report_of(name, copy, **more))
            self.to_core(event, self.delay() / 5, f"from {node.boot}")

    def desire(self, node: SimNode, effect: fx.SendDesired) -> None:
        node.desired = {wanted.room: wanted for wanted in effect.rooms}
        for name in sorted({*node.desired, *node.copies}):
            self.converge(node, name)

    def converge(self, node: SimNode, name: str) -> None:
        """One room of the node: start, stop, or leave it as it is."""
        wanted, copy = node.desired.get(name), node.copies.get(name)
        if node.dead or node.draining or (copy is not None and copy.busy):
            return
        if copy is not None and (wanted is None or wanted.epoch != copy.epoch):
            copy.busy, copy.phase = True, RoomPhase.STOPPING
            self.report(node, name, copy)
            self.later(self.delay() * 2, lambda: self.on_node(node, lambda: self.stopped(node, name)))
        elif copy is None and wanted is not None:
            copy = node.copies[name] = Copy(wanted.epoch, RoomPhase.STARTING, busy=True)
            self.report(node, name, copy)
            self.later(self.delay() * 4, lambda: self.on_node(node, lambda: self.started(node, name)))

    def started(self, node: SimNode, name: str) -> None:
        copy = node.copies[name]
        copy.busy = False
        if self.store[name] >= copy.epoch:
            copy.phase = RoomPhase.FAILED
            self.remove(node, name, found_epoch=self.store[name])
        elif self.faults and self.rng.random() < 0.02:
            copy.phase = RoomPhase.FAILED
            self.remove(node, name, message="the script is broken")
        else:
            self.store[name] = copy.epoch
            copy.phase = RoomPhase.RUNNING
            self.report(node, name, copy)
            self.converge(node, name)

    def stopped(self, node: SimNode, name: str) -> None:
        node.copies[name].phase = RoomPhase.STOPPED
        self.remove(node, name)
        self.converge(node, name)

    def remove(self, node: SimNode, name: str, **more: Any) -> None:
        copy = node.copies.pop(name)
        copy.players.clear()
        copy.resumable.clear()
        self.report(node, name, copy, **more)
        if more:
            node.desired.pop(name, None)

    def fence(self, node: SimNode) -> None:
        """What a node finds out by itself: a higher epoch has claimed its room."""
        for name, copy in list(node.copies.items()):
            if copy.phase is RoomPhase.RUNNING and self.store[name] > copy.epoch and not copy.busy:
                copy.phase = RoomPhase.FENCED
                self.remove(node, name, found_epoch=self.store[name])

    def drain(self, name: str) -> None:
        node = self.nodes.get(name)
        if node is None or node.dead:
            return
        self.kill(node)

    def kill(self, node: SimNode) -> None:
        node.dead = True
        node.linked = False
        self.to_core(ev.NodeGone(Key(GAME, node.name), node.boot), self.delay(), f"from {node.boot}")

    def find(self, node: SimNode, effect: fx.FindPlayer) -> None:
        if not self.faults or self.rng.random() < 0.9:
            event = ev.PlayerFound(effect.id, self.where.get(effect.player))
            self.to_core(event, self.delay() / 5, f"from {node.boot}")

    # -- players -------------------------------------------------------------------------------------------

    def join(self, player: str, room: str | None, arrived: float | None = None) -> SimJoin:
        self.join_number += 1
        id = f"j{self.join_number}"
        since = self.now if arrived is None else arrived
        join = SimJoin(id, player, room, since, self.now, life=self.life)
        self.joins[id] = join
        self.handle(ev.JoinRequested(id, GAME, player, room, join.arrived))
        self.poll(join)
        return join

    def poll(self, join: SimJoin) -> None:
        if not join.over:
            self.handle(ev.JoinPolled(join.id))
            self.later(10.0, lambda: self.poll(join))

    def seat(self, node: SimNode, player: str, room: str) -> None:
        self.join_number += 1
        raw = f"s{self.join_number}"
        join = SimJoin(
            f"{node.boot}:{raw}", player, room, self.now, self.now, seat_of=node.boot, life=self.life
        )
        self.joins[join.id] = join
        self.handle(ev.SeatRequested(Key(GAME, node.name), node.boot, raw, player, room))

    def answer(self, id: str, answer: fx.Admitted | fx.InLine | fx.Refused) -> None:
        join = self.joins[id]
        assert not join.over, f"{id} was answered for good already: {join.over}"
        if isinstance(answer, fx.InLine):
            join.room = answer.room
            self.lines[answer.room][id] = join
            return
        for line in self.lines.values():
            line.pop(id, None)
        if isinstance(answer, fx.Refused):
            join.over = answer.problem.refusal
            assert join.over in {refusal.value for refusal in Refusal}
            if answer.problem.status in (429, 503):
                assert answer.problem.retry_after
            return
        self.admitted(join, answer)

    def admitted(self, join: SimJoin, answer: fx.Admitted) -> None:
        join.over, join.room, join.expires, join.boot = "admitted", answer.room, answer.expires, answer.boot
        if answer.room in self.objects:
            join.uid = self.objects[answer.room].uid
        copy = self.copy_of(answer.room, answer.boot)
        holder = copy is not None and (join.player in copy.players or join.player in copy.resumable)
        if not holder and self.known_seat(join) is None:
            self.drop_void_seats(answer.room)
            earlier = [other.id for other in self.lines[answer.room].values() if other.arrived < join.arrived]
            assert not earlier, f"{join.id} overtook {earlier}"
            self.watch_capacity(join)
        if self.rng.random() < 0.8:
            self.later(self.rng.random() * 10, lambda: self.enter(join))

    def drop_void_seats(self, room: str) -> None:
        """Seats that a node asked for end without a word when it is lost."""
        for id, other in list(self.lines[room].items()):
            if other.seat_of and self.core.join(id) is None:
                other.over = "void"
                del self.lines[room][id]

    def known_seat(self, join: SimJoin) -> SimJoin | None:
        """An earlier admission of the player to that room that the core may take for a seat still held."""
        for other in self.joins.values():
            if other is not join and (other.player, other.room) == (join.player, join.room) and other.counted:
                return other
        return None

    def copy_of(self, room: str, boot: str) -> Copy | None:
        for node in self.nodes.values():
            if node.boot == boot:
                return node.copies.get(room)
        return None

    def enter(self, join: SimJoin) -> None:
        node = next((node for node in self.nodes.values() if node.boot == join.boot), None)
        if node is None or node.dead or node.paused or self.now >= join.expires:
            return
        copy = node.copies.get(join.room or "")
        found = self.objects.get(join.room or "")
        if copy is None or copy.phase is not RoomPhase.RUNNING or found is None:
            return
        sits = join.player in copy.players or join.player in copy.resumable
        if not sits and len(copy.players) + len(copy.resumable) >= found.spec.capacity:
            return
        for other in self.nodes.values():
            for name, elsewhere in other.copies.items():
                if elsewhere is not copy and join.player in elsewhere.players:
                    elsewhere.players.discard(join.player)
                    self.report(other, name, elsewhere)
        copy.players.add(join.player)
        copy.resumable.pop(join.player, None)
        copy.used.append(join.id.split(":")[-1])
        self.where[join.player] = join.room or ""
        self.report(node, join.room or "", copy)

    def leave(self, *, drop: bool) -> None:
        sitting = [
            (node, name, copy)
            for node in self.nodes.values()
            for name, copy in node.copies.items()
            if copy.players and not node.dead and not node.paused
        ]
        if not sitting:
            return
        node, name, copy = self.rng.choice(sitting)
        player = self.rng.choice(sorted(copy.players))
        copy.players.discard(player)
        if drop:
            copy.resumable[player] = self.now + RESUME_SECONDS
            self.later(
                RESUME_SECONDS, lambda: self.on_node(node, lambda: self.give_up(node, name, copy, player))
            )
        self.report(node, name, copy)

    def give_up(self, node: SimNode, name: str, copy: Copy, player: str) -> None:
        if copy.resumable.pop(player, None) is not None and node.copies.get(name) is copy:
            self.report(node, name, copy)

    # -- the oracle ----------------------------------------------------------------------------------------

    def core_hears(self, event: ev.NodeReported | ev.NodeConnected) -> None:
        reports = event.rooms if isinstance(event, ev.NodeConnected) else (event.report,)
        for report in reports:
            if self.nodes[event.node.name].boot != event.boot:
                continue
            self.counts[f"{event.boot}/{report.room}"] = report.players + report.resumable
            for id in report.used:
                join = self.joins.get(id) or self.joins.get(f"{id}") or self._seat(id)
                if join is not None:
                    join.counted = True

    def _seat(self, raw: str) -> SimJoin | None:
        return next((join for id, join in self.joins.items() if id.endswith(f":{raw}")), None)

    def watch_desired(self, effect: fx.SendDesired) -> None:
        for wanted in effect.rooms:
            place = (effect.node.name, effect.boot)
            before = self.told.setdefault((wanted.room, wanted.uid, wanted.epoch), place)
            assert before == place, f"{wanted.room} epoch {wanted.epoch} is wanted at {before} and {place}"
            written = (wanted.room, effect.node.name, wanted.epoch)
            assert written in self.recorded, f"{written} was told before it was recorded"

    def watch_capacity(self, join: SimJoin) -> None:
        """Told players and reserved seats never exceed the capacity."""
        found = self.objects.get(join.room or "")
        if found is None:
            return
        reserved = {
            other.player
            for other in self.joins.values()
            if other.over == "admitted"
            and (other.room, other.boot) == (join.room, join.boot)
            and other.life == self.life
            and other.uid == found.uid
            and not other.counted
            and other.expires > self.now
            and self.latest(other)
            and self.known_seat(other) is None
        }
        sitting = self.counts[f"{join.boot}/{join.room}"]
        assert sitting + len(reserved) <= found.spec.capacity, (
            f"{join.room}: {sitting} sit, {sorted(reserved)} are let in, capacity {found.spec.capacity}"
        )

    def latest(self, join: SimJoin) -> bool:
        """Whether it is the player's newest: an older one's reservation is given up."""
        mine = [other for other in self.joins.values() if other.player == join.player]
        return mine[-1] is join

    def check_joins(self) -> None:
        limit = self.settings.join_timeout_seconds + 1.0
        for room in list(self.lines):
            self.drop_void_seats(room)
        for join in self.joins.values():
            if join.seat_of and not join.over and self.core.join(join.id) is None:
                join.over = "void"
            assert join.over or self.now <= join.at + limit, f"{join} has no end"

    # -- random events -------------------------------------------------------------------------------------

    def step(self) -> None:
        self.run(self.rng.random() * 0.6)
        roll = self.rng.random()
        names = sorted(self.objects)
        if roll < 0.40:
            asked = self.rng.choice([None, "nowhere", *names, *names, *names])
            self.join(f"p{self.rng.randint(0, 25)}", asked)
        elif roll < 0.45:
            self.cancel()
        elif roll < 0.60:
            self.leave(drop=self.rng.random() < 0.5)
        elif roll < 0.65:
            self.ask_seat()
        elif roll < 0.70 and names:
            self.respec(self.rng.choice(names))
        elif roll < 0.74:
            self.delete_or_make()
        elif roll < 0.77 and names:
            self.handle(ev.Nudged(Key(GAME, self.rng.choice(names)), self.rng.random() < 0.5))
        elif roll < 0.80:
            self.repeat()
        elif self.faults:
            self.fault()

    def cancel(self) -> None:
        waiting = [join for join in self.joins.values() if not join.over and not join.seat_of]
        if waiting:
            self.give_up_join(self.rng.choice(waiting))

    def give_up_join(self, join: SimJoin) -> None:
        join.over = "cancelled"
        for line in self.lines.values():
            line.pop(join.id, None)
        if join.seat_of:
            raw = join.id.partition(":")[2]
            self.handle(ev.SeatCancelled(Key(GAME, "any"), join.seat_of, raw))
        else:
            self.handle(ev.JoinCancelled(join.id))

    def ask_seat(self) -> None:
        linked = [node for node in self.nodes.values() if node.linked and not node.dead]
        if linked and self.objects:
            node = self.rng.choice(linked)
            players = sorted({player for copy in node.copies.values() for player in copy.players})
            if players:
                self.seat(node, self.rng.choice(players), self.rng.choice(sorted(self.objects)))

    def respec(self, name: str) -> None:
        found = self.objects[name]
        keeps = [Keep.ALWAYS, Keep.NEVER, Keep.WHEN_WANTED, Keep.WHEN_WANTED]
        change: dict[str, Any] = self.rng.choice(
            [
                {"capacity": max(found.spec.capacity, self.rng.randint(1, 6))},
                {"bored_after_seconds": self.rng.choice([0, 5, 15])},
                {"script": f"a.b:C{self.rng.randint(0, 3)}"},
                {"keep": self.rng.choice(keeps)},
            ]
        )
        found.spec = msgspec.structs.replace(found.spec, **change)
        found.generation += 1
        found.version += 1
        self.show(name, self.delay() + 0.01)

    def delete_or_make(self) -> None:
        missing = sorted({f"r{number}" for number in range(6)} - set(self.objects))
        if missing:
            self.make_room(missing[0], entry=missing[0] == "r0")
            return
        name = self.rng.choice(sorted(self.objects))
        found = self.objects.pop(name)
        self.to_core(ev.RoomDeleted(Key(GAME, name), found.uid), self.delay(), f"watch {name}")

    def repeat(self) -> None:
        """Events that say what is known already."""
        for found in self.objects.values():
            self.show(found.name, self.delay() + 0.01)

    def fault(self) -> None:
        living = [node for node in self.nodes.values() if not node.dead]
        roll = self.rng.random()
        if roll < 0.06:
            self.restart_master()
        elif not living:
            return
        node = self.rng.choice(living) if living else None
        if node is None:
            return
        if roll < 0.25:
            self.kill(node)
        elif roll < 0.5:
            self.cut(node)
        elif roll < 0.75 and not node.paused:
            node.paused = True
            self.later(self.rng.choice([1.0, 5.0, 15.0]), lambda: self.go_on(node))
        else:
            self.fence(node)

    def cut(self, node: SimNode) -> None:
        if not node.linked:
            return
        node.linked = False
        if self.rng.random() < 0.8:
            self.to_core(ev.NodeDisconnected(Key(GAME, node.name), node.boot), 0.0, f"from {node.boot}")
        back = self.rng.choice([0.5, 3.0, 14.0])
        self.later(back, lambda: self.on_node(node, lambda: self.connect(node)))

    def go_on(self, node: SimNode) -> None:
        node.paused = False
        backlog, node.backlog = node.backlog, []
        for what in backlog:
            self.on_node(node, what)
        self.fence(node)

    def restart_master(self) -> None:
        self.restarts += 1
        for node in self.nodes.values():
            node.linked = False
        for join in self.joins.values():
            if not join.over:
                join.over = "master restarted"
        self.lines.clear()
        self.to_write.clear()
        self.start_core()
        for found in list(self.objects.values()):
            self.handle(self.applied(found))
        for node in self.nodes.values():
            self.later(self.delay() * 3, lambda node=node: self.on_node(node, lambda: self.connect(node)))
        self.handle(ev.Synced())

    # -- the end -------------------------------------------------------------------------------------------

    def calm(self) -> None:
        """Faults stop, everybody leaves: the fleet comes to rest."""
        self.faults = False
        for join in self.joins.values():
            if not join.over:
                self.give_up_join(join)
        for node in self.nodes.values():
            if node.paused:
                self.go_on(node)
        self.run(30.0)
        for node in self.nodes.values():
            for name, copy in node.copies.items():
                if not node.dead:
                    copy.players.clear()
                    copy.resumable.clear()
                    self.report(node, name, copy)
        self.run(120.0)

    def check_rest(self) -> None:
        """Nobody wants anything: rooms that are kept run, all others sleep; nothing is left over."""
        for name, found in self.objects.items():
            view = self.core.room(Key(GAME, name))
            assert view is not None
            running = [
                (node.name, copy)
                for node in self.nodes.values()
                for one, copy in node.copies.items()
                if one == name and not node.dead
            ]
            if view.phase is Phase.FAILED or found.spec.keep is not Keep.ALWAYS:
                assert view.phase in (Phase.FAILED, Phase.ASLEEP), f"{view}"
                assert running == [], f"{name} sleeps and is on {running}"
            else:
                assert view.phase is Phase.RUNNING, f"{view}"
                assert [(node, copy.epoch) for node, copy in running] == [(view.node, view.epoch)]
            assert found.status.phase is view.phase, f"{found} is not {view}"
            assert found.status.players == view.players

    def check_wakes(self) -> None:
        """Every room that lets people in does."""
        self.where.clear()
        for number, (name, found) in enumerate(sorted(self.objects.items())):
            if found.spec.keep is Keep.NEVER:
                continue
            join = self.join(f"late{number}", name)
            self.run(8.0)
            assert join.over == "admitted", f"{join} for {self.core.room(Key(GAME, name))}"
            assert join.room == name
            self.run(60.0)
