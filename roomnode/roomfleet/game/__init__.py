"""What a game's author imports: rooms, actors, marks and errors.

actor, room  what an author derives from
live         a room that runs, with its population; starting makes it; it fills the outbox
state        what may be in state, and its diffs
maps         map files, doors, tags, geographies
scripting    how scripts run, and what calls them
moving       walks, journeys, arrivals
seeing       who sees whom, and what viewers are told
saving       saved bodies, and what is unsaved
loader       a game's folder
errors       what can go wrong
"""

from roomfleet.game.actor import Actor, Player
from roomfleet.game.errors import (
    ActorError,
    GameError,
    InventoryError,
    InventoryFull,
    NoSuchItem,
    NoSuchSlot,
    NotEnough,
    NotSaved,
    Refused,
    RequestFailed,
    StateError,
    TravelRefused,
)
from roomfleet.game.maps.maps import Door, MapObject, Tag
from roomfleet.game.maps.tags import TagGroup
from roomfleet.game.room import Room
from roomfleet.game.scripting.commands import command, request
from roomfleet.game.seeing.vision import ALL, Radius
from roomfleet.game.state.dict_state import DictState
from roomfleet.game.state.inventory import InventoryState
from roomfleet.game.state.items import ItemRegistry, ItemType
from roomfleet.game.state.list_state import ListState
from roomfleet.game.state.stacks import Stack

__all__ = [
    "ALL",
    "Actor",
    "ActorError",
    "DictState",
    "Door",
    "GameError",
    "InventoryError",
    "InventoryFull",
    "InventoryState",
    "ItemRegistry",
    "ItemType",
    "ListState",
    "MapObject",
    "NoSuchItem",
    "NoSuchSlot",
    "NotEnough",
    "NotSaved",
    "Player",
    "Radius",
    "Refused",
    "RequestFailed",
    "Room",
    "Stack",
    "StateError",
    "Tag",
    "TagGroup",
    "TravelRefused",
    "command",
    "request",
]
