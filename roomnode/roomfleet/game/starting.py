"""How a live room begins: at its first start, or as it was saved."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from roomfleet.game.errors import ScriptFailed
from roomfleet.game.live import LiveRoom
from roomfleet.game.maps.geography import Geography
from roomfleet.game.maps.maps import MapRoom
from roomfleet.game.moving import arrivals
from roomfleet.game.room import Room
from roomfleet.game.saving.saved import make, one_line
from roomfleet.game.saving.unsaved import ROOM
from roomfleet.game.state.state import Tier


def start_room(
    *,
    game: str,
    name: str,
    epoch: int,
    room_class: type[Room],
    map_room: MapRoom,
    state: Mapping[str, Any],
    ticks_per_second: int,
    seed: int,
    now: float,
    wall: float,
    saved: dict[str, Any] | None,
    actors: Sequence[tuple[str, dict[str, Any]]],
    geography: Geography,
) -> LiveRoom:
    """A room at its first start (`saved` None: `created` runs), or as it was saved.

    `state` is the Room object's initial state; fields that `define()` does not have become public.
    Raises ScriptFailed when a class cannot be had or its code raises, StateError for a bad `state`.
    """
    room = make(room_class, owned=False)
    live = LiveRoom(
        game=game,
        name=name,
        epoch=epoch,
        map_room=map_room,
        ticks_per_second=ticks_per_second,
        seed=seed,
        now=now,
        wall=wall,
        geography=geography,
        room=room,
    )
    if saved is None:
        room.state._fill(state, undefined=Tier.PUBLIC)
    else:
        room.state._restore(saved["state"])
        room._timers.restore(saved["timers"], now)
        if "vision" in saved:
            live.restore_vision(saved["vision"])
    room._live = live
    room.state._watch(room)
    for timer_name, timer in room._timers.items():
        live.scripts.schedule(room, timer_name, timer)
    arrivals.restore(live, actors)
    if saved is None:
        _create(live)
    live.steps.run_ready()
    return live


def _create(live: LiveRoom) -> None:
    with live.group():
        live.unsaved.touch(ROOM)
        try:
            live.scripts.strict_hook(live.room, "created")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            what = f"{type(live.room).__name__}.created() raised {one_line(error)}"
            raise ScriptFailed(what, "".join(traceback.format_exception(error))) from error
