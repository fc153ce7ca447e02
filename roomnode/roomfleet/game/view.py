"""What viewers are told of a room: ops collected over a tick, and snapshots that fit them.

An op of public state is kept once for all; one of an actor's owner tier goes to its player alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roomfleet.game.outbox import Frame
from roomfleet.game.plain import bare
from roomfleet.wire.patch import Op

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor


def actor_view(actor: Actor, *, owner: bool) -> dict[str, Any]:
    """The actor as a client sees it: the fields of `wire.session.Actor`."""
    return {
        "id": actor.id,
        "type": actor.type,
        "name": actor.name,
        "player": actor.player is not None,
        "parent": actor.parent.id if actor.parent is not None else None,
        "speed": actor.speed,
        "path": actor.path,
        "state": actor.state._visible(owner=owner),
    }


class _Entry:
    """An op: `op` for all others, `own` for `player`; None = they are not told."""

    __slots__ = ("op", "own", "player")

    def __init__(self, op: Op | None, player: str | None, own: Op | None) -> None:
        self.op = op
        self.player = player
        self.own = own

    def path(self) -> list[Any]:
        op = self.op if self.op is not None else self.own
        return op[1] if op is not None and op[0] in ("set", "del", "ins") else []


Path = tuple[Any, ...]


class Recorder:
    """The ops since the last frame.

    A second `set` of a field takes the place of the first; what was changed below a value that is then set
    as a whole is left out.
    """

    __slots__ = ("_below", "_entries", "_floor", "_marks", "_sets")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._sets: dict[Path, _Entry] = {}
        self._below: set[Path] = set()
        self._floor = 0
        self._marks: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._entries)

    def change(self, kind: str, path: list[Any], value: Any, *, only: str | None = None) -> None:
        """A `set`, `del` or `ins`; copied. `only` is the player who may see it, when not all may."""
        op: Op = [kind, path] if kind == "del" else [kind, path, bare(value)]
        key = tuple(path)
        by_names = all(type(each) is str for each in path)
        if kind == "set":
            if by_names and key in self._below:
                self._drop(key)
            earlier = self._sets.get(key) if by_names else self._last_at(path)
            if earlier is not None:
                (earlier.op or earlier.own or op)[2] = op[2]
                return
        entry = _Entry(op, None, None) if only is None else _Entry(None, only, op)
        self._entries.append(entry)
        if kind == "set" and by_names:
            self._sets[key] = entry
        else:
            self._sets.pop(key, None)
            self._below.add(key)
        for length in range(2, len(key)):
            self._below.add(key[:length])

    def enter(self, actor: Actor) -> None:
        """The actor has come into view."""
        own = ["enter", actor.id, actor_view(actor, owner=True)] if actor.player is not None else None
        op = ["enter", actor.id, actor_view(actor, owner=False)]
        self._entries.append(_Entry(op, actor.player, own))
        self._fence()

    def leave(self, actor: Actor, why: str) -> None:
        """The actor has gone."""
        op = ["leave", actor.id, why]
        self._entries.append(_Entry(op, actor.player, op))
        self._fence()

    def mark(self, player: str) -> None:
        """This player has seen, in a snapshot, all that was recorded by now."""
        self._marks[player] = len(self._entries)
        self._fence()

    def clear(self) -> None:
        """Forget it all: nobody is there to see it."""
        self._entries.clear()
        self._sets.clear()
        self._below.clear()
        self._marks.clear()
        self._floor = 0

    def flush(self, seq: int, now: float) -> Frame | None:
        """The frame, and begin a new one. None when nobody has to be told anything."""
        public = [entry.op for entry in self._entries if entry.op is not None]
        players = {entry.player: None for entry in self._entries if entry.player and entry.own is not None}
        players.update((player, None) for player, mark in self._marks.items() if mark)
        private: dict[str, list[Op]] = {}
        for player in players:
            told = [
                entry.own if entry.player == player else entry.op
                for entry in self._entries[self._marks.get(player, 0) :]
            ]
            private[player] = [op for op in told if op is not None]
        self.clear()
        return Frame(seq, now, public, private) if public or any(private.values()) else None

    def _fence(self) -> None:
        """From here on nothing joins with what was recorded before."""
        self._floor = len(self._entries)
        self._sets.clear()
        self._below.clear()

    def _last_at(self, path: list[Any]) -> _Entry | None:
        if len(self._entries) > self._floor:
            last = self._entries[-1]
            op = last.op if last.op is not None else last.own
            if op is not None and op[0] == "set" and op[1] == path:
                return last
        return None

    def _drop(self, key: Path) -> None:
        """Leave out what was recorded at or below this path."""
        length = len(key)
        kept = []
        for entry in self._entries[self._floor :]:
            if tuple(entry.path()[:length]) != key:
                kept.append(entry)
        self._entries[self._floor :] = kept
        self._sets = {path: entry for path, entry in self._sets.items() if path[:length] != key}
        self._below = {path for path in self._below if path[:length] != key}
