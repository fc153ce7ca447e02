"""Applying ops: from a committed journal to the actors' documents. Anybody may, at any time, any number of
times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from roomfleet.store.errors import OutcomeUnknown, StoreUnavailable
from roomfleet.store.operations import Replaced, Store
from roomfleet.store.records import Op

T = TypeVar("T")

Pause = Callable[[int], Awaitable[None]]
"""Waits before attempt ``n`` (1, 2, …) of something that the store did not do. May raise to give up."""


async def insist(operation: Callable[[], Awaitable[T]], pause: Pause) -> T:
    """The result of something that may be done any number of times: again until the outcome is known."""
    attempt = 0
    while True:
        try:
            return await operation()
        except (OutcomeUnknown, StoreUnavailable):
            attempt += 1
            await pause(attempt)


async def apply_ops(store: Store, ops: Sequence[Op], pause: Pause) -> None:
    """Apply the ops of a journal that is known to be committed. Returns when each is done, by us or by
    others.
    """
    if not ops:
        return
    results = await insist(lambda: store.replace_actors(ops, insert=True), pause)
    met = [op for op, result in zip(ops, results, strict=True) if result is Replaced.DUPLICATE]
    if met:
        # Somebody inserted between the look and the insertion: now there is a document to compare versions
        # with.
        await insist(lambda: store.replace_actors(met, insert=False), pause)
