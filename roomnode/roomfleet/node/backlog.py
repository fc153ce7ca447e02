"""What is composed and not yet committed: atomic groups, per actor the newest change (DESIGN 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind

BATCH_BYTES = 768 * 1024
"""Independent groups are put together up to this much; the store's own limit is 1 MiB."""

_size = msgspec.json.Encoder()


@dataclass(slots=True)
class Backlog:
    """Composed and not yet committed: groups that share no actor, and the room's own body if it changed."""

    groups: list[AtomicGroup] = field(default_factory=list)
    room_body: dict[str, Any] | None = None

    def add(self, groups: Iterable[AtomicGroup], room_body: dict[str, Any] | None) -> None:
        """Newer groups: per actor the newest change wins, and groups that share an actor become one."""
        for group in groups:
            ids = {change.actor for change in group.changes}
            merged = {change.actor: change for change in group.changes}
            room = group.room
            apart: list[AtomicGroup] = []
            for old in self.groups:
                if not (old.room and room) and not any(change.actor in ids for change in old.changes):
                    apart.append(old)
                    continue
                room = room or old.room
                for change in old.changes:
                    newer = merged.get(change.actor)
                    merged[change.actor] = change if newer is None else _newest(change, newer)
                    ids.add(change.actor)
            changes = tuple(change for change in merged.values() if not _never_was(change))
            if changes or room:
                apart.append(AtomicGroup(changes, room))
            self.groups = apart
        if room_body is not None:
            self.room_body = room_body

    def put_back(self, groups: Sequence[AtomicGroup], room_body: dict[str, Any] | None) -> None:
        """Groups that were taken and not committed; what was added meanwhile is newer."""
        newer = Backlog(list(self.groups), self.room_body)
        self.groups, self.room_body = list(groups), room_body
        self.add(newer.groups, newer.room_body)

    def take_batch(self, most: int | None = None) -> tuple[list[AtomicGroup], dict[str, Any] | None]:
        """Groups for one commit: as many as fit and at most `most`, but one at least if there is any."""
        taken: list[AtomicGroup] = []
        size = 0
        for group in self.groups[:most]:
            size += sum(len(_size.encode(change.body)) for change in group.changes)
            if taken and size > BATCH_BYTES:
                break
            taken.append(group)
        self.groups = self.groups[len(taken) :]
        if any(group.room for group in taken):
            body, self.room_body = self.room_body, None
            return taken, body
        return taken, None

    def __bool__(self) -> bool:
        return bool(self.groups)


def _newest(old: Change, new: Change) -> Change:
    """One change instead of two. A creation that was never saved stays one."""
    if old.kind is ChangeKind.CREATE and new.kind is ChangeKind.SAVE:
        return replace(new, kind=ChangeKind.CREATE)
    if old.kind is ChangeKind.CREATE and new.kind is ChangeKind.TRAVEL:
        return replace(new, fresh=True)
    if old.kind is ChangeKind.CREATE and new.kind is ChangeKind.DELETE:
        return replace(new, body={"never": True})
    return new


def _never_was(change: Change) -> bool:
    """Deleted before its creation was ever saved: nothing to save at all."""
    return change.kind is ChangeKind.DELETE and bool(change.body)
