"""What a game's author imports: rooms, actors, marks and errors."""

from roomfleet.game.actor import Actor, Player
from roomfleet.game.commands import command, request
from roomfleet.game.dict_state import DictState
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
from roomfleet.game.inventory import InventoryState
from roomfleet.game.items import ItemRegistry, ItemType
from roomfleet.game.list_state import ListState
from roomfleet.game.maps import Door, MapObject, Tag
from roomfleet.game.room import Room
from roomfleet.game.stacks import Stack
from roomfleet.game.tags import TagGroup
from roomfleet.game.vision import ALL, Radius

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
