"""The rooms of walkabout. The manifests in k8s/ name these classes."""

from __future__ import annotations

from roomfleet.game import Player, Room
from walkabout.folk import Guard, Wanderer
from walkabout.hero import Hero
from walkabout.things import ITEMS, Find, Talk, on_show


class Place(Room):
    """What all rooms of the game have in common."""

    player_class = Hero

    def define(self) -> None:
        self.state.public(visits=0, talk=Talk(), things=on_show())

    def grow(self) -> None:
        """Finds lie at their places again."""
        taken = {find.position for find in self.find(Find)}
        for tag in self.tags["find"].all:
            if (tag.x, tag.y) not in taken:
                item = ITEMS[tag.data["item"]]
                self.spawn(Find, at=tag, name=item.name, item=item.id, colour=item["colour"])

    def on_timer(self, name: str) -> None:
        self.grow()

    def joined(self, player: Player) -> None:
        self.state.visits += 1
        if isinstance(player, Hero):
            player.arrived()
        self.event("joined", {"who": player.id, "name": player.name})

    def left(self, player: Player) -> None:
        self.event("left", {"who": player.id, "name": player.name})


class Town(Place):
    """Where everybody starts."""

    def created(self) -> None:
        self.spawn(Guard, at=self.tags["beat"].first, name="Guard")
        self.spawn(Wanderer, at=self.tags["stroll"].random(), name="Willow")


class Meadow(Place):
    """Behind the east gate."""

    def created(self) -> None:
        self.spawn(Wanderer, at=self.tags["stroll"].random(), name="Rowan")
        self.grow()


class Boathouse(Place):
    """Behind the meadow: each hero has one of their own."""

    def created(self) -> None:
        self.grow()
