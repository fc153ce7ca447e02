"""The game of a storm: heroes with coins and things, all of which can be counted at any time.

Each command says which process carried it out, so that it is known what a fault may have cost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from support.faults import MODULE as FAULTS
from support.game_folder import map_text, write

GAME = "stormy"
ROOMS = ("alpha", "beta", "gamma", "delta", "epsilon")
"""Rooms of the game; the first is the entry."""
FULL = {"gamma": 3, "delta": 5}
"""Rooms in which there is not always a seat, and how many they have."""
CAVE = "cave"
"""The InstancedRoom."""
KEYS = ("one", "two", "three", "four")
COINS = 10
THINGS = 3
ENOUGH = 100
"""Capacity of a room that has a seat for everybody."""

ROOMS_SCRIPT = """
    from __future__ import annotations

    import os

    from roomfleet.game import Actor, ListState, Player, Refused, Room, TravelRefused, command


    class Thing(Actor):
        pass


    class Hero(Player):
        speed = 400

        def define(self) -> None:
            self.state.public(kept=0, noted=0, gave=0, took=0, coins=%(coins)d, bag=ListState())

        def created(self) -> None:
            for number in range(%(things)d):
                self.state.bag.append(f"{self.player}'s {number}")

        @command
        async def keep(self, value: int) -> int:
            self.state.kept = value
            await self.save()
            return os.getpid()

        @command
        def note(self, value: int) -> int:
            self.state.noted = value
            return os.getpid()

        @command
        async def give(self, to: str, coins: int) -> int:
            other = self.room.actor(to)
            if other is None or other is self:
                raise Refused("not here")
            with self.room.together(self, other):
                self.state.coins -= coins
                self.state.gave += coins
                other.state.coins += coins
                other.state.took += coins
            await self.save()
            return os.getpid()

        @command
        async def drop(self, thing: str) -> int:
            if thing not in self.state.bag:
                raise Refused("not mine")
            self.state.bag.remove(thing)
            self.room.spawn(Thing, at=self, name=thing)
            await self.save()
            return os.getpid()

        @command
        async def send(self, things: list[str], room: str, wake: bool, key: str = "") -> int:
            '''They go by themselves, the others docked to the first.'''
            if not all(thing in self.state.bag for thing in things):
                raise Refused("not mine")
            for thing in things:
                self.state.bag.remove(thing)
            first, *others = [self.room.spawn(Thing, at=self, name=thing) for thing in things]
            for other in others:
                other.dock(first)
            await self.save()
            if first not in self.room.actors:
                raise Refused("picked up meanwhile")
            try:
                await first.travel(room, wake=wake, key=key or None)
            except TravelRefused as refused:
                raise Refused(str(refused)) from None
            return os.getpid()

        @command
        async def pick(self, thing: str) -> int:
            found = [each for each in self.room.actors if each.name == thing]
            if not found:
                raise Refused("not here any more")
            found[0].remove()
            self.state.bag.append(thing)
            await self.save()
            return os.getpid()

        @command
        async def walk(self, x: float, y: float) -> bool:
            return await self.move_to((x, y))

        @command
        async def go(self, room: str, key: str = "") -> bool:
            try:
                return await self.travel(room, key=key or None)
            except TravelRefused as refused:
                raise Refused(str(refused)) from None


    class Place(Room):
        player_class = Hero
"""


def room_manifest(name: str, capacity: int) -> dict[str, Any]:
    """The Room object; whoever asks for it may be brought."""
    entry = {"annotations": {"roomfleet.io/entry": "true"}} if name == ROOMS[0] else {}
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "metadata": {"name": name, **entry},
        "spec": {**_spec(name), "arrivals": "Anyone", "capacity": capacity},
    }


def fleet_manifest(nodes: int, cordoned: tuple[int, ...] = ()) -> dict[str, Any]:
    """The RoomFleet with that many nodes."""
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": "default"},
        "spec": {
            "minNodes": nodes,
            "maxNodes": nodes,
            "strategy": "Distributed",
            "cordoned": list(cordoned),
            "drainSeconds": 10,
        },
    }


def capacity_of(name: str) -> int:
    """Seats of the room as the game begins."""
    return FULL.get(name, ENOUGH)


def make_game(parent: Path, nodes: int) -> Path:
    """The game's folder."""
    cave = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": CAVE},
        "spec": {
            "whenBored": "Delete",
            "keepData": True,
            "maxInstances": len(KEYS) - 1,
            "template": {"spec": {**_spec(CAVE), "arrivals": "Anyone", "capacity": ENOUGH}},
        },
    }
    documents = [fleet_manifest(nodes), cave, *(room_manifest(name, capacity_of(name)) for name in ROOMS)]
    entry = [{"name": "entry", "x": 100, "y": 150}]
    script = ROOMS_SCRIPT % {"coins": COINS, "things": THINGS}
    folder = parent / GAME
    write(
        folder,
        {
            "stormy/__init__.py": "from stormy import faults as faults\n",
            "stormy/faults.py": FAULTS,
            "stormy/rooms.py": script,
            "maps/map1.json": map_text("map1", **{name: {"tags": entry} for name in (*ROOMS, CAVE)}),
            "k8s/all.yaml": yaml.safe_dump_all(documents),
        },
    )
    return folder


def _spec(name: str) -> dict[str, Any]:
    return {"map": f"map1.{name}", "script": "stormy.rooms:Place", "boredAfterSeconds": 2}
