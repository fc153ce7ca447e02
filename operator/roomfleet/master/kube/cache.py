"""The objects as they were last seen: what is news and what an echo. Pure.

An object that was told to be deleted is gone, also where somebody's finalizer keeps it for a while.

Kubernetes' resourceVersions of one resource are numbers that rise (comparable since 1.35, and with etcd
always); so of two versions of an object the higher one is the newer, whichever way they came.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from roomfleet.master.core.model import Key

Json = dict[str, Any]

DROPPED_KEPT = 10_000
"""Uids of deleted objects that are remembered."""


class Id(NamedTuple):
    """One object of ours."""

    plural: str
    key: Key


class Listing:
    """A list that is under way: what was deleted since it began is not to rise again."""

    def __init__(self) -> None:
        self.deleted: set[str] = set()


class Cache:
    """Every object, by kind and name."""

    def __init__(self) -> None:
        self._objects: dict[Id, Json] = {}
        self._listings: list[Listing] = []
        self._dropped: OrderedDict[str, None] = OrderedDict()
        """Uids of those deleted lately: what a watch still has to tell of them is no news."""

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Id]:
        return iter(self._objects)

    def get(self, id: Id) -> Json | None:
        return self._objects.get(id)

    def put(self, id: Id, obj: Json) -> bool:
        """Whether it is newer than what was known."""
        if obj["metadata"]["uid"] in self._dropped or is_going(obj):
            return False
        known = self._objects.get(id)
        if known is not None:
            same = known["metadata"]["uid"] == obj["metadata"]["uid"]
            if version_of(obj) <= version_of(known) and (same or version_of(obj) < version_of(known)):
                return False
        obj["metadata"].pop("managedFields", None)  # of no use here, and half of an object's size
        self._objects[id] = obj
        return True

    def drop(self, id: Id, uid: str) -> bool:
        """It was deleted. Whether that is news."""
        for listing in self._listings:
            listing.deleted.add(uid)
        known = self._objects.get(id)
        if known is None or known["metadata"]["uid"] != uid:
            return False
        del self._objects[id]
        self._dropped[uid] = None
        if len(self._dropped) > DROPPED_KEPT:
            self._dropped.popitem(last=False)
        return True

    def listing(self) -> Listing:
        """Call before asking for a list."""
        listing = Listing()
        self._listings.append(listing)
        return listing

    def end(self, listing: Listing) -> None:
        """The list came, or never will."""
        self._listings.remove(listing)

    def compare(
        self, plural: str, namespace: str, found: Iterable[Json], version: int, listing: Listing
    ) -> tuple[list[tuple[Id, Json]], list[tuple[Id, Json]]]:
        """Take in a complete list of one moment: which objects are news, and which are gone.

        Of one namespace, or, with an empty one, of all.
        """
        seen: set[Id] = set()
        news = []
        for obj in found:
            if is_going(obj):
                continue
            id = id_of(plural, obj)
            seen.add(id)
            if obj["metadata"]["uid"] not in listing.deleted and self.put(id, obj):
                news.append((id, obj))
        gone = [
            (id, obj)
            for id, obj in self._objects.items()
            if id.plural == plural
            and namespace in ("", id.key.game)
            and id not in seen
            and version_of(obj) <= version
        ]
        for id, _ in gone:
            del self._objects[id]
        return news, gone


def id_of(plural: str, obj: Json) -> Id:
    return Id(plural, Key(obj["metadata"]["namespace"], obj["metadata"]["name"]))


def is_going(obj: Json) -> bool:
    """Whether it was told to be deleted."""
    return "deletionTimestamp" in obj["metadata"]


def version_of(obj: Json) -> int:
    return int(obj["metadata"]["resourceVersion"])
