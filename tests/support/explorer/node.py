"""What the explorer's processes do: a room node in small. Every batch carries a label, so that checks can
follow it.

An actor's body is its life so far, ``{"life": [labels]}``, a room's state ``{"log": [labels]}``: what a
batch saved is there as long as its label is.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, NamedTuple

from roomfleet.store.errors import Fenced, OutcomeUnknown, StoreUnavailable
from roomfleet.store.operations import Store
from roomfleet.store.protocol import (
    Change,
    Committed,
    Create,
    Delete,
    Live,
    Save,
    Session,
    Travel,
    arrivals,
    claim,
    erase,
    sweep,
    vacate,
)
from roomfleet.store.protocol.erase import ON_DELETE
from roomfleet.store.records import ActorRecord


class Part(NamedTuple):
    """What a batch does to one room or actor: adds its label to the life that began with ``birth``; None:
    ends it.
    """

    thing: str
    label: str | None
    birth: str


class Seen(NamedTuple):
    """What a process has said and holds: for the checks.

    ``acked``: the batches that were acknowledged, as (room, seq, label). ``tried``: every batch ever begun,
    label → its parts. ``live``: per room, the actors that its session holds live.
    """

    acked: frozenset[tuple[str, int, str]]
    tried: tuple[tuple[str, tuple[Part, ...]], ...]
    live: tuple[tuple[str, tuple[str, ...]], ...]


async def no_pause(attempt: int) -> None:
    """The explorer's orders are the pauses."""


class Node:
    """A process' memory, lost in a crash."""

    def __init__(self, name: str, store: Store, start: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self.name = name
        self.store = store
        self.start = start
        self.sessions: dict[str, Session] = {}
        self._lives: dict[str, list[str]] = {}
        self._logs: dict[str, list[str]] = {}
        self._acked: set[tuple[str, int, str]] = set()
        self._tried: dict[str, tuple[Part, ...]] = {}

    def seen(self) -> Seen:
        return Seen(
            frozenset(self._acked),
            tuple(sorted(self._tried.items())),
            tuple((room, tuple(sorted(s.live))) for room, s in sorted(self.sessions.items()) if not s.fenced),
        )

    def has(self, room: str, actor: str) -> bool:
        """Whether the actor is live in the room here."""
        return room in self.sessions and actor in self.sessions[room].live

    async def claim(self, room: str, epoch: int, again: int | None = None, uid: str = "") -> bool:
        """Claim the room; after an unknown outcome at the epoch ``again``. False: another one has it."""
        try:
            claimed = await claim(
                self.store,
                room=room,
                epoch=epoch,
                node=self.name,
                url="",
                boot="",
                uid=uid,
                map="",
                on_delete=ON_DELETE if uid else "",
                pause=no_pause,
            )
        except Fenced:
            return False
        except OutcomeUnknown:
            return again is not None and await self.claim(room, again, uid=uid)
        self.sessions[room] = claimed.session
        self._logs[room] = list(claimed.state.get("log", []))
        for actor in claimed.actors:
            self._meet(actor)
        return True

    async def commit(self, room: str, label: str, *changes: Change) -> Committed | None:
        """Commit; None where the room was lost."""
        self._logs[room].append(label)
        self._tried[label] = (Part(room, label, ""), *(self._part(change, label) for change in changes))
        session = self.sessions[room]
        while True:
            try:
                done = await session.commit(
                    changes, state={"log": self._logs[room]}, ceiling_ms=0, saved_at_ms=0
                )
            except Fenced:
                return None
            except StoreUnavailable:
                continue  # each refusal is a fault, and these are counted
            self._acked.add((room, done.seq, label))
            return done

    async def save(self, room: str, label: str, *actors: str, away: bool = False) -> bool:
        """Save the actors that are live here, together."""
        if any(not self.has(room, actor) for actor in actors):
            return False
        changes = [Save(actor, self._live_on(actor, label), away) for actor in actors]
        return await self.commit(room, label, *changes) is not None

    async def create(self, room: str, label: str, actor: str) -> bool:
        self._lives[actor] = []
        return await self.commit(room, label, Create(actor, self._live_on(actor, label))) is not None

    async def travel(self, room: str, label: str, actor: str, to: str, *, at_once: bool = False) -> bool:
        """Let the actor leave; ``at_once``: the target on this node takes it in when it is decided."""
        if not self.has(room, actor):
            return False
        done = await self.commit(room, label, Travel(actor, self._live_on(actor, label), to))
        if done is not None and at_once:
            for record in done.departed:
                if self.sessions[record.room].take(record):
                    self._meet(record)
        return done is not None

    async def travel_together(self, room: str, label: str, to: str, *actors: str) -> bool:
        """Let several actors leave in one batch, as one with what is docked to it."""
        if any(not self.has(room, actor) for actor in actors):
            return False
        changes = [Travel(actor, self._live_on(actor, label), to) for actor in actors]
        return await self.commit(room, label, *changes) is not None

    async def trade_and_travel(self, room: str, label: str, stays: str, leaves: str, to: str) -> bool:
        """Two actors change together, and one of them leaves with that."""
        if not (self.has(room, stays) and self.has(room, leaves)):
            return False
        changes = (Save(stays, self._live_on(stays, label)), Travel(leaves, self._live_on(leaves, label), to))
        return await self.commit(room, label, *changes) is not None

    async def delete(self, room: str, label: str, actor: str) -> bool:
        return self.has(room, actor) and await self.commit(room, label, Delete(actor)) is not None

    async def spawn(self, room: str, label: str, actor: str) -> bool:
        """Spawn the actor; True where it is live here by that."""
        self._tried[label] = ()
        try:
            spawned = await self.sessions[room].spawn(actor, {"life": [label]})
        except (Fenced, StoreUnavailable):
            return False
        if not isinstance(spawned, Live):
            return False
        self._meet(spawned.record)
        if spawned.record.body["life"] == [label]:
            self._tried[label] = (Part(actor, label, label),)
            self._acked.add((room, self.sessions[room].seq, label))
        return True

    async def poll(self, times: int) -> None:
        """Take in who arrives."""
        for _ in range(times):
            for _, actor in await arrivals(self.store, self.sessions):
                self._meet(actor)

    async def sweep(self, room: str) -> None:
        await sweep(self.store, room, no_pause)

    async def send_back(self, room: str, epoch: int) -> None:
        """Send who is on the way to the room back to where they came from."""

        def leave(actors: Sequence[ActorRecord], _: int) -> Iterator[list[Change]]:
            for actor in actors:
                if actor.transit is not None:
                    yield [Travel(actor.id, actor.body, actor.transit.origin)]

        try:
            await vacate(
                self.store,
                room=room,
                epoch=epoch,
                node=self.name,
                leave=leave,
                forget=False,
                pause=no_pause,
            )
        except (Fenced, OutcomeUnknown):
            return

    async def erase(self, room: str, uid: str, epoch: int, label: str, guest: str, entry: str) -> bool:
        """Erase the room, after the sweep of what its guests may have left by; the guest goes elsewhere."""
        for other in (room, entry):
            await self.sweep(other)
        last = f"{label} at last"
        self._tried[last] = ()

        def leave(actors: Sequence[ActorRecord], _: int) -> Iterator[list[Change]]:
            for actor in actors:
                self._meet(actor)
                if actor.id == guest:
                    to = entry if actor.transit is None else actor.transit.origin
                    travel = Travel(guest, self._live_on(guest, label), to, asleep=True)
                    self._tried[label] = (self._part(travel, label),)
                    yield [travel]
                else:
                    self._tried[last] += (self._part(Delete(actor.id), last),)

        try:
            erased = await erase(
                self.store, room=room, uid=uid, epoch=epoch, node=self.name, leave=leave, pause=no_pause
            )
        except (Fenced, OutcomeUnknown):
            return False
        if erased is not None:
            self._acked |= {(room, 0, each) for each in (label, last) if each in self._tried}
        return erased is not None

    def _meet(self, actor: ActorRecord) -> None:
        self._lives[actor.id] = list(actor.body["life"])

    def _part(self, change: Change, label: str) -> Part:
        birth = self._lives[change.id][0]
        return Part(change.id, None if isinstance(change, Delete) else label, birth)

    def _live_on(self, actor: str, label: str) -> dict[str, Sequence[str]]:
        self._lives[actor].append(label)
        return {"life": list(self._lives[actor])}
