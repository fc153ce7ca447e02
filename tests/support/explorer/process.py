"""A process of the explorer: real protocol code whose every store operation waits for the explorer's answer.

A process is a program (a coroutine function over a `Node`) that may start further tasks. It is
deterministic, so it is known by the history of answers that it got: a `Trace` is a tree of histories, each
with what the process asks for next. Live coroutines cannot be forked; where a second branch is needed the
history is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence, Set
from typing import Any

import msgspec

from roomfleet.store.errors import StoreError
from roomfleet.store.operations import Replaced
from roomfleet.store.records import ActorRecord, Batch, Op, Owner, RoomDoc, RoomSpec, encode
from support.explorer.model import Request, Room, actor_of, op_of
from support.explorer.node import Node, Seen


class _Asked:
    """Awaited by the protocol: hands the request to the explorer, returns its answer."""

    def __init__(self, request: Request) -> None:
        self.request = request

    def __await__(self) -> Generator[Request, Any, Any]:
        return (yield self.request)


class ModelClient:
    """A `roomfleet.store.operations.Store` whose operations are single steps of the explorer."""

    def __init__(self, process: str) -> None:
        self.process = process

    @property
    def place(self) -> str:
        return "the model"

    async def insert_room(self, room: str) -> None:
        raise AssertionError("the explorer's rooms are all there from the start")

    async def take_room(self, room: str, epoch: int, owner: Owner, spec: RoomSpec | None) -> RoomDoc | None:
        told = None if spec is None else (spec.uid, spec.on_delete)
        return _room(room, await _Asked(("take_room", room, epoch, told, self.process)))

    async def commit_room(self, room: str, epoch: int, seq: int, batch: Batch) -> bool:
        state = bytes(batch.room.state) if batch.room is not None and batch.room.state is not None else None
        ops = tuple(encode(op) for op in batch.ops)
        saved = None if batch.room is None else batch.room.saved_at is not None
        request = ("commit_room", room, epoch, seq, batch.seq, ops, state, saved, self.process)
        return bool(await _Asked(request))

    async def get_room(self, room: str) -> RoomDoc | None:
        return _room(room, await _Asked(("get_room", room)))

    async def replace_actors(self, ops: Sequence[Op], *, insert: bool) -> list[Replaced]:
        return [await _Asked(("replace_actor", encode(op), insert)) for op in ops]

    async def get_actor(self, actor: str) -> ActorRecord | None:
        found = await _Asked(("get_actor", actor))
        return None if found is None else actor_of(found)

    async def actors_in(self, room: str, *, away: bool) -> list[ActorRecord]:
        return [actor_of(found) for found in await _Asked(("actors_in", room, away))]

    async def actors_arriving(self, rooms: Set[str]) -> list[ActorRecord]:
        return [actor_of(found) for found in await _Asked(("actors_arriving", tuple(rooms)))]

    async def rooms_awaited(self, game: str) -> list[str]:
        raise AssertionError("not part of the protocol's safety")

    async def room_epochs(self, rooms: Sequence[str]) -> dict[str, int]:
        raise AssertionError("not part of the protocol's safety")

    async def rooms_with_ops(self, game: str) -> list[str]:
        raise AssertionError("not part of the protocol's safety")

    async def rooms_to_delete(self, game: str) -> list[tuple[str, str]]:
        raise AssertionError("not part of the protocol's safety")

    async def mark_room(self, room: str, uid: str, on_delete: str) -> bool:
        raise AssertionError("not part of the protocol's safety")

    async def installation_id(self, new: str) -> str:
        raise AssertionError("not part of the protocol's safety")

    async def adopt_installation(self, old: str, new: str) -> None:
        raise AssertionError("not part of the protocol's safety")

    async def close(self) -> None:
        """Nothing to let go of."""


def _room(name: str, found: Room | None) -> RoomDoc | None:
    if found is None:
        return None
    return RoomDoc(
        name,
        epoch=found.epoch,
        seq=found.seq,
        ops=tuple(op_of(op) for op in found.ops),
        state=msgspec.json.decode(found.state),
        saved_at=1 if found.saved else None,
        spec=RoomSpec(found.uid, "", found.on_delete),
    )


Task = Coroutine[Any, Any, None]
Program = Callable[[Node], Task]


class Machine:
    """A running process: its tasks, each waiting for an answer."""

    def __init__(self, program: Program, client: ModelClient) -> None:
        self._tasks: list[Task] = []
        self.waiting: dict[int, Request] = {}
        self.node = Node(client.process, client, self._start)
        self._start(program(self.node))

    def _start(self, task: Task) -> None:
        self._tasks.append(task)
        self._advance(len(self._tasks) - 1, lambda: task.send(None))

    def answer(self, task: int, value: Any) -> None:
        """Give the task its answer, or its error, and run it to its next request."""
        del self.waiting[task]
        coroutine = self._tasks[task]
        if isinstance(value, type) and issubclass(value, StoreError):
            self._advance(task, lambda: coroutine.throw(value("by the explorer")))
        else:
            self._advance(task, lambda: coroutine.send(value))

    def _advance(self, task: int, step: Callable[[], Request]) -> None:
        try:
            self.waiting[task] = step()
        except StopIteration:
            return


class Trace:
    """A history of one process, and what it asks for next. ``number`` names it within its tree."""

    __slots__ = ("_children", "_machine", "_tree", "last", "number", "parent", "seen", "waiting")

    def __init__(
        self, tree: TraceTree, parent: Trace | None, last: tuple[int, Any] | None, machine: Machine
    ) -> None:
        self._tree = tree
        self.parent = parent
        self.last = last
        self.number = tree.count
        tree.count += 1
        self._children: dict[tuple[int, int], Trace] = {}
        self._machine: Machine | None = machine
        self.waiting = tuple(
            (task, tree.request_number(asked)) for task, asked in sorted(machine.waiting.items())
        )
        self.seen = tree.seen(machine.node.seen())

    def after(self, task: int, answer_number: int, answer: Any) -> Trace:
        """The history with one more answer; equal answers have equal numbers."""
        key = (task, answer_number)
        child = self._children.get(key)
        if child is None:
            machine = self._machine or self._tree.replay(self)
            self._machine = None
            machine.answer(task, answer)
            child = self._children[key] = Trace(self._tree, self, (task, answer), machine)
        return child


class TraceTree:
    """All histories of one process."""

    def __init__(self, make: Callable[[], Machine], request_number: Callable[[Request], int]) -> None:
        self._make = make
        self._seen: dict[Seen, Seen] = {}
        self.request_number = request_number
        self.count = 0
        self.root = Trace(self, None, None, make())

    def seen(self, value: Seen) -> Seen:
        """The one object that stands for all equal ones."""
        return self._seen.setdefault(value, value)

    def replay(self, trace: Trace) -> Machine:
        """A process with this history."""
        answers = []
        at: Trace | None = trace
        while at is not None and at.last is not None:
            answers.append(at.last)
            at = at.parent
        machine = self._make()
        for task, answer in reversed(answers):
            machine.answer(task, answer)
        return machine
