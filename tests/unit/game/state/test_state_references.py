"""Actors in state: kept by id, read as the actor that is here, None when it is not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from roomfleet.game import Actor, DictState, Player, Room, StateError
from roomfleet.game.outbox import ChangeKind
from roomfleet.game.state.plain import bare
from support.game_room import Store, World, through_json, visible


class Guard(Actor):
    def define(self) -> None:
        self.state.public(target=None, seen=[], notes={})

    def created(self) -> None:
        self.state.target = self


class Hero(Player):
    def define(self) -> None:
        self.state.public(friend=None)


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(host=None)


def town() -> tuple[World, Any, Any]:
    world = World(Town)
    ann = world.enter("ann")
    guard = world.room.spawn(Guard)
    world.run(1)
    return world, ann, guard


def test_an_actor_is_stored_by_id_and_read_as_itself() -> None:
    world, ann, guard = town()
    assert guard.state.target is guard
    guard.state.target = ann
    world.room.state.host = guard
    assert guard.state.target is ann
    assert world.room.state.host is guard
    world.run(0.2)
    client = world.copies["ann"]
    assert client["actors"][guard.id]["state"]["target"] == {"$actor": "p:ann"}
    assert client["room"]["state"]["host"] == {"$actor": guard.id}
    assert world.room.find(Guard, target=ann) == [guard]


def test_references_work_nested_by_every_way_of_reading() -> None:
    world, ann, guard = town()
    guard.state.notes = {"who": ann, "all": [ann, guard, {"deep": [guard]}], "n": 1}
    notes = guard.state.notes
    assert notes["who"] is notes.get("who") is ann
    assert notes["all"][2]["deep"][0] is guard
    assert next(iter(notes.values())) is ann
    assert dict(notes)["who"] is {**notes}["who"] is notes.copy()["who"] is (notes | {})["who"] is ann
    assert ({"x": 1} | notes)["who"] is ann
    assert dict(notes.items())["who"] is ann
    everybody = notes["all"]
    assert list(everybody)[:2] == everybody[:2] == everybody.copy()[:2] == [ann, guard]
    others = [0]
    assert (everybody + others)[0] is (others + everybody)[1] is (everybody * 1)[0] is ann
    assert list(reversed(everybody))[-1] is ann
    assert (guard in everybody, everybody.index(guard), everybody.count(ann)) == (True, 1, 1)
    everybody.remove(guard)
    assert everybody.pop(0) is ann
    assert notes.pop("who") is ann
    assert bare(notes) == {"all": [{"deep": [{"$actor": guard.id}]}], "n": 1}
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")


def test_lists_of_actors_are_sorted_by_what_the_key_says_of_the_actor() -> None:
    world, ann, guard = town()
    guard.state.seen = [guard, ann]
    guard.state.seen.sort(key=lambda actor: actor.name)
    assert guard.state.seen == [guard, ann]
    guard.state.seen.sort(key=lambda actor: actor.name, reverse=True)
    assert guard.state.seen == [ann, guard]
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")


def test_the_same_actor_again_tells_nothing() -> None:
    world, ann, guard = town()
    guard.state.target = ann
    guard.state.seen = [ann]
    world.run(0.2)
    world.out.frames.clear()
    guard.state.target = ann
    guard.state.seen[0] = ann
    guard.state.seen = [ann]
    world.run(0.2)
    assert world.out.frames == []


def test_who_is_not_here_reads_as_none_and_is_there_again_when_back() -> None:
    world, ann, guard = town()
    guard.state.target = ann
    guard.state.seen.append(ann)
    store = Store()
    world.leave("ann")
    store.save(world)
    assert guard.state.target is None
    assert guard.state.seen == [ann]  # the reference is still there
    assert list(guard.state.seen) == [None]
    back = world.enter("ann", store.away["p:ann"])
    assert guard.state.target is back
    assert guard.state.seen[0] is back


def test_references_survive_a_restart_and_a_journey() -> None:
    world, ann, guard = town()
    guard.state.target = ann
    guard.state.notes = {"by": [guard]}
    store = Store()
    store.save(world)
    again = store.restart(world, Town)
    [saved] = [each for each in again.room.actors if isinstance(each, Guard)]
    assert saved.state.notes["by"][0] is saved
    assert saved.state.target is again.room.actor("p:ann")
    saved.travel("forest")
    again.run(0.1)
    [travel] = [each for each in again.changes().values() if each.kind is ChangeKind.TRAVEL]
    forest = World(Room, name="forest")
    forest.live.arrive([(travel.actor, through_json(travel.body), travel.arrival)], forest.now)
    [here] = forest.room.actors
    assert here.state.target is None
    assert here.state.notes["by"][0] is here
    assert bare(here.state.notes) == {"by": [{"$actor": here.id}]}


def test_moving_a_subtree_takes_its_references_along() -> None:
    world, ann, guard = town()
    guard.state.notes = {"a": {"who": ann}}
    taken = guard.state.notes.pop("a")
    guard.state.notes["b"] = taken
    guard.state.seen = [guard.state.notes["b"], guard.state.notes]
    assert guard.state.notes["b"]["who"] is ann
    assert guard.state.seen[1]["b"]["who"] is ann
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")


def test_copies_of_state_have_references_as_they_are_sent() -> None:
    _, ann, guard = town()
    guard.state.notes = {"who": [ann]}
    sent = {"who": [{"$actor": "p:ann"}]}
    assert copy.deepcopy(guard.state.notes) == json.loads(json.dumps(bare(guard.state.notes))) == sent


def test_events_and_answers_take_actors_too() -> None:
    world, ann, guard = town()
    guard.state.notes = {"who": ann}
    world.room.event("look", {"at": guard, "notes": guard.state.notes})
    world.drain()
    assert world.out.told[-1].message.data == {
        "at": {"$actor": guard.id},
        "notes": {"who": {"$actor": "p:ann"}},
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"$actor": 3}, r"Guard\.state\.notes: the key '\$actor' is kept for references"),
        ({"x": {"$actor": "a", "b": 1}}, r"Guard\.state\.notes\.x: the key '\$actor' is kept"),
        ({"x": [Guard]}, r"Guard\.state\.notes\.x\[0\]: type is not JSON data; .* or an actor"),
    ],
)
def test_what_looks_like_a_reference_and_is_none_is_refused(value: Any, text: str) -> None:
    _, _, guard = town()
    with pytest.raises(StateError, match=text):
        guard.state.notes = value
    with pytest.raises(StateError, match=r"notes: the key '\$actor' is kept"):
        guard.state.notes["$actor"] = "p:ann"
    with pytest.raises(StateError, match="Town is not JSON data"):
        guard.state.target = guard.room
    assert guard.state.notes == {}


def test_what_was_taken_out_knows_no_room() -> None:
    _, ann, guard = town()
    guard.state.notes["a"] = {"who": ann}
    taken = guard.state.notes.pop("a")
    assert taken["who"] is None
    assert DictState(who=ann)["who"] is None
