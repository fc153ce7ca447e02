"""The simulated store: the fence by epochs, and in which room each player's actor is (DESIGN 7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from roomfleet.master.core import Key
from roomfleet.wire.spec import OnDelete


@dataclass(slots=True)
class Document:
    """A room's document. It is never removed."""

    epoch: int = 0
    holder: str = ""
    """The boot that claimed it."""
    uid: str = ""
    marked: bool = False
    """Its object said `onDelete: Delete`."""
    players: dict[str, None] = field(default_factory=dict)
    """Players whose actors are live in the room: they are expected back when it comes up elsewhere."""


class Store:
    """Rooms' epochs and actors' whereabouts. `up`: whether it answers."""

    def __init__(self) -> None:
        self.up = True
        self.rooms: dict[Key, Document] = {}
        self.actors: dict[tuple[str, str], str] = {}
        """(game, player) to the room that the actor is in."""
        self._backup: dict[Key, Document] = {}

    def claim(self, room: Key, epoch: int, boot: str, uid: str, on_delete: OnDelete) -> int | None:
        """Take the room over. None: it is the caller's now; else the epoch that was found."""
        found = self.rooms.setdefault(room, Document())
        if found.epoch >= epoch:
            return found.epoch
        self.rooms[room] = Document(epoch, boot, uid, on_delete is OnDelete.DELETE, found.players)
        return None

    def found(self, room: Key) -> int:
        """The epoch of the last claim; 0: there was none."""
        return self.rooms[room].epoch if room in self.rooms else 0

    def saves(self, room: Key, epoch: int, boot: str) -> bool:
        """Whether that claim is the one whose commits are taken."""
        found = self.rooms.get(room)
        return found is not None and (found.epoch, found.holder) == (epoch, boot)

    def enter(self, room: Key, player: str) -> None:
        """The player's actor is live there from now on, and nowhere else."""
        before = self.actors.get((room.game, player))
        if before is not None:
            self.leave(Key(room.game, before), player)
        self.actors[room.game, player] = room.name
        self.rooms[room].players[player] = None

    def leave(self, room: Key, player: str) -> None:
        """The player's actor is saved there, and not live any more."""
        if room in self.rooms:
            self.rooms[room].players.pop(player, None)

    def erase(self, room: Key, uid: str, entry: str) -> None:
        """Remove the data of that uid; the epoch goes on, the actors go to the entry room."""
        found = self.rooms.get(room)
        if found is None or found.uid != uid:
            return
        self.rooms[room] = Document(found.epoch + 1)
        for who, where in self.actors.items():
            if (who[0], where) == room:
                self.actors[who] = entry

    def back_up(self) -> None:
        """Keep a copy of the epochs."""
        self._backup = {key: Document(found.epoch) for key, found in self.rooms.items()}

    def restore(self) -> None:
        """The epochs are those of the last backup; nobody's claim is among them."""
        self.rooms = {key: Document(found.epoch) for key, found in self._backup.items()}
