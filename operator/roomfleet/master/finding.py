"""Asks nodes where a player is, for whoever looks; joins ask in the core's own way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from roomfleet.master.core.model import Key
from roomfleet.wire.link import Find, Found, ToNode

ANSWER_SECONDS = 2.0
"""A node that has not answered by then is not waited for."""


class Finder:
    """Questions that nodes have not answered yet."""

    def __init__(self, send: Callable[[Key, str, ToNode], None]) -> None:
        """`send(node, boot, message)` may come to nothing."""
        self._send = send
        self._asked: dict[str, asyncio.Future[Found]] = {}

    async def ask(self, node: Key, boot: str, player: str) -> Found | None:
        """What the node says; None: nothing, in time."""
        id = f"look-{secrets.token_urlsafe(9)}"
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        self._send(node, boot, Find(id=id, player=player))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._asked[id]

    def heard(self, found: Found) -> bool:
        """A node has answered somebody. Whether it was asked from here."""
        answer = self._asked.get(found.id)
        if answer is None or answer.done():
            return found.id.startswith("look-")
        answer.set_result(found)
        return True
