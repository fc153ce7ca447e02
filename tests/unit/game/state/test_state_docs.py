"""The Python in docs/state.md does what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from roomfleet.game import Stack, StateError
from roomfleet.wire.session import Error, Result
from support.game_room import World, visible

PAGE = Path(__file__).parents[4] / "docs" / "state.md"


@pytest.fixture
def page() -> Iterator[Any]:
    module: Any = ModuleType("state_page")
    sys.modules["state_page"] = module
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    yield module
    del sys.modules["state_page"]


def test_the_page(page: Any) -> None:
    page.Town.player_class = page.Trader
    world = World(page.Town)
    ann, bob = world.enter("ann"), world.enter("bob")
    guard = world.room.spawn(page.Guard)
    world.run(1)
    world.out.frames.clear()

    world.room.state.weather["wind"]["speed"] += 1
    world.run(0.2)
    assert [frame.public for frame in world.out.frames] == [
        [["set", ["room", "state", "weather", "wind", "speed"], 4]]
    ]
    with pytest.raises(StateError, match=r"Trader\.state\.quests\[0\]\.tools\[1\]: set is not JSON data"):
        ann.state.quests = [{"tools": [1, {2}]}]

    guard.state.posts = [{"at": [1, 2]}, {"at": [3, 4]}]
    page.promote(guard)
    assert (guard.state.seen, guard.state.posts) == ({"first": {"at": [1, 2]}}, [{"at": [3, 4]}])

    ann.state.quests.append({"title": "find Rowan"})
    ann.state.quests[0].finish()
    assert ann.state.quests.open() == []
    world.room.state.chat.say(ann, "hello")

    page.hunt(guard, ann)
    assert guard.state.target is guard.state.seen["ann"]["who"] is ann

    take = world.call("ann", "take", item="axe")
    assert world.answer(take) == Result(id=take, value=1)
    bob.state.bag.add("apple", 4)
    sell = world.call("ann", "sell", to="p:bob")
    assert world.answer(sell) == Result(id=sell, value=None)
    assert ann.state.bag.stacks() == [Stack(0, "apple", 3)]
    ann.state.bag.add("axe", 6)
    refused = world.answer(world.call("ann", "take", item="axe"))
    assert isinstance(refused, Error)
    assert refused.message == "no room for it: weight"
    unknown = world.answer(world.call("ann", "take", item="moon"))
    assert isinstance(unknown, Error)
    assert unknown.message == "there is no moon"

    world.run(0.2)
    for player in ("ann", "bob"):
        assert world.copies[player] == visible(world, player)


def test_the_methods_in_the_table_are_those_that_there_are(page: Any) -> None:
    text = PAGE.read_text()
    methods = {name for name in vars(page.InventoryState) if not name.startswith("_")} - {"each", "clear"}
    assert {name for name in methods if f"`{name}(" not in text and f"`{name}`" not in text} == set()
