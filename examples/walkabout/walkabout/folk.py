"""Who lives in walkabout by itself: a guard on a beat, and wanderers who go from room to room."""

from __future__ import annotations

from roomfleet.game import Actor, InventoryFull, InventoryState, request
from walkabout.things import ITEMS

MOODS = ("cheerful", "dreamy", "grumpy", "curious")


class Guard(Actor):
    """Walks from post to post, for ever, and is hungry."""

    speed = 45
    QUEST = "Bring the guard apples"

    def define(self) -> None:
        self.state.public(mood="calm", waved_at=0)
        self.state.internal(
            post=0,  # the next one: kickoff starts from the top when the room wakes
            pouch=InventoryState(types=ITEMS),
        )

    async def kickoff(self) -> None:
        posts = self.room.tags["beat"].all
        while True:
            await self.move_to(posts[self.state.post % len(posts)])
            self.state.post = (self.state.post + 1) % len(posts)
            await self.sleep(2)

    @request
    def wave(self, other: Actor) -> str:
        """Somebody waves; anybody in the room may ask it. Who has quests gets one, and the thanks for it."""
        self.state.waved_at += 1
        quest = other.state.quests.begin(self.QUEST, "apple", 3) if "quests" in other.state else None
        if quest is None or not quest.can_be_done(other.state.bag):
            return f"Good day, {other.name}."
        self.state.pouch.add("badge")
        try:
            other.state.bag.trade(self.state.pouch, gives={"apple": 3}, gets={"badge": 1})
        except InventoryFull:
            self.state.pouch.remove("badge")
            return f"{other.name}, make room in your bag for a badge."
        quest["done"] = True
        return f"Thank you, {other.name}! Take this badge."


class Wanderer(Actor):
    """Strolls about for a while, then leaves by a door; where the door leads it does the same."""

    speed = 60

    def define(self) -> None:
        self.state.public(mood="curious")
        self.state.internal(journeys=0)

    async def kickoff(self) -> None:
        room = self.room
        leaves_at = room.now + room.random.uniform(20, 40)
        while room.now < leaves_at:
            await self.move_to(room.tags["stroll"].random())
            self.state.mood = room.random.choice(MOODS)
            await self.sleep(room.random.uniform(1, 4))
        door = room.random.choice([door for door in room.doors if not door.exit.key])  # no hero's own
        self.state.mood = f"off to the {door.exit.room}"
        await self.move_to(door)
        self.state.journeys += 1
        await self.enter(door)  # if that room is asleep, the wanderer waits in the store for it to wake

    @request
    def wave(self, other: Actor) -> str:
        self.state.mood = "cheerful"
        return f"Hello, {other.name}!"
