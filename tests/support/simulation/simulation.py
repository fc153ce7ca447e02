"""A fleet around the core: one seed, one plan, one life from beginning to end.

simulation = Simulation(seed)
simulation.live(events=10_000)     # the walk, with the oracle watching
simulation.come_to_rest()          # faults stop, and all must be well within a bound of time
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator

from roomfleet.master.core import Key
from roomfleet.master.core.model import ChildTemplate, FleetSpec, Strategy, TemplateSpec, WhenBored
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import Arrivals, Keep, OnDelete, RoomSpec
from support.simulation import rest
from support.simulation.actions import perform
from support.simulation.apiserver import ApiServer
from support.simulation.bookkeeping import check_bookkeeping
from support.simulation.chance import Chance
from support.simulation.clock import Clock
from support.simulation.instance_oracle import InstanceOracle
from support.simulation.master import TICK_SECONDS, Master
from support.simulation.nodes import SimNode
from support.simulation.oracle import Oracle
from support.simulation.place_oracle import PlaceOracle
from support.simulation.plan import Action, actions
from support.simulation.players import Players
from support.simulation.store import Store
from support.simulation.store_oracle import StoreOracle

START = 1_000_000.0
CHECK_SECONDS = 4.0
"""How often all books are counted anew."""
LATE = 0.03
"""So much of all that is on its way takes five times as long as anything else."""


_SETS = re.compile(r"(?<=frozenset\(\{)[^}]*")
"""Their order is another in each process."""


class Simulation:
    """The parts, and the one loop that lets time pass."""

    def __init__(self, seed: int, note: Callable[[str], None] | None = None) -> None:
        """`note` takes a trace: each action, event and effect as a line."""
        self.seed = seed
        self.chance = Chance(seed)
        self.clock = Clock(START)
        self.calm = False
        self.restored = False
        """A backup of the store was restored: epochs may have been claimed twice."""
        self.trace = note
        self.settings = Settings(
            join_timeout_seconds=self.chance.pick("settings", [30, 60]),
            line_limit=self.chance.pick("settings", [3, 12]),
            delete_after_seconds=30,
        )
        self.games = self.chance.pick("games", [["w"], ["w"], ["w", "v"]])
        self.api = ApiServer()
        self.store = Store()
        self.processes: list[SimNode] = []
        """All that live, whichever boot of their name they are."""
        self.nodes: dict[Key, SimNode] = {}
        """The latest process of each name."""
        self._boots: dict[Key, int] = {}
        self._starting: set[Key] = set()
        self._broken: dict[Key, float] = {}
        self._check_at = START
        self.oracle = Oracle(self)
        self.stored = StoreOracle(self)
        self.places = PlaceOracle(self)
        self.instances = InstanceOracle(self)
        self.players = Players(self)
        self.master = Master(self)
        self.performed = 0
        """Actions of the plan that were done or passed over."""
        for game in self.games:
            self._furnish(game)
        self.master.start()

    def _furnish(self, game: str) -> None:
        pick = self.chance.pick
        spec = FleetSpec(
            min_nodes=pick("fleet", [0, 0, 1, 2]),
            max_nodes=pick("fleet", [1, 2, 3, 4]),
            rooms_per_node=pick("fleet", [2, 4, 100]),
            players_per_node=pick("fleet", [6, 12, 1_000]),
            strategy=pick("fleet", list(Strategy)),
            scale_down_after_seconds=pick("fleet", [5, 20]),
            drain_seconds=pick("fleet", [3, 30]),
        )
        self.api.apply_fleet(Key(game, "default"), spec)
        for number in range(pick("rooms", [3, 5, 8])):
            self.make_room(Key(game, f"r{number}"))
        for number in range(pick("templates", [0, 1, 2])):
            self.change_template(Key(game, f"t{number}"), "furnish")

    def change_template(self, key: Key, stream: str) -> None:
        """An InstancedRoom of that name with another spec, as luck has it; made if there is none."""
        pick, stream = self.chance.pick, f"{stream} {key}"
        room = RoomSpec(
            map="m.t",
            capacity=pick(stream, [1, 2, 4]),
            bored_after_seconds=pick(stream, [0, 3, 10]),
            keep=pick(stream, [Keep.WHEN_WANTED] * 9 + [Keep.NEVER]),
            arrivals=pick(stream, [Arrivals.DOORS, Arrivals.ANYONE]),
        )
        spec = TemplateSpec(
            template=ChildTemplate(spec=room),
            when_bored=pick(stream, [WhenBored.DELETE, WhenBored.DELETE, WhenBored.SLEEP]),
            keep_data=pick(stream, [False, False, True]),
            max_instances=pick(stream, [1, 3, 6]),
            warm=pick(stream, [0, 0, 1, 3]),
        )
        self.api.apply_template(key, spec)

    def make_room(self, key: Key) -> None:
        """A Room object of that name, its spec as luck has it."""
        pick, stream = self.chance.pick, f"make {key}"
        spec = RoomSpec(
            map=f"m.{key.name}",
            capacity=pick(stream, [1, 2, 3, 5]),
            bored_after_seconds=pick(stream, [0, 3, 10]),
            keep=Keep.ALWAYS if key.name == "r1" else Keep.WHEN_WANTED,
            on_delete=pick(stream, [OnDelete.RETAIN, OnDelete.DELETE]),
            arrivals=pick(stream, [Arrivals.DOORS, Arrivals.ANYONE]),
            spread_group=pick(stream, ["", "", "g"]),
        )
        self.api.make(key, spec, entry=key.name == "r0")

    # -- time ----------------------------------------------------------------------------------------------

    def live(self, events: int, *, only: Collection[int] | None = None, until: float | None = None) -> None:
        """Follow the plan until the core was told so many events. `only`: these actions of it alone, and
        `until` so many seconds after the start, however many events that makes.
        """
        for action in self._plan(only, until):
            if until is None and self.master.events >= events:
                return
            self.run(START + action.at - self.clock.now)
            self.performed = action.number + 1
            if self.trace is not None:
                self.trace(f"{action.at:9.3f} #{action.number} {action.kind}")
            perform(self, action)
        if until is not None:
            self.run(START + until - self.clock.now)

    def _plan(self, only: Collection[int] | None, until: float | None) -> Iterator[Action]:
        plan: Iterator[Action] = actions(self.seed)
        if until is not None:
            plan = itertools.takewhile(lambda action: action.at <= until, plan)
        return plan if only is None else (action for action in plan if action.number in only)

    def run(self, seconds: float) -> None:
        """Let time pass, with everything that happens meanwhile."""
        clock, until = self.clock, self.clock.now + seconds
        while True:
            if clock.now >= self._check_at:
                self._check_at = clock.now + CHECK_SECONDS
                self.check()
            happening, due = clock.next(), self.master.next_due()
            tick = until if due is None else due + TICK_SECONDS
            moment = min(tick, until if happening is None else happening)
            if moment >= until:
                clock.now = max(clock.now, until)
                return
            if happening is not None and happening <= tick:
                clock.happen()
            else:
                clock.now = max(clock.now, tick)
                self.master.tick()

    def check(self) -> None:
        """All that must hold at any time."""
        for orphan in self.api.orphans():
            if self.luck(f"orphan {orphan.key}") <= 0.5:
                self.api.delete(orphan.key, self.clock.now)
        self.oracle.deadlines()
        self.stored.savers()
        if self.master.up:
            if self.master.next_due() is not None:  # it does not stand still
                self.oracle.own_seats()
                self.oracle.nodes_are_known()
                self.stored.left_overs(CHECK_SECONDS)
            check_bookkeeping(self.master.core)

    def come_to_rest(self) -> None:
        """Faults stop: within a bound of time all is as it should be."""
        rest.come_to_rest(self)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self.clock.now - START

    # -- luck ----------------------------------------------------------------------------------------------

    def delay(self, stream: str, longest: float) -> float:
        """How long something takes: now and then far longer than it should, unless all is calm."""
        roll = self.chance.roll(stream)
        if self.calm:
            return roll * longest * 0.1
        return (roll if roll > LATE else 5.0 * roll / LATE) * longest

    def luck(self, stream: str) -> float:
        """Whether something goes wrong: the lower, the worse. When all is calm nothing does."""
        return 0.5 if self.calm else self.chance.roll(stream)

    def note(self, what: object, indent: str = "") -> None:
        if self.trace is not None:
            text = _SETS.sub(lambda found: ", ".join(sorted(found[0].split(", "))), str(what))
            self.trace(f"{self.seconds:9.3f} {indent}{text}")

    # -- nodes ---------------------------------------------------------------------------------------------

    def node(self, key: Key, boot: str) -> SimNode | None:
        """The process of that boot, if it can be reached."""
        node = self.nodes.get(key)
        return node if node is not None and node.boot == boot and not node.dead else None

    def booted(self, boot: str) -> SimNode | None:
        return next((node for node in self.processes if node.boot == boot), None)

    def create_node(self, key: Key, fleet: str) -> None:
        """Start a process of that name, if there is none; it takes a while, or comes to nothing."""
        stream = f"create {key}"
        if self.luck(stream) < 0.05 or key in self._starting:
            return
        self._starting.add(key)
        self.clock.later(self.delay(stream, 3.0), lambda: self._boot(key, fleet))

    def _boot(self, key: Key, fleet: str) -> None:
        self._starting.discard(key)
        before = self.nodes.get(key)
        if before is not None and not before.dead:
            return
        number = self._boots[key] = self._boots.get(key, 0) + 1
        node = self.nodes[key] = SimNode(self, key, fleet, f"{key.game}.{key.name}.b{number}")
        self.processes.append(node)
        node.start()

    def delete_node(self, key: Key) -> None:
        node = self.nodes.get(key)
        if node is not None and not node.dead:
            self.clock.later(self.delay(f"delete {key}", 1.0), lambda: node.here(node.drain))
            # Who does not end by itself is ended.
            self.clock.later(15.0, node.kill)

    def process_ended(self, node: SimNode) -> None:
        """Whoever keeps the processes notices, later or sooner than a new one says hello; or starts a new
        one of the same name by themselves.
        """
        self.processes.remove(node)
        self.master.process_ended(node.key, node.boot, self.delay(f"end {node.boot}", 2.0))
        if self.luck(f"end {node.boot}") < 0.2:
            self.create_node(node.key, node.fleet)

    # -- faults --------------------------------------------------------------------------------------------

    def break_room(self, key: Key, seconds: float) -> None:
        """Its script raises at each start, for so long."""
        self._broken[key] = self.clock.now + seconds

    def breaks(self, key: Key) -> bool:
        return not self.calm and self._broken.get(key, 0.0) > self.clock.now
