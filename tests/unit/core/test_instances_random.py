"""Instances under whatever happens in any order: one room a key, never too many, and nobody is forgotten."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomfleet.master.core import Key
from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Instance, WhenBored
from roomfleet.wire.link import DesiredRoom, RoomPhase
from unit.core.driver import GAME, Driver

MOST = 4
KEYS = ("a", "b", "c", "d", "e", "f")
CHANGES = fx.CreateRoom | fx.BindRoom | fx.DeleteRoomObject | fx.Record | fx.EraseRooms


class World:
    """A core, an API server that loses answers, one node, and players who come and go by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.driver = Driver(join_timeout_seconds=40)
        self.driver.fleet(min_nodes=1, max_nodes=1)
        self.driver.connect(0)
        self.driver.room("town", entry=True)
        self.seen = 0
        self.todo: list[CHANGES] = []
        self.desired: dict[str, DesiredRoom] = {}
        self.runs: dict[str, int] = {}
        self.players: dict[str, int] = {}
        self.joins: dict[str, str] = {}
        self.admitted: list[tuple[str, str]] = []
        self.asked: set[str] = set()
        self.number = 0
        self.keep = self.chance.random() < 0.3
        self.driver.template(
            max_instances=MOST,
            warm=self.chance.choice((0, 0, 1, 2)),
            bored_after_seconds=self.chance.choice((0, 5)),
            keep_data=self.keep,
            when_bored=WhenBored.SLEEP if self.keep and self.chance.random() < 0.5 else WhenBored.DELETE,
        )

    # -- what there is

    def children(self) -> dict[str, Instance]:
        return {name: one for name, one in self.driver.instances.items() if name in self.driver.specs}

    def check(self) -> None:
        keys = [one.key for one in self.children().values() if one.key is not None]
        assert len(keys) == len(set(keys)), keys
        assert len(self.children()) <= MOST

    def take_in(self) -> None:
        """What the core said since the last time."""
        new = self.driver.effects[self.seen :]
        self.seen = len(self.driver.effects)
        for effect in new:
            match effect:
                case fx.SendDesired(rooms=rooms):
                    self.desired = {room.room: room for room in rooms}
                case fx.AnswerJoin(id=id, answer=fx.Admitted(room=room)):
                    self.joins.pop(id, None)
                    self.admitted.append((id, room))
                case fx.AnswerJoin(id=id, answer=fx.Refused()):
                    self.joins.pop(id, None)
                case fx.AnswerInstance(id=id):
                    self.asked.discard(id)
                case fx.CreateRoom() | fx.BindRoom() | fx.DeleteRoomObject():
                    # As the adapters do it: a later change of an object replaces one that still waits.
                    changes = (fx.CreateRoom, fx.BindRoom, fx.DeleteRoomObject)
                    self.todo = [
                        one for one in self.todo if not isinstance(one, changes) or one.key != effect.key
                    ]
                    self.todo.append(effect)
                case fx.Record() | fx.EraseRooms():
                    self.todo.append(effect)
                case _:
                    pass

    # -- what happens

    def answer(self, *, well: bool) -> None:
        """The API server or the node carries out one thing; its answer may get lost."""
        if not self.todo:
            return
        effect = self.todo.pop(0 if well else self.chance.randrange(len(self.todo)))
        done, told = well or self.chance.random() < 0.8, well or self.chance.random() < 0.8
        driver = self.driver
        name = effect.key.name if not isinstance(effect, fx.EraseRooms) else ""
        match effect:
            case fx.CreateRoom():
                if done and name not in driver.specs:
                    driver.created(effect)
                elif not told:
                    driver.tell(ev.RoomCreated(effect, ev.RecordOutcome.FAILED, "no answer"))
            case fx.BindRoom():
                self._bind(effect, done, told)
            case fx.DeleteRoomObject(uid=uid):
                if done and name in driver.specs and driver.uids[name] == uid:
                    driver.delete(name)
            case fx.Record(uid=uid):
                self._record(effect, uid, done)
            case fx.EraseRooms():
                if done:
                    driver.erased(effect)

    def _bind(self, bind: fx.BindRoom, done: bool, told: bool) -> None:
        driver, name = self.driver, bind.key.name
        if name not in driver.specs or driver.uids[name] != bind.uid:
            driver.bound(bind, ev.RecordOutcome.GONE)
        elif driver.instances[name].key == bind.instance_key:
            driver.tell(ev.RoomBound(bind, ev.RecordOutcome.WRITTEN, str(driver.versions[name])))
        elif bind.version != str(driver.versions[name]):
            driver.show(name)
            driver.bound(bind, ev.RecordOutcome.CONFLICT)
        elif done and told:
            driver.bound(bind)
        else:
            if done:
                before = driver.instances[name]
                driver.instances[name] = Instance(before.template, before.template_uid, bind.instance_key)
                driver.versions[name] += 1
            driver.tell(ev.RoomBound(bind, ev.RecordOutcome.FAILED))

    def _record(self, record: fx.Record, uid: str, done: bool) -> None:
        driver, name = self.driver, record.key.name
        outcome = ev.RecordOutcome.WRITTEN
        if name not in driver.specs or driver.uids[name] != uid:
            outcome = ev.RecordOutcome.GONE
        elif record.version != str(driver.versions[name]) or not done:
            driver.show(name)
            outcome = ev.RecordOutcome.CONFLICT
        else:
            driver.versions[name] += 1
        driver.tell(ev.Recorded(record, outcome, str(driver.versions.get(name, 0))))

    def node(self) -> None:
        """The node brings one room nearer to what is desired."""
        differ = [name for name in self.runs if name not in self.desired]
        differ += [name for name, room in self.desired.items() if self.runs.get(name) != room.epoch]
        if not differ:
            return
        name = self.chance.choice(differ)
        if name in self.runs:
            self.players.pop(name, None)
            self.driver.report(0, name, RoomPhase.STOPPED, self.runs.pop(name))
        else:
            self.runs[name] = self.desired[name].epoch
            self.driver.report(0, name, RoomPhase.RUNNING, self.runs[name])

    def arrive(self) -> None:
        """One who was admitted uses the ticket."""
        if not self.admitted:
            return
        id, room = self.admitted.pop(self.chance.randrange(len(self.admitted)))
        if room in self.runs:
            self.players[room] = self.players.get(room, 0) + 1
            self._count(room, [id])

    def leave(self, room: str) -> None:
        self.players[room] -= 1
        self._count(room, [])

    def _count(self, room: str, used: list[str]) -> None:
        players = self.players[room]
        self.driver.report(0, room, RoomPhase.RUNNING, self.runs[room], players=players, used=used)

    def come(self) -> None:
        self.number += 1
        id = self.driver.seek(f"p{self.number}", self.chance.choice(KEYS))
        self.joins[id] = ""

    def ask(self) -> None:
        self.number += 1
        id = f"ask{self.number}"
        self.asked.add(id)
        key = self.chance.choice(KEYS)
        self.driver.tell(ev.InstanceRequested(self.driver.node(0), "b0", id, "cave", key))

    def step(self) -> None:
        """One thing that happens."""
        match self.chance.randrange(16):
            case 0 | 1 | 2:
                self.answer(well=False)
            case 3 | 4 | 5:
                self.node()
            case 6 | 7:
                self.come()
            case 8:
                self.arrive()
            case 9 if self.players:
                room = self.chance.choice(sorted(self.players))
                if self.players[room]:
                    self.leave(room)
            case 10 if self.joins:
                id = self.chance.choice(sorted(self.joins))
                del self.joins[id]
                self.driver.tell(ev.JoinCancelled(id))
            case 11:
                self.ask()
            case 12 if self.children() and self.chance.random() < 0.3:
                self.driver.delete(self.chance.choice(sorted(self.children())))
            case 13 if self.chance.random() < 0.3:
                self.driver.template(warm=self.chance.randrange(3), capacity=self.chance.choice((3, 100)))
            case 14 if self.children():
                room = self.chance.choice(sorted(self.children()))
                self.driver.tell(ev.Nudged(Key(GAME, room), wake=self.chance.random() < 0.5))
            case _:
                for id in self.joins:
                    self.driver.tell(ev.JoinPolled(id))
                self.driver.wait(self.chance.choice((0.1, 1, 5)), alive=(0,))
        self.take_in()
        self.check()

    def settle(self) -> None:
        """All goes well, everybody leaves, and time passes."""
        for _ in range(80):
            for _ in range(40):
                while self.todo:
                    self.answer(well=True)
                    self.take_in()
                    self.check()
                self.node()
                self.take_in()
            for room, number in list(self.players.items()):
                for _ in range(number):
                    self.leave(room)
            self.admitted.clear()
            for id in self.joins:
                self.driver.tell(ev.JoinPolled(id))
            self.driver.wait(2, alive=(0,))
            self.take_in()


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_whatever_happens_there_is_one_room_a_key_and_nobody_is_forgotten(seed: int) -> None:
    world = World(seed)
    for _ in range(150):
        world.step()
    world.settle()
    assert not world.joins, {id: world.driver.answers(id) for id in world.joins}
    assert not world.asked
    spec = world.driver.templates["cave"]
    keyed = [name for name, one in world.children().items() if one.key is not None]
    if spec.when_bored is WhenBored.DELETE:
        assert not keyed
    warm = 0 if spec.keep_data and spec.when_bored is WhenBored.DELETE else spec.warm
    assert len(world.children()) - len(keyed) == min(warm, MOST - len(keyed))
    status = world.driver.template_status()
    assert (status.instances, status.players) == (len(world.children()), 0)
    assert status.warm == status.running == len(world.children()) - len(keyed)


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_can_be_played_again(seed: int) -> None:
    first, second = World(seed), World(seed)
    for _ in range(100):
        first.step()
        second.step()
    assert first.driver.effects == second.driver.effects
