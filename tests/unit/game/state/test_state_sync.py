"""Any changes of state, by any mutator, in any order: a client's copy is equal at the end of each tick, what
the script holds is what Python's own containers would hold, and what is sent is never more than the whole."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from roomfleet.game import Actor, DictState, ListState, Player, Room
from roomfleet.game.state.differences import OP, differences, weight
from roomfleet.game.state.plain import bare, same
from roomfleet.wire.patch import apply_ops
from support.game_changes import draw_change, values
from support.game_room import Store, World, visible


class Heap(DictState):
    """A class of the game's own."""


class Pile(ListState):
    """Another."""


class Hero(Player):
    def define(self) -> None:
        self.state.public(a={}, list=Pile([1, {"b": []}]))
        self.state.owner(a2=[], heap=Heap(c=[[], {}]))
        self.state.internal(hidden=[{}])
        self.state.public(friends=[], bond={"to": None})


class Stone(Actor):
    def define(self) -> None:
        self.state.public(a=[{"a": 1}, {"b": 2}, {"c": 3}], heap=Heap())


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(list=Pile(), a=None)


FIELDS = {"hero": ["a", "list", "a2", "heap", "hidden"], "stone": ["a", "heap"], "room": ["list", "a"]}
BOUND = {("hero", "list"): list, ("hero", "heap"): dict, ("stone", "heap"): dict, ("room", "list"): list}
Place = tuple[str, str]
PLACES: list[Place] = [(who, field) for who, fields in FIELDS.items() for field in fields]


class Changes(RuleBasedStateMachine):
    """State beside twins of plain dicts and lists, and two clients."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.world = World(Town)
        self.world.enter("ann")
        self.world.enter("bob")
        self.world.room.spawn(Stone)
        self.world.run(0.1)
        self.friends: list[str] = []
        self.twins: dict[tuple[str, str], Any] = {
            place: bare(getattr(self.owner(place[0]).state, place[1])) for place in PLACES
        }

    def owner(self, who: str) -> Any:
        if who == "room":
            return self.world.room
        return self.world.room.find(Hero if who == "hero" else Stone)[0]

    @rule(data=st.data(), place=st.sampled_from(PLACES))
    def change_within(self, data: st.DataObject, place: tuple[str, str]) -> None:
        value = getattr(self.owner(place[0]).state, place[1])
        twin = self.twins[place]
        if isinstance(twin, dict | list):
            change = draw_change(data, twin)
            assert change.make(value) == change.make(twin), change
            self.twins[place] = bare(twin)  # Python's would hold one inner list twice; state holds copies

    @rule(data=st.data(), place=st.sampled_from(PLACES))
    def assign(self, data: st.DataObject, place: tuple[str, str]) -> None:
        sort = BOUND.get(place)
        value = data.draw(values.filter(lambda each: sort is None or isinstance(each, sort)))
        setattr(self.owner(place[0]).state, place[1], copy.deepcopy(value))
        self.twins[place] = value

    @rule(data=st.data(), place=st.sampled_from(PLACES), to=st.sampled_from(PLACES))
    def put_a_part_elsewhere_too(
        self, data: st.DataObject, place: tuple[str, str], to: tuple[str, str]
    ) -> None:
        source, target = (getattr(self.owner(each[0]).state, each[1]) for each in (place, to))
        twin = bare(self.twins[place])
        if isinstance(twin, list) and twin and to not in BOUND:
            at = data.draw(st.integers(0, len(twin) - 1))
            if isinstance(target, list):
                target.append(source[at])
                self.twins[to].append(twin[at])
            else:
                setattr(self.owner(to[0]).state, to[1], source[at])
                self.twins[to] = twin[at]

    @rule(data=st.data())
    def befriend(self, data: st.DataObject) -> None:
        actors = self.world.room.actors
        friends = self.owner("hero").state.friends
        actor = data.draw(st.sampled_from(actors))
        match data.draw(st.sampled_from(["append", "insert", "remove", "reverse", "bond", "assign"])):
            case "append":
                friends.append(actor)
                self.friends.append(actor.id)
            case "insert":
                friends[0:0] = [actor, actor]
                self.friends[0:0] = [actor.id, actor.id]
            case "remove" if actor.id in self.friends:
                assert actor in friends
                friends.remove(actor)
                self.friends.remove(actor.id)
            case "reverse":
                friends.reverse()
                self.friends.reverse()
            case "bond":
                self.owner("hero").state.bond["to"] = actor
                assert self.owner("hero").state.bond["to"] is actor
            case "assign":
                self.owner("hero").state.friends = [*friends, *actors][:4]
                self.friends = [*self.friends, *(each.id for each in actors)][:4]

    @rule()
    def tick(self) -> None:
        self.world.tick()
        self.world.tick()
        for player in ("ann", "bob"):
            assert self.world.copies[player] == visible(self.world, player)

    @rule()
    def a_client_begins_anew(self) -> None:
        self.world.watch("bob")

    @rule()
    def restart(self) -> None:
        self.tick()
        self.store.save(self.world)
        self.world.leave("ann")
        self.world.leave("bob")
        self.world.live.unsaved.touch("room")
        self.store.save(self.world)
        self.world = self.store.restart(self.world, Town)
        for player in ("ann", "bob"):
            self.world.enter(player, self.store.away.pop(f"p:{player}"))

    @invariant()
    def state_is_what_plain_python_would_have(self) -> None:
        for (who, field), twin in self.twins.items():
            value = getattr(self.owner(who).state, field)
            assert same(bare(value), twin), (who, field)
        assert list(self.owner("hero").state.friends) == [self.world.room.actor(id_) for id_ in self.friends]
        assert [type(getattr(self.owner(who).state, field)) for who, field in BOUND] == [
            Pile,
            Heap,
            Heap,
            Pile,
        ]

    def teardown(self) -> None:
        self.tick()


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=40, stateful_step_count=25)


@settings(max_examples=300)
@given(values, values)
def test_differences_are_right_and_never_more_than_the_whole(old: Any, new: Any) -> None:
    ops = differences(old, new)
    client = {"actors": {}, "room": {"value": copy.deepcopy(old)}}
    for op, way, value in ops:
        path = ["room", "value", *way]
        apply_ops(client, [[op, path] if op == "del" else [op, path, copy.deepcopy(value)]])
    assert same(client["room"]["value"], new)
    assert (ops == []) == same(old, new)
    cost = sum(OP + (weight((value,), 1 << 60) if op != "del" else 0) for op, _, value in ops)
    assert cost <= OP + weight((new,), 1 << 60)


@given(values, st.sampled_from([1, "b", [2], {"c": 3}]))
def test_one_change_in_much_is_one_op(much: Any, new: Any) -> None:
    old = {"a": [much, {"n": 0, "more": [much] * 5}], "b": [much] * 5}
    changed = copy.deepcopy(old)
    changed["a"][1]["n"] = new
    assert differences(old, changed) == [("set", ["a", 1, "n"], new)]
    grown = copy.deepcopy(old)
    grown["b"].insert(2, [new, "new"])
    assert [op[0] for op in differences(old, grown)] == ["ins"]
    assert [op[0] for op in differences(grown, old)] == ["del"]
