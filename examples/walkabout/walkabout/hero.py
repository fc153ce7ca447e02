"""What a player is in walkabout: a hero who walks, talks, waves and goes through doors."""

from __future__ import annotations

import math

from roomfleet.game import Player, Refused, command

WAVING_DISTANCE = 150


class Hero(Player):
    """A player's actor. Its player's client may call the commands, and nothing else."""

    speed = 120

    def define(self) -> None:
        self.state.public(hp=10, waves=0)  # for all who see the hero
        self.state.owner(visited=[])  # for its own player
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
        self.room.event("said", {"who": self.id, "name": self.name, "text": text})

    @command
    async def wave(self) -> list[str]:
        """Wave at those nearby who wave back; gives what they say."""
        self.state.waves += 1
        answers = []
        for other in self.room.actors:
            if not other.player and math.dist(self.position, other.position) <= WAVING_DISTANCE:
                answers.append(await other.ask("wave", other=self))
        return answers

    def arrived(self) -> None:
        """Remember the room."""
        if self.room.name not in self.state.visited:
            self.state.visited.append(self.room.name)
