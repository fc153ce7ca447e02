"""State classes of a game's own: which class is where, what survives a save, and bounded lists."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.game import DictState, InventoryState, ListState, Player, Room, StateError
from roomfleet.game.errors import ScriptFailed
from support.game_room import Store, World, visible


class Quest(DictState):
    parts = {"steps": ListState, "reward": InventoryState(slots=2)}

    def finish(self) -> None:
        self["done"] = True


class QuestLog(ListState):
    each = Quest

    def open(self) -> list[Quest]:
        return [quest for quest in self if not quest.get("done")]


class Chat(ListState):
    keep = 3

    def say(self, who: str, text: str) -> None:
        self.append({"who": who, "text": text})


class Scores(DictState):
    def __init__(self, limit: int = 10) -> None:
        super().__init__()
        self.limit = limit

    def score(self, who: str, points: int) -> None:
        self[who] = min(self.limit, self.get(who, 0) + points)


class Hero(Player):
    def define(self) -> None:
        self.state.owner(quests=QuestLog([{"name": "wake up"}]), heap={}, notes=DictState(a=1))


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(chat=Chat(), scores=Scores(limit=5), last=ListState(keep=2))


def town() -> tuple[World, Any, Any]:
    world = World(Town)
    ann = world.enter("ann")
    world.run(1)
    return world, ann.state, world.room.state


def again(world: World) -> tuple[World, Any, Any]:
    """Saved, stopped, and started anew."""
    store = Store()
    world.leave("ann")
    world.live.unsaved.touch("room")
    store.save(world)
    new = store.restart(world, Town)
    ann = new.enter("ann", store.away["p:ann"])
    return new, ann.state, new.room.state


def test_methods_of_a_games_own_change_state_as_any_other() -> None:
    world, ann, room = town()
    assert [type(each) for each in (ann.quests, ann.quests[0], room.chat)] == [QuestLog, Quest, Chat]
    ann.quests[0].finish()
    ann.quests.append({"name": "find Rowan", "steps": ["ask"]})
    room.chat.say("ann", "hello")
    room.scores.score("ann", 7)
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")
    assert ann.quests == [{"name": "wake up", "done": True}, {"name": "find Rowan", "steps": ["ask"]}]
    assert (room.chat, room.scores) == ([{"who": "ann", "text": "hello"}], {"ann": 5})
    assert [quest["name"] for quest in ann.quests.open()] == ["find Rowan"]


def test_classes_and_their_options_are_there_again_after_a_restart() -> None:
    world, ann, room = town()
    ann.quests[0]["reward"] = {}
    ann.quests[0]["reward"].add("coin", 2)
    room.scores.score("ann", 3)
    _, ann, room = again(world)
    assert type(ann.quests) is QuestLog
    assert type(ann.quests[0]) is Quest
    assert ann.quests[0]["reward"].count("coin") == 2
    assert ann.quests[0]["reward"].limits.slots == 2
    room.scores.score("ann", 9)
    assert room.scores == {"ann": 5}
    for number in range(5):
        room.chat.say("ann", str(number))
        room.last.append(number)
    assert [line["text"] for line in room.chat] == ["2", "3", "4"]
    assert room.last == [3, 4]


def test_what_is_assigned_to_a_field_takes_on_the_fields_class() -> None:
    world, ann, room = town()
    ann.quests = [{"name": "new"}, Quest(name="made before")]
    room.chat = [{"who": "x", "text": str(number)} for number in range(9)]
    assert [type(each) for each in ann.quests] == [Quest, Quest]
    assert (type(room.chat), len(room.chat)) == (Chat, 3)
    ann.quests = QuestLog()
    assert ann.quests == []
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda ann: setattr(ann, "quests", {}),
            r"Hero\.state\.quests: this place is for QuestLog: give it a list, not dict",
        ),
        (lambda ann: setattr(ann, "quests", None), r"Hero\.state\.quests: .* not NoneType"),
        (
            lambda ann: setattr(ann, "quests", Chat()),
            r"Hero\.state\.quests: this place is for QuestLog, not for Chat",
        ),
        (
            lambda ann: ann.quests.append("x"),
            r"Hero\.state\.quests\[1\]: this place is for Quest: give it a dict, not str",
        ),
        (
            lambda ann: ann.quests[0].update(steps={}),
            r"Hero\.state\.quests\[0\]\.steps: this place is for ListState",
        ),
        (
            lambda ann: setattr(ann, "heap", Chat()),
            r"Hero\.state\.heap: Chat here would be a plain list after",
        ),
        (
            lambda ann: ann.heap.update(x=[InventoryState()]),
            r"Hero\.state\.heap\.x\[0\]: InventoryState here",
        ),
        (
            lambda ann: ann.heap.update(x=ListState(keep=3)),
            r"Hero\.state\.heap\.x: ListState here would be",
        ),
    ],
)
def test_a_class_where_it_would_be_lost_is_refused_with_the_place(change: Any, text: str) -> None:
    _, ann, _ = town()
    with pytest.raises(StateError, match=text):
        change(ann)
    assert ann.quests == [{"name": "wake up"}]
    assert ann.heap == {}


def test_plain_states_may_stand_anywhere() -> None:
    world, ann, _ = town()
    ann.heap = DictState(x=ListState([DictState(y=1)]))
    ann.notes["b"] = [1]
    world, ann, _ = again(world)
    assert [type(each) for each in (ann.heap, ann.heap["x"], ann.heap["x"][0], ann.notes)] == [
        DictState,
        ListState,
        DictState,
        DictState,
    ]
    assert ann.heap == {"x": [{"y": 1}]}


def test_a_quest_can_be_moved_between_places_of_its_class() -> None:
    world, ann, _ = town()
    quest = ann.quests.pop()
    quest["name"] = "changed while nowhere"
    ann.quests.append(quest)
    quest["name"] = "no longer heard"
    assert ann.quests == [{"name": "changed while nowhere"}]
    world.run(0.2)
    assert world.copies["ann"] == visible(world, "ann")


def test_a_bounded_list_lets_the_first_ones_go() -> None:
    world, _, room = town()
    for number in range(5):
        room.last.append([number])
        world.run(0.1)
        assert world.copies["ann"] == visible(world, "ann")
    room.last.extend([[7], [8], [9]])
    room.last += [[10]]
    room.last[1:] = [[11], [12]]
    assert room.last == [[11], [12]]
    room.last[0].append(1)
    room.last[1].append(2)
    world.run(0.1)
    assert room.last == [[11, 1], [12, 2]]
    assert world.copies["ann"] == visible(world, "ann")


def test_a_bounded_list_that_is_full_tells_two_small_ops_for_one_more() -> None:
    world, _, room = town()
    for number in range(3):
        room.chat.say("ann", str(number))
    world.run(0.2)
    world.out.frames.clear()
    room.chat.say("ann", "3")
    world.run(0.2)
    [frame] = world.out.frames
    assert frame.public == [
        ["ins", ["room", "state", "chat", 3], {"who": "ann", "text": "3"}],
        ["del", ["room", "state", "chat", 0]],
    ]


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "3"])
def test_a_bound_is_a_number_of_entries(keep: Any) -> None:
    with pytest.raises(StateError, match=r"ListState\(keep=\): .* is no number of entries"):
        ListState(keep=keep)
    with pytest.raises(StateError, match=r"Bad\.keep: .* is no number of entries"):
        type("Bad", (ListState,), {"keep": keep})


def test_what_each_and_parts_name_are_states() -> None:
    with pytest.raises(StateError, match=r"Bad\.each: <class 'dict'> is no DictState, ListState or"):
        type("Bad", (ListState,), {"each": dict})
    with pytest.raises(StateError, match=r"Bad\.parts\['x'\]: 3 is no DictState"):
        type("Bad", (DictState,), {"parts": {"x": 3}})


def test_a_class_may_hold_its_own_kind() -> None:
    class Branch(DictState):
        pass

    Branch.parts = {"left": Branch, "right": Branch}
    tree = Branch(left={"left": {"leaf": 1}}, other={})
    assert [type(each) for each in (tree["left"], tree["left"]["left"], tree["other"])] == [
        Branch,
        Branch,
        DictState,
    ]


def test_a_save_that_does_not_fit_define_any_more_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, ann, _ = town()
    ann.heap["x"] = 1

    def define(self: Hero) -> None:
        self.state.owner(heap=ListState(keep=3))

    monkeypatch.setattr(Hero, "define", define)
    with pytest.raises(
        ScriptFailed, match=r"p:ann: what was saved does not fit define\(\).*Hero\.state\.heap"
    ):
        again(world)


def test_a_state_before_it_is_put_anywhere_names_itself_in_errors() -> None:
    with pytest.raises(StateError, match=r"^DictState\.a\.b: object is not JSON data"):
        DictState(a={"b": object()})
    with pytest.raises(StateError, match=r"^Chat\[1\]: set is not JSON data"):
        Chat([1, {2}])
    with pytest.raises(StateError, match=r"^Quest\.steps\[0\]: object is not"):
        Quest()["steps"] = [object()]
