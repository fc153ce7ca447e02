"""What can be had in walkabout: finds that lie about, a hero's bag and quests, a room's talk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roomfleet.game import Actor, DictState, InventoryState, ItemRegistry, ListState

ITEMS = ItemRegistry.load(Path(__file__).parents[1] / "items")


class Find(Actor):
    """A thing that lies somewhere until a hero picks it up."""

    speed = 0

    def define(self) -> None:
        self.state.public(item="", colour="")


class Bag(InventoryState):
    """What a hero carries."""

    def __init__(self) -> None:
        super().__init__(slots=6, weight=3, types=ITEMS)


class Quest(DictState):
    """Something that somebody wants brought: `{"title", "item", "count", "done"}`."""

    def can_be_done(self, bag: Bag) -> bool:
        return not self["done"] and bag.count(self["item"]) >= self["count"]


class QuestLog(ListState):
    """A hero's quests, the oldest first."""

    each = Quest

    def begin(self, title: str, item: str, count: int) -> Quest:
        """The quest of that title, begun if it is new."""
        for quest in self:
            if quest["title"] == title:
                return quest
        self.append({"title": title, "item": item, "count": count, "done": False})
        return self[-1]


class Talk(ListState):
    """What was said in a room lately: who comes in later can read it."""

    keep = 30

    def add(self, name: str, text: str) -> None:
        self.append({"name": name, "text": text})


def on_show() -> dict[str, Any]:
    """Names and colours of all things, for pages."""
    return {each.id: {"name": each.name, "colour": each["colour"]} for each in ITEMS}
