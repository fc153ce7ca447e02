"""What scripts have asked of the node and wait for: saves, and coroutines to run outside."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from roomfleet.game.outbox import Barrier, Outside
from roomfleet.game.scripting.script import Wait

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom


class Asked:
    """By id, until the node answers."""

    __slots__ = ("_live", "_next", "_waits")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self._next = 0
        self._waits: dict[int, Wait[Any]] = {}

    async def save(self) -> None:
        """Until all that is unsaved now is saved."""
        self._next += 1
        wait = self._waits[self._next] = Wait()
        self._live.outbox.barriers.append(Barrier(self._next))
        await wait

    async def outside(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Until the node has run it."""
        self._next += 1
        wait = self._waits[self._next] = Wait()
        self._live.outbox.outside.append(Outside(self._next, coroutine))
        return await wait

    def answer(self, asked: int, value: Any = None, error: BaseException | None = None) -> None:
        """The node's answer; one that nobody waits for any more is dropped."""
        wait = self._waits.pop(asked, None)
        if wait is not None and error is not None:
            wait.fail(error)
        elif wait is not None:
            wait.resolve(value)
