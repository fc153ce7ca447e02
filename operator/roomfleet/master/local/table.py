"""Pure: the objects that there are, the version of each change, the latest changes for those who watch."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roomfleet.master.local.errors import Expired

Key = tuple[str, str]
"""Plural and name."""

KEPT_EVENTS = 1_000
"""How many changes a watcher may be behind before it has to list again."""


class Change(StrEnum):
    """What happened to an object; the values are those of Kubernetes' watch events."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Event:
    """One change. `object` is what it is now (or was last), `before` what it was; neither may be changed."""

    version: int
    change: Change
    plural: str
    object: dict[str, Any]
    before: dict[str, Any] | None


class Table:
    """Objects by plural and name. Whoever changes it has made sure that the change may be, and is on disk."""

    def __init__(self, version: int) -> None:
        """`version` is the last one given to anything so far."""
        self.version = version
        self._objects: dict[Key, dict[str, Any]] = {}
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._forgotten = version

    def load(self, plural: str, obj: dict[str, Any]) -> None:
        """Takes in an object that was there before the start: no event."""
        self._objects[plural, obj["metadata"]["name"]] = obj

    def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """The object, not to be changed."""
        return self._objects.get((plural, name))

    def all(self, plural: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Plural and object of all, or all of a kind, ordered by plural and name."""
        for key in sorted(self._objects):
            if plural is None or key[0] == plural:
                yield key[0], self._objects[key]

    def put(self, plural: str, obj: dict[str, Any]) -> Event:
        """The object replaces what had its name; its resourceVersion is the change's."""
        key = (plural, obj["metadata"]["name"])
        before = self._objects.get(key)
        self._objects[key] = obj
        return self._record(Change.ADDED if before is None else Change.MODIFIED, plural, obj, before)

    def remove(self, plural: str, last: dict[str, Any]) -> Event:
        """The object is gone; `last` has the resourceVersion of the deletion."""
        before = self._objects.pop((plural, last["metadata"]["name"]))
        return self._record(Change.DELETED, plural, last, before)

    def orphans(self) -> list[Key]:
        """Plural and name of the objects that have owners, all of which are gone."""
        uids = {obj["metadata"]["uid"] for obj in self._objects.values()}
        return sorted(
            key
            for key, obj in self._objects.items()
            if (owners := obj["metadata"].get("ownerReferences"))
            and uids.isdisjoint(owner["uid"] for owner in owners)
        )

    def since(self, version: int) -> list[Event]:
        """The events after that version. Raises Expired when some are forgotten or it is ahead."""
        if version < self._forgotten or version > self.version:
            raise Expired(version, self._forgotten)
        start = bisect.bisect_right(self._events, version, key=lambda event: event.version)
        return [self._events[index] for index in range(start, len(self._events))]

    def _record(
        self, change: Change, plural: str, obj: dict[str, Any], before: dict[str, Any] | None
    ) -> Event:
        event = Event(int(obj["metadata"]["resourceVersion"]), change, plural, obj, before)
        if len(self._events) == KEPT_EVENTS:
            self._forgotten = self._events[0].version
        self._events.append(event)
        self.version = event.version
        return event
