"""Driving the save protocol by hand in unit tests: a model store, and a say in what becomes of each
operation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from support.explorer.model import Model, Request, World, world
from support.explorer.process import ModelClient

T = TypeVar("T")

LOST = "lost"
"""The write does not happen, its outcome is unknown."""
LANDED = "landed"
"""The write happens, its outcome is unknown."""
REFUSED = "refused"
"""The write does not happen, and that is known."""


class ByHand:
    """A model store. ``fates`` are taken in turn by the operations of the kind that they name."""

    def __init__(self, *rooms: str) -> None:
        self.world: World = world(list(rooms), [])
        self.store = ModelClient("p")
        self.asked: list[Request] = []
        self.fates: list[tuple[str, str | BaseException]] = []
        self._model = Model()

    def run(self, protocol: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or its error."""
        step: Callable[[], Request] = lambda: protocol.send(None)  # noqa: E731
        while True:
            try:
                request = step()
            except StopIteration as stop:
                result: T = stop.value
                return result
            self.asked.append(request)
            step = self._step(protocol, request)

    def _step(self, protocol: Coroutine[Any, Any, Any], request: Request) -> Callable[[], Request]:
        from roomfleet.store import OutcomeUnknown, StoreUnavailable

        fate: str | BaseException | None = None
        if self.fates and self.fates[0][0] == request[0]:
            fate = self.fates.pop(0)[1]
        if fate is None or fate == LANDED:
            self.world, answer = self._model.perform(self.world, request)
            if fate is None:
                return lambda: protocol.send(answer)
        error = fate if isinstance(fate, BaseException) else None
        if error is None:
            error = StoreUnavailable("refused") if fate == REFUSED else OutcomeUnknown("lost on the way")
        return lambda: protocol.throw(error)

    def kinds(self) -> list[str]:
        """What was asked since the last look."""
        asked, self.asked = self.asked, []
        return [request[0] for request in asked]
