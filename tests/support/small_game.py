"""Games of a few small rooms, written into a folder for one test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from support.game_folder import map_text, write

API_VERSION = "roomfleet.io/v1alpha1"

SMALL = """
    from roomfleet.game import Actor, Player, Refused, Room, command, request

    class Hero(Player):
        speed = 100

        def define(self):
            self.state.public(colour="grey", taps=0)
            self.state.owner(bag=[])
            self.state.internal(secret="sesame")

        @command
        def paint(self, colour: str, coats: int = 1) -> str:
            self.state.colour = colour
            return f"{colour} x{coats}"

        @command
        def tap(self) -> int:
            self.state.taps += 1
            return self.state.taps

        @command
        async def walk(self, x: float, y: float) -> bool:
            return await self.move_to((x, y))

        @command
        async def go(self, room: str) -> None:
            await self.travel(room, (10, 10))

        @command
        def fail(self) -> None:
            raise RuntimeError("this command is broken")

        @request
        def pinch(self, other: Actor) -> str:
            return "ouch"

        def unmarked(self):
            self.state.colour = "stolen"

    class Place(Room):
        player_class = Hero
"""
"""A module with a player who can be called, and a room for such players."""


def room_manifest(name: str, *, entry: bool = False, **spec: Any) -> dict[str, Any]:
    """A Room; on the map's room of its own name and of class Place unless the spec says otherwise."""
    metadata: dict[str, Any] = {"name": name}
    if entry:
        metadata["annotations"] = {"roomfleet.io/entry": "true"}
    spec = {"map": f"m.{name}", "script": "small.rooms:Place", **spec}
    return {"apiVersion": API_VERSION, "kind": "Room", "metadata": metadata, "spec": spec}


def fleet_manifest(nodes: int) -> dict[str, Any]:
    """The fleet `default`, with so many nodes."""
    spec = {"minNodes": nodes, "maxNodes": nodes, "strategy": "Distributed"}
    return {"apiVersion": API_VERSION, "kind": "RoomFleet", "metadata": {"name": "default"}, "spec": spec}


def small_game(
    folder: Path,
    rooms: Mapping[str, Mapping[str, Any]],
    *,
    nodes: int = 1,
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """A game with these rooms, by name with what their spec says beyond the usual; the first is the entry.

    `scripts` are further modules of the package `small`, by name.
    """
    names = list(rooms)
    manifests = [room_manifest(name, entry=name == names[0], **rooms[name]) for name in names]
    modules = {"rooms": SMALL, **(scripts or {})}
    write(
        folder,
        {
            "k8s/game.yaml": yaml.safe_dump_all([fleet_manifest(nodes), *manifests]),
            "maps/m.json": map_text("m", **{name: {} for name in names}),
            "small/__init__.py": "",
            **{f"small/{module}.py": text for module, text in modules.items()},
        },
    )
    return folder
