"""A game whose one command changes its player and answers only when that is saved."""

from __future__ import annotations

from pathlib import Path

from support.many_rooms import make_game

SCRIPT = '''\
"""Counts, and saves each count before it answers."""

from roomfleet.game import Player, Room, command


class Counter(Player):
    def define(self) -> None:
        self.state.public(count=0)

    @command
    async def count(self) -> int:
        self.state.count += 1
        counted = self.state.count
        await self.save()
        return counted


class Hall(Room):
    player_class = Counter
'''


def make_saving_game(folder: Path, rooms: int, *, nodes: int = 1) -> Path:
    """Rooms `r0` … with that script; `r0` is the entry room."""
    make_game(folder, rooms, nodes=nodes)
    package = folder / "counting"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "rooms.py").write_text(SCRIPT)
    manifest = folder / "k8s" / "all.yaml"
    manifest.write_text(manifest.read_text().replace("{map: ", "{script: counting.rooms:Hall, map: "))
    return folder
