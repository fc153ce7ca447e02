"""What a room has to save: which actors changed, which left, and what of it belongs together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind
from roomfleet.game.saving.dirty import Dirty
from roomfleet.game.saving.saved import body_of

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom

ROOM = "room"
"""The room's own body, among the ids of actors."""


class Unsaved:
    """Everything since the last `compose`."""

    __slots__ = ("_departed", "_dirty", "_fresh", "_live")

    def __init__(self, live: LiveRoom, dirty: Dirty) -> None:
        self._live = live
        self._dirty = dirty
        self._fresh: dict[str, None] = {}
        self._departed: dict[str, Change] = {}

    def __bool__(self) -> bool:
        return bool(self._dirty)

    def touch(self, key: str) -> None:
        """That actor changed, or "room"."""
        if key == self._dirty.latest:
            return
        actor = self._live.actors.get(key)
        if actor is None or not actor.transient:
            self._dirty.touch(key)

    def created(self, actor_id: str) -> None:
        """A new actor, unknown to the store."""
        actor = self._live.actors.get(actor_id)
        if actor is not None and not actor.transient:
            self._fresh[actor_id] = None
            self._dirty.touch(actor_id)

    def departed(self, change: Change) -> None:
        """The actor has left the live room; `change` is the last that is to be saved of it here."""
        self._departed[change.actor] = change
        self._dirty.touch(change.actor, last=True)

    def take_back(self, actor_id: str) -> Change | None:
        """The player is here again before its departure was composed: that, which is the newest there is."""
        return self._departed.pop(actor_id, None)

    def hold(self, keys: Iterable[str]) -> None:
        """`together` begins."""
        self._dirty.hold(keys)

    def release(self, keys: Iterable[str]) -> None:
        """`together` ends."""
        self._dirty.release(keys)

    def release_all(self) -> None:
        """The room stops."""
        self._dirty.release_all()

    def is_held(self, key: str) -> bool:
        """Whether `together` holds it back."""
        return self._dirty.is_held(key)

    def compose(self) -> list[AtomicGroup]:
        """What is not held, as atomic groups; it counts as saved then."""
        groups = []
        for keys in self._dirty.take():
            changes = tuple(change for key in keys if (change := self._change(key)) is not None)
            if changes or ROOM in keys:
                groups.append(AtomicGroup(changes, ROOM in keys))
        return groups

    def _change(self, key: str) -> Change | None:
        fresh = key in self._fresh
        self._fresh.pop(key, None)
        departed = self._departed.pop(key, None)
        if departed is not None:
            if fresh and departed.kind is ChangeKind.DELETE:
                return None
            return replace(departed, fresh=fresh)
        actor = self._live.actors.get(key)
        if actor is None:
            return None
        kind = ChangeKind.CREATE if fresh else ChangeKind.SAVE
        return Change(kind, key, body_of(actor, self._live.now))
