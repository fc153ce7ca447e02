"""Whose database this is: the node runs nothing before it knows that it is its own installation's.

Two installations in one database, with rooms of equal names, would take them from each other for ever, and
sweep what they take for deleted.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from roomfleet.store import CannotOpen, Store, StoreError, installation
from roomfleet.wire.link import Accepted, Drain, ToNode

log = logging.getLogger(__name__)

MOST_SECONDS = 1.0
"""A store that does not answer is asked again at the latest after that."""


class Ownership:
    """Stands between the link and the node: the master's orders wait until the database is known."""

    def __init__(
        self,
        store: Store,
        rng: random.Random,
        follow: Callable[[ToNode], None],
        refuse: Callable[[str], None],
    ) -> None:
        """`follow(message)` is called with each order once it may be followed, in order.

        `refuse(why)`: the database is another installation's, or cannot be used; nothing is followed.
        """
        self._store, self._rng = store, rng
        self._follow, self._refuse = follow, refuse
        self._asked = ""
        self._known = ""
        self._waiting: list[ToNode] = []
        self._task: asyncio.Task[None] | None = None

    def told(self, message: ToNode) -> None:
        """The master said something."""
        if isinstance(message, Accepted) and message.installation not in ("", self._asked):
            self._asked, self._known = message.installation, ""
            self.stop()
            self._task = asyncio.get_running_loop().create_task(self._ask(message), name="installation")
        if self._asked == self._known or isinstance(message, Drain):
            self._follow(message)
        else:
            self._waiting.append(message)

    def link_down(self) -> None:
        """What the master said it will say again."""
        self._waiting.clear()

    def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self, accepted: Accepted) -> None:
        attempt = 0
        while True:
            try:
                await installation(self._store, accepted.installation, adopts=accepted.adopts)
                break
            except CannotOpen as error:
                self._waiting.clear()
                self._refuse(str(error))
                return
            except StoreError as error:
                if attempt == 0:
                    log.warning("no room runs before the store says whose it is: %s", error)
            attempt += 1
            await asyncio.sleep(min(MOST_SECONDS, 0.05 * 2 ** min(attempt, 10)) * self._rng.uniform(0.5, 1))
        self._known = accepted.installation
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._follow(message)
