"""What a game's author imports: rooms, actors, marks and errors."""

from roomfleet.game.actor import Actor, Player
from roomfleet.game.commands import command, request
from roomfleet.game.dict_state import DictState
from roomfleet.game.errors import (
    ActorError,
    GameError,
    NotSaved,
    Refused,
    RequestFailed,
    StateError,
    TravelRefused,
)
from roomfleet.game.list_state import ListState
from roomfleet.game.maps import Door, MapObject, Tag
from roomfleet.game.room import Room
from roomfleet.game.tags import TagGroup

__all__ = [
    "Actor",
    "ActorError",
    "DictState",
    "Door",
    "GameError",
    "ListState",
    "MapObject",
    "NotSaved",
    "Player",
    "Refused",
    "RequestFailed",
    "Room",
    "StateError",
    "Tag",
    "TagGroup",
    "TravelRefused",
    "command",
    "request",
]
