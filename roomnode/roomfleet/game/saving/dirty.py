"""What is unsaved, and what of it must be saved together.

What is touched between two awaits belongs together; groups that share a member are one. By union-find
(Galler and Fischer, "An improved equivalence algorithm", 1964).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Dirty:
    """Touched members by key: actors' ids, and "room"."""

    __slots__ = ("_group", "_held", "_links", "_touched", "latest")

    def __init__(self) -> None:
        self._touched: dict[str, None] = {}
        self._links: dict[str, str] = {}
        self._group: str | None = None
        self.latest: str | None = None
        """Who was touched last since the last `cut`: to be touched once more, it needs nothing done."""
        self._held: Counter[str] | None = None

    def __bool__(self) -> bool:
        """Whether there is something to save now: what is held does not count."""
        if not self._held:
            return bool(self._touched)
        held = self._held_roots()
        return any(self._find(key) not in held for key in self._touched)

    def touch(self, key: str, *, last: bool = False) -> None:
        """This member changed, together with all others since the last `cut`.

        With `last` it stands after all that were touched before.
        """
        if last:
            self._touched.pop(key, None)
        self._touched[key] = None
        self.latest = key
        if self._group is None:
            self._group = key
        elif self._group != key and self._links.get(key) != self._group:
            self.link((self._group, key))

    def cut(self) -> None:
        """An await: what is touched from now on need not be saved with what was."""
        self._group = self.latest = None

    def link(self, keys: Iterable[str]) -> None:
        """Save these together, as far as they are touched."""
        first: str | None = None
        for key in keys:
            root = self._find(key)
            if first is None:
                first = root
            elif root != first:
                self._links[root] = first

    def hold(self, keys: Iterable[str]) -> None:
        """Give none of these out until released as often as held; they belong together."""
        keys = list(keys)
        self.link(keys)
        self._held = self._held if self._held is not None else Counter()
        self._held.update(keys)

    def release(self, keys: Iterable[str]) -> None:
        """The end of a `hold`."""
        if self._held is not None:
            self._held.subtract(keys)
            self._held = +self._held or None

    def release_all(self) -> None:
        """The end of every `hold`."""
        self._held = None

    def is_held(self, key: str) -> bool:
        """Whether this member is held, by itself or by one that it belongs with."""
        return bool(self._held) and self._find(key) in self._held_roots()

    def take(self) -> list[list[str]]:
        """The groups that are not held, in the order of their first touch; they are clean then."""
        held = self._held_roots()
        groups: dict[str, list[str]] = {}
        kept: dict[str, None] = {}
        for key in self._touched:
            root = self._find(key)
            if root in held:
                kept[key] = None
            else:
                groups.setdefault(root, []).append(key)
        self._links = {key: self._find(key) for key in list(self._links) if self._find(key) in held}
        self._touched = kept
        self._group = self.latest = None
        return list(groups.values())

    def _held_roots(self) -> set[str]:
        return {self._find(key) for key in self._held or ()}

    def _find(self, key: str) -> str:
        links = self._links
        root = key
        while root in links:
            root = links[root]
        while key != root:  # path compression
            links[key], key = root, links[key]
        return root
