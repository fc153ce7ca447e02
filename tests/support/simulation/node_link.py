"""A simulated node's link to the master: it keeps its order, breaks, and loses what is on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomfleet.master.core import effects as fx
from roomfleet.master.core import events as ev

if TYPE_CHECKING:
    from support.simulation.nodes import SimNode

DIAL_SECONDS = 3.0


@dataclass(slots=True)
class Connection:
    """One connection to one start of the master."""

    life: int
    channel: str
    up: bool = True
    held_until: float = 0.0
    """Until then the node does not notice that the master at its other end stands still."""
    loses: bool = False
    """When it broke, what was on its way got lost."""


class NodeLink:
    """Of one process: connected, broken, dialled again."""

    def __init__(self, node: SimNode) -> None:
        self._node = node
        self._simulation = node.simulation
        self._link: Connection | None = None
        self._number = 0

    @property
    def up(self) -> bool:
        """Whether the node takes it for up."""
        return self._link is not None and self._link.up

    @property
    def linked(self) -> bool:
        """Whether it leads to the master that there is."""
        return self._link is not None and self._link.up and self._link.life == self._simulation.master.life

    def dial(self) -> None:
        master = self._simulation.master
        if self._node.dead or self._node.draining or self.up:
            return
        if not master.up:
            self._node.later(self._simulation.delay(f"dial {self._node.boot}", DIAL_SECONDS) + 0.1, self.dial)
            return
        self._number += 1
        self._link = Connection(master.life, f"{self._node.boot} {self._number}")
        self.send(self._node.hello())

    def cut(self, back: float, *, told: bool) -> None:
        """The link breaks; whether the master hears of it is another matter."""
        link = self._link
        if link is None or not link.up:
            return
        link.up = False
        link.loses = self._simulation.luck(f"cut {self._node.boot}") < 0.5
        if told:
            self._deliver(link, ev.NodeDisconnected(self._node.key, self._node.boot), 1.0, always=True)
        self._node.later(back, self.dial)

    def send(self, event: ev.Event) -> None:
        link = self._link
        if link is None or not link.up or self._node.dead:
            return
        self._deliver(link, event, 0.2)
        if isinstance(event, ev.NodeReported) and self._simulation.luck(f"again {self._node.boot}") < 0.03:
            self._deliver(link, event, 0.2)

    def _deliver(self, link: Connection, event: ev.Event, longest: float, *, always: bool = False) -> None:
        master = self._simulation.master

        def arrive() -> None:
            if master.life == link.life and (link.up or always or not link.loses):
                newer = self._link is not link and self._simulation.nodes.get(self._node.key) is self._node
                if not newer:  # the master drops what an older link of the same process brings
                    master.tell(event)

        delay = self._simulation.delay(f"link {self._node.boot}", longest)
        self._simulation.clock.later(delay, arrive, f"from {link.channel}")

    def hear(self, what: Callable[[], None]) -> None:
        """Something from the master, on its way."""
        link = self._link
        if link is None or not self.linked:
            return

        def arrive() -> None:
            if link.up:
                self._node.here(what)

        delay = self._simulation.delay(f"link {self._node.boot}", 0.2)
        self._simulation.clock.later(delay, arrive, f"to {link.channel}")

    def end(self) -> bool:
        """The process ended. Whether it ever had a link."""
        if self._link is None:
            return False
        self._link.up = False
        self._link.loses = self._simulation.luck(f"kill {self._node.boot}") < 0.5
        return True

    # -- a master that is no more --------------------------------------------------------------------------

    def look(self) -> None:
        """Dial anew where the master at the other end is gone."""
        link = self._link
        given_up = link is not None and link.up and self._simulation.clock.now >= link.held_until
        if link is not None and given_up and not self.linked and not self._node.draining:
            link.up = False
            self._node.later(self._simulation.delay(f"dial {self._node.boot}", DIAL_SECONDS), self.dial)

    def cling(self, seconds: float, desired: fx.SendDesired, after: float) -> None:
        """Stay so long with the master that stands still, and hear `after` some time what it said before, if
        the link still is the one that there is."""
        link = self._link
        if link is None:
            return
        link.held_until = self._simulation.clock.now + seconds

        def hear() -> None:
            if self._link is link and link.up:
                self._node.here(lambda: self._node.rooms.desire(desired))

        self._simulation.clock.later(after, hear)
