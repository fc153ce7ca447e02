"""What is composed and not yet committed: atomic groups, per actor the newest change (DESIGN 7)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind

BATCH_BYTES = 768 * 1024
"""Independent groups are put together up to this much; the store's own limit is 1 MiB."""

_size = msgspec.json.Encoder()


_ROOM = ""
"""The room's own body, among the ids of actors."""


class Backlog:
    """Composed and not yet committed: groups that share no actor, and the room's own body if it changed."""

    __slots__ = ("_at", "_count", "_groups", "room_body")

    def __init__(self) -> None:
        self.room_body: dict[str, Any] | None = None
        self._groups: dict[int, AtomicGroup] = {}
        """In the order in which they are saved."""
        self._at: dict[str, int] = {}
        """Whose change is in which group: thousands may wait, and each new group asks."""
        self._count = 0

    @property
    def groups(self) -> list[AtomicGroup]:
        """All that wait."""
        return list(self._groups.values())

    def add(self, groups: Iterable[AtomicGroup], room_body: dict[str, Any] | None) -> None:
        """Newer groups: per actor the newest change wins, and groups that share an actor become one."""
        for group in groups:
            merged = {change.actor: change for change in group.changes}
            room = group.room
            for number in sorted({self._at[key] for key in _members(group) if key in self._at}):
                old = self._drop(number)
                room = room or old.room
                for change in old.changes:
                    newer = merged.get(change.actor)
                    merged[change.actor] = change if newer is None else _newest(change, newer)
            changes = tuple(change for change in merged.values() if not _never_was(change))
            if changes or room:
                self._append(AtomicGroup(changes, room))
        if room_body is not None:
            self.room_body = room_body

    def _append(self, group: AtomicGroup) -> None:
        self._count += 1
        self._groups[self._count] = group
        self._at.update(dict.fromkeys(_members(group), self._count))

    def _drop(self, number: int) -> AtomicGroup:
        group = self._groups.pop(number)
        for key in _members(group):
            del self._at[key]
        return group

    def put_back(self, groups: Sequence[AtomicGroup], room_body: dict[str, Any] | None) -> None:
        """Groups that were taken and not committed; what was added meanwhile is newer."""
        newer, newer_body = self.groups, self.room_body
        self._groups.clear()
        self._at.clear()
        for group in groups:
            self._append(group)
        self.room_body = room_body
        self.add(newer, newer_body)

    def take_batch(self, most: int | None = None) -> tuple[list[AtomicGroup], dict[str, Any] | None]:
        """Groups for one commit: as many as fit and at most `most`, but one at least if there is any."""
        taken: list[AtomicGroup] = []
        size = 0
        for number in list(itertools.islice(self._groups, most)):
            size += sum(len(_size.encode(change.body)) for change in self._groups[number].changes)
            if taken and size > BATCH_BYTES:
                break
            taken.append(self._drop(number))
        if any(group.room for group in taken):
            body, self.room_body = self.room_body, None
            return taken, body
        return taken, None

    def __bool__(self) -> bool:
        return bool(self._groups)


def _members(group: AtomicGroup) -> list[str]:
    members = [change.actor for change in group.changes]
    if group.room:
        members.append(_ROOM)
    return members


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
