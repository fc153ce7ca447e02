"""Frames: one a tick, shared, the least that is needed; private lists and snapshots fit them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game import Actor, Player, Room
from roomfleet.wire.patch import apply_ops
from support.game_changes import draw_change, values
from support.game_room import World, through_json, visible


class Hero(Player):
    def define(self) -> None:
        self.state.public(hp=10, bag={"items": [], "gold": 0})
        self.state.owner(quests=[])
        self.state.internal(notes=[])


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(bag={"a": {"b": {}}, "l": [[], {}]})


@given(st.data())
def test_many_changes_within_one_tick_and_a_snapshot_among_them(data: Any) -> None:
    world = World(Town)
    world.enter("ann")
    world.run(1)
    for _ in range(data.draw(st.integers(1, 10), label="changes")):
        root = {"bag": world.room.state.bag}
        match data.draw(st.sampled_from(["within", "within", "whole", "snapshot"]), label="what"):
            case "within" if isinstance(root["bag"], dict | list):
                draw_change(data, root["bag"]).make(root["bag"])
            case "snapshot":
                world.watch("ann")
            case _:
                world.room.state.bag = data.draw(values)
    world.tick()
    world.tick()
    assert world.copies["ann"] == visible(world, "ann")


def frames(world: World) -> list[Any]:
    """Those of the next two ticks."""
    world.out.frames.clear()
    world.tick()
    world.tick()
    return world.out.frames


def joined(*players: str) -> tuple[World, list[Any]]:
    world = World(Town)
    actors = [world.enter(player) for player in players]
    frames(world)
    return world, actors


def test_several_changes_of_one_field_in_a_tick_are_one_op() -> None:
    world, [ann] = joined("ann")
    for hp in (9, 8, 7):
        ann.state.hp = hp
    ann.move_to((1, 1))
    ann.move_to((300, 100))
    [frame] = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "hp"], 7], ["set", ["p:ann", "path"], ann.path]]
    assert frame.private == {}


def test_changes_below_a_value_that_is_then_set_are_left_out() -> None:
    world, [ann] = joined("ann")
    ann.state.bag["items"].append("axe")
    ann.state.bag["gold"] = 4
    ann.state.bag = {"items": ["rope"]}
    [frame] = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "bag"], {"items": ["rope"]}]]


def test_a_key_that_was_deleted_and_set_again() -> None:
    world, [ann] = joined("ann")
    ann.state.bag["gold"] = 1
    del ann.state.bag["gold"]
    ann.state.bag["gold"] = 2
    [frame] = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "bag", "gold"], 2]]


def test_an_op_keeps_the_value_of_its_time() -> None:
    world, [ann] = joined("ann")
    ann.state.bag["items"].append([1])
    ann.state.bag["items"][0].append(2)
    [frame] = frames(world)
    assert frame.public == [
        ["ins", ["p:ann", "state", "bag", "items", 0], [1]],
        ["ins", ["p:ann", "state", "bag", "items", 0, 1], 2],
    ]


def test_owner_state_goes_to_the_owner_alone_and_the_private_list_is_whole() -> None:
    world, [ann, bob] = joined("ann", "bob")
    ann.state.hp = 1
    ann.state.quests.append("find it")
    ann.state.notes.append("secret")
    bob.state.hp = 2
    [frame] = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "hp"], 1], ["set", ["p:bob", "state", "hp"], 2]]
    assert frame.private == {
        "ann": [
            ["set", ["p:ann", "state", "hp"], 1],
            ["ins", ["p:ann", "state", "quests", 0], "find it"],
            ["set", ["p:bob", "state", "hp"], 2],
        ]
    }


def test_internal_state_sends_nothing_and_needs_no_step() -> None:
    world, [ann] = joined("ann")
    ann.state.notes.append("secret")
    assert world.live.next_due() is None
    assert world.live.dirty


def test_an_actor_enters_with_what_each_viewer_may_see() -> None:
    world, _ = joined("ann")
    world.live.player_enters("bob", world.live.new_player_body("bob", world.now), world.now)
    [frame] = frames(world)
    assert [op[0] for op in frame.public] == ["enter"]
    assert frame.public[0][2]["state"] == {"hp": 10, "bag": {"items": [], "gold": 0}}
    assert frame.private["bob"][0][2]["state"] == {"hp": 10, "bag": {"items": [], "gold": 0}, "quests": []}


def test_what_was_done_in_created_is_part_of_the_entry() -> None:
    class Tree(Actor):
        def define(self) -> None:
            self.state.public(height=1)

        def created(self) -> None:
            self.state.height = 7
            self.name = "oak"

    world, _ = joined("ann")
    tree = world.room.spawn(Tree)
    [frame] = frames(world)
    [[kind, actor_id, actor]] = frame.public
    assert (kind, actor_id, actor["name"], actor["state"]) == ("enter", tree.id, "oak", {"height": 7})


def test_a_snapshot_among_pending_changes_is_not_applied_twice() -> None:
    world, [ann, _] = joined("ann", "bob")
    ann.state.bag["items"].append("before")
    late = world.live.snapshot("bob", world.now)
    ann.state.bag["items"].append("after")
    world.live.step(world.now + 0.05, 0.0)
    [frame] = world.live.take().frames
    assert late.seq < frame.seq
    assert [op[2] for op in frame.public] == ["before", "after"]
    assert [op[2] for op in frame.private["bob"]] == ["after"]
    held = {"actors": through_json(late.actors), "room": late.room}
    apply_ops(held, frame.private["bob"])
    assert held["actors"]["p:ann"]["state"]["bag"]["items"] == ["before", "after"]


def test_a_frame_that_was_not_taken_before_a_snapshot_is_empty_for_it() -> None:
    world, [ann, _] = joined("ann", "bob")
    ann.state.bag["items"].append("before")
    world.live.step(world.now + 0.05, 0.0)
    late = world.live.snapshot("bob", world.now + 0.05)
    [frame] = world.live.take().frames
    assert frame.private["bob"] == []
    assert len(frame.public) == 1
    assert late.seq == frame.seq
    assert late.actors["p:ann"]["state"]["bag"]["items"] == ["before"]


def test_at_most_one_frame_a_tick_and_the_first_input_of_a_tick_does_not_wait() -> None:
    world, [ann] = joined("ann")
    world.out.frames.clear()
    start = world.now
    ann.state.hp = 1
    assert (world.live.next_due() or 0.0) <= start
    world.step()
    ann.state.hp = 2
    due = world.live.next_due()
    assert due is not None
    assert start < due <= start + 0.05 + 1e-9
    world.step()
    assert len(world.out.frames) == 1
    world.now = due
    world.step()
    assert [frame.public[0][2] for frame in world.out.frames] == [1, 2]
    assert world.out.frames[0].seq < world.out.frames[1].seq


def test_nobody_there_nothing_kept() -> None:
    world, [ann] = joined("ann")
    ann.state.hp = 3
    world.leave("ann")
    world.room.state.bag = {}
    assert world.live.next_due() is None
    world.enter("ann")
    assert world.copies["ann"] == visible(world, "ann")


def test_leaving_and_coming_back_within_a_tick() -> None:
    world, [_, bob] = joined("ann", "bob")
    bob.state.hp = 4
    world.leave("bob")
    bob = world.enter("bob")
    bob.state.hp = 5
    before = copy.deepcopy(world.copies["ann"])
    [frame] = frames(world)
    apply_ops(before, through_json(frame.public))
    assert before == visible(world, "ann") == world.copies["ann"]
    assert world.copies["bob"] == visible(world, "bob")


def test_while_frames_wait_scripts_go_on_and_the_next_frame_has_it_all() -> None:
    world, (ann,) = joined("ann")
    frames(world).clear()  # of her coming
    world.live.frames.wait = True
    for hp in (9, 8, 7):
        ann.state.hp = hp
        assert world.live.next_due() is None, "a frame alone is no reason for a step now"
        world.tick()
    assert world.out.frames == []
    world.live.frames.wait = False
    (frame,) = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "hp"], 7]]


def test_fields_of_one_object_that_change_in_a_row_are_one_op() -> None:
    world, (ann, bob) = joined("ann", "bob")
    frames(world).clear()
    ann.state.hp = 1
    ann.state.bag["gold"] = 2
    ann.state.bag["ropes"] = 3
    ann.state.bag["lamps"] = 4
    bob.state.hp = 5
    (frame,) = frames(world)
    assert frame.public == [
        ["set", ["p:ann", "state", "hp"], 1],
        ["put", ["p:ann", "state", "bag"], {"gold": 2, "ropes": 3, "lamps": 4}],
        ["set", ["p:bob", "state", "hp"], 5],
    ]


def test_fields_that_different_viewers_are_told_of_are_different_ops() -> None:
    world, (ann, _) = joined("ann", "bob")
    frames(world).clear()
    ann.state.hp = 1
    ann.state.quests = [2]
    (frame,) = frames(world)
    assert frame.public == [["set", ["p:ann", "state", "hp"], 1]]
    assert frame.private == {"ann": [*frame.public, ["ins", ["p:ann", "state", "quests", 0], 2]]}
