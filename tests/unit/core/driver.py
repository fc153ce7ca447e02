"""Drives a core by hand: each method is one thing that happens, and returns the effects of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from roomfleet.master.core import Core, Key, RoomView
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import (
    ChildTemplate,
    Condition,
    FleetSpec,
    Instance,
    Phase,
    RoomStatus,
    TemplateSpec,
    TemplateStatus,
)
from roomfleet.wire.joining import Problem
from roomfleet.wire.link import Load, Report, RoomPhase
from roomfleet.wire.settings import Settings
from roomfleet.wire.spec import RoomSpec

GAME = "game"
E = TypeVar("E", bound=fx.Effect)


class Driver:
    """A core with its clock and what it has said so far."""

    def __init__(self, *, now: float = 1_000.0, synced: bool = True, **settings: Any) -> None:
        self.now = now
        self.core = Core(Settings(**settings), seed=3, now=now)
        self.effects: list[fx.Effect] = []
        self.last: list[fx.Effect] = []
        self.specs: dict[str, RoomSpec] = {}
        self.versions: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.statuses: dict[str, RoomStatus] = {}
        self.uids: dict[str, str] = {}
        self.entries: dict[str, bool] = {}
        self.instances: dict[str, Instance] = {}
        self.templates: dict[str, TemplateSpec] = {}
        self.template_generations: dict[str, int] = {}
        self.joins = 0
        if synced:
            self.tell(ev.Synced())

    # -- plumbing

    def tell(self, event: ev.Event) -> list[fx.Effect]:
        self.last = []
        self._handle(event)
        return self.last

    def _handle(self, event: ev.Event) -> None:
        effects = self.core.handle(event, self.now)
        self.last += effects
        self.effects += effects
        while (due := self.core.next_due()) is not None and due <= self.now:
            effects = self.core.handle(ev.Tick(), self.now)
            self.last += effects
            self.effects += effects

    def wait(self, seconds: float, *, alive: tuple[int, ...] = ()) -> list[fx.Effect]:
        """Let time pass in steps of at most a second; the nodes `alive` are heard meanwhile."""
        self.last = []
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1.0)
            for number in alive:
                self._handle(ev.NodeHeard(self.node(number), f"b{number}"))
            self._handle(ev.Tick())
        return self.last

    def all(self, kind: type[E]) -> list[E]:
        """Effects of a kind out of the last call."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def one(self, kind: type[E]) -> E:
        found = self.all(kind)
        assert len(found) == 1, self.last
        return found[0]

    # -- objects

    def fleet(self, **spec: Any) -> list[fx.Effect]:
        return self.tell(ev.FleetApplied(Key(GAME, "default"), 1, FleetSpec(**{"min_nodes": 2, **spec})))

    def room(
        self,
        name: str,
        *,
        entry: bool = False,
        status: RoomStatus | None = None,
        problem: str = "",
        **spec: Any,
    ) -> list[fx.Effect]:
        """Make a Room, or change what is named of its spec."""
        if name in self.specs:
            self.specs[name] = msgspec.structs.replace(self.specs[name], **spec)
            self.generations[name] += 1
        else:
            self.specs[name] = RoomSpec(**{"map": f"m.{name}", **spec})
            self.generations[name] = 1
            self.versions[name] = 0
            self.uids[name] = f"u-{name}"
            self.statuses[name] = status or RoomStatus()
            self.entries[name] = entry
        return self.show(name, problem=problem)

    def show(self, name: str, problem: str = "") -> list[fx.Effect]:
        """The watch tells the object, with a new resourceVersion."""
        self.versions[name] += 1
        return self.tell(
            ev.RoomApplied(
                Key(GAME, name),
                self.uids[name],
                self.generations[name],
                str(self.versions[name]),
                self.specs[name],
                self.entries[name],
                self.statuses[name],
                problem,
                self.instances.get(name),
            )
        )

    def delete(self, name: str) -> list[fx.Effect]:
        del self.specs[name]
        return self.tell(ev.RoomDeleted(Key(GAME, name), self.uids[name]))

    # -- InstancedRooms

    def template(
        self, name: str = "cave", *, uid: str = "", waiting: int = 0, **spec: Any
    ) -> list[fx.Effect]:
        """Make an InstancedRoom, or change what is named of its spec; fields of Rooms go to its template."""
        room = {field: spec.pop(field) for field in list(spec) if field in RoomSpec.__struct_fields__}
        before = self.templates.get(name)
        if before is None:
            before = TemplateSpec(template=ChildTemplate(spec=RoomSpec(map="m.cave")))
            self.template_generations[name] = 0
        made = msgspec.structs.replace(before.template.spec, **room)
        self.templates[name] = msgspec.structs.replace(before, template=ChildTemplate(spec=made), **spec)
        self.template_generations[name] += 1
        return self.tell(
            ev.TemplateApplied(
                Key(GAME, name),
                uid or f"t-{name}",
                self.template_generations[name],
                self.templates[name],
                waiting=waiting,
            )
        )

    def created(self, create: fx.CreateRoom) -> str:
        """The Room that was to be made is there, and told. Its name."""
        name = create.key.name
        self.specs[name] = create.spec
        self.generations[name], self.versions[name] = 1, self.versions.get(name, 0)
        self.uids[name] = f"u-{name}-{self.versions[name]}"
        self.statuses[name], self.entries[name] = RoomStatus(), False
        self.instances[name] = Instance(create.template, create.template_uid, create.instance_key)
        self.show(name)
        return name

    def bound(
        self, bind: fx.BindRoom, outcome: ev.RecordOutcome = ev.RecordOutcome.WRITTEN
    ) -> list[fx.Effect]:
        """The answer to a BindRoom."""
        name = bind.key.name
        if outcome is ev.RecordOutcome.WRITTEN:
            assert bind.version == str(self.versions[name])
            before = self.instances[name]
            self.instances[name] = Instance(before.template, before.template_uid, bind.instance_key)
            self.specs[name] = msgspec.structs.replace(self.specs[name], on_delete=bind.on_delete)
            self.versions[name] += 1
        return self.tell(ev.RoomBound(bind, outcome, str(self.versions[name])))

    def seek(
        self,
        player: str,
        key: str,
        *others: str,
        template: str = "cave",
        found: str | None = None,
        bring: bool = False,
        place: ev.LinePlace | None = None,
    ) -> str:
        """A player asks for the instance of a key, with others as a party. Returns the join's id."""
        self.joins += 1
        id = f"j{self.joins}"
        self.tell(
            ev.JoinRequested(
                *(id, GAME, player, None, self.now, others, place),
                bring=bring,
                template=template,
                key=key,
            )
        )
        before = self.last
        while asked := self.all(fx.FindPlayer):
            for one in asked:
                self.tell(ev.PlayerFound(id, found, one.player))
                before = before + self.last
        self.last = before
        return id

    def erased(self, erase: fx.EraseRooms) -> list[fx.Effect]:
        """The node has erased what it was told."""
        return self.tell(ev.RoomsErased(erase.node, erase.boot, erase.rooms))

    def template_status(self, name: str = "cave") -> TemplateStatus:
        status = self.core.template(Key(GAME, name))
        assert status is not None
        return status

    def recorded(
        self, name: str, epoch: int = 1, outcome: ev.RecordOutcome = ev.RecordOutcome.WRITTEN
    ) -> list[fx.Effect]:
        self.versions[name] += outcome is ev.RecordOutcome.WRITTEN
        """The answer to the last Record of the room with that epoch."""
        record = [
            effect
            for effect in self.effects
            if isinstance(effect, fx.Record) and (effect.key.name, effect.status.epoch) == (name, epoch)
        ][-1]
        return self.tell(ev.Recorded(record, outcome, str(self.versions[name])))

    # -- nodes

    @staticmethod
    def node(number: int) -> Key:
        return Key(GAME, f"default-{number}")

    def connect(
        self,
        number: int,
        *reports: Report,
        boot: str = "",
        capacity: int = 100,
        let_in: Mapping[str, float] | None = None,
    ) -> list[fx.Effect]:
        hello = ev.NodeConnected(
            self.node(number),
            boot or f"b{number}",
            "default",
            capacity,
            f"http://n{number}",
            reports,
            let_in=dict(let_in or {}),
        )
        return self.tell(hello)

    def disconnect(self, number: int) -> list[fx.Effect]:
        return self.tell(ev.NodeDisconnected(self.node(number), f"b{number}"))

    def gone(self, number: int) -> list[fx.Effect]:
        return self.tell(ev.NodeGone(self.node(number), f"b{number}"))

    def report(
        self, number: int, name: str, phase: RoomPhase, epoch: int = 1, **more: Any
    ) -> list[fx.Effect]:
        """`seated`: unless said otherwise those whose tickets were `used`, as far as the core knows them."""
        used = more.get("used", ())
        seats = {join.seat.id: join for join in self.core._world.joins.values() if join.seat is not None}
        known = [self.core._world.joins.get(id) or seats.get(id) for id in used]
        more.setdefault("seated", [join.player for join in known if join is not None])
        report = Report(room=name, epoch=epoch, phase=phase, **more)
        return self.tell(ev.NodeReported(self.node(number), f"b{number}", report))

    def draining(self, number: int) -> list[fx.Effect]:
        """The node's process was told to end."""
        return self.tell(ev.NodeDraining(self.node(number), f"b{number}"))

    def prepared(self, number: int, name: str, problem: str = "") -> list[fx.Effect]:
        """The node has loaded what the room needs."""
        return self.tell(ev.RoomPrepared(self.node(number), f"b{number}", name, problem))

    def heard(self, number: int, *, busy: float, missed: float = 0.0) -> list[fx.Effect]:
        """The node says what it has to do."""
        return self.tell(ev.NodeHeard(self.node(number), f"b{number}", Load(busy=busy, missed=missed)))

    # -- players

    def join(
        self,
        player: str,
        room: str | None,
        *others: str,
        found: str | Mapping[str, str] | None = None,
        arrived: float = 0.0,
        ahead: int = 0,
        place: ev.LinePlace | None = None,
        session: int = 0,
        bring: bool = False,
    ) -> str:
        """A player asks for a room, with others as a party; a node that is asked says at once where the
        actors are. `arrived` claims a place, with so many `ahead`. Returns the id.
        """
        self.joins += 1
        id = f"j{self.joins}"
        if arrived:
            place = ev.LinePlace(room or "", arrived, ahead, frozenset({player, *others}))
        self.tell(ev.JoinRequested(id, GAME, player, room, self.now, others, place, session, bring))
        before = self.last
        while asked := self.all(fx.FindPlayer):
            for one in asked:
                where = found.get(one.player) if isinstance(found, Mapping) else found
                self.tell(ev.PlayerFound(id, where, one.player))
                before = before + self.last
        self.last = before
        return id

    def answers(self, id: str) -> list[fx.Admitted | fx.InLine | fx.Refused]:
        """All answers to a join so far."""
        return [
            effect.answer for effect in self.effects if isinstance(effect, fx.AnswerJoin) and effect.id == id
        ]

    def answer(self, id: str) -> fx.Admitted | fx.InLine | fx.Refused:
        """The last answer to a join."""
        return self.answers(id)[-1]

    def admitted(self, id: str) -> bool:
        answers = self.answers(id)
        return bool(answers) and isinstance(answers[-1], fx.Admitted)

    def position(self, id: str) -> int:
        answer = self.answer(id)
        assert isinstance(answer, fx.InLine), answer
        return answer.position

    def problem(self, id: str) -> Problem:
        answer = self.answer(id)
        assert isinstance(answer, fx.Refused), answer
        return answer.problem

    # -- shortcuts

    def two_nodes(self, **spec: Any) -> None:
        """A fleet with two nodes that are up."""
        self.fleet(**{"max_nodes": 2, **spec})
        self.connect(0)
        self.connect(1)

    def run(self, name: str, number: int = 0, epoch: int = 1, **more: Any) -> list[fx.Effect]:
        """The room, which is being recorded on that node, comes up there."""
        self.recorded(name, epoch)
        self.report(number, name, RoomPhase.STARTING, epoch)
        return self.report(number, name, RoomPhase.RUNNING, epoch, **more)

    def running(self, name: str, **spec: Any) -> None:
        """A room with one player, `name`, who came in by j1."""
        self.room(name, **spec)
        id = self.join(name, name)
        self.run(name)
        assert self.admitted(id), self.effects
        self.report(0, name, RoomPhase.RUNNING, players=1, used=[id])

    def view(self, name: str) -> RoomView:
        view = self.core.room(Key(GAME, name))
        assert view is not None
        return view

    def phase(self, name: str) -> Phase:
        return self.view(name).phase

    def written(self, name: str) -> RoomStatus:
        """The status that was last given out for the object."""
        return [
            effect.status
            for effect in self.effects
            if isinstance(effect, fx.WriteStatus | fx.Record) and effect.key.name == name
        ][-1]

    def condition(self, name: str, type: str) -> Condition:
        return next(condition for condition in self.written(name).conditions if condition.type == type)

    def desired(self, number: int) -> dict[str, int]:
        """The rooms and epochs that the node was told last."""
        sent = [
            effect
            for effect in self.effects
            if isinstance(effect, fx.SendDesired) and effect.node == self.node(number)
        ]
        return {wanted.room: wanted.epoch for wanted in sent[-1].rooms} if sent else {}

    def told(self, number: int) -> fx.SendDesired:
        """What the node was told last."""
        return [
            effect
            for effect in self.effects
            if isinstance(effect, fx.SendDesired) and effect.node == self.node(number)
        ][-1]
