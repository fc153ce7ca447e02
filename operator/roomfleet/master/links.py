"""The control links of nodes: which one is a node's newest, and what is sent there."""

from __future__ import annotations

import asyncio
from typing import Protocol

from roomfleet.master.core.effects import SendDesired
from roomfleet.master.core.model import Key
from roomfleet.wire.link import Desired, Drain, ToNode

DESIRED_SECONDS = 0.02
"""A node hears its whole set of rooms at most that often: a thousand rooms that start do not send it a
thousand times."""


class NodeLink(Protocol):
    """A node's end of the control link, as the master needs it."""

    def send(self, message: ToNode) -> None: ...


class Links:
    """One for each boot of a node that is connected. A message to one that has none is lost."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._links: dict[tuple[Key, str], NodeLink] = {}
        self._pausing: dict[tuple[Key, str], SendDesired | None] = {}

    def up(self, node: Key, boot: str, link: NodeLink) -> None:
        """From now on messages for that boot of the node go there."""
        self._links[node, boot] = link

    def is_newest(self, node: Key, boot: str, link: NodeLink) -> bool:
        """Whether it is the newest link of that boot of the node."""
        return self._links.get((node, boot)) is link

    def down(self, node: Key, boot: str, link: NodeLink) -> bool:
        """That link is gone. False: another one had taken its place before."""
        if not self.is_newest(node, boot, link):
            return False
        del self._links[node, boot]
        return True

    def desire(self, effect: SendDesired) -> None:
        """The whole set, at once; while it changes often, only the latest one of each pause."""
        key = (effect.node, effect.boot)
        if key in self._pausing:
            self._pausing[key] = effect
            return
        self._pausing[key] = None
        self._loop.call_later(DESIRED_SECONDS, self._pause_over, key)
        desired = Desired(rooms=list(effect.rooms), prepare=list(effect.prepare), moving=list(effect.moving))
        self.send(*key, desired)

    def drain(self, node: Key) -> None:
        """The node is to end, whichever boot of it."""
        for name, boot in list(self._links):
            if name == node:
                self.send(name, boot, Drain())

    def send(self, node: Key, boot: str, message: ToNode) -> None:
        """To that boot of the node, if it has a link."""
        link = self._links.get((node, boot))
        if link is not None:
            link.send(message)

    def _pause_over(self, key: tuple[Key, str]) -> None:
        latest = self._pausing.pop(key)
        if latest is not None:
            self.desire(latest)
