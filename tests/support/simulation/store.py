"""The simulated store: the fence by epochs, and in which room each player's actor is (DESIGN 7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from roomfleet.master.core import Key
from roomfleet.wire.spec import OnDelete


@dataclass(frozen=True, slots=True)
class Transit:
    """An actor is on its way to the room that its document names."""

    origin: str
    back: bool = False
    """It was sent back."""


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
    journal: dict[str, str] = field(default_factory=dict)
    """Travels that were committed and not yet brought to the actors: actor to target."""


class Store:
    """Rooms' epochs and actors' whereabouts. `up`: whether it answers."""

    def __init__(self) -> None:
        self.up = True
        self.rooms: dict[Key, Document] = {}
        self.actors: dict[tuple[str, str], str] = {}
        """(game, player) to the room that the actor is in."""
        self.transits: dict[tuple[str, str], Transit] = {}
        """Of those actors that are on their way."""
        self._backup: dict[Key, Document] = {}

    def claim(self, room: Key, epoch: int, boot: str, uid: str, on_delete: OnDelete) -> int | None:
        """Take the room over. None: it is the caller's now; else the epoch that was found."""
        found = self.rooms.setdefault(room, Document())
        if found.epoch >= epoch:
            return found.epoch
        self.apply(room)
        self.rooms[room] = Document(epoch, boot, uid, on_delete is OnDelete.DELETE, found.players)
        return None

    def commit(self, room: Key, actor: str, target: str) -> None:
        """The actor leaves the room for the target: decided, and to be brought to the actor by `apply`."""
        self.rooms[room].journal[actor] = target

    def apply(self, room: Key) -> None:
        """Bring what the room's last owner committed to the actors. Anybody may."""
        if (found := self.rooms.get(room)) is None:
            return
        for actor, target in found.journal.items():
            if self.actors.get((room.game, actor)) == room.name:
                self.actors[room.game, actor] = target
                self.transits[room.game, actor] = Transit(room.name)
        found.journal.clear()

    def arrive(self, room: Key) -> None:
        """The room's owner takes in whoever is on the way to it."""
        for who in [
            who for who in self.transits if self.actors.get(who) == room.name and who[0] == room.game
        ]:
            del self.transits[who]

    def awaited(self, game: str) -> list[str]:
        """Rooms that actors are on the way to."""
        return sorted({self.actors[who] for who in self.transits if who[0] == game})

    def send_back(self, room: Key, entry: str) -> list[str]:
        """Whoever is on the way to the room, which is gone, goes back along it. Where they go now."""
        going = [who for who in self.transits if (who[0], self.actors[who]) == room]
        if not going:
            return []
        self.apply(room)
        found = self.rooms.setdefault(room, Document())
        found.epoch, found.holder = found.epoch + 1, ""
        targets = []
        for who in going:
            transit = self.transits[who]
            to = entry if transit.back or transit.origin == room.name else transit.origin
            if to in ("", room.name):
                continue
            self.actors[who] = to
            self.transits[who] = Transit(room.name, back=True)
            if not who[1].startswith("n"):
                del self.transits[who]  # a player's actor is away there
            targets.append(to)
        return targets

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
        self.transits.pop((room.game, player), None)
        self.rooms[room].players[player] = None

    def leave(self, room: Key, player: str) -> None:
        """The player's actor is saved there, and not live any more."""
        if room in self.rooms:
            self.rooms[room].players.pop(player, None)

    def may_erase(self, room: Key, uid: str, epoch: int) -> bool | None:
        """Whether the data are that uid's, and not above the epoch (None: they are above it)."""
        found = self.rooms.get(room)
        if found is None or found.uid != uid:
            return False
        return None if found.epoch > epoch else True

    def erase(self, room: Key, entry: str) -> None:
        """Remove the data; the epoch goes on, the actors go to the entry room."""
        found = self.rooms[room]
        for other in [
            key for key, document in self.rooms.items() if document.journal and key.game == room.game
        ]:
            self.apply(other)
        self.rooms[room] = Document(found.epoch + 1)
        for who, where in list(self.actors.items()):
            if (who[0], where) == room:
                self.transits.pop(who, None)
                self.actors[who] = entry
                if who[1].startswith("n"):
                    del self.actors[who]  # whoever is no player's goes with the room

    def back_up(self) -> None:
        """Keep a copy of the epochs."""
        self._backup = {key: Document(found.epoch) for key, found in self.rooms.items()}

    def restore(self) -> None:
        """The epochs are those of the last backup; nobody's claim is among them."""
        self.rooms = {key: Document(found.epoch) for key, found in self._backup.items()}
