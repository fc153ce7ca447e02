"""The master's process: the core, its timer, and what becomes of its effects. It may die, or stand still."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from roomfleet.master.core import Core, Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from support.simulation.adapter import Adapter
from support.simulation.oracle import Broken

if TYPE_CHECKING:
    from support.simulation.simulation import Simulation

TICK_SECONDS = 0.001
"""A tick comes so long after it was due, at the least."""
LEASE_SECONDS = 3.0
"""Another master takes the Lease of one that has not renewed it for so long."""
IN_VAIN = 100
"""Ticks that were due and did nothing, one after the other: more, and the core only turns round and round."""


class Master:
    """One core after the other. `life` counts them."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.life = 0
        self.up = False
        self.events = 0
        self._held: list[ev.Event] | None = None
        self._slept = 0.0
        self._down_since = simulation.clock.now
        self._in_vain = 0

    def start(self) -> None:
        simulation = self._simulation
        self.life += 1
        self.up = True
        self._held = None
        self._slept += simulation.clock.now - self._down_since
        self.core = Core(
            simulation.settings, seed=simulation.seed * 1_000 + self.life, now=simulation.clock.now
        )
        self.adapter = Adapter(simulation)
        self._desired: dict[tuple[Key, str], fx.SendDesired] = {}
        """What nodes were told last."""

    def kill(self, seconds: float) -> None:
        """The process ends, and another one starts after so long."""
        if not self.up:
            return
        if self._held is None:
            self._down_since = self._simulation.clock.now
        self.up = False
        self._held = None
        self._simulation.players.master_died()
        self._simulation.oracle.master_died()
        self._simulation.stored.master_died()
        self._simulation.places.master_died()
        self._simulation.instances.master_died()
        self._simulation.clock.later(seconds, self.start)

    def oust(self, pause: float, after: float) -> None:
        """It stands still until its Lease has run out and, so long after that, another master has taken it.
        Then it goes on: its gate holds back what it would still do, but not what had passed the gate before.
        That lands late, at the API server, and at nodes that have not given its link up.
        """
        if not self.up or self._held is not None:
            return
        simulation, told = self._simulation, self._desired
        self.adapter.land_late(pause)
        for node in simulation.processes:
            desired = told.get((node.key, node.boot))
            if desired is not None and node.linked and simulation.luck(f"oust {node.boot}") < 0.5:
                node.link.cling(pause + 0.5, desired, pause)
        self.kill(LEASE_SECONDS + after)

    def stall(self, seconds: float) -> None:
        """It does nothing for so long, then everything."""
        if not self.up or self._held is not None:
            return
        life = self.life
        self._held = []
        self._down_since = self._simulation.clock.now

        def go_on() -> None:
            if self.life != life or not self.up or self._held is None:
                return
            held, self._held = self._held, None
            self._slept += self._simulation.clock.now - self._down_since
            for event in held:
                self.tell(event)

        self._simulation.clock.later(seconds, go_on)

    @property
    def awake(self) -> float:
        """Seconds so far in which it could do something."""
        now = self._simulation.clock.now
        asleep = not self.up or self._held is not None
        return now - self._slept - (now - self._down_since if asleep else 0.0)

    def next_due(self) -> float | None:
        """When it wants to be called."""
        if not self.up or self._held is not None:
            return None
        due = self.core.next_due()
        return None if due is None else max(due, self._simulation.clock.now)

    def tick(self) -> None:
        """Call it, because it wanted that."""
        due = self.core.next_due()
        self.tell(ev.Tick())
        self._in_vain = self._in_vain + 1 if self.core.next_due() == due else 0
        if self._in_vain > IN_VAIN:
            raise Broken("the core rests", f"{self._in_vain} ticks in vain: due since {due}")

    def process_ended(self, key: Key, boot: str, after: float) -> None:
        """Whoever keeps the processes noticed that one ended. Some cannot tell boots apart: they only start
        another one after they have said so.
        """
        simulation, life = self._simulation, self.life

        def tell() -> None:
            latest = simulation.nodes.get(key)
            alone = latest is not None and latest.boot == boot
            nameless = alone and simulation.luck(f"gone {boot}") < 0.3
            if self.life == life:
                self.tell(ev.NodeGone(key, "" if nameless else boot))

        simulation.clock.later(after, tell)

    def tell(self, event: ev.Event) -> None:
        """An event for the core, and what follows. Lost while there is no master, late while it stands."""
        if not self.up:
            return
        if self._held is not None:
            self._held.append(event)
            return
        simulation = self._simulation
        self.events += 1
        simulation.oracle.heard(event)
        simulation.places.heard(event)
        simulation.instances.heard(event)
        simulation.note(event)
        for effect in self.core.handle(event, simulation.clock.now):
            simulation.note(effect, "    ")
            self._carry_out(effect)

    def _carry_out(self, effect: fx.Effect) -> None:
        simulation = self._simulation
        match effect:
            case fx.Record():
                self.adapter.record(effect)
            case fx.WriteStatus():
                self.adapter.write_status(effect)
            case fx.SendDesired():
                simulation.oracle.told(effect)
                self._desired[effect.node, effect.boot] = effect
                node = simulation.node(effect.node, effect.boot)
                if node is not None:
                    node.link.hear(lambda: node.rooms.desire(effect))
            case fx.CreateNode():
                simulation.create_node(effect.node, effect.fleet)
            case fx.DeleteNode():
                simulation.delete_node(effect.node)
            case fx.AnswerJoin():
                simulation.instances.answered(effect.id, effect.answer)
                simulation.places.answered(effect.id, effect.answer)
                simulation.oracle.answered(effect.id, effect.answer)
                simulation.players.answered(effect.id, effect.answer)
            case fx.AnswerSeat():
                id = f"{effect.boot}:{effect.id}"
                simulation.instances.answered(id, effect.answer)
                simulation.places.answered(id, effect.answer)
                simulation.oracle.answered(id, effect.answer)
                simulation.players.answered(id, effect.answer)
            case fx.FindPlayer() | fx.BringPlayer():
                if isinstance(effect, fx.BringPlayer):
                    simulation.oracle.brings(effect.id)
                self._to_node(effect)
            case fx.FindMarked() | fx.MarkRoom() | fx.EraseRooms():
                if isinstance(effect, fx.EraseRooms):
                    simulation.stored.erases(effect)
                self._to_node(effect)
            case fx.Announce():
                if effect.reason == "InternalError":
                    raise Broken("no room's work raises", f"{effect.key}: {effect.message}", str(effect.key))
            case fx.SendDrain():
                node = simulation.node(effect.node, effect.boot)
                if node is not None:
                    node.link.hear(lambda: node.leave_within(effect.seconds))
            case fx.CreateRoom() | fx.BindRoom() | fx.DeleteRoomObject():
                if isinstance(effect, fx.CreateRoom):
                    simulation.instances.said(effect)
                self.adapter.change(effect)
            case fx.WriteTemplateStatus():
                self.adapter.write_template_status(effect)
            case fx.AnswerInstance():
                simulation.players.located(f"{effect.boot}:{effect.id}")
            case fx.SweepRooms():
                simulation.stored.sweeps(effect)
                if (node := simulation.node(effect.node, effect.boot)) is not None:
                    node.link.hear(functools.partial(node.errands.sweep, effect))
            case fx.SendBack():
                if (node := simulation.node(effect.node, effect.boot)) is not None:
                    node.link.hear(functools.partial(node.errands.send_back, effect))
            case fx.SendNudge():
                if (node := simulation.node(effect.node, effect.boot)) is not None:
                    node.link.hear(node.errands.look_for_arrivals)
            case fx.SendGoodbye() | fx.WriteFleetStatus():
                pass

    def _to_node(
        self, effect: fx.FindPlayer | fx.BringPlayer | fx.FindMarked | fx.MarkRoom | fx.EraseRooms
    ) -> None:
        node = self._simulation.node(effect.node, effect.boot)
        if node is None:
            return
        match effect:
            case fx.FindPlayer():
                node.link.hear(lambda: node.errands.find(effect))
            case fx.BringPlayer():
                node.link.hear(lambda: node.errands.bring(effect))
            case fx.FindMarked():
                node.link.hear(node.errands.tell_marked)
            case fx.MarkRoom():
                node.link.hear(lambda: node.errands.mark(effect))
            case fx.EraseRooms():
                node.link.hear(lambda: node.errands.erase(effect))
