"""What a room's owner may want saved in a batch."""

from __future__ import annotations

import msgspec

from roomfleet.store.records import ActorRecord, Json


class Save(msgspec.Struct, frozen=True):
    """The actor as it is now. ``away``: it leaves the live room and stays in its data (a player's session
    ended).
    """

    id: str
    body: Json
    away: bool = False


class Create(msgspec.Struct, frozen=True):
    """A new actor, with an id never used before. (Players' actors are made by `Session.spawn`.)"""

    id: str
    body: Json


class Travel(msgspec.Struct, frozen=True):
    """The actor leaves for another room of the game. ``arrival`` tells the target how: door, position…

    ``asleep``: it is the target's data at once, away there, and no arrival: only a spawn wakes it.
    """

    id: str
    body: Json
    to_room: str
    arrival: Json = {}
    new: bool = False
    asleep: bool = False


class Delete(msgspec.Struct, frozen=True):
    """The actor is gone for good; a tombstone stays."""

    id: str


Change = Save | Create | Travel | Delete


class Committed(msgspec.Struct, frozen=True):
    """A decided batch: its number, and the actors that left with it, as their targets will find them.

    A target whose session is in the same process may `Session.take` them in at once.
    """

    seq: int
    departed: tuple[ActorRecord, ...] = ()


class Live(msgspec.Struct, frozen=True):
    """Spawned: the actor is live in this room."""

    record: ActorRecord


class HeldBy(msgspec.Struct, frozen=True):
    """Not spawned: that room holds the actor, or it is on its way there (``in_transit``).

    Where ``room`` is the session's own: in transit, the next round of `arrivals` takes it in; else it is
    live here already, or another session of the room made it at the same time, which fences this one.
    """

    room: str
    in_transit: bool
