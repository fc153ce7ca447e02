"""How a room comes up: claimed in the store, loaded as its last owner left it, its scripts begun."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from roomfleet.game.errors import GameError, ScriptFailed
from roomfleet.game.live import LiveRoom
from roomfleet.game.starting import start_room
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.running.surroundings import Surroundings
from roomfleet.store import (
    ActorRecord,
    Fenced,
    MapChanged,
    OutcomeUnknown,
    Pause,
    Session,
    StoreError,
    StoreUnavailable,
    claim,
    doc_id,
    name_of,
)
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import RoomSpec

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The room does not run here; the text says why."""

    def __init__(self, phase: RoomPhase, why: str, found_epoch: int | None = None) -> None:
        super().__init__(why)
        self.phase = phase
        """How it ended: FAILED, or FENCED where a higher epoch may do."""
        self.found_epoch = found_epoch


@dataclass(frozen=True, slots=True)
class Started:
    """A room that is up."""

    session: Session
    live: LiveRoom
    clock: RoomClock
    arriving: list[ActorRecord]
    """Taken in by the session, and not live yet."""
    first: bool
    """It never ran before."""


async def start(
    node: Surroundings, name: str, *, epoch: int, uid: str, spec: RoomSpec, pause: Pause
) -> Started:
    """Claim the room at that epoch and start what is found. Raises CannotStart."""
    try:
        return await _start(node, name, epoch=epoch, uid=uid, spec=spec, pause=pause)
    except Fenced as error:
        raise CannotStart(RoomPhase.FENCED, str(error), error.found_epoch) from error
    except (GameError, MapChanged) as error:
        told = error.traceback if isinstance(error, ScriptFailed) else ""
        log.warning("room %s cannot start: %s%s", name, error, f"\n{told}" if told else "")
        raise CannotStart(RoomPhase.FAILED, str(error)) from error
    except (StoreUnavailable, OutcomeUnknown) as error:
        # Whether the claim got through is unknown: only a higher epoch is safe.
        text = f"the claim has an unknown outcome: {error}"
        raise CannotStart(RoomPhase.FENCED, text, epoch) from error
    except StoreError as error:
        raise CannotStart(RoomPhase.FAILED, str(error)) from error


async def _start(
    node: Surroundings, name: str, *, epoch: int, uid: str, spec: RoomSpec, pause: Pause
) -> Started:
    map_room = node.game.map_room(spec.map)
    room_class = node.game.room_class(spec.script)
    geography = node.game.geography(spec.map)
    claimed = await claim(
        node.store,
        room=doc_id(node.game.name, name),
        epoch=epoch,
        node=node.name,
        url=node.url,
        boot=node.boot,
        uid=uid,
        map=spec.map,
        on_delete=spec.on_delete.value,
        pause=pause,
    )
    begin = claimed.ceiling_ms / 1000
    clock = RoomClock(asyncio.get_running_loop().time, begin, begin)
    clock.raise_ceiling(clock.next_ceiling())
    live = start_room(
        game=node.game.name,
        name=name,
        epoch=epoch,
        room_class=room_class,
        map_room=map_room,
        state=spec.state,
        ticks_per_second=node.settings.ticks_per_second,
        seed=node.rng.getrandbits(64),
        now=clock.now(),
        wall=node.wall(),
        saved=None if claimed.first else claimed.state,
        actors=[(name_of(each.id), each.body) for each in claimed.actors if each.transit is None],
        geography=geography,
    )
    arriving = [each for each in claimed.actors if each.transit is not None]
    return Started(claimed.session, live, clock, arriving, claimed.first)
