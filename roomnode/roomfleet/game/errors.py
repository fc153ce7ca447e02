"""What can go wrong in a game, in one tree.

GameError
├── ActorError            an actor, room or map place used in a way that cannot be
├── StateError            a value that state cannot hold, or a field that was not defined
│   └── InventoryError    an inventory cannot do that; nothing of it was done. The caller of a command is told
│       ├── InventoryFull no room: which limit, and how many would fit
│       ├── NotEnough     fewer are there than are wanted
│       ├── NoSuchItem    no item type of that id
│       └── NoSuchSlot    no slot of that number
├── MarkError             @command or @request on a function that cannot be called that way
├── CallError             a call that was not carried out
│   ├── NoSuchMethod      nothing of that name is marked to be called
│   ├── BadArguments      an argument is missing, unknown or of the wrong type; it is named
│   └── Refused           raised by a command or request itself: the caller gets the text
├── RequestFailed         `await other.ask(…)`: the asked actor's script raised, or it left
├── ForeignAwaitable      a script awaited something that is not the game's own
├── NotSaved              `await save()`: the store did not acknowledge
├── TravelRefused         `await travel(…)`: no seat in the target room
└── ScriptFailed          a room cannot start, or an actor cannot come in, because its code raised

What maps and geographies raise (`mapfault.MapError` and others) is under GameError too.
"""

from __future__ import annotations

from typing import Any


class GameError(Exception):
    """Base of all errors of `roomfleet.game`."""


class ActorError(GameError):
    """An actor, a room or a place was used in a way that cannot be; the text says what to do."""


class StateError(GameError):
    """State cannot hold that value, or has no such field. The text names the place."""


class InventoryError(StateError):
    """An inventory cannot do what was asked; nothing of it was done. The text names the inventory.

    Raised out of a command or request it is the caller's affair, as `Refused` is.
    """

    inventory: Any = None
    """The inventory; None where it is about none."""
    brief = "that cannot be done"
    """What a player is told who does not see the inventory."""


class InventoryFull(InventoryError):
    """There is no room for so many. `limit` says what stands in the way: "slots", "weight", "count", or
    "slot 3"; `fits` is how many would fit."""

    brief = "there is no room for it"

    def __init__(self, where: str, item: str, count: int, fits: int, limit: str, detail: str) -> None:
        self.item = item
        self.count = count
        self.fits = fits
        self.limit = limit
        super().__init__(f"{where}: {count} {item} do not fit, {fits} would: {detail}")


class NotEnough(InventoryError):
    """Fewer are there than are wanted; `slot` is the one that was meant, if one was."""

    brief = "there is not enough of it"

    def __init__(self, where: str, item: str, wanted: int, there: int, slot: int | None = None) -> None:
        self.item = item
        self.wanted = wanted
        self.there = there
        self.slot = slot
        place = "" if slot is None else f" in slot {slot}"
        super().__init__(f"{where}: {wanted} {item or 'of anything'} wanted, {there} there{place}")


class NoSuchItem(InventoryError, LookupError):
    """There is no item type of that id."""

    brief = "there is no such thing"

    def __init__(self, where: str, item: str, hint: str) -> None:
        self.item = item
        super().__init__(f"{where}: no item type {item!r}; {hint}")


class NoSuchSlot(InventoryError):
    """There is no slot of that number."""

    brief = "there is no such slot"

    def __init__(self, where: str, slot: object, slots: int | None) -> None:
        self.slot = slot
        there = "slots are numbered from 0" if slots is None else f"there are slots 0 to {slots - 1}"
        super().__init__(f"{where}: no slot {slot!r}; {there}")


class MarkError(GameError):
    """`@command` or `@request` stands on a function that cannot be called by name with arguments."""


class CallError(GameError):
    """A call was not carried out."""


class NoSuchMethod(CallError):
    """Nothing of that name is marked to be called."""


class BadArguments(CallError):
    """An argument is missing, unknown or of the wrong type. The text names it."""


class Refused(CallError):
    """Raise it in a command or request to say no: the caller gets the text, and nothing is counted
    as a failure."""


class RequestFailed(GameError):
    """The asked actor's script raised, or the actor left before it answered."""


class ForeignAwaitable(GameError, RuntimeError):
    """A script awaited something that the room cannot wait for."""


class NotSaved(GameError):
    """The store did not acknowledge a save that a script waited for. What changed is not lost: the room
    goes on trying.

    Its text is fit for players. `cause`, what the store says, is not; it is in the traceback that admins see.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__("the room could not save this; it keeps it and goes on trying")
        self.add_note(cause)


class TravelRefused(GameError):
    """The target room has no seat for the player; the actor is still here."""


class ScriptFailed(GameError):
    """A game's code raised where the room cannot do without it. `traceback` is the whole of it."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback
