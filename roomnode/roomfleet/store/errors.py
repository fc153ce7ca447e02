"""Everything that can go wrong with the store: one tree.

::

    StoreError
    ├── StoreUnavailable      surely nothing happened; try again later
    ├── OutcomeUnknown        neither success nor failure; it may still happen later
    ├── Fenced                the room has another owner: close it, acknowledge nothing
    ├── MapChanged            the room's saved data belong to another map
    ├── TooLarge              a batch over the limit; nothing was written
    ├── BadChange             a change that makes no sense for this session; nothing was written
    ├── SessionEnded          the session was released; nothing was written
    ├── DamagedDocument       a saved document cannot be read
    └── CannotOpen            the store cannot be used at all
        ├── UnknownScheme
        ├── SchemaTooNew
        └── WrongInstallation
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of all errors of this package."""


class StoreUnavailable(StoreError):
    """The store could not do it and surely did not: nothing happened, trying again is safe."""


class OutcomeUnknown(StoreError):
    """A write whose answer got lost: it may have happened, may not have, or may still happen."""


class Fenced(StoreError):
    """The room was claimed at another epoch: whoever gets this owns nothing of it any more."""

    def __init__(self, room: str, found_epoch: int | None) -> None:
        self.room = room
        self.found_epoch = found_epoch
        found = "an unknown epoch" if found_epoch is None else f"epoch {found_epoch}"
        super().__init__(
            f"room {room} was claimed at {found}: close it here; its new owner goes on from there"
        )


class MapChanged(StoreError):
    """The room has saved data made with another map than the one that it should run with now."""

    def __init__(self, room: str, saved_map: str, wanted_map: str) -> None:
        self.room = room
        self.saved_map = saved_map
        self.wanted_map = wanted_map
        super().__init__(
            f"room {room} has saved data of map {saved_map!r}, but should run with map {wanted_map!r}: "
            f"set its map back to {saved_map!r}, or use another room name"
        )


class TooLarge(StoreError):
    """A batch that must stay whole is larger than the store takes."""

    def __init__(self, room: str, size: int, limit: int) -> None:
        self.room = room
        self.size = size
        self.limit = limit
        super().__init__(
            f"a batch of room {room} has {size:,} bytes, the limit is {limit:,}: "
            "save fewer actors together, or keep less state in them"
        )


class BadChange(StoreError):
    """A change that cannot be part of a batch of this session."""

    def __init__(self, room: str, actor: str, why: str) -> None:
        self.room = room
        self.actor = actor
        super().__init__(f"cannot save actor {actor} in room {room}: {why}")


class SessionEnded(StoreError):
    """The session released its room: nothing more can be saved through it."""

    def __init__(self, room: str, epoch: int) -> None:
        self.room = room
        super().__init__(f"the session of room {room} at epoch {epoch} was released: claim the room again")


class DamagedDocument(StoreError):
    """A saved document that cannot be read."""

    def __init__(self, document: str, why: str) -> None:
        self.document = document
        super().__init__(f"the saved document {document} cannot be read: {why}; restore it from a backup")


class CannotOpen(StoreError):
    """The store cannot be opened or used."""


class UnknownScheme(CannotOpen):
    """A store URL of a kind that is not known here."""


class SchemaTooNew(CannotOpen):
    """The store was written by a newer version of Roomfleet."""

    def __init__(self, place: str, found: int, known: int) -> None:
        self.place = place
        self.found = found
        self.known = known
        super().__init__(
            f"{place} has schema version {found}, this Roomfleet knows versions up to {known}: "
            "start the Roomfleet that wrote it, or a newer one"
        )


class WrongInstallation(CannotOpen):
    """The database belongs to another installation: two of them in one database would fence each other."""

    def __init__(self, place: str, found: str, expected: str) -> None:
        self.place = place
        self.found = found
        self.expected = expected
        super().__init__(
            f"the database {place} belongs to installation {found}, this is installation {expected}: "
            "give each installation a database of its own; to move it here, stop the other installation for "
            f"good and start this one's master with ROOMFLEET_ADOPT_INSTALLATION={found}"
        )
