"""A room's changes on their way to the store: composed into batches, and these committed (DESIGN 7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from roomfleet.game.live import LiveRoom
from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind
from roomfleet.node.measuring.meters import FAILED, FENCED, REFUSED, Meters
from roomfleet.node.running.clock import RoomClock
from roomfleet.node.saving.backlog import Backlog
from roomfleet.store import ActorRecord, BadChange, Fenced, Session, TooLarge, doc_id
from roomfleet.store import protocol as store_changes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Departure:
    """A committed travel: what was asked, and the record as the target will find it."""

    change: Change
    record: ActorRecord


class Saved(Protocol):
    """What the saver tells its room."""

    def departed(self, departures: list[Departure]) -> None:
        """Travels are committed."""

    def fence(self, found_epoch: int | None, lost: int) -> None:
        """The epoch found, and how many actors' changes were lost unacknowledged."""

    def saves(self, ok: bool, why: str) -> None:
        """Whether saves get through, and if not, why."""

    def saved(self) -> None:
        """Something was saved, and room time may go on."""

    def saving_broke(self, error: Exception) -> None:
        """What no store does: the room's own machinery, or a document, is at fault. Nothing is saved any
        more."""


class Batches:
    """What of one room is composed and not committed, and how it gets to the store."""

    __slots__ = (
        "_backlog",
        "_clock",
        "_game",
        "_in_flight",
        "_live",
        "_meters",
        "_refusal",
        "_refused",
        "_room",
        "_session",
        "_wall",
        "saved_at",
    )

    def __init__(
        self,
        *,
        game: str,
        session: Session,
        live: LiveRoom,
        clock: RoomClock,
        wall: Callable[[], float],
        meters: Meters,
        room: Saved,
    ) -> None:
        self.saved_at: float | None = None
        """When a batch was last committed (s since 1970)."""
        self._game, self._session, self._live, self._clock = game, session, live, clock
        self._wall, self._meters, self._room = wall, meters, room
        self._backlog = Backlog()
        self._in_flight: list[AtomicGroup] = []
        """The batch that is being committed."""
        self._refused: list[AtomicGroup] = []
        """Too large, or senseless: kept, and tried again with what changes next."""
        self._refusal = ""

    def __bool__(self) -> bool:
        """Whether there is something to commit, composed or not."""
        return bool(self._backlog) or self._live.dirty

    @property
    def refusal(self) -> str:
        """Why the store does not take some of it, or an empty string."""
        return self._refusal if self._refused else ""

    def unsaved(self) -> int:
        """How many actors have changes that are not saved. For a room that is lost: it collects them all."""
        self.compose()
        groups = (*self._backlog.groups, *self._in_flight, *self._refused)
        return len({change.actor for group in groups for change in group.changes})

    def compose(self) -> None:
        """Take what changed since the last time."""
        groups = self._live.compose(self._clock.now())
        if groups and self._refused:
            groups = [*self._refused, *groups]
            self._refused = []
        body = self._live.room_body() if any(group.room for group in groups) else None
        self._backlog.add(groups, body)

    async def commit(self, ceiling: float) -> None:
        """Commit the backlog in batches; what cannot be saved for its size goes to the refused."""
        now = asyncio.get_running_loop().time
        first = True
        singly = 0
        while first or self._backlog:
            first = False
            groups, body = self._backlog.take_batch(1 if singly else None)
            singly = max(0, singly - 1)
            changes = [change for group in groups for change in group.changes]
            begun = now()
            self._in_flight = groups
            try:
                committed = await self._session.commit(
                    [self._to_store(change) for change in changes],
                    state=body,
                    ceiling_ms=round(ceiling * 1000),
                    saved_at_ms=round(self._wall() * 1000),
                )
            except (TooLarge, BadChange) as error:
                self._meters.saves[REFUSED] += 1
                if len(groups) > 1:
                    # One of them is at fault: each by itself, so that the others are saved.
                    self._backlog.put_back(groups, body)
                    singly = len(groups)
                    continue
                self._refusal = str(error)
                self._refused.extend(groups)
                log.warning("%s", error)
                continue
            except BaseException as error:
                self._meters.saves[FENCED if isinstance(error, Fenced) else FAILED] += 1
                self._backlog.put_back(groups, body)
                raise
            finally:
                self._in_flight = []
            self._meters.saved(now() - begun, len(changes))
            self.saved_at = self._wall()
            if committed.departed:
                await self._session.applied()
                by_id = {doc_id(self._game, change.actor): change for change in changes}
                self._room.departed([Departure(by_id[record.id], record) for record in committed.departed])

    def _to_store(self, change: Change) -> store_changes.Change:
        actor = doc_id(self._game, change.actor)
        match change.kind:
            case ChangeKind.CREATE:
                return store_changes.Create(actor, change.body)
            case ChangeKind.SAVE:
                return store_changes.Save(actor, change.body)
            case ChangeKind.AWAY:
                return store_changes.Save(actor, change.body, away=True)
            case ChangeKind.TRAVEL:
                return store_changes.Travel(
                    actor, change.body, doc_id(self._game, change.to_room), change.arrival, change.fresh
                )
            case ChangeKind.DELETE:
                return store_changes.Delete(actor)
