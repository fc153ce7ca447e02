"""What a player is in walkabout: a hero who walks, talks, waves, picks things up and goes through doors."""

from __future__ import annotations

import math

from roomfleet.game import Actor, InventoryError, InventoryFull, Player, Refused, command
from walkabout.things import Bag, Find, QuestLog

WAVING_DISTANCE = 150
REACH = 60
REGROW_SECONDS = 30


class Hero(Player):
    """A player's actor. Its player's client may call the commands, and nothing else."""

    speed = 120

    def define(self) -> None:
        self.state.public(hp=10, waves=0)  # for all who see the hero
        self.state.owner(visited=[], bag=Bag(), quests=QuestLog())  # for its own player
        self.state.internal(said=0)  # for the game and its admins

    @command
    async def walk(self, x: float, y: float) -> bool:
        """Go there, around what is in the way. False when something else was begun before the end."""
        return await self.move_to((x, y))

    @command
    async def enter_door(self, door: str) -> None:
        """Go to a door and through it. While the room behind it starts, or is full, wait at the door."""
        if door not in self.room.doors:
            names = ", ".join(each.name for each in self.room.doors)
            raise Refused(f"there is no door {door!r} here; there are: {names}")
        move = self.move_to(self.room.doors[door])
        if move.short:
            raise Refused(f"there is no way to the {door}")
        if await move:
            await self.enter(door)

    @command
    def say(self, text: str) -> None:
        """Tell everybody in the room."""
        text = " ".join(text.split())
        if not 1 <= len(text) <= 200:
            raise Refused("say something, in at most 200 characters")
        self.state.said += 1
        self.room.state.talk.add(self.name, text)
        self.room.event("said", {"who": self.id, "name": self.name, "text": text})

    @command
    async def wave(self) -> list[str]:
        """Wave at those nearby who wave back; gives what they say."""
        self.state.waves += 1
        answers = []
        for other in self.room.actors:
            living = not other.player and not isinstance(other, Find)
            if living and math.dist(self.position, other.position) <= WAVING_DISTANCE:
                answers.append(await other.ask("wave", other=self))
        return answers

    @command
    def pick(self) -> str:
        """Pick up what lies nearest; gives what it was."""
        find = self._nearest(Find)
        if find is None:
            raise Refused("nothing lies within reach")
        try:
            self.state.bag.add(find.state.item)
        except InventoryFull as full:
            raise Refused(f"no room in the bag for the {find.name}: {full.limit}") from None
        find.remove()  # saved together with the bag: it is never in both places, nor in none
        self.room.after("grow", REGROW_SECONDS)
        return f"You have the {find.name}"

    @command
    def give(self, slot: int) -> str:
        """Give one thing of a slot of the bag to the hero who stands nearest."""
        other = self._nearest(Hero)
        if other is None:
            raise Refused("nobody is near enough to take it")
        try:
            self.state.bag.transfer_slot(slot, other.state.bag, 1)
        except InventoryFull:
            raise Refused(f"{other.name} cannot carry more") from None
        except InventoryError:
            raise Refused("that slot is empty") from None
        return f"You gave it to {other.name}"

    def _nearest(self, kind: type[Actor]) -> Actor | None:
        near = [
            (distance, each)
            for each in self.room.find(kind)
            if each is not self and (distance := math.dist(self.position, each.position)) <= REACH
        ]
        return min(near, key=lambda one: one[0])[1] if near else None

    def arrived(self) -> None:
        """Remember the room."""
        if self.room.name not in self.state.visited:
            self.state.visited.append(self.room.name)
