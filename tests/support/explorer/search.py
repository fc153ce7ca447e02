"""The search: every order of the processes' operations, with faults at each, and the promises checked in
every state.

A state is the world, each process' history, the writes that may still land late, and the faults so far;
states reached twice are explored once. Where a step commutes with all that the others may ever do, and
shows nothing, only that step is explored next. Faults, at most so many in a run:

- a write's outcome is unknown: it may land at once, at any later time, or never;
- a process crashes: what it has sent may still land likewise (a crash before a read is the same as one
  before the
  next write, with that write never landing);
- a commit is refused by the store and surely did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from roomfleet.store.errors import OutcomeUnknown, StoreUnavailable
from support.explorer.checks import Checks
from support.explorer.model import WRITES, Model, Request, World, op_of
from support.explorer.node import Seen
from support.explorer.process import Machine, ModelClient, Program, Trace, TraceTree


@dataclass(frozen=True)
class Process:
    """A program, and all that it may ever read or write: rooms by name, actors by name, ``*`` for all
    actors.
    """

    program: Program
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scenario:
    """A world and the processes let loose on it."""

    name: str
    world: World
    processes: Mapping[str, Process]
    faults: int = 2
    refusals: bool = False
    """Whether the store may also refuse a commit."""


@dataclass
class Explored:
    """What a search has seen."""

    scenario: str
    states: int = 0
    steps: int = 0
    ends: int = 0
    histories: int = 0


class Violation(AssertionError):
    """A promise is broken; the message tells how, step by step."""


class _State(NamedTuple):
    world: int
    traces: tuple[Trace | None, ...]
    """None: crashed."""
    last_seen: tuple[Seen, ...]
    late: tuple[int, ...]
    faults: int


@dataclass
class _Numbers:
    """Equal values get the same number."""

    values: list[Any] = field(default_factory=list)
    numbers: dict[Any, int] = field(default_factory=dict)

    def of(self, value: Any) -> int:
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.values)
            self.values.append(value)
        return number


class Explorer:
    """One search."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        model: Model | None = None,
        client: type[ModelClient] = ModelClient,
        faults: int | None = None,
        reduce: bool = True,
    ) -> None:
        self.scenario = scenario
        self.explored = Explored(scenario.name)
        self._model = model or Model()
        self._reduce = reduce
        self.ends: set[tuple[World, tuple[Seen, ...]]] = set()
        self._most_faults = scenario.faults if faults is None else faults
        self._worlds = _Numbers()
        self._requests = _Numbers()
        self._answers = _Numbers()
        self._performed: dict[tuple[int, int], tuple[int, int]] = {}
        self._names = list(scenario.processes)
        self._processes = list(scenario.processes.values())
        self._trees = [
            TraceTree(self._maker(process.program, client, name), self._requests.of)
            for name, process in scenario.processes.items()
        ]
        self._checks = Checks(self._names)

    @staticmethod
    def _maker(program: Program, client: type[ModelClient], name: str) -> Callable[[], Machine]:
        return lambda: Machine(program, client(name))

    def run(self) -> Explored:
        """Explore everything. Raises Violation."""
        roots = tuple(tree.root for tree in self._trees)
        start = _State(
            self._worlds.of(self.scenario.world),
            roots,
            tuple(root.seen for root in roots),
            (),
            self._most_faults,
        )
        known = {self._key(start)}
        path: list[str] = ["start"]
        stack: list[Iterator[tuple[str, _State]]] = [self._next(start)]
        while stack:
            for label, state in stack[-1]:
                self.explored.steps += 1
                key = self._key(state)
                if key in known:
                    continue
                known.add(key)
                path.append(label)
                self._check(state, path)
                stack.append(self._next(state))
                break
            else:
                stack.pop()
                path.pop()
        self.explored.states = len(known)
        self.explored.histories = sum(tree.count for tree in self._trees)
        return self.explored

    def _key(self, state: _State) -> tuple[Any, ...]:
        # Of a crashed process only what it had said counts.
        processes = tuple(
            trace.number if trace is not None else seen
            for trace, seen in zip(state.traces, state.last_seen, strict=True)
        )
        return state.world, processes, state.late, state.faults

    def _check(self, state: _State, path: list[str]) -> None:
        world: World = self._worlds.values[state.world]
        alive = [trace is not None for trace in state.traces]
        wrong = self._checks.at_any_time(state.world, world, state.last_seen, alive)
        if wrong is None and not any(trace is not None and trace.waiting for trace in state.traces):
            self.explored.ends += 1
            self.ends.add((world, state.last_seen))
            wrong = self._checks.at_the_end(state.world, world, state.last_seen)
        if wrong is not None:
            steps = "\n  ".join(path)
            raise Violation(f"{self.scenario.name}: {wrong}\n  {steps}\n  world: {world}")

    def _next(self, state: _State) -> Iterator[tuple[str, _State]]:
        for index, trace in enumerate(state.traces):
            if trace is None or not trace.waiting:
                continue
            request = trace.waiting[0][1]
            if self._reduce and len(trace.waiting) == 1 and self._commutes(state, index, request):
                steps = list(self._steps(state, index, trace))
                if self._shows_nothing(state, steps[0][1]):
                    yield from steps
                    return
        for index, trace in enumerate(state.traces):
            if trace is not None:
                yield from self._steps(state, index, trace)
        for request in state.late:
            world, _ = self._perform(state.world, request)
            rest = tuple(other for other in state.late if other != request)
            yield f"late: {self._requests.values[request]}", state._replace(world=world, late=rest)

    def _steps(self, state: _State, index: int, trace: Trace) -> Iterator[tuple[str, _State]]:
        name = self._names[index]
        for task, number in trace.waiting:
            request: Request = self._requests.values[number]
            world, answer = self._perform(state.world, number)
            after = trace.after(task, answer, self._answers.values[answer])
            yield f"{name}.{task}: {request}", self._moved(state, index, after)._replace(world=world)
        if state.faults == 0:
            return
        writes = [(t, n) for t, n in trace.waiting if self._requests.values[n][0] in WRITES]
        for task, number in writes:
            request = self._requests.values[number]
            lost = self._answers.of(OutcomeUnknown)
            after = trace.after(task, lost, OutcomeUnknown)
            late = tuple(sorted({*state.late, number}))
            yield (
                f"{name}.{task}: outcome unknown of {request}",
                self._moved(state, index, after)._replace(late=late, faults=state.faults - 1),
            )
            if self.scenario.refusals and request[0] == "commit_room":
                refused = self._answers.of(StoreUnavailable)
                after = trace.after(task, refused, StoreUnavailable)
                yield (
                    f"{name}.{task}: refused {request}",
                    self._moved(state, index, after)._replace(faults=state.faults - 1),
                )
        if writes:
            late = tuple(sorted({*state.late, *(number for _, number in writes)}))
            traces = (*state.traces[:index], None, *state.traces[index + 1 :])
            yield f"{name}: crash", state._replace(traces=traces, late=late, faults=state.faults - 1)

    @staticmethod
    def _moved(state: _State, index: int, trace: Trace) -> _State:
        traces = (*state.traces[:index], trace, *state.traces[index + 1 :])
        seen = (*state.last_seen[:index], trace.seen, *state.last_seen[index + 1 :])
        return state._replace(traces=traces, last_seen=seen)

    def _perform(self, world: int, request: int) -> tuple[int, int]:
        done = self._performed.get((world, request))
        if done is None:
            after, answer = self._model.perform(self._worlds.values[world], self._requests.values[request])
            done = self._performed[world, request] = (self._worlds.of(after), self._answers.of(answer))
        return done

    def _shows_nothing(self, before: _State, after: _State) -> bool:
        """Whether the checks see the same before and after."""
        worlds = self._worlds.values
        return before.last_seen == after.last_seen and (
            before.world == after.world
            or self._checks.view(before.world, worlds[before.world])
            == self._checks.view(after.world, worlds[after.world])
        )

    def _commutes(self, state: _State, index: int, number: int) -> bool:
        """Whether nothing that others may still do touches what the request touches."""
        reads, writes = touched(self._requests.values[number])
        own = self._processes[index]
        assert _within(reads, own.reads | own.writes), (self._names[index], reads)
        assert _within(writes, own.writes), (self._names[index], writes)
        for other, process in enumerate(self._processes):
            trace = state.traces[other]
            if other == index or trace is None or not trace.waiting:
                continue
            if _meet(reads | writes, process.writes) or _meet(writes, process.reads):
                return False
        for late in state.late:
            late_reads, late_writes = touched(self._requests.values[late])
            if _meet(reads | writes, late_writes) or _meet(writes, late_reads):
                return False
        return True


def touched(request: Request) -> tuple[frozenset[str], frozenset[str]]:
    """What a request reads and what it writes."""
    match request[0]:
        case "take_room" | "commit_room":
            return frozenset(), frozenset({request[1]})
        case "replace_actor":
            return frozenset(), frozenset({op_of(request[1]).id})
        case "get_room" | "get_actor":
            return frozenset({request[1]}), frozenset()
        case _:
            return frozenset({"*"}), frozenset()


def _is_actor(thing: str) -> bool:
    return not thing[:1].isupper()


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    if one & other:
        return True
    return ("*" in one and any(map(_is_actor, other))) or ("*" in other and any(map(_is_actor, one)))


def _within(one: frozenset[str], all_of: frozenset[str]) -> bool:
    return one <= all_of or ("*" in all_of and all(_is_actor(thing) or thing in all_of for thing in one))
