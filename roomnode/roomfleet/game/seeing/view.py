"""What viewers are told of a room: actors as they see them, and the ops collected over a tick.

An op is kept once, with those who are told of it; a frame shares it between all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roomfleet.game.outbox import Frame
from roomfleet.wire.patch import Op

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.scripting.scripted import Failure, Scripted


def actor_view(actor: Actor, *, owner: bool) -> dict[str, Any]:
    """The actor as a player's client sees it: the fields of `wire.session.Actor`."""
    view = {
        "id": actor._id,
        "type": actor.type,
        "name": actor._name,
        "player": actor._player is not None,
        "parent": actor._parent._id if actor._parent is not None else None,
        "speed": actor.speed,
        "path": actor._path,
        "state": actor.state._visible(owner=owner),
    }
    if actor._hidden:
        view["visible"] = False
    return view


def admin_view(actor: Actor) -> dict[str, Any]:
    """The actor as an admin sees it: the fields of `wire.session.WatchedActor`."""
    return {**actor_view(actor, owner=True), **inner_view(actor)}


def inner_view(owner: Scripted) -> dict[str, Any]:
    """What an admin sees of a room or an actor beyond what its player sees: `wire.session.WatchedRoom`."""
    saved = owner.state._saved()
    return {
        "state": {name: value for fields in saved.values() for name, value in fields.items()},
        "tiers": {name: tier for tier, fields in saved.items() for name in fields},
        "failure": failure_view(owner.failure),
        "failures": owner.failures,
    }


def failure_view(failure: Failure | None) -> dict[str, Any] | None:
    """A script's error as an admin sees it."""
    if failure is None:
        return None
    return {
        "script": failure.script,
        "error": failure.error,
        "traceback": failure.traceback,
        "at": failure.at,
    }


Audience = Sequence[str] | None
"""Viewers; None is all of them."""


class _Entry:
    """An op and who is told of it; `instead` gives some of them another one."""

    __slots__ = ("audience", "instead", "op")

    def __init__(self, op: Op | None, audience: Audience, instead: dict[str, Op] | None = None) -> None:
        self.op = op
        """None: it was superseded."""
        self.audience = audience
        self.instead = instead


class _Thread:
    """The ops of one actor, or of the room, that later ones can still join."""

    __slots__ = ("below", "entries", "sets")

    def __init__(self) -> None:
        self.sets: dict[tuple[Any, ...], _Entry] = {}
        self.below: set[tuple[Any, ...]] | None = None
        """Paths below which something was changed that a `set` of the path makes void."""
        self.entries: list[_Entry] = []


class Recorder:
    """The ops since the last frame.

    A second `set` of a field takes the place of the first; what was changed below a value that is then set
    as a whole is left out. Who is told of changes of one actor stays the same between two calls of `fence`.
    """

    __slots__ = ("_entries", "_parted", "_seen", "_threads")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._threads: dict[str, _Thread] = {}
        self._seen: dict[int, list[str]] = {}
        """By number of entries the viewers who saw all before that in a snapshot."""
        self._parted: dict[int, list[str]] = {}
        """By number of entries the viewers who are told nothing of what came after."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._entries)

    def change(self, kind: str, path: list[Any], value: Any, audience: Audience) -> None:
        """A `set`, `del` or `ins`. The path begins with an actor's id or "room"; the value is not copied."""
        op: Op = [kind, path] if kind == "del" else [kind, path, value]
        thread = self._threads.get(path[0])
        if thread is None:
            thread = self._threads[path[0]] = _Thread()
        key = tuple(path)
        by_names = len(key) == 3 or int not in map(type, key)  # a field's own path has no index
        if kind == "set":
            if by_names:
                if thread.below is not None and key in thread.below:
                    _drop(thread, key)
                earlier = thread.sets.get(key)
            else:
                earlier = _last_at(thread, path)
            if earlier is not None and earlier.op is not None:
                earlier.op[2] = value
                return
        entry = _Entry(op, audience)
        self._entries.append(entry)
        thread.entries.append(entry)
        if thread.below is None and (len(key) > 3 or kind != "set"):
            thread.below = set()
        if kind == "set" and by_names:
            thread.sets[key] = entry
        else:
            thread.sets.pop(key, None)
            if thread.below is not None:
                thread.below.add(key)
        if thread.below is not None:
            for length in range(3, len(key)):
                thread.below.add(key[:length])

    def add(self, op: Op, audience: Audience, instead: dict[str, Op] | None = None) -> None:
        """An `enter` or `leave`; later changes of that actor do not join with earlier ones."""
        self._threads.pop(op[1], None)
        self._entries.append(_Entry(op, audience, instead))

    def fence(self, key: str) -> None:
        """Later changes of that actor do not join with earlier ones: others are told of them."""
        self._threads.pop(key, None)

    def mark(self, viewer: str) -> None:
        """This viewer has seen, in a snapshot, all that was recorded by now."""
        if self._entries:
            self._seen.setdefault(len(self._entries), []).append(viewer)
        self._threads.clear()

    def part(self, viewer: str) -> None:
        """This viewer is told what was recorded by now, and nothing more."""
        self._parted.setdefault(len(self._entries), []).append(viewer)
        self._threads.clear()

    def clear(self) -> None:
        """Forget it all: nobody is there to see it."""
        self._entries = []
        self._threads.clear()
        self._seen.clear()
        self._parted.clear()

    def flush(self, seq: int, now: float) -> Frame | None:
        """The frame, and begin a new one. None when nobody has to be told anything."""
        public: list[Op] = []
        private: dict[str, list[Op]] = {}
        alone: set[str] = set()
        """Viewers told of something that nobody else is told of: no other list is like theirs."""
        parted: dict[str, list[Op]] = {}
        """What was told those who are told no more."""
        seen, parting = self._seen, self._parted
        last, last_audience = None, None
        for number, entry in enumerate(self._entries):
            if parting and number in parting:
                for viewer in parting[number]:
                    parted[viewer] = private.pop(viewer, public.copy())
                last = None
            if seen and number in seen:
                for viewer in seen[number]:
                    private[viewer] = []
                    parted.pop(viewer, None)
                last = None
            op, audience = entry.op, entry.audience
            if op is None:
                continue
            if last is not None and audience == last_audience and _joined(last, op):
                continue
            last, last_audience = op, audience
            if audience is not None:
                for viewer in audience:
                    ops = private.get(viewer)
                    if ops is None:
                        ops = private[viewer] = public.copy()
                    ops.append(op)
                if len(audience) == 1:
                    alone.add(audience[0])
                continue
            instead = entry.instead
            if instead:
                for viewer in instead:
                    if viewer not in private:
                        private[viewer] = public.copy()
                for viewer, ops in private.items():
                    ops.append(instead.get(viewer, op))
            else:
                for ops in private.values():
                    ops.append(op)
            public.append(op)
        private.update(parted)
        private.update((viewer, []) for viewer in seen.get(len(self._entries), ()))
        self.clear()
        if not public and not any(private.values()):
            return None
        return Frame(seq, now, public, _shared(private, alone))


def _shared(private: dict[str, list[Op]], alone: set[str]) -> dict[str, list[Op]]:
    """The same lists, those with the same ops in them once."""
    if len(private) > 1 + len(alone):
        first: dict[tuple[int, ...], list[Op]] = {}
        for viewer, ops in private.items():
            if viewer not in alone:
                private[viewer] = first.setdefault(tuple(map(id, ops)), ops)
    return private


def _joined(first: Op, second: Op) -> bool:
    """Make one op of two, if both set fields of the same object: `put` says them with the path once."""
    if second[0] != "set" or type(second[1][-1]) is not str:
        return False
    *way, field = second[1]
    if first[0] == "put" and first[1] == way:
        first[2][field] = second[2]
        return True
    if first[0] == "set" and first[1][:-1] == way and type(first[1][-1]) is str:
        first[:] = ["put", way, {first[1][-1]: first[2], field: second[2]}]
        return True
    return False


def _last_at(thread: _Thread, path: list[Any]) -> _Entry | None:
    """The entry before, if it sets the same place: an index means another one after an insertion."""
    if thread.entries:
        op = thread.entries[-1].op
        if op is not None and op[0] == "set" and op[1] == path:
            return thread.entries[-1]
    return None


def _drop(thread: _Thread, key: tuple[Any, ...]) -> None:
    """Leave out what was recorded at or below this path."""
    length = len(key)
    kept = []
    for entry in thread.entries:
        if entry.op is not None and tuple(entry.op[1][:length]) == key:
            entry.op = None
        else:
            kept.append(entry)
    thread.entries = kept
    thread.sets = {path: entry for path, entry in thread.sets.items() if path[:length] != key}
    if thread.below is not None:
        thread.below = {path for path in thread.below if path[:length] != key}
