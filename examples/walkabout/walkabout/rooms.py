"""The rooms of walkabout. The manifests in k8s/ name these classes."""

from __future__ import annotations

from roomfleet.game import Player, Room
from walkabout.folk import Guard, Wanderer
from walkabout.hero import Hero


class Place(Room):
    """What all rooms of the game have in common."""

    player_class = Hero

    def define(self) -> None:
        self.state.public(visits=0)

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
