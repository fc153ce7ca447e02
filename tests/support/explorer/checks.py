"""The promises P1, P2 and P4, as predicates of the explorer's states."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from roomfleet.store.records import Op, Presence
from support.explorer.model import World, decided
from support.explorer.node import Part, Seen


class Checks:
    """Each check gives None, or what is wrong."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._decided: dict[int, dict[str, Op]] = {}

    def at_any_time(
        self, number: int, world: World, seen: Sequence[Seen], alive: Sequence[bool]
    ) -> str | None:
        """P1: nothing of a fenced session is acknowledged. P4: who is live is live once, in the room that
        has it.
        """
        for name, one in zip(self._names, seen, strict=True):
            for room, seq, label in one.acked:
                if (name, room, seq) in world.late:
                    return f"P1: {label} of {name} was acknowledged after a newer claim of {room}"
        owners = {room: document.owner for room, document in world.rooms}
        places: dict[str, str] = {}
        for name, one, lives in zip(self._names, seen, alive, strict=True):
            if not lives:
                continue
            for room, actors in one.live:
                if owners[room] != name:
                    continue
                for actor in actors:
                    if actor in places:
                        return f"P4: {actor} is live in {places[actor]} and in {room}"
                    places[actor] = room
        for actor, room in places.items():
            there = self._all(number, world).get(actor)
            if there is not None and there.presence is not Presence.DELETED and there.room != room:
                return f"P4: {actor} is live in {room}, and by what was decided in {there.room}"
        return None

    def at_the_end(self, number: int, world: World, seen: Sequence[Seen]) -> str | None:
        """P2: what was acknowledged is there. P4: what was saved together is there together or not at all."""
        actors = self._all(number, world)
        lives = {
            name: list(msgspec.json.decode(op.body).get("life", []))
            for name, op in actors.items()
            if _is_there(op)
        }
        logs = {room: msgspec.json.decode(document.state).get("log", []) for room, document in world.rooms}
        tried = dict(item for one in seen for item in one.tried)
        ended = {(part.thing, part.birth) for parts in tried.values() for part in parts if part.label is None}

        def holds(part: Part) -> bool | None:
            """Whether it is there; None: its life was ended since."""
            if part.thing in logs:
                return part.label in logs[part.thing]
            if part.label is None:
                return part.birth not in lives.get(part.thing, [])
            there = part.label in lives.get(part.thing, [])
            return None if not there and (part.thing, part.birth) in ended else there

        for one in seen:
            for _, _, label in one.acked:
                for part in tried[label]:
                    if holds(part) is False:
                        what = (
                            f"{label} of {part.thing}"
                            if part.label
                            else f"the end of {part.thing} by {label}"
                        )
                        return f"P2: {what} was acknowledged and is lost"
        for name, op in actors.items():
            if _is_there(op) and op.room in logs and not dict(world.rooms)[op.room].saved:
                return f"P4: {name} is left in {op.room}, which was erased"
        for label, parts in tried.items():
            found = {holds(part) for part in parts if part.label is not None} - {None}
            if len(found) > 1:
                return f"P4: only a part of {label} happened"
        return None

    def view(self, number: int, world: World) -> object:
        """What `at_any_time` sees of a world."""
        actors = tuple((name, op.room, op.presence) for name, op in sorted(self._all(number, world).items()))
        return actors, world.late, tuple(document.owner for _, document in world.rooms)

    def _all(self, number: int, world: World) -> dict[str, Op]:
        found = self._decided.get(number)
        if found is None:
            found = self._decided[number] = decided(world)
        return found


def _is_there(op: Op) -> bool:
    return op.presence is not Presence.DELETED
