"""What a viewer is told of a room on entering: its map, and what a player may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roomfleet.game.scripting.commands import commands_of
from roomfleet.game.seeing.watching import ADMIN
from roomfleet.wire.names import player_actor
from roomfleet.wire.session import DoorInfo, ObjectInfo, RoomInfo, TagInfo, You

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom


def welcome_fields(live: LiveRoom, viewer: str) -> dict[str, Any]:
    """The fields of `welcome` that the room knows: room, you, geography, doors, tags, objects."""
    here = live.map
    actor = live.player_actor(viewer)
    you = You(id="", commands=[])  # an admin has no actor
    if not viewer.startswith(ADMIN):
        you = You(id=player_actor(viewer), commands=commands_of(type(actor)) if actor is not None else [])
    return {
        "room": RoomInfo(name=live.name, map=here.id, width=here.width, height=here.height),
        "you": you,
        "geography": live.geography.info,
        "doors": [DoorInfo(name=each.name, x=each.x, y=each.y, to=each.exit.room) for each in here.doors],
        "tags": [TagInfo(name=each.name, x=each.x, y=each.y, data=each.data) for each in here.tags],
        "objects": [
            ObjectInfo(
                kind=each.kind,
                x=each.x,
                y=each.y,
                width=each.width,
                height=each.height,
                passable=each.passable,
                info=each.info,
            )
            for each in here.objects
        ],
    }
